// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * One count of all memory, begun and ended by heap_memory.c:
 *
 *	heap_census.c           whose so many bytes of a range are
 *	heap_census_mappings.c  the address space, mapping by mapping, and what is left over
 *	heap_census_pools.c     pymalloc
 *	heap_census_malloc.c    glibc
 *	heap_census_foreign.c   other allocators
 *	heap_census_owners.c    who leads to it
 */
#pragma once

#include "heap/heap_builder.h"
#include "heap/heap_memory.h"
#include "malloc/glibc_malloc.h"
#include "target/usage.h"

DEFINE_VECTOR(arena_vector, struct heap_memory_arena)
DEFINE_VECTOR(mapping_figures_vector, struct heap_memory_mapping)
DEFINE_VECTOR(class_vector, struct heap_memory_class)
DEFINE_VECTOR(owner_vector, struct heap_memory_owner)

/** A range of memory that somebody divides further. */
struct census_area {
	remote_addr start, end;
	enum census_kind {
		AREA_ARENA,
		AREA_POOL, /* where arenas are not known */
		AREA_HEAP,
		AREA_FRAMES, /* a chunk of a thread's stack of Python frames */
	} kind;
	uint32_t index;
};
DEFINE_VECTOR(area_vector, struct census_area)

/** Memory of C code (or of nobody that is known), for which an owner is looked for. */
struct census_loose {
	remote_addr start, end;
	uint64_t resident;
	bool is_chunk;
	bool is_owned;
};
DEFINE_VECTOR(loose_vector, struct census_loose)

/** An object outside of the pools. */
struct census_other {
	remote_addr addr;
	node_id node;
};
DEFINE_VECTOR(other_vector, struct census_other)

struct heap_memory {
	struct usage usage;
	struct page_run_vector
		runs; /* of anonymous private memory, without smaps of all; ascending */
	bool has_usage;
	uint64_t limit_bytes, headroom_bytes;
	uint64_t core_bytes;
	struct heap_builder *builder; /* borrowed */
	const struct heap_file *file; /* borrowed; its figures are the answer. NULL: none */
};

struct census {
	struct heap_builder *builder;
	const struct heap_memory *memory;
	const uint8_t *fates;
	struct heap_memory_figures *figures;
	struct glibc_malloc malloc;
	struct area_vector areas;   /* ascending, none overlapping */
	struct arena_vector arenas; /* of pymalloc */
	struct other_vector others; /* ascending */
	struct loose_vector loose;  /* ascending */
	size_t run, other, part; /* where memory->runs, others, builder->parts are gone through */
	uint64_t claimed;        /* in the mapping at hand */
	remote_addr room_end;    /* of the mappings that follow it without a gap */
	uint64_t mapping_parts[HEAP_PART_COUNT];
	uint8_t *window;             /* HEAP_WINDOW_BYTES */
	struct class_vector classes; /* open addressing by size; size 0: empty */
	size_t class_slots;
	const char *foreign; /* another allocator, or NULL */
};

/** The first of memory->runs that ends behind @p addr; their number if there is none. */
size_t census_find_run(struct census *census, remote_addr addr);
/** Resident bytes of a range of private anonymous memory. */
uint64_t census_resident(struct census *census, remote_addr start, remote_addr end);
/** So many resident bytes of the mapping at hand are @p part. */
void census_add(struct census *census, enum heap_memory_part part, uint64_t bytes);
/** [start, end) is @p part. Returns its resident bytes. */
uint64_t census_claim(
	struct census *census, remote_addr start, remote_addr end, enum heap_memory_part part);
/** One object more of its type. */
void census_count_object(struct census *census, node_id node);
/** The same for memory of an object; @p is_start: where it begins. */
uint64_t census_claim_object(
	struct census *census, remote_addr start, remote_addr end, node_id node, bool is_start);
/** The first part of an object in [start, end), or NULL. Ranges must ascend. */
const struct heap_part *census_find_part(struct census *census, remote_addr start, remote_addr end);
/** The first object outside of the pools in [start, end), or NULL. Ranges must ascend. */
const struct census_other *census_find_other(
	struct census *census, remote_addr start, remote_addr end);

/** What allocators and Python's frames divide further. census->malloc must be open, others listed. */
struct error *census_find_areas(struct census *census);
/** All mappings, in ascending order: their parts, and a row of each. */
struct error *census_count_mappings(struct census *census, struct mapping_figures_vector *list);

/** pymalloc's arenas; or, where their table is not found, its pools. Adds areas. */
struct error *census_find_arenas(struct census *census);
void census_count_arena(struct census *census, const struct census_area *area);
void census_count_pool(struct census *census, const struct census_area *area);

/** A block of glibc's malloc that is in use. */
struct error *census_count_used(
	struct census *census, const struct glibc_chunk *chunk, uint32_t heap_index);
#define CENSUS_NO_HEAP UINT32_MAX
struct error *census_count_heap(struct census *census, const struct census_area *area);

/** All memory is counted: who leads to what is loose? */
struct error *census_find_owners(struct census *census);
/** The name of another allocator than glibc's, which large blocks are in; NULL if it is glibc's.
 * census->malloc must be open. */
const char *census_foreign_allocator(const struct census *census);
/** Memory that is another allocator's: the objects in it, their tables, and the rest. */
void census_count_foreign(struct census *census, remote_addr start, remote_addr end);
