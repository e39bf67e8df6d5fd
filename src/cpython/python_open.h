// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * An interpreter's memory opened: the layout that fits it, and its types.
 */
#pragma once

#include "base/vector.h"
#include "cpython/pyruntime_place.h"

/**
 * Open the interpreter in the bytes of one moment: reads its types and checks that the layout fits.
 *
 * Of the rows for the version, the first that fits is taken; from 3.13 on what _Py_DebugOffsets says
 * is laid over it. ERROR_BAD_DATA, naming a field, if none fits.
 */
struct error *python_open(
	const struct target *target, const struct pyruntime_place *place, struct python **ret);
void python_close(struct python *python);
DEFINE_CLEANUP(struct python *, python_close)

/** A row that was tried, and why it was refused (owned; NULL: it was taken). */
struct python_trial {
	const struct pylayout *row;
	char *refusal;
};
DEFINE_VECTOR(python_trials, struct python_trial)
/** Empties it. */
void python_trials_release(struct python_trials *trials);

/** python_open() that adds to @p trials what became of each row that it tried, also if it fails. */
struct error *python_open_told(const struct target *target, const struct pyruntime_place *place,
	struct python_trials *trials, struct python **ret);

/** Is the value of a field (its offset in struct pylayout) what _Py_DebugOffsets of the target says? */
bool python_was_told(const struct python *python, uint32_t field);
