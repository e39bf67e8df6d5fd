// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * The address space of a core file: its segments and the files it names as one list.
 *
 * The kernel has a segment for every mapping, with no bytes for those it left out; gcore has none for
 * those. Both name all mapped files in NT_FILE. Here each mapping is in one place as a whole: in the
 * core, in a file of this machine, or nowhere (then it is not readable), and is cut in pieces where it
 * is not.
 */
#pragma once

#include "target/core_binaries.h"

/** A segment: in whole pages, by address, none overlapping. */
struct core_segment {
	remote_addr start, end;
	uint64_t offset;  /* in the core */
	uint64_t claimed; /* bytes that it says the core has, from start on */
	uint64_t present; /* bytes that the core really has: whole pages */
	bool readable, writable, executable;
};

/** Where the bytes of a mapping are. */
struct core_piece {
	const uint8_t *bytes; /* in the core as it is mapped; NULL: not there */
	uint64_t core_offset;
	int fd; /* of the file, with the mapping's offset; -1: not there either */
};

/** What is missing. */
struct core_gaps {
	/** The core ends before it. */
	uint64_t cut_bytes;
	size_t cut_mappings;
	/** Writable memory of which the core has nothing, shared memory aside. Where it has other private
	 * memory, that is what nobody had written to, and nothing is lost. */
	uint64_t left_bytes;
	size_t left_mappings;
	bool has_private;
};

struct core_mappings {
	struct mappings mappings;  /* paths are borrowed from the notes */
	struct core_piece *pieces; /* one for each. Owned */
	struct core_gaps gaps;
};

/** The bytes at [addr, end) that the core has from @p addr on; NULL if it has none. */
const uint8_t *core_segments_find(const struct core_segment *segments, size_t count,
	const uint8_t *core, remote_addr addr, uint64_t *ret_size);

/** @p core: all bytes of the core file, which the pieces borrow. */
struct error *core_mappings_create(const struct core_segment *segments, size_t count,
	const uint8_t *core, const struct core_notes *notes, const struct core_binaries *binaries,
	struct core_mappings *ret);
