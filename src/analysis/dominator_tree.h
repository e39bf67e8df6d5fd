// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * The dominator tree of inner nodes: Semi-NCA (L. Georgiadis, "Linear-time algorithms for dominators and related
 * problems", 2005), all steps iterative and none quadratic. dominators.h is for whoever wants to know dominators.
 *
 * Looked at and not taken: iteration over reverse postorder (K. Cooper, T. Harvey, K. Kennedy, "A simple, fast
 * dominance algorithm", 2001) has an array less at its peak, but is quadratic on what heaps are made of, a doubly
 * linked list; Lengauer and Tarjan's has buckets besides.
 *
 * Memory, in bytes: of I nodes with F references between them, of which P have to be remembered, 4 I + 4 F of the
 * rows, at least until the referrers are collected, and
 *
 *	walk             16 I + F / 8   number; vertex, parent, cursor; bits
 *	referrers        16 I + 4 P     number; parent, label, first_referrer; referrers
 *	semidominators   20 I + 4 P     number; parent, ancestor, label, semi; referrers
 *	dominators       16 I           number; dominator, depth, jump
 *	renumbering      20 I           number; dominator, jump, renamed, and one of the two anew
 *	result           12 I           number, dominator, jump
 */
#pragma once

#include "analysis/inner_graph.h"

#define DOMINATOR_UNREACHED UINT32_MAX

/** Numbers are those of a preorder of the tree: a subtree is a range of them, 0 is the root. */
struct dominator_tree {
	uint32_t node_count; /* inner nodes */
	uint32_t reached;    /* numbers */
	uint32_t *number;    /* pages; by inner node; DOMINATOR_UNREACHED: has none */
	uint32_t *dominator; /* pages; by number: the immediate one; of 0 itself */
	uint32_t *jump;      /* pages; by number: an ancestor further up */
};

/** @p inner needs its rows; unless they are to be kept, they are dropped when they were seen. */
struct error *dominator_tree_init(
	struct dominator_tree *tree, struct inner_graph *inner, bool keep_rows);
/** Give back the jumps, when no ancestor will be asked for any more. */
void dominator_tree_drop_jumps(struct dominator_tree *tree);
void dominator_tree_deinit(struct dominator_tree *tree);

/** The nearest ancestor of @p number, itself included, that is not above @p limit, in logarithmic time. With the
 *  least and the greatest of several numbers it is their nearest common one. */
static inline uint32_t dominator_tree_climb(
	const uint32_t *dominator, const uint32_t *jump, uint32_t number, uint32_t limit)
{
	while (number > limit)
		number = jump[number] > limit ? jump[number] : dominator[number];
	return number;
}

static inline void cleanup_dominator_tree_deinit(struct dominator_tree *tree)
{
	dominator_tree_deinit(tree);
}
