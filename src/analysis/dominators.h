// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * The dominator tree, and retained sizes.
 *
 * A node d dominates n if every path from the root to n goes through d; the immediate dominator is
 * the nearest such d. The retained size of d is the sum of the shallow sizes of all it dominates:
 * what would be freed if d went away.
 *
 * Semi-NCA (L. Georgiadis, "Linear-time algorithms for dominators and related problems", 2005), all
 * steps iterative and none quadratic. Only nodes that have edges of their own take part; a leaf
 * hangs from the nearest common dominator of its referrers. Result: 8 bytes per node (9 where
 * much retains more than 4 GiB). While
 * working, 4 per node, 16 per node with edges, 4 for some of the edges between these: see
 * dominators.c.
 */
#pragma once

#include "heap/heap_graph.h"

struct dominators {
	uint32_t node_count;
	/** Immediate dominator; HEAP_NODE_NONE for the root and for what it does not reach. */
	node_id *idom;
	/** Retained size: low 32 bits and the next 8; use dominators_retained(). */
	uint32_t *retained_low;
	uint8_t *retained_high;
};

struct error *dominators_create(const struct heap_graph *graph, struct dominators **ret);
void dominators_destroy(struct dominators *dominators);
DEFINE_CLEANUP(struct dominators *, dominators_destroy)

/** In bytes, saturating at 1 TiB - 1. For an unreachable node: its shallow size. */
static inline uint64_t dominators_retained(const struct dominators *dominators, node_id node)
{
	return dominators->retained_low[node] | (uint64_t)dominators->retained_high[node] << 32;
}

static inline bool dominators_is_reachable(const struct dominators *dominators, node_id node)
{
	return node == HEAP_ROOT || dominators->idom[node] != HEAP_NODE_NONE;
}
