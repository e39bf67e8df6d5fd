// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Make a stopped thread execute a system call, in a way that heals itself.
 *
 * Before the thread is diverted, everything it needs to come back is written below its stack, in
 * the form of a signal frame. Whoever lets go of the thread, even by dying, lets it run: system
 * call, return, sigreturn, where it was. In the ordinary case the thread never gets that far: its
 * registers are put back by ptrace at a stop where the kernel's own logic for interrupted system
 * calls and pending signals follows, so that it goes on exactly as if it had only been stopped.
 *
 * PTRACE_SINGLESTEP is never used: the trap it leaves behind kills the target if we die then.
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
};

/** Prepare @p thread, which must be stopped. Nothing is changed but memory below its stack. */
struct error *injection_begin(struct stopped_thread *thread, const struct machine_gadgets *gadgets,
	struct injection *ret);

/** Execute a system call; *ret is what it returned (-errno on failure), *ret_child the child it
 * made (stopped, traced by us), or 0. On failure the caller must end its tracer. */
struct error *injection_call(struct injection *injection, long number, const uint64_t arguments[6],
	int64_t *ret, pid_t *ret_child);

/** Put the thread back to where it was; it stays stopped. */
struct error *injection_end(struct injection *injection);

/** Why @p thread had better not be chosen, or NULL. @p mappings may be a little older than the
 * stop. */
const char *injection_refusal(const struct stopped_thread *thread, const struct mappings *mappings,
	const struct machine_gadgets *gadgets);
