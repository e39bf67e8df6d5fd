// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Frames of running threads: function, file, line and locals.
 *
 * Up to 3.10 every frame is an object on the heap. From 3.11 the frames of a thread are in a stack of
 * its own, and become objects only when somebody asks. Source: Include/internal/pycore_frame.h and
 * Objects/frameobject.c of 2.7.18 to 3.14.4.
 */
#pragma once

#include "cpython/python.h"

/** Who owns a frame's contents (pycore_frame.h: enum _frameowner). */
enum pyframe_owner {
	PYFRAME_THREAD,    /* the thread that runs it */
	PYFRAME_GENERATOR, /* a generator object */
	PYFRAME_OBJECT,    /* a frame object, which is no frame of a thread any more */
	PYFRAME_OTHER,     /* C code's: nothing in it but `previous` means anything */
};

struct pyframe {
	remote_addr addr, previous, code, globals;
	enum pyframe_owner owner;
	/** The frame is an object, which the thread owns a reference to (up to 3.10). */
	bool is_object;
};

/** The innermost frame of a thread state, or 0. */
remote_addr pyframe_innermost(struct pycontext *context, remote_addr thread);
/** False if it cannot be read or has neither code nor an owner that excuses it. */
bool pyframe_read(struct pycontext *context, remote_addr addr, struct pyframe *ret);

/** The frame that a frame object is (up to 3.10), or is about. */
bool pyframe_read_object(struct pycontext *context, remote_addr object, struct pyframe *ret);

/** The frame of a generator, coroutine or async generator; false if it has none any more. */
bool pyframe_read_generator(struct pycontext *context, remote_addr generator, struct pyframe *ret);
/** Is the frame inside a generator object still in use (3.11+)? */
bool pygenerator_has_frame(struct pycontext *context, remote_addr generator);

/** The code of a generator, or 0. */
remote_addr pygenerator_code(struct pycontext *context, remote_addr generator);

/** "app.main": the module from the frame's globals, and the qualified name of the code. */
void pyframe_function(
	struct pycontext *context, const struct pyframe *frame, char *ret, size_t size);
void pyframe_file(struct pycontext *context, const struct pyframe *frame, char *ret, size_t size);
/** The instruction being executed, in bytes from the start of its code: what pycode_line() takes. False
 * if it cannot be read. */
bool pyframe_instruction(struct pycontext *context, const struct pyframe *frame, int64_t *ret);
/** Is the frame still being prepared at this instruction, or made by the interpreter for itself (3.11+:
 * _PyFrame_IsIncomplete())? Python does not show such frames. */
bool pyframe_is_incomplete(
	struct pycontext *context, const struct pyframe *frame, int64_t instruction);
/** The value of local variable number @p slot (pycode_find_local()); of a cell, what is in it. 0 if it
 * has none now. */
remote_addr pyframe_local(struct pycontext *context, const struct pyframe *frame, uint32_t slot);
/** The line being executed; 0 if unknown. */
uint32_t pyframe_line(struct pycontext *context, const struct pyframe *frame);
