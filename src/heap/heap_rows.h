// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * References in the order of nodes, a block at a time: of a graph in memory all at once, of one whose rows
 * are in a file (heap_snapshot_take_parts()) as many as are unpacked there at a time. Whoever needs them in this
 * order holds none of them.
 */
#pragma once

#include "heap/heap_graph.h"

struct heap_rows {
	node_id first, end;
	uint32_t edge_base; /* number of the first reference of node `first` in the whole graph */
	const uint32_t
		*bounds; /* the row of n is edges[bounds[n - first] … bounds[n - first + 1]) */
	const uint32_t *edges; /* as in heap_graph.edges */
	const uint32_t *words; /* by n - first: heap_graph.node_word */
	const uint16_t *sizes; /* by n - first: for heap_rows_size() */
};

/** What is asked for; of the rest nothing may be read. */
#define HEAP_ROWS_BOUNDS 1u
#define HEAP_ROWS_EDGES  2u /* with bounds */
#define HEAP_ROWS_WORDS  4u
#define HEAP_ROWS_SIZES  8u

/** An error ends the visit and is returned. */
typedef struct error *heap_rows_visit(void *context, const struct heap_rows *rows);

/** Rows that are not in memory: heap_graph.row_source. */
struct heap_row_source {
	struct error *(*visit)(const struct heap_row_source *source, unsigned parts,
		const uint64_t *wanted, heap_rows_visit *visit, void *context);
};

/** Visit all nodes, each once, ascending. With @p wanted only blocks that have one of the nodes whose bits are
 *  set. */
struct error *heap_graph_visit_rows(const struct heap_graph *graph, unsigned parts,
	const uint64_t *wanted, heap_rows_visit *visit, void *context);

/** Shallow size of a node of @p rows. */
static inline uint64_t heap_rows_size(
	const struct heap_graph *graph, const struct heap_rows *rows, node_id node)
{
	uint16_t size = rows->sizes[node - rows->first];

	return size != HEAP_SIZE_ELSEWHERE ? size : heap_graph_big_size(graph, node);
}

/** Of a graph whose rows are elsewhere: bring those of the nodes whose bits are set in @p rows to where
 *  heap_edges_of() finds them, and the types and flags of these nodes and of those they refer to; of those set in
 *  @p lengths (may be NULL) type, flags and the row's length, but not the row. Of any other node nothing may be asked.
 *  Memory is taken for the pages that they are on. */
struct error *heap_graph_bring_rows(
	struct heap_graph *graph, const uint64_t *rows, const uint64_t *lengths);
