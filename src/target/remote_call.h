// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Calls of functions in a running process, at a moment that somebody else chooses.
 *
 * What is called, in which thread, and when that is safe, is asked of struct remote_call_ops: with all
 * threads stopped, again and again, until there is such a thread or time is up. The thread then runs
 * alone under our eyes, all others go on.
 *
 * Functions that are safe only at a point the program comes to by itself are called in two steps. The
 * first functions lead to a sched_yield() at that point, a system call that does nothing. There the thread is
 * stopped, the ops say what to call, it is called, and the thread goes on from the sched_yield(). Whoever
 * is killed in between leaves the program with a sched_yield() more than it wanted.
 *
 * The main thread is to be chosen last. While it is in our hands, the kernel gives signals that are sent to the
 * process to other threads, also those that the process ignores (SIGCHLD), which it else drops: a wait of
 * these may return EINTR for it.
 *
 * When time is up, or we are killed, the thread is let go wherever it is: it does what is left of the
 * functions and goes back to where it was (inject.h).
 */
#pragma once

#include "target/inject.h"
#include "target/process.h"

#define REMOTE_CALL_NO_THREAD SIZE_MAX

/** Where the sched_yield() is to which the first functions lead, and where arrive() is asked. */
enum remote_call_point {
	REMOTE_CALL_NO_POINT, /* they are all that is to be called */
	REMOTE_CALL_WITHIN,   /* it is one of them */
	REMOTE_CALL_AFTER,    /* the program makes it some time after they have returned */
};

struct remote_call_plan {
	size_t thread; /* in the list of stopped ones; REMOTE_CALL_NO_THREAD: none will do now */
	struct machine_functions functions;
	bool holds_signals; /* see injection_begin_functions() */
	/** The others stay stopped until the functions have returned (but not for long). */
	bool is_alone;
	enum remote_call_point point;
	const char *reason; /* static: why none will do, or what is being done */
};

struct remote_call_ops {
	/** All threads of @p threads are stopped; choose one. */
	struct error *(*choose)(void *context, const struct stopped_threads *threads,
		const struct machine_gadgets *gadgets, const struct mappings *mappings,
		struct remote_call_plan *ret);
	/** The thread is at a sched_yield(), with these registers; @p is_ours if it is that of the functions
	 * themselves. No functions in *ret: it is not what was waited for, go on. */
	struct error *(*arrive)(void *context, const struct stopped_thread *thread,
		const struct machine_registers *registers, bool is_ours,
		struct machine_functions *ret);
};

struct remote_call_report {
	bool is_done;
	/** The thread was let go in the midst: what was called goes on, or comes to an end unused. */
	bool is_left;
	pid_t thread;       /* that did it, or 0 */
	unsigned tries;     /* times that all threads were stopped */
	unsigned failures;  /* times that they could not be, for one did not stop in time */
	double stopped_ms;  /* all threads, in all tries */
	double away_ms;     /* that thread, from its stop to its release */
	double call_ms;     /* of that: the functions themselves */
	const char *reason; /* static: why it is not done, or how it was done */
};

/** Do @p work with all threads of the process stopped: for changes that are in memory only. Adds to
 * *stopped_ms for how long. */
struct error *remote_stopped(struct process *process, struct error *(*work)(void *context),
	void *context, double *stopped_ms);

/** How long to try, from now on. */
struct remote_patience {
	double begin_s, end_s;   /* for a thread to be chosen; for all of it */
	bool (*is_enough)(void); /* asked whether to end before; NULL: no */
};

/** ERROR_GONE if the process ends meanwhile, ERROR_UNSUPPORTED if it cannot be diverted at all. */
struct error *remote_call_run(struct process *process, const struct remote_call_ops *ops,
	void *context, const struct remote_patience *patience, struct remote_call_report *ret);
