// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * What leaves hang from, once the dominator tree of the inner nodes is there, and the bytes of all.
 *
 * A leaf dominates nothing, so its dominator is the nearest common ancestor, in the tree of the others, of its
 * referrers. In preorder this is the common ancestor of the least and the greatest of them: two words per leaf and
 * one pass over all references, no list of referrers. Of most leaves there is a single one: one word.
 *
 * Memory, in bytes: 4 per leaf, and while searching 8 for each that several inner nodes refer to.
 */
#pragma once

#include "analysis/byte_counts.h"
#include "analysis/dominator_tree.h"

struct dominator_leaves {
	uint32_t *above; /* pages; by leaf: number of its dominator, or DOMINATOR_UNREACHED */
	uint32_t count;
};

/** The rows of @p graph are visited once (heap_rows.h). */
struct error *dominator_leaves_init(struct dominator_leaves *leaves, const struct heap_graph *graph,
	const struct inner_nodes *nodes, const struct dominator_tree *tree);
void dominator_leaves_deinit(struct dominator_leaves *leaves);

/** By number, with the leaves that hang from each, but not yet with inner nodes. */
struct dominator_sums {
	struct byte_counts bytes;     /* of tree.reached */
	uint32_t *objects;            /* pages; NULL: not wanted */
	struct byte_counts unreached; /* by inner node: the size of one that has no number */
};

/** The sizes of @p graph are visited once. */
struct error *dominator_sums_init(struct dominator_sums *sums, const struct heap_graph *graph,
	const struct inner_nodes *nodes, const struct dominator_tree *tree,
	const struct dominator_leaves *leaves, bool with_objects);
/** From shallow to retained sizes, by inner node. The sums are gone then. */
void dominator_sums_retain(
	struct dominator_sums *sums, const struct dominator_tree *tree, struct byte_counts *ret);
void dominator_sums_deinit(struct dominator_sums *sums);

static inline void cleanup_dominator_leaves_deinit(struct dominator_leaves *leaves)
{
	dominator_leaves_deinit(leaves);
}

static inline void cleanup_dominator_sums_deinit(struct dominator_sums *sums)
{
	dominator_sums_deinit(sums);
}
