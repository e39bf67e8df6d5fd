// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * From the bytes of a CPython process to a graph.
 *
 *	1. find the pools in anonymous memory, and in them the objects      (parallel over memory)
 *	2. number them                                                       (heap_addresses.h)
 *	3. read each object once: type, size, count, references → edges      (parallel over pools)
 *	4. objects outside pools, found by references and on GC lists, in rounds until none is new
 *	5. roots, the rest of the reference counts                           (heap_roots.c)
 *
 * Memory is read twice, in address order, into buffers that are reused; the image is never kept.
 * While building, a residual of 4 bytes per node: the object's count less the references found.
 * docs/design/graph.md has the whole story.
 *
 * Who may touch what while workers run: addresses, types and target are constant; a worker writes
 * node_word, size and first_edge of its own nodes only (first_edge[n + 1] belongs to n), residuals
 * atomically, and all else into its own struct build_worker.
 */
#pragma once

#include "base/vector.h"
#include "cpython/pyobject.h"
#include "cpython/pyruntime_place.h"
#include "heap/heap_addresses.h"
#include "heap/heap_graph.h"

/** Why a node is a root, before nodes have numbers. */
struct heap_root_ref {
	remote_addr addr;
	enum heap_root_kind kind;
	const char *name, *file; /* interned in the graph */
	bool is_counted;         /* an exact reference: it is part of the count */
};
DEFINE_VECTOR(root_ref_vector, struct heap_root_ref)
DEFINE_VECTOR(node_vector, uint32_t)

/** Memory that belongs to an object, or that it leads to (pyscan.part). */
struct heap_part {
	remote_addr addr; /* somewhere in its block */
	node_id node;
	uint32_t distance;
};
DEFINE_VECTOR(heap_part_vector, struct heap_part)

/** What the audit of reference counts keeps for each node, if asked to (tests). */
struct heap_audit {
	uint32_t *refcnt, *exact, *inferred; /* by node; pages */
	uint32_t count;
};

struct heap_builder_stats {
	uint64_t objects, bytes, torn, dropped_edges, inferred_edges, pools, torn_pools;
	uint64_t refcounts_checked, refcounts_exact, refcounts_inferred;
	double pools_s, objects_s; /* seconds for finding the pools, for reading their objects */
};

struct heap_builder {
	const struct target *target;         /* borrowed */
	const struct pyruntime_place *place; /* borrowed; NULL: no ELF file to look at */
	/** The interpreter's own data: what is there is static. Both 0 if unknown. */
	remote_addr data_start, data_end;
	struct python *python;    /* owned */
	struct heap_graph *graph; /* owned */
	struct heap_addresses addresses;
	struct heap_builder_stats stats;
	unsigned workers;

	struct pycontext context; /* for roots and naming: one thread */
	int32_t *residual;        /* by node; pages, only while building */
	uint32_t residual_capacity;
	struct root_ref_vector root_refs;
	/** Words of the target that are counted roots: the search of global data passes them over.
	 */
	struct addr_vector consumed;
	/** Words of global data whose value is an object's address: pairs of where, and the
	 * address. */
	struct addr_vector global_words;
	uint64_t words_max;   /* that one scan of everything may look at */
	uint64_t frame_words; /* looked at so far, of LIMIT_FRAME_WORDS */
	/** The type number of `object`: what something is that no longer is what it was (live). */
	uint32_t plain_type;
	uint32_t rows_of_others;     /* others that have been read */
	struct node_vector inferred; /* targets of inferred edges */
	struct heap_audit *audit;    /* NULL if not wanted */
	bool keep_parts;
	struct heap_part_vector parts; /* by address, once built, if they are kept */

	uint32_t *edges; /* all rows so far; pages */
	size_t edge_count, edge_capacity;
	struct heap_worker *team; /* workers of them */
};

struct heap_builder_options {
	unsigned workers;
	bool keep_audit;
	/** Note where the memory of objects is (heap_memory.h): 16 bytes per table or buffer. */
	bool keep_parts;
};

/**
 * Build the graph of the interpreter at @p place in @p target. The builder answers the graph's
 * naming questions and must outlive it; both borrow the target.
 */
struct error *heap_build(const struct target *target, const struct pyruntime_place *place,
	const struct heap_builder_options *options, struct heap_builder **ret);
/** Also destroys the graph. */
void heap_builder_destroy(struct heap_builder *builder);
DEFINE_CLEANUP(struct heap_builder *, heap_builder_destroy)

// Between the builder's own files.

/** Note that something outside the pools may be an object; it is looked at in the next round. */
struct error *heap_builder_note_other(struct heap_builder *builder, remote_addr addr);
/** Read the objects noted since the last round, and those they lead to. */
struct error *heap_builder_run_rounds(struct heap_builder *builder);
/** Collect references from interpreters, threads and frames (before the rounds). */
struct error *heap_roots_collect(struct heap_builder *builder);
/** All objects are there: settle counts, find the other roots, and add all to the graph. */
struct error *heap_roots_settle(struct heap_builder *builder);
/** What gc.freeze() put away gets HEAP_NODE_PERMANENT. */
void heap_roots_mark_permanent(struct heap_builder *builder);
/** The dicts of interned strings: as the interpreters say or, before 3.12, looked for in the
 * interpreter's own data. */
struct error *heap_roots_find_interned(struct heap_builder *builder, struct addr_vector *ret);
/** "thread 'MainThread'". */
void heap_roots_name_thread(struct heap_builder *builder, remote_addr interpreter,
	remote_addr thread, char *ret, size_t size);
/** Fill graph->naming. */
void heap_naming_init(struct heap_builder *builder);
