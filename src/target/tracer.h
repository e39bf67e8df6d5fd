// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * The thread that traces.
 *
 * ptrace ties a traced thread to the *thread* that attached, not to its process. A tracer is a
 * thread of its own for that: whoever holds the target may be on any thread, and when something
 * goes wrong midway, ending the tracer makes the kernel let go of everything at once, including
 * threads that are stuck in the kernel and could not be detached otherwise. All signals are blocked
 * in it.
 */
#pragma once

#include "base/cleanup.h"

#include <sys/types.h>

struct error;
struct pid_vector;
struct tracer;

/** A tracer for threads of process @p target. */
struct error *tracer_create(pid_t target, struct tracer **ret);
/** Run work(context) in the tracer's thread, and return what it returns. */
struct error *tracer_call(
	struct tracer *tracer, struct error *(*work)(void *context), void *context);
/** For work that waits for any of its threads: those that died, and whose end tracer_call() took note of
 * in its place since the last time. */
void tracer_noted_dead(struct tracer *tracer, struct pid_vector *ret);
/** End the thread: what it still traces runs on (a clone that must not is killed). NULL is fine. */
void tracer_destroy(struct tracer *tracer);
DEFINE_CLEANUP(struct tracer *, tracer_destroy)
