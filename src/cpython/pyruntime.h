// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Where an interpreter starts: the binary it lives in, its version, interpreters and threads.
 */
#pragma once

#include "base/vector.h"
#include "cpython/python.h"
#include "target/elf_file.h"
#include "target/target.h"

/** Found once per process; true for as long as it runs the same program. */
struct pyruntime_place {
	/** PY_VERSION_HEX; before 3.11 its lower half is 0, as only the file's name is known. */
	uint32_t version_hex;
	remote_addr runtime; /* _PyRuntime; 0 before 3.7 */
	remote_addr type_type;
	/** Before 3.7: the variables that came to be in _PyRuntime, or 0. */
	remote_addr interpreters_head, generation0, current_thread;
	/** Borrowed, or NULL: the interpreter as it was opened once. Its layout is taken for granted then:
	 * what a check looks at may just be changing in another moment. */
	const struct python *known;
	struct elf_file *elf; /* the binary that has the interpreter */
	char *path;           /* of that binary, in the target's mount namespace */
};

/**
 * Find the interpreter in a process. ERROR_UNSUPPORTED if there is none, one of a version that has no
 * layout, or a free-threaded or debug build.
 */
struct error *pyruntime_find(const struct target *target, struct pyruntime_place *ret);
void pyruntime_place_deinit(struct pyruntime_place *place);

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

/** The interpreter states, the main one first; python->interpreters has those at open. */
struct error *pyruntime_interpreters(struct pycontext *context, struct addr_vector *ret);
/** The thread states of one interpreter. */
struct error *pyruntime_threads(
	struct pycontext *context, remote_addr interpreter, struct addr_vector *ret);

/** The most heads that pyruntime_gc_heads() gives. */
#define PYRUNTIME_GC_HEADS_MAX 4
/** The heads of the collector's lists that an interpreter's objects are on. Returns their number. */
size_t pyruntime_gc_heads(struct pycontext *context, remote_addr interpreter,
	remote_addr ret[PYRUNTIME_GC_HEADS_MAX]);

/** The thread states that hold a GIL at this moment, at most @p max of them: one, unless interpreters
 * have a GIL of their own (3.12). Returns how many. */
size_t pyruntime_gil_holders(struct pycontext *context, remote_addr *ret, size_t max);
/** Is a thread holding the GIL; is a collection running in any interpreter? */
bool pyruntime_gil_is_held(struct pycontext *context);
bool pyruntime_is_collecting(struct pycontext *context);
/** Is the cyclic collector enabled in the main interpreter (gc.isenabled())? Before 3.7 that is
 * seen once it should have run twice. */
bool pyruntime_collector_is_enabled(struct pycontext *context);

/** sys.modules of an interpreter, or 0. */
remote_addr pyruntime_modules(struct pycontext *context, remote_addr interpreter);

/** The name that the threading module gave to the thread with this `thread_id`, or "" (then the
 * caller has the kernel's name). */
void pyruntime_thread_name(struct pycontext *context, remote_addr interpreter, remote_addr thread,
	char *ret, size_t size);

/** "3.11.2", "3.13.0rc1". */
void pyruntime_version_text(uint32_t version_hex, char *ret, size_t size);
