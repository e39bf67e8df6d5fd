// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * The programs and libraries of a core file as they are on this machine.
 *
 * A core lacks what is the same in the file that was mapped: code, constants, symbols. Each path that
 * the core names is looked for here (below a sysroot, if there is one). Only a regular ELF file for
 * this kind of machine is taken, and, where the core has the file's first page and both have a build
 * id, only one with the same: whatever else a hostile core names is neither opened for reading nor
 * read.
 */
#pragma once

#include "target/core_notes.h"
#include "target/mappings.h"

struct error;

/** Longer build ids are not compared. */
#define CORE_BUILD_ID_BYTES 64

struct core_build_id {
	unsigned char bytes[CORE_BUILD_ID_BYTES];
	size_t size; /* 0: unknown */
};

/** A part of the file that is loaded. Memory cannot differ from one where nothing may write. */
struct core_part {
	uint64_t addr, end; /* as linked, in whole pages */
	uint64_t offset;    /* of addr in the file */
	bool writable, executable;
};
#define CORE_PARTS_MAX 16

enum core_binary_state {
	CORE_BINARY_FOUND,
	CORE_BINARY_OTHER,   /* no ELF file; nobody needs it */
	CORE_BINARY_MISSING, /* not here, or not to be read */
	CORE_BINARY_DIFFERS, /* here, and another one */
};

struct core_binary {
	const char *path; /* in the process; borrowed from the notes */
	enum core_binary_state state;
	bool is_tried;
	int fd;             /* or -1 */
	bool is_fixed;      /* ET_EXEC: loaded where it was linked to be */
	uint64_t link_base; /* where its first byte was linked to be */
	struct core_part parts[CORE_PARTS_MAX];
	size_t part_count;
};

struct core_binaries {
	struct core_binary *items; /* by path; one for each that the notes have. Owned */
	size_t count;
	uint32_t *of_file; /* for each of notes->files, its index in items. Owned */
};

/** The first bytes of a file as the core has them; NULL if it has not. */
struct core_head {
	const void *bytes;
	size_t size;
};

struct core_places {
	const char *sysroot;    /* NULL: the file system as it is */
	const char *executable; /* file that is the program, or NULL */
	const char *program;    /* path of that program in the process */
};

/** The paths of @p notes, each once; nothing is opened yet. */
struct error *core_binaries_create(const struct core_notes *notes, struct core_binaries *ret);
/** Look for one here. Never fails: the state says what became of it. */
void core_binary_open(
	struct core_binary *binary, const struct core_places *places, const struct core_head *head);
void core_binaries_deinit(struct core_binaries *binaries);

/** The part that is loaded at @p addr, where the file's first byte is at @p base, and how many bytes of
 *  it follow there; NULL if there is none. @p offset: what the process says is mapped there, in the
 *  file; another is none. */
const struct core_part *core_binary_part(const struct core_binary *binary, remote_addr base,
	remote_addr addr, uint64_t offset, uint64_t *ret_size);
