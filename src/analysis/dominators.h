// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * The dominator tree, and retained sizes.
 *
 * A node d dominates n if every path from the root to n goes through d; the immediate dominator is
 * the nearest such d. The retained size of d is the sum of the shallow sizes of all it dominates:
 * what would be freed if d went away. A leaf's is its own.
 *
 * Only nodes that have references of their own take part in the algorithm (inner_graph.h, dominator_tree.h);
 * leaves are hung in afterwards (dominator_leaves.h).
 *
 * Memory, in bytes: of N nodes, I of them inner, with F references between these, while at it at most 20 I + 4 F
 * (dominator_tree.h), or 16 I + 4 (N - I) and 4 N; the result has 4 N + 4 I. N / 4 in addition.
 */
#pragma once

#include "analysis/byte_counts.h"
#include "analysis/inner_graph.h"

struct dominators {
	const struct heap_graph *graph;
	uint32_t node_count;
	/** Immediate dominator; HEAP_NODE_NONE for the root and for what it does not reach. */
	node_id *idom;
	/** By inner node: its retained size; use dominators_retained(). */
	struct byte_counts retained;
	struct inner_nodes inner;
};

/** @p graph must outlive it. */
struct error *dominators_create(const struct heap_graph *graph, struct dominators **ret);
void dominators_destroy(struct dominators *dominators);
DEFINE_CLEANUP(struct dominators *, dominators_destroy)

/** In bytes, saturating at 1 TiB - 1. For an unreachable node: its shallow size. */
static inline uint64_t dominators_retained(const struct dominators *dominators, node_id node)
{
	const struct inner_nodes *inner = &dominators->inner;
	uint64_t size;

	if (!inner_nodes_has(inner, node)) {
		size = heap_size_of(dominators->graph, node);
		return size < BYTE_COUNTS_MAX ? size : BYTE_COUNTS_MAX;
	}
	return byte_counts_get(&dominators->retained, inner_nodes_number(inner, node));
}

static inline bool dominators_is_reachable(const struct dominators *dominators, node_id node)
{
	return node == HEAP_ROOT || dominators->idom[node] != HEAP_NODE_NONE;
}
