// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Stopping threads of another process, and letting them go as if nothing had been.
 *
 * PTRACE_SEIZE and PTRACE_INTERRUPT: no signal is sent, a process that is stopped by SIGSTOP stays
 * stopped, and if we die at any instant the kernel lets the threads run on. All functions must be
 * called on one thread (see tracer.h).
 */
#pragma once

#include "base/clock.h"
#include "target/machine.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct error;

struct stopped_thread {
	pid_t id;
	/** False: not ours to touch, it ended meanwhile. */
	bool stopped;
	/** Interrupted, but it did not come to its stop in time: it will, when it leaves the kernel. */
	bool late;
	struct machine_registers registers;
};

struct stopped_threads {
	struct stopped_thread *items;
	size_t count, capacity;
	/** CLOCK_MONOTONIC in seconds when the first thread was interrupted. */
	double since;
};

/**
 * Stop all threads of @p pid, also those that are born meanwhile. On failure nothing is stopped,
 * except where a thread does not react (it is stuck in the kernel): the caller must then end its
 * tracer, which is what makes the kernel let go of such a thread.
 */
struct error *ptrace_stop_all(pid_t pid, struct stopped_threads *ret);
/** Stop one thread only. */
struct error *ptrace_stop_one(pid_t pid, pid_t thread, struct stopped_threads *ret);

/** Stop a thread that the caller traces already, and let it take what signals come before that. False
 * if it ended or does not stop. */
bool ptrace_interrupt(struct stopped_thread *thread);

/** Let all go, and release the list. Returns how long they were stopped, in milliseconds. */
double ptrace_release(struct stopped_threads *threads);

/** Let all go but one, which stays in the list. Returns the same. */
double ptrace_release_others(struct stopped_threads *threads, size_t keep);

/** What waiting for a stopped thread's next stop brought. */
enum ptrace_event {
	PTRACE_STOPPED_BY_US,   /* PTRACE_INTERRUPT, or a group stop */
	PTRACE_STOPPED_SIGNAL,  /* about to take a signal */
	PTRACE_STOPPED_SYSCALL, /* entering or leaving a system call */
	PTRACE_STOPPED_CLONE,   /* just made a child */
	PTRACE_ENDED,
	PTRACE_TIMED_OUT,
};

/** Wait for the next stop of @p thread. *ret_signal is the signal it is about to take, else 0. */
enum ptrace_event ptrace_wait(pid_t thread, double seconds_max, int *ret_signal);
