// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Frames of running threads: function, file, line and locals.
 *
 * Source: Include/internal/pycore_frame.h, Objects/locations.md (line tables), 3.11.2.
 */
#pragma once

#include "cpython/python.h"

/** Who owns an interpreter frame's contents (pycore_frame.h: enum _frameowner). */
enum pyframe_owner { PYFRAME_THREAD, PYFRAME_GENERATOR, PYFRAME_OBJECT, PYFRAME_OTHER };

struct pyframe {
	remote_addr addr, previous, code, globals;
	enum pyframe_owner owner;
};

/** The innermost frame of a thread state, or 0. */
remote_addr pyframe_innermost(struct pycontext *context, remote_addr thread);
/** False if it cannot be read or has no code. */
bool pyframe_read(struct pycontext *context, remote_addr addr, struct pyframe *ret);

/** "app.main": the module from the frame's globals, and the qualified name of the code. */
void pyframe_function(
	struct pycontext *context, const struct pyframe *frame, char *ret, size_t size);
void pyframe_file(struct pycontext *context, const struct pyframe *frame, char *ret, size_t size);
/** The line being executed; 0 if unknown. */
uint32_t pyframe_line(struct pycontext *context, const struct pyframe *frame);
