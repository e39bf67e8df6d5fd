// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Anchors: the dominators that a person could name, and to which of them each node belongs.
 *
 * Anchor 0 is the root, anchor 1 stands for what is unreachable. A node that is not an anchor
 * belongs to the nearest anchor that dominates it; an anchor belongs to itself.
 */
#pragma once

#include "analysis/dominators.h"
#include "base/vector.h"

#define ANCHOR_ROOT    0u
#define ANCHOR_GARBAGE 1u

struct growth_anchor {
	node_id node;
	uint32_t parent; /* the anchor above */
	uint32_t depth;
	uint64_t objects, bytes; /* its own: without those of anchors below */
	uint64_t below;          /* objects of all anchors below: growth_anchors_sum() */
	bool has_code;           /* there are modules or classes among those */
};

DEFINE_VECTOR(growth_anchor_vector, struct growth_anchor)

struct growth_anchors {
	struct growth_anchor_vector list;
	uint32_t *of; /* by node: index in list, plus one */
	uint32_t node_count;
};

/** @p bytes_min: nodes that retain less are no anchors. */
struct error *growth_anchors_init(struct growth_anchors *anchors, const struct heap_graph *graph,
	const struct dominators *dominators, uint64_t bytes_min);
/** Of which nodes growth_anchors_init() reads the references, not only how many there are: sets their bits, which
 *  begin zeroed. Needs types and flags, but no names. */
void growth_anchors_rows(
	const struct heap_graph *graph, const struct dominators *dominators, uint64_t *ret);
void growth_anchors_deinit(struct growth_anchors *anchors);

/** Sum up what anchors have below them, once their own objects are counted. */
void growth_anchors_sum(struct growth_anchors *anchors, const struct heap_graph *graph);

static inline void cleanup_growth_anchors_deinit(struct growth_anchors *anchors)
{
	growth_anchors_deinit(anchors);
}

static inline uint32_t growth_anchor_of(const struct growth_anchors *anchors, node_id node)
{
	return anchors->of[node] - 1;
}

static inline bool growth_is_anchor(const struct growth_anchors *anchors, node_id node)
{
	return anchors->list.items[anchors->of[node] - 1].node == node;
}

/** Does what hangs from this node have names, however many there are? The variables of a module,
 * the attributes of a class or an instance. */
bool growth_is_namespace(
	const struct heap_graph *graph, const struct dominators *dominators, node_id node);
