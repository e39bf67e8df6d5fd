// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * The threads of a process while words of it are watched: traced, each with its breakpoints.
 *
 * They are seized, and run; one is stopped only if it blocks the signal by which its breakpoints tell, for
 * as long as it takes to unblock that. All functions must be called on one thread (see tracer.h); what is not
 * released is let go by the kernel when that ends.
 */
#pragma once

#include "base/vector.h"
#include "target/quiet_signal.h"
#include "target/watchpoints.h"

struct watched_thread {
	pid_t id;
	int fds[WATCHPOINTS_MAX]; /* -1: none */
	bool is_born;             /* false: not yet at its first instruction */
	bool is_late;             /* interrupted, but has not stopped yet */
	struct signal_unblocked unblocked;
};

DEFINE_VECTOR(watched_thread_vector, struct watched_thread)

struct watched_threads {
	// Given:
	struct process *process;         /* borrowed */
	const struct watchpoint *points; /* borrowed */
	unsigned count;                  /* of points */
	int signal;
	// The rest is zero in the beginning.
	bool is_off; /* all breakpoints are switched off */
	bool is_dropped[WATCHPOINTS_MAX];
	uint64_t stores[WATCHPOINTS_MAX]; /* counted by breakpoints that are gone */
	struct watched_thread_vector list;
};

/**
 * Seize all threads, and arm them. Those that are born later are traced from their birth, and stop then.
 * ERROR_UNSUPPORTED, with the reason, if that is refused; what was seized until then is so still.
 */
struct error *watched_threads_attach(struct watched_threads *threads);

/** NULL if it is not among them. Valid until the next that is noted or forgotten. */
struct watched_thread *watched_threads_find(struct watched_threads *threads, pid_t id);
/** One that is traced already, without breakpoints. */
struct error *watched_threads_note(
	struct watched_threads *threads, pid_t id, struct watched_thread **ret);
/** Its breakpoints; one that ended meanwhile gets none. */
struct error *watched_threads_arm(struct watched_threads *threads, struct watched_thread *thread);
/** It has ended, or is none of ours. */
void watched_threads_forget(struct watched_threads *threads, pid_t id);
/** Is it a thread of the process? clone() can make other things that say they are. */
bool watched_threads_include(const struct watched_threads *threads, pid_t id);

/** Let one run on from a stop that is not for a signal. A process that is stopped by SIGSTOP and the like stays
 * so, and tells us when it goes on. */
void watched_thread_let_run(pid_t id);

void watched_threads_switch(struct watched_threads *threads, bool is_on);
/** Watch this point no more. False if that was the last one. */
bool watched_threads_drop(struct watched_threads *threads, unsigned number);
/** Has the processor counted a store so far? */
bool watched_threads_have_stores(const struct watched_threads *threads);

/** Take the breakpoints away, give the masks back. */
void watched_threads_release(struct watched_threads *threads);
