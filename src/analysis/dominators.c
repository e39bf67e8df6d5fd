// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "analysis/dominators.h"

#include "analysis/dominator_leaves.h"
#include "analysis/dominator_tree.h"
#include "base/error.h"

// How far ahead of their use lines are fetched.
#define AHEAD_FAR  32
#define AHEAD_NEAR 16

/** The node that has each number of the tree. */
static struct error *find_nodes(
	const struct inner_nodes *inner, const struct dominator_tree *tree, node_id **ret)
{
	node_id *node_of = pages_alloc(inner->count, sizeof(*node_of));
	uint32_t i = 0;

	if (!node_of)
		return error_enomem();
	for (node_id node = 0; node < inner->node_count; node++) {
		if (!inner_nodes_has(inner, node))
			continue;
		if (i + AHEAD_FAR < inner->count &&
			tree->number[i + AHEAD_FAR] != DOMINATOR_UNREACHED)
			__builtin_prefetch(&node_of[tree->number[i + AHEAD_FAR]], 1);
		if (tree->number[i] != DOMINATOR_UNREACHED)
			node_of[tree->number[i]] = node;
		i++;
	}
	*ret = node_of;
	return NULL;
}

/** From numbers to the result: immediate dominators as nodes. */
static void name_dominators(struct dominators *result, const struct dominator_tree *tree,
	const struct dominator_leaves *leaves, const node_id *node_of)
{
	const struct inner_nodes *inner = &result->inner;
	uint32_t i = 0; /* inner nodes before this one */

	for (node_id node = 0; node < result->node_count; node++) {
		bool is_inner = inner_nodes_has(inner, node);
		uint32_t number = is_inner ? tree->number[i] : leaves->above[node - i];

		if (number != DOMINATOR_UNREACHED && is_inner)
			number = tree->dominator[number];
		result->idom[node] =
			number == DOMINATOR_UNREACHED ? HEAP_NODE_NONE : node_of[number];
		i += is_inner;
	}
	result->idom[HEAP_ROOT] = HEAP_NODE_NONE;
}

static struct error *name_all(struct dominators *result, const struct dominator_tree *tree,
	const struct dominator_leaves *leaves)
{
	node_id *node_of = NULL;
	struct error *err = find_nodes(&result->inner, tree, &node_of);

	if (err)
		return err;
	result->idom = pages_alloc(result->node_count, sizeof(*result->idom));
	if (result->idom)
		name_dominators(result, tree, leaves, node_of);
	pages_free(node_of, result->inner.count, sizeof(*node_of));
	return result->idom ? NULL : error_enomem();
}

static struct error *fill(struct dominators *result)
{
	_cleanup_(inner_graph_deinit) struct inner_graph inner = {0};
	_cleanup_(dominator_tree_deinit) struct dominator_tree tree = {0};
	_cleanup_(dominator_leaves_deinit) struct dominator_leaves leaves = {0};
	struct dominator_sums sums;
	struct error *err = inner_graph_init(&inner, result->graph);

	if (!err)
		err = dominator_tree_init(&tree, &inner, false);
	if (err)
		return err;
	result->inner = inner.nodes;
	inner.nodes = (struct inner_nodes){0};
	err = dominator_leaves_init(&leaves, result->graph, &result->inner, &tree);
	dominator_tree_drop_jumps(&tree);
	if (!err)
		err = dominator_sums_init(
			&sums, result->graph, &result->inner, &tree, &leaves, false);
	if (err)
		return err;
	dominator_sums_retain(&sums, &tree, &result->retained);
	return name_all(result, &tree, &leaves);
}

struct error *dominators_create(const struct heap_graph *graph, struct dominators **ret)
{
	_cleanup_(dominators_destroy) struct dominators *result = mem_calloc(1, sizeof(*result));
	struct error *err;

	if (!result)
		return error_enomem();
	result->graph = graph;
	result->node_count = graph->node_count;
	err = fill(result);
	if (err)
		return err;
	*ret = take(result);
	return NULL;
}

void dominators_destroy(struct dominators *dominators)
{
	if (!dominators)
		return;
	pages_free(dominators->idom, dominators->node_count, sizeof(*dominators->idom));
	byte_counts_deinit(&dominators->retained);
	inner_nodes_deinit(&dominators->inner);
	mem_free(dominators);
}
