// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * What differs between snapshot files of one process: by type, and by what holds it.
 *
 * Types are compared by name. Which objects are new and which are gone is told by their addresses: an
 * object is the same if its address and type are and, unless it is a container, its size; CPython moves
 * none. So memory that was freed and used again for another object of the same type and size is not
 * noticed: counts of new and gone objects are the least there can be.
 *
 * For types only addresses, types and sizes are unpacked, of the first and the last file: 14 bytes per object of one
 * of them. For holders and containers one file after the other becomes a skeleton (heap_skeleton.h): of N objects, I
 * of which have references, F between these, in bytes, what is there at a time being at most
 *
 *	dominators   24 I + 4 F, and N / 4; with leaves 16 I + 4 F + 4 (N - I)
 *	places       30 I + 4 F, and N / 4; 2 N of names
 *	paths        19 I + 4 F, and N / 4; 2 N of names, and pages of the rows that labels are read from
 *
 * Of 25 million objects of which a third has references (tests/bench/bench_files.py) that is 15.5 bytes per object.
 */
#pragma once

#include "analysis/heap_skeleton.h"
#include "analysis/paths.h"
#include "base/vector.h"
#include "heap/heap_file.h"

#define HEAP_DIFF_FILES_MAX 32

enum heap_diff_by {
	HEAP_DIFF_TYPE,
	HEAP_DIFF_HOLDER, /* named dominators (growth_anchors.h), by path: what hangs from each */
	HEAP_DIFF_CONTAINER, /* by path: items, and retained bytes */
};

struct heap_diff_row {
	/** A type's name (a file's text), or a path whose indices and keys are left out (the diff's). */
	const char *name;
	/** By file: objects, or a container's items; bytes. Those of one path are added up. */
	uint64_t objects[HEAP_DIFF_FILES_MAX], bytes[HEAP_DIFF_FILES_MAX];
	uint64_t added, gone; /* objects, from the first file to the last; of types only */
};
DEFINE_VECTOR(heap_diff_vector, struct heap_diff_row)

struct heap_diff {
	enum heap_diff_by by;
	struct heap_diff_vector rows; /* each name once */
	size_t file_count;
};

/** Holders and containers of a file that are compared, the largest. */
#define HEAP_DIFF_PLACES_MAX 2048

/** Compare the types of @p count files (2 to HEAP_DIFF_FILES_MAX), in their order. They must outlive the
 *  answer. */
struct error *heap_diff_types(struct heap_file *const *files, size_t count, struct heap_diff *ret);

/** A holder or a container. */
struct heap_diff_place {
	node_id node;            /* of the skeleton */
	uint64_t objects, bytes; /* objects: of holders only */
};
DEFINE_VECTOR(heap_diff_place_vector, struct heap_diff_place)

/** The largest holders or containers of a heap, as @p by says, which is not HEAP_DIFF_TYPE. Its whole has names.
 *  From here on the dominators are not needed, and may make room for paths. */
struct error *heap_diff_list_places(
	enum heap_diff_by by, struct heap_skeleton *skeleton, struct heap_diff_place_vector *ret);
/** Add them, by their paths, as those of file number @p file; the diff begins zeroed, with `by` and
 *  `file_count` set. What is not among the largest counts as 0. @p paths are of the skeleton's graph. */
struct error *heap_diff_add_places(struct heap_diff *diff, size_t file,
	struct heap_skeleton *skeleton, const struct paths *paths,
	const struct heap_diff_place_vector *places);
void heap_diff_deinit(struct heap_diff *diff);

static inline void cleanup_heap_diff_deinit(struct heap_diff *diff)
{
	heap_diff_deinit(diff);
}
