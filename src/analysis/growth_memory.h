// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * How the parts of memory (memory.h) grow over the snapshots of a hunt.
 *
 * Kept of each snapshot: bytes by part, sizes of C code's blocks, objects that only unexplained references
 * hold by type, libraries that lead to C code's memory; some 100 kB. Names are copied: graphs go.
 */
#pragma once

#include "analysis/memory.h"

#define GROWTH_MEMORY_MOMENTS_MAX 32
#define GROWTH_MEMORY_ROWS_MAX    8

enum growth_memory_table {
	GROWTH_MEMORY_CLASSES,     /* C code's blocks by size */
	GROWTH_MEMORY_UNEXPLAINED, /* objects by type */
	GROWTH_MEMORY_OWNERS,      /* libraries and types that lead to C code's memory */
	GROWTH_MEMORY_TABLES,
};

struct growth_memory_row {
	char *name;    /* owned; NULL for a class */
	uint64_t size; /* of a class */
	uint64_t count, bytes;
};

struct growth_memory_moment {
	uint64_t rss_bytes;
	uint64_t headroom_bytes; /* what limits leave; UINT64_MAX if that is not known */
	uint64_t parts[HEAP_PART_COUNT];
	uint64_t unexplained_objects;
	struct growth_memory_rows {
		struct growth_memory_row *items;
		size_t count;
	} tables[GROWTH_MEMORY_TABLES];
};

struct growth_memory {
	struct growth_memory_moment moments[GROWTH_MEMORY_MOMENTS_MAX];
	size_t moment_count;
	/** Of the last one: the verdict, and a cycle of garbage, "Node → dict → Node"; "" if there is none. */
	char *verdict, *cycle;
	enum memory_cause cause;
};

/** At most GROWTH_MEMORY_MOMENTS_MAX times; more are left out. */
struct error *growth_memory_add(struct growth_memory *memory, const struct heap_graph *graph,
	const struct memory_report *report);
void growth_memory_deinit(struct growth_memory *memory);

/** Rows of a table that grew steadily from the first snapshot to the last, with what they grew by, most bytes
 *  first. Names are borrowed. Returns their number. */
size_t growth_memory_grown(const struct growth_memory *memory, enum growth_memory_table table,
	struct growth_memory_row ret[GROWTH_MEMORY_ROWS_MAX]);

/** Bytes of C code at a moment: malloc's blocks, mappings, and what has no owner. */
uint64_t growth_memory_native(const struct growth_memory_moment *moment);

/** The part that grew most from the first moment to the last, and by how much; HEAP_PART_COUNT if none
 * did. */
enum heap_memory_part growth_memory_largest(
	const struct growth_memory *memory, uint64_t *ret_bytes);
