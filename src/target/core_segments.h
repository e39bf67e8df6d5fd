// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * The program headers of an ELF core file: what is where in it.
 */
#pragma once

#include "target/core_mappings.h"

#include <libelf.h>

struct core_segments {
	struct core_segment *items; /* by address. Owned */
	size_t count;
	uint64_t notes_offset, notes_size;
	uint64_t present_bytes;
	/** Segments that no memory can be: overlapping, or with more bytes than the file has in all. */
	size_t odd_count;
	bool is_cut; /* the file ends before what it says it has */
};

/** ERROR_UNSUPPORTED, saying what it is, unless it is a core file of this kind of machine. */
struct error *core_segments_check(Elf *elf);

/** @p size: bytes of the file. Of them, all segments together have no more. */
struct error *core_segments_read(Elf *elf, uint64_t size, struct core_segments *ret);
void core_segments_deinit(struct core_segments *segments);
