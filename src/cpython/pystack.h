// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * The Python stack of a thread that stands still, read in haste.
 *
 * What is read is where each frame is in which code; names and lines follow from that later (pyframe.h,
 * pycode.h), as long as the code is alive. Frames that a generator or coroutine runs are among the
 * others, where they are resumed. C code's own frames have no code, and are left out.
 */
#pragma once

#include "cpython/pyframe.h"

struct pystack_frame {
	struct pyframe frame;
	int64_t instruction; /* what pycode_line() takes */
};

/** The thread state by which a kernel thread runs Python at the moment: of several (interpreters), the
 * one that holds a GIL. @p thread_pointer is struct target_thread's. 0 if it has none. */
remote_addr pystack_find_thread(struct pycontext *context, remote_addr thread_pointer);

/** An address within the C stack frame of the evaluation function that the thread state is in, the innermost
 * one; 0 where that is not known. From 3.10 to 3.12 it is tstate->cframe, a variable of the function; from
 * 3.13 on the frame that it enters by (FRAME_OWNED_BY_CSTACK, 3.14: FRAME_OWNED_BY_INTERPRETER).
 * Source: Python/ceval.c. */
remote_addr pystack_evaluation(struct pycontext *context, remote_addr thread);

/** Its frames, the innermost first, at most @p max. Returns how many; *ret_is_cut says whether there
 * are more. */
size_t pystack_read(struct pycontext *context, remote_addr thread, struct pystack_frame *ret,
	size_t max, bool *ret_is_cut);
