// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Code objects: the slots of their frames and what they are called, and their lines.
 *
 * Source: Objects/codeobject.c, Objects/locations.md and Objects/lnotab_notes.txt of 2.7.18 to 3.14.4.
 */
#pragma once

#include "cpython/python.h"

/** Slots of a code object's frames: local, cell and free variables, then the value stack. */
struct pycode_slots {
	uint32_t locals, stack;
	/** Tuples with the names of the locals, one after the other; unused ones are 0. */
	remote_addr names[3];
};

/** False if @p code cannot be read or makes no sense. */
bool pycode_slots(struct pycontext *context, remote_addr code, struct pycode_slots *ret);
/** The str that names local @p index, or 0. */
remote_addr pycode_local_name(
	struct pycontext *context, const struct pycode_slots *slots, uint32_t index);
/** The number of the local variable of this name, or PYCODE_NO_LOCAL. */
#define PYCODE_NO_LOCAL UINT32_MAX
uint32_t pycode_find_local(struct pycontext *context, remote_addr code, const char *name);
/** The str that names free variable @p index (item of a function's closure), or 0. */
remote_addr pycode_free_name(struct pycontext *context, remote_addr code, uint64_t index);

/** The function's qualified name where the version has it, else its name: a str. */
remote_addr pycode_name(struct pycontext *context, remote_addr code);

/** The line of the instruction at byte @p offset, which is less than 0 before the first; 0 if
 * unknown. */
uint32_t pycode_line(struct pycontext *context, remote_addr code, int64_t offset);
