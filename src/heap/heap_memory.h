// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Where the memory of a process goes: each resident byte in one part.
 *
 *	heap_memory_create(process, &memory);       // before the stop: what smaps says
 *	heap_memory_note_pages(memory, target);     // after it, before anything is read: what is resident
 *	heap_memory_set_builder(memory, builder);
 *	heap_memory_measure(memory, fates, &figures);
 *
 * Every mapping is gone through in address order. Who knows what is there claims it: pymalloc's arenas
 * block by block, glibc's heaps chunk by chunk, chunks with a mapping of their own, stacks. Of each
 * claim the bytes that are resident count. What nobody claims is what the mapping is: a file's pages,
 * a library's data, shared memory, or unexplained. So the parts add up to RSS.
 *
 * A block in use is an object's if an object begins in it, or if one leads to it (struct heap_part).
 * What becomes of an object's blocks depends on its fate, which the caller says (analysis/memory.h).
 *
 * A core file has no smaps: resident is what the core has something in. Pages of zeros are left out: the
 * kernel and gcore write them for memory that was never touched, as holes or not, and who copies a core may
 * make one of the other. Of files there is what was written to them, no code. So the parts add up to the
 * pages of the core that are not zeros, and what smaps alone knows is 0, and has_usage false.
 *
 * A snapshot file has the figures themselves, as measured when it was written (heap_file_memory.h).
 */
#pragma once

#include "heap/heap_graph.h"

#include <sys/types.h>

struct heap_builder;
struct heap_file;
struct heap_memory;
struct process;
struct target;

/** What an object is kept for, by node. Numbers of fates and parts are in files: new ones come last. */
enum heap_fate {
	HEAP_FATE_LIVE,
	HEAP_FATE_GARBAGE,     /* unreachable: a full collection frees it */
	HEAP_FATE_LOST,        /* unreachable, but not freed by a collection */
	HEAP_FATE_UNEXPLAINED, /* held by nothing but references that nothing found explains */
	HEAP_FATE_FROZEN,      /* unreachable, but gc.freeze() keeps it from the collector */
	HEAP_FATE_COUNT,
};

enum heap_memory_part {
	HEAP_PART_OBJECTS,
	HEAP_PART_ROUNDING,
	HEAP_PART_GARBAGE,
	HEAP_PART_LOST,
	HEAP_PART_UNEXPLAINED_REFERENCES,
	HEAP_PART_FREE_LISTS,
	HEAP_PART_NUMBER_BLOCKS, /* 2.7: free places for ints and floats */
	HEAP_PART_POOL_OTHER,    /* pymalloc blocks in use that are no object's */
	HEAP_PART_FREE_BLOCKS,
	HEAP_PART_FREE_POOLS,
	HEAP_PART_FREE_ARENAS,
	HEAP_PART_POOL_HEADERS,
	HEAP_PART_C_OWNED, /* malloc's blocks that a Python object of a C type leads to */
	HEAP_PART_C_OTHER, /* malloc's blocks of C code */
	HEAP_PART_MALLOC_CACHED,
	HEAP_PART_MALLOC_FREE,
	HEAP_PART_MALLOC_TOP,
	HEAP_PART_MALLOC_OWN,
	HEAP_PART_OTHER_ALLOCATOR,
	HEAP_PART_MAPPED,
	HEAP_PART_STACKS,
	HEAP_PART_PYTHON_STACKS,
	HEAP_PART_LIBRARY_DATA,
	HEAP_PART_FILES,
	HEAP_PART_SHARED,
	HEAP_PART_KERNEL,
	HEAP_PART_UNEXPLAINED,
	HEAP_PART_FROZEN, /* unreachable objects of the permanent generation, and what these hold */
	HEAP_PART_COUNT,
};

/** "objects", "pymalloc-free-blocks", …; and in a few words what it is. */
const char *heap_memory_part_name(enum heap_memory_part part);
const char *heap_memory_part_text(enum heap_memory_part part);

/** An arena of pymalloc. */
struct heap_memory_arena {
	uint64_t address, bytes;
	uint64_t resident;      /* bytes */
	uint64_t used_bytes;    /* in blocks in use */
	uint64_t garbage_bytes; /* of these, of garbage */
	uint64_t frozen_bytes;  /* and of what would be garbage but for gc.freeze() */
	uint32_t used_blocks;   /* and their number */
	uint32_t pools, used_pools;
	node_id first, last; /* objects in it; HEAP_NODE_NONE if there are none */
};

/** An arena of glibc's malloc. Bytes in memory, but for system_bytes. */
struct heap_memory_malloc {
	uint64_t address, system_bytes, resident;
	uint64_t used_python, used_other;
	uint64_t cached, free, top;
	uint64_t trim;     /* malloc_trim(0) would give back */
	uint64_t trim_top; /* of that, of top */
	bool is_main;
};

/** By type, what all its objects together have. */
struct heap_memory_type {
	uint64_t objects, bytes; /* blocks, in memory, whatever the fate */
	uint64_t size;           /* sum of sizes */
	uint64_t by_fate[HEAP_FATE_COUNT], objects_by_fate[HEAP_FATE_COUNT];
	/** Blocks of C code that its objects lead to; and mappings. */
	uint64_t c_bytes, c_blocks, mapped_bytes;
};

/** Memory that somebody is known to lead to. */
struct heap_memory_owner {
	const char *name; /* a type, or "libfoo.so symbol+8"; owned by the figures or the graph */
	enum heap_memory_part part;
	bool is_library;
	uint64_t bytes, count;
};

/** C code's blocks of one size. */
struct heap_memory_class {
	uint64_t size, count; /* of the caller's bytes; blocks of the class */
	uint64_t bytes;
};

/** One mapping. */
struct heap_memory_mapping {
	uint64_t start, end;
	const char *path; /* owned by the target or the file */
	uint64_t rss, unexplained, swap;
	/** What others have in common with it is counted in parts in pss, and wholly in shared. */
	uint64_t pss, shared;
	enum heap_memory_part main_part; /* of which it has most */
};

struct heap_memory_figures {
	uint64_t rss_bytes;
	/** smaps was read. If not, what is said of the next two lines is not known, nor are swap, pss and
	 * shared of mappings. */
	bool has_usage;
	/** Of a core: bytes that its segments have, zeros included; else 0. */
	uint64_t core_bytes;
	/** Of the process before the stop; 0 if it could not be read. */
	uint64_t pss_bytes, swap_bytes;
	/** Private memory that other processes still have in common with it, copy-on-write; and what of all its
	 * memory nobody else has: what its end alone would free. */
	uint64_t cow_shared_bytes, private_bytes;
	/** The tightest memory cgroup: UINT64_MAX if there is none. And what it, or the machine, leaves. */
	uint64_t limit_bytes, headroom_bytes;
	uint64_t part_bytes[HEAP_PART_COUNT], part_count[HEAP_PART_COUNT];
	struct heap_memory_type *types; /* by the graph's types */
	uint32_t type_count;
	struct heap_memory_arena *arenas; /* ascending */
	size_t arena_count;
	struct heap_memory_malloc *mallocs; /* the main one first */
	size_t malloc_count;
	uint64_t mapped_chunks, mapped_chunk_bytes; /* of malloc, each its own mapping */
	/** What garbage alone keeps from the system: whole arenas, and chunks with their own mapping. */
	uint64_t garbage_returned;
	/** And what would be returned besides, if that was collected too which gc.freeze() put away. */
	uint64_t frozen_returned;
	uint64_t trim_bytes;
	struct heap_memory_owner *owners; /* most bytes first */
	size_t owner_count;
	struct heap_memory_class *classes; /* by size */
	size_t class_count;
	struct heap_memory_mapping *mappings; /* ascending */
	size_t mapping_count;
	/** "glibc malloc", "jemalloc", … "" if it could not be told. Static, or owned by the file. */
	const char *allocator;
	/** pymalloc's table of arenas was found; else pools were looked for one by one. */
	bool has_arena_table;
	uint32_t torn_mallocs;
	char **texts; /* owned names */
	size_t text_count;
};

/** @p process may be NULL: then nothing is known of other processes and of limits (tests). */
struct error *heap_memory_create(const struct process *process, struct heap_memory **ret);
/** Of a core file (target/core_file.h), with its pages. */
struct error *heap_memory_create_of_core(const struct target *core, struct heap_memory **ret);
/** Of what a snapshot file says, which outlives it: there is nothing more to note. */
struct error *heap_memory_create_of_file(const struct heap_file *file, struct heap_memory **ret);
void heap_memory_destroy(struct heap_memory *memory);
DEFINE_CLEANUP(struct heap_memory *, heap_memory_destroy)

struct error *heap_memory_note_pages(struct heap_memory *memory, const struct target *target);

/** Takes note of the builder, which has kept the parts of objects, and outlives it. */
void heap_memory_set_builder(struct heap_memory *memory, struct heap_builder *builder);

/** @p fates: one enum heap_fate per node; of a file, they were said when it was written. @p ret is untouched
 *  on failure. */
struct error *heap_memory_measure(
	struct heap_memory *memory, const uint8_t *fates, struct heap_memory_figures *ret);
void heap_memory_figures_deinit(struct heap_memory_figures *figures);

static inline void cleanup_heap_memory_figures_deinit(struct heap_memory_figures *figures)
{
	heap_memory_figures_deinit(figures);
}
