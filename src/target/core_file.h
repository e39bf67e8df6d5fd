// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * A core file as a target: what the kernel writes when a process crashes, or gcore at any time.
 *
 * The file is mapped, so that nothing is copied that nobody looks at; it must not be made shorter
 * meanwhile. What the core lacks because it is the same in a file (code, constants) is read from the
 * programs and libraries of this machine, or below a sysroot. Cores cut short by a limit or a full
 * disk are read as far as they go.
 *
 * Everything in a core is hostile. Segments may together have no more bytes than the file. Files it
 * names are read as core_binaries.h says.
 */
#pragma once

#include "target/target.h"

#include <stdbool.h>
#include <stdint.h>

struct error;

struct core_options {
	/** The file that is the core's program, or NULL: the one by its path. */
	const char *executable;
	/** A folder below which the core's paths are looked for, or NULL. */
	const char *sysroot;
};

/** Facts about the core; texts are owned by it and not to be trusted by a terminal. */
struct core_info {
	pid_t pid;                /* 0 if unknown */
	const char *command_line; /* its first 80 bytes */
	double written_at_s;      /* time of the file's last change, seconds since 1970 */
	uint64_t bytes;           /* of memory that the core has */
	/** What is missing and what follows from it, a sentence each. */
	const char *const *notes;
	size_t note_count;
};

/**
 * Open the core file at @p path, which is not changed. ERROR_UNSUPPORTED: no ELF core, or of another kind
 * of machine; ERROR_BAD_DATA: cut short before it says which files were mapped, or damaged.
 */
struct error *core_file_open(
	const char *path, const struct core_options *options, struct target **ret);
/** The same for bytes in memory, which are borrowed; for tests and fuzzing. */
struct error *core_file_open_bytes(
	const void *bytes, size_t size, const struct core_options *options, struct target **ret);

/** Of a target that one of the above made. */
const struct core_info *core_file_info(const struct target *core);

/** Are both of one process, as far as cores tell: the same PID, the same random bytes of its execve()? */
bool core_file_is_same_process(const struct target *left, const struct target *right);

/** Whatever failed: what the core lacks may be why. Takes @p error and returns it, or one in its place that
 *  says so; NULL stays NULL. */
struct error *core_file_explain(const struct target *core, struct error *error)
	__attribute__((__warn_unused_result__));
