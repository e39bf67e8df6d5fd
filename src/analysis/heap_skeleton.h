// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * A heap without its leaves: what is left of one that is too large to be held, and can be asked who holds what.
 *
 * Made of a graph whose rows need not be in memory (heap_snapshot_take_parts()). Its nodes are the inner ones
 * (inner_graph.h); each has the bytes of the leaves that hang from it, as if they were its own. Dominators, retained
 * sizes and the paths of inner nodes are those of the whole graph. Labels, lengths and names of free variables need
 * rows of the whole, which are brought for the nodes that are asked (heap_skeleton_bring()); of others they are
 * unknown. Addresses always are.
 *
 * Memory, in bytes: of N nodes, I of them inner, with F references between these
 *
 *	dominators   4 I + 4 F of rows, and those of dominator_tree.h
 *	leaves       4 I + 4 F of rows, 12 I of the tree, 4 (N - I), 8 for each leaf with several referrers
 *	sums         the same, and 8 I or 9 I; without the leaves' then, 4 I more
 *	result       14 I + 4 F of the graph, 4 I of objects, 8 I of dominators, N / 4
 */
#pragma once

#include "analysis/dominators.h"

struct heap_skeleton {
	struct heap_graph *graph;      /* its row_length is that of the whole */
	struct dominators *dominators; /* of graph */
	uint32_t *objects;             /* pages; by node: itself, and leaves that hang from it */
	struct inner_nodes nodes;      /* of the whole graph: which they are */
	struct heap_graph *whole;
	/** Pages; by node of the whole: its row is there; only its length is. */
	uint64_t *has_row, *has_length;
};

/** @p whole must outlive it. Its naming is asked for nothing but through the skeleton's, and may come later. */
struct error *heap_skeleton_create(struct heap_graph *whole, struct heap_skeleton **ret);
void heap_skeleton_destroy(struct heap_skeleton *skeleton);
DEFINE_CLEANUP(struct heap_skeleton *, heap_skeleton_destroy)

/** Bring what is needed for labels and free variables of the nodes whose bits are set in @p rows, and for lengths of
 *  those in @p lengths (may be NULL), besides what is there. */
struct error *heap_skeleton_bring(
	struct heap_skeleton *skeleton, const uint64_t *rows, const uint64_t *lengths);
/** Give back dominators and objects, which mean nothing from then on. */
void heap_skeleton_drop_dominators(struct heap_skeleton *skeleton);
