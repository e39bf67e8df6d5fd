// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Make a stopped thread execute a system call, or functions of its program, in a way that heals itself.
 *
 * Before the thread is diverted, everything it needs to come back is written below its stack, in
 * the form of a signal frame. Whoever lets go of the thread, even by dying, lets it run: system
 * call, return, sigreturn, where it was. In the ordinary case the thread never gets that far: its
 * registers are put back by ptrace at a stop where the kernel's own logic for interrupted system
 * calls and pending signals follows, so that it goes on exactly as if it had only been stopped.
 *
 * PTRACE_SINGLESTEP is never used: the trap it leaves behind kills the target if we die then.
 *
 * Functions are called on the thread's own stack, below the frame, each returning into the next and the
 * last into the frame: nothing is needed from us once the thread was set going. What that means for
 * locks that the thread holds and code it is in the middle of is for the caller to know.
 */
#pragma once

#include "target/machine.h"
#include "target/ptrace_stop.h"

#include <stdint.h>
#include <sys/types.h>

struct error;

struct injection {
	struct stopped_thread *thread; /* borrowed */
	struct machine_gadgets gadgets;
	struct machine_frame frame;
	uint64_t mask;
	/* Of functions: */
	struct machine_vectors vectors;
	bool is_running;        /* let go, and not met since */
	bool in_call;           /* stopped between entry and exit of a system call */
	bool is_on_way_back;    /* at the entry of the one that leads back */
	bool is_wait_forgotten; /* by a system call that the functions made */
	bool was_signalled;     /* a handler of the program ran meanwhile */
};

/** Prepare @p thread, which must be stopped. Nothing is changed but memory below its stack. */
struct error *injection_begin(struct stopped_thread *thread, const struct machine_gadgets *gadgets,
	struct injection *ret);

/** Execute a system call; *ret is what it returned (-errno on failure), *ret_child the child it
 * made (stopped, traced by us), or 0. On failure the caller must end its tracer. */
struct error *injection_call(struct injection *injection, long number, const uint64_t arguments[6],
	int64_t *ret, pid_t *ret_child);

/**
 * Prepare @p thread for calling @p functions, and set it on their way; it stays stopped. With
 * @p holds_signals all signals wait meanwhile: for functions that take locks which handlers may need too.
 * Else handlers run as ever, and processes and threads that the functions start have the signal mask
 * that they should have.
 */
struct error *injection_begin_functions(struct stopped_thread *thread,
	const struct machine_gadgets *gadgets, const struct machine_functions *functions,
	bool holds_signals, struct injection *ret);

enum injection_event {
	INJECTION_RETURNED, /* all functions have; injection_end() is next */
	INJECTION_AT_CALL,  /* stopped at the exit of the system call; injection_run() goes on */
	INJECTION_TIMED_OUT, /* it runs: injection_run() waits on, or the tracer is ended and lets it */
};

/**
 * Let the thread run until the functions have returned, or it has made system call @p call (-1: none), or
 * CLOCK_MONOTONIC says @p until_s. @p registers, if not NULL, are those at that call. After
 * injection_end() it runs in its own code. @p is_enough, if not NULL, ends it before its time.
 */
struct error *injection_run(struct injection *injection, long call, double until_s,
	bool (*is_enough)(void), enum injection_event *ret,
	struct machine_registers *ret_registers);

/** What happened in @p inner, which ran in the midst of @p outer, matters for the way back of this too. */
void injection_pass_on(const struct injection *inner, struct injection *outer);

/** Put the thread back to where it was; it stays stopped. */
struct error *injection_end(struct injection *injection);

/** Why @p thread had better not be chosen, or NULL. @p mappings may be a little older than the
 * stop. */
const char *injection_refusal(const struct stopped_thread *thread, const struct mappings *mappings,
	const struct machine_gadgets *gadgets);
