// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "analysis/growth_anchors.h"

#include "base/alloc.h"
#include "base/bits.h"
#include "base/error.h"

#include <string.h>

// A container with more entries than this is data, not structure: its entries have no names of
// their own. Objects and configuration that people write by hand have fewer.
#define ENTRIES_MAX 64

// Names with more steps (each attribute of an instance costs two: the instance's dict, the value)
// are not names.
#define DEPTH_MAX 24

// Keys of a dict among which its module's name is looked for. Python 2 has them in no order.
#define GLOBALS_LOOKED_AT 4096

// Containers of one type within each other: `config['db']['hosts']` is a name, deeper nesting is a
// recursive structure. An instance within one of its own class (node.next, tree.left) always is.
#define NESTED_CONTAINERS_MAX 3

DEFINE_VECTOR(node_vector, node_id)

// An instance's dict may be its __dict__, or one that an attribute holds: the edge's label says
// which.
static bool is_attribute(const struct heap_graph *graph, node_id owner, node_id node)
{
	uint32_t count;
	const uint32_t *edges = heap_edges_of(graph, owner, &count);
	struct heap_label label = {0};

	for (uint32_t i = 0; i < count && graph->naming.label; i++) {
		if ((edges[i] & HEAP_EDGE_NODE) != node)
			continue;
		heap_label_of(graph, owner, i, &label);
		break;
	}
	return label.kind == HEAP_LABEL_ATTRIBUTE || label.kind == HEAP_LABEL_SLOT;
}

// A module's dict hangs from the root while functions of the module run: their frames have it, too. What makes
// a module puts its name in first (PyModule_NewObject()).
static bool is_globals(const struct heap_graph *graph, node_id node)
{
	uint32_t count = heap_row_length(graph, node);

	for (uint32_t i = 0; i < count && i < GLOBALS_LOOKED_AT && graph->naming.label; i++) {
		struct heap_label label;

		graph->naming.label(graph->naming.context, node, i, &label);
		if (label.kind == HEAP_LABEL_KEY && strcmp(label.text, "'__name__'") == 0)
			return true;
	}
	return false;
}

bool growth_is_namespace(
	const struct heap_graph *graph, const struct dominators *dominators, node_id node)
{
	enum heap_type_role role;
	node_id owner;

	if (node == HEAP_ROOT)
		return true;
	role = heap_role_of(graph, node);
	owner = dominators->idom[node];
	if (role == HEAP_TYPE_DICT && owner != HEAP_ROOT) {
		role = heap_role_of(graph, owner);
		if (role == HEAP_TYPE_INSTANCE && is_attribute(graph, owner, node))
			return false;
	} else if (role == HEAP_TYPE_DICT) {
		return is_globals(graph, node);
	} else if (heap_has_flag(graph, node, HEAP_NODE_CONTAINER)) {
		return false;
	}
	return role == HEAP_TYPE_MODULE || role == HEAP_TYPE_TYPE || role == HEAP_TYPE_INSTANCE ||
	       role == HEAP_TYPE_FRAME;
}

// What growth_is_namespace() asks: of whom it asks, and of which holders it is asked.
void growth_anchors_rows(
	const struct heap_graph *graph, const struct dominators *dominators, uint64_t *ret)
{
	for (node_id node = 1; node < graph->node_count; node++) {
		node_id owner = dominators->idom[node];

		if (heap_row_length(graph, node) <= ENTRIES_MAX ||
			heap_role_of(graph, node) != HEAP_TYPE_DICT || owner == HEAP_NODE_NONE)
			continue;
		if (owner == HEAP_ROOT)
			owner = node;
		else if (heap_role_of(graph, owner) != HEAP_TYPE_INSTANCE)
			continue;
		bits_set(ret, owner);
	}
}

static bool repeats(const struct growth_anchors *anchors, const struct heap_graph *graph,
	uint32_t anchor, node_id node)
{
	uint32_t type = heap_type_of(graph, node);
	enum heap_type_role role = heap_role_of(graph, node);
	int allowed = 0;

	if (role == HEAP_TYPE_TYPE || role == HEAP_TYPE_MODULE)
		return false;
	if (role != HEAP_TYPE_INSTANCE)
		allowed = NESTED_CONTAINERS_MAX;
	for (; anchor != ANCHOR_ROOT; anchor = anchors->list.items[anchor].parent) {
		if (heap_type_of(graph, anchors->list.items[anchor].node) == type && --allowed < 0)
			return true;
	}
	return false;
}

static bool can_be_anchor(const struct growth_anchors *anchors, const struct heap_graph *graph,
	const struct dominators *dominators, uint64_t bytes_min, node_id node)
{
	node_id holder = dominators->idom[node];
	uint32_t above = growth_anchor_of(anchors, holder);

	if (anchors->list.items[above].node != holder)
		return false;
	if (dominators_retained(dominators, node) < bytes_min || heap_row_length(graph, node) == 0)
		return false;
	if (heap_has_flag(graph, node, HEAP_NODE_MODULE))
		return true;
	if (anchors->list.items[above].depth >= DEPTH_MAX)
		return false;
	if (heap_row_length(graph, holder) > ENTRIES_MAX &&
		!growth_is_namespace(graph, dominators, holder))
		return false;
	return !repeats(anchors, graph, above, node);
}

static bool assign(struct growth_anchors *anchors, const struct heap_graph *graph,
	const struct dominators *dominators, uint64_t bytes_min, node_id node)
{
	uint32_t above = growth_anchor_of(anchors, dominators->idom[node]);
	struct growth_anchor anchor = {.node = node, .parent = above};

	anchors->of[node] = above + 1;
	if (!can_be_anchor(anchors, graph, dominators, bytes_min, node))
		return true;
	anchor.depth = anchors->list.items[above].depth + 1;
	if (!growth_anchor_vector_push(&anchors->list, anchor))
		return false;
	anchors->of[node] = (uint32_t)anchors->list.count;
	return true;
}

// From each node up to the first that is known, then back down: every node is entered once.
static struct error *assign_all(struct growth_anchors *anchors, const struct heap_graph *graph,
	const struct dominators *dominators, uint64_t bytes_min)
{
	_cleanup_(node_vector_deinit) struct node_vector way = {0};

	for (node_id node = 1; node < graph->node_count; node++) {
		if (!dominators_is_reachable(dominators, node)) {
			anchors->of[node] = ANCHOR_GARBAGE + 1;
			continue;
		}
		for (node_id at = node; !anchors->of[at]; at = dominators->idom[at]) {
			if (!node_vector_push(&way, at))
				return error_enomem();
		}
		while (way.count > 0) {
			if (!assign(anchors, graph, dominators, bytes_min, way.items[--way.count]))
				return error_enomem();
		}
	}
	return NULL;
}

struct error *growth_anchors_init(struct growth_anchors *anchors, const struct heap_graph *graph,
	const struct dominators *dominators, uint64_t bytes_min)
{
	struct error *err;

	*anchors = (struct growth_anchors){.node_count = graph->node_count};
	anchors->of = pages_alloc(graph->node_count, sizeof(*anchors->of));
	if (!anchors->of || !growth_anchor_vector_push(&anchors->list, (struct growth_anchor){0}) ||
		!growth_anchor_vector_push(
			&anchors->list, (struct growth_anchor){.node = HEAP_NODE_NONE})) {
		growth_anchors_deinit(anchors);
		return error_enomem();
	}
	anchors->of[HEAP_ROOT] = ANCHOR_ROOT + 1;
	err = assign_all(anchors, graph, dominators, bytes_min);
	if (err)
		growth_anchors_deinit(anchors);
	return err;
}

// Each comes after the one above it.
void growth_anchors_sum(struct growth_anchors *anchors, const struct heap_graph *graph)
{
	for (size_t i = anchors->list.count; i-- > ANCHOR_GARBAGE + 1;) {
		const struct growth_anchor *anchor = &anchors->list.items[i];
		struct growth_anchor *above = &anchors->list.items[anchor->parent];
		enum heap_type_role role = heap_role_of(graph, anchor->node);

		above->below += anchor->objects + anchor->below;
		above->has_code |= anchor->has_code || role == HEAP_TYPE_MODULE ||
				   role == HEAP_TYPE_TYPE ||
				   heap_has_flag(graph, anchor->node, HEAP_NODE_MODULE);
	}
}

void growth_anchors_deinit(struct growth_anchors *anchors)
{
	pages_free(anchors->of, anchors->node_count, sizeof(*anchors->of));
	growth_anchor_vector_deinit(&anchors->list);
	*anchors = (struct growth_anchors){0};
}
