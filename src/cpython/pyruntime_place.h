// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Where an interpreter is in a process: the binary that it lives in, and its version.
 */
#pragma once

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

/** The first words of _PyRuntime from 3.13 on. Source: Include/internal/pycore_debug_offsets.h. */
struct debug_offsets_head {
	char cookie[8];
	uint64_t version, free_threaded;
};
/** False if _PyRuntime does not begin with them. */
bool debug_offsets_read_head(
	const struct target *target, remote_addr runtime, struct debug_offsets_head *ret);
