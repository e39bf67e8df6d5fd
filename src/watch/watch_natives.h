// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * The C functions between a store and the interpreter's evaluation loop: who of C code that Python called
 * did it.
 *
 * Where the loop's own frame is on the C stack the interpreter says from 3.10 on (pystack_evaluation());
 * before, and besides, functions are known by name: _PyEval_EvalFrameDefault, PyEval_EvalFrameEx (2.7, and
 * a wrapper later), which are exported and so keep their names when stripped, and the handlers of
 * instructions, _TAIL_CALL_*, of a 3.14 that is built so (Python/ceval_macros.h). Where neither is known,
 * only code of other files than the interpreter's is told, up to the first of its own.
 */
#pragma once

#include "cpython/python.h"
#include "target/native_stack.h"
#include "watch/watch.h"

struct watch_natives;

/** Borrows both. Reads symbols: takes some 10 ms. */
struct error *watch_natives_create(
	const struct process *process, const struct python *python, struct watch_natives **ret);
void watch_natives_destroy(struct watch_natives *natives);
DEFINE_CLEANUP(struct watch_natives *, watch_natives_destroy)

/** The thread with these registers stands still: what is to be copied of it, and to where. */
struct target_piece watch_natives_begin(
	struct watch_natives *natives, const struct target_thread *registers);
/** So many bytes of that were. @p evaluation is from pystack_evaluation(). */
void watch_natives_copied(struct watch_natives *natives, size_t size, remote_addr evaluation);
/** The functions of the stack that was copied last, innermost first, at most WATCH_NATIVES_MAX; none if that
 * was told already. Valid until the next call. NULL is fine. */
const struct watch_native *watch_natives_unwind(struct watch_natives *natives, size_t *ret_count);
