// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Where the memory goes: the parts of RSS, what would give them back, and what that means.
 *
 * heap/heap_memory.h counts; here is decided what an object is kept for, and what follows. Nothing is run in
 * the process: what a collection would free and what malloc_trim() would return are computed.
 *
 * Fates. Unreachable: garbage that a full collection frees, or what none does, for ever or until
 * gc.unfreeze() (garbage.h). Unexplained: reached only through objects with more references than were found,
 * not through anything with a name.
 *
 * An arena is pinned if less than MEMORY_PINNED_SHARE of it is in use: pymalloc gives back whole arenas
 * only, so that a few objects keep it.
 */
#pragma once

#include "analysis/dominators.h"
#include "analysis/garbage.h"
#include "analysis/paths.h"
#include "heap/heap_memory.h"

#define MEMORY_PINNED_SHARE 0.25

/** A cycle of garbage, as an example: its types in order. */
#define MEMORY_CYCLE_MAX    8
#define MEMORY_FAMILIES_MAX 16
#define MEMORY_PINNERS_MAX  8

/** Objects of one kind. */
struct memory_family {
	const char *name; /* "dict", "instance", …; static */
	uint64_t objects;
	uint64_t bytes;    /* in memory, rounding included */
	uint64_t rounding; /* of these, what the objects did not ask for */
};

/** Who holds objects in pinned arenas. */
struct memory_pinner {
	char *path; /* owned */
	const char *type;
	uint64_t objects, arenas;
};

/** What would give memory back. */
struct memory_remedy {
	const char *name; /* "gc.collect()", "malloc_trim(0)", …; static */
	char *what;       /* a sentence; owned */
	/** Freed for the process's own use; and of these, what the system would get. */
	uint64_t freed_bytes, returned_bytes;
};

enum memory_cause {
	MEMORY_OBJECTS,    /* live objects */
	MEMORY_GARBAGE,    /* cycles that wait for the collector */
	MEMORY_REFERENCES, /* held by C code that nobody sees */
	MEMORY_NATIVE,     /* C code's memory */
	MEMORY_KEPT,       /* free, but kept by an allocator */
	MEMORY_PROGRAM,    /* the program itself: code, data, stacks */
	MEMORY_UNKNOWN,
	MEMORY_CAUSE_COUNT,
};

/** "objects", "garbage", "references", "native", "kept", "program", "unknown". */
const char *memory_cause_name(enum memory_cause cause);
/** To which of these a part counts. */
enum memory_cause memory_part_cause(enum heap_memory_part part);

struct memory_report {
	struct heap_memory_figures figures;
	struct garbage garbage; /* collectable */
	/** In the permanent generation, which no collection looks at: gc.freeze(). Sum of sizes. And those of
	 * them that are immortal, which 3.12 moves there by itself (update_refs() of Modules/gcmodule.c). */
	uint64_t permanent_objects, permanent_bytes;
	uint64_t permanent_immortal_objects, permanent_immortal_bytes;
	uint64_t explained_bytes;
	double explained_ratio;
	uint64_t gives_back[HEAP_PART_COUNT]; /* of each part, to the system */
	uint64_t cause_bytes[MEMORY_CAUSE_COUNT];
	enum memory_cause cause; /* which has most, MEMORY_PROGRAM left aside */
	struct memory_family families[MEMORY_FAMILIES_MAX];
	size_t family_count;
	/** Types of a cycle of garbage, in the order of references; borrowed. */
	const char *cycle[MEMORY_CYCLE_MAX];
	size_t cycle_count;
	/** Arenas of pymalloc that few objects pin. */
	uint64_t pinned_arenas, pinned_bytes, pinned_used_bytes, pinned_objects;
	struct memory_pinner pinners[MEMORY_PINNERS_MAX];
	size_t pinner_count;
	/** The largest thing that one name holds, for a sense of scale; NULL if there is none. */
	char *largest_path;
	const char *largest_type;
	uint64_t largest_bytes;
	struct memory_remedy *remedies;
	size_t remedy_count;
	char *verdict;
};

/** The figures of a snapshot's memory, with the fates that its graph says: for a file of it. */
struct error *memory_measure(const struct heap_graph *graph, struct heap_memory *memory,
	struct heap_memory_figures *ret);

/** @p memory was noted with the snapshot that @p graph comes from; types' names stay the graph's. */
struct error *memory_examine(const struct heap_graph *graph, const struct dominators *dominators,
	const struct paths *paths, struct heap_memory *memory, bool collector_is_enabled,
	struct memory_report *ret);
void memory_report_deinit(struct memory_report *report);

static inline void cleanup_memory_report_deinit(struct memory_report *report)
{
	memory_report_deinit(report);
}
