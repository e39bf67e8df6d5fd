// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * The nodes of a graph that have references of their own, and the references between them.
 *
 * More than half of a heap's objects are leaves: strings, numbers. No path leads through one, so that it changes
 * nothing for any other node; most algorithms need only the rest, the *inner* nodes. They are numbered anew, in
 * their order, the root being 0.
 *
 * Memory, in bytes: N / 4; of I inner nodes with F references between them 4 I + 4 F.
 */
#pragma once

#include "heap/heap_graph.h"

/** Which nodes of a graph are inner, and their numbers. */
struct inner_nodes {
	struct inner_word {
		uint64_t bits;      /* of 64 nodes */
		uint32_t count;     /* inner nodes before them */
	} * words;                  /* pages */
	uint32_t node_count, count; /* of the graph; inner */
};

static inline bool inner_nodes_has(const struct inner_nodes *nodes, node_id node)
{
	return nodes->words[node >> 6].bits >> (node & 63) & 1;
}

/** Inner nodes before @p node: its number, if it is one. The number of a leaf among leaves is its own less this. */
static inline uint32_t inner_nodes_number(const struct inner_nodes *nodes, node_id node)
{
	const struct inner_word *word = &nodes->words[node >> 6];

	return word->count +
	       (uint32_t)__builtin_popcountll(word->bits & (((uint64_t)1 << (node & 63)) - 1));
}

/** The node with a number. */
node_id inner_nodes_at(const struct inner_nodes *nodes, uint32_t number);
/** Every node is one, and its own number. False without memory. */
bool inner_nodes_init_all(struct inner_nodes *nodes, uint32_t node_count);
void inner_nodes_deinit(struct inner_nodes *nodes);

struct inner_graph {
	struct inner_nodes nodes;
	uint32_t *first_edge; /* pages; nodes.count + 1 */
	uint32_t *edges;      /* pages; numbers, and HEAP_EDGE_INFERRED; in the order of the rows */
	uint32_t edge_count;
	uint32_t *roots; /* numbers, ascending: the root's references */
	uint32_t root_count;
};

/** Visits the rows of @p graph twice (heap_rows.h). */
struct error *inner_graph_init(struct inner_graph *inner, const struct heap_graph *graph);
/** Give the memory of the references back; nodes and roots stay. */
void inner_graph_drop_rows(struct inner_graph *inner);
void inner_graph_deinit(struct inner_graph *inner);

static inline void cleanup_inner_graph_deinit(struct inner_graph *inner)
{
	inner_graph_deinit(inner);
}
