// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "analysis/heap_skeleton.h"

#include "analysis/dominator_leaves.h"
#include "base/alloc.h"
#include "base/bits.h"
#include "base/error.h"
#include "heap/heap_graph_build.h"
#include "heap/heap_rows.h"

/** The node of the whole graph; HEAP_NODE_NONE if its row is not there. */
static node_id brought(const struct heap_skeleton *skeleton, node_id node)
{
	node_id whole = inner_nodes_at(&skeleton->nodes, node);

	return bits_has(skeleton->has_row, whole) ? whole : HEAP_NODE_NONE;
}

static void label_of(void *context, node_id node, uint32_t edge, struct heap_label *ret)
{
	const struct heap_skeleton *skeleton = context;
	const struct heap_naming *naming = &skeleton->whole->naming;
	node_id whole = brought(skeleton, node);

	*ret = (struct heap_label){.kind = HEAP_LABEL_NONE};
	if (whole != HEAP_NODE_NONE && naming->label)
		naming->label(naming->context, whole, edge, ret);
}

static uint32_t edge_number(void *context, node_id node, uint32_t edge)
{
	const struct heap_skeleton *skeleton = context;
	node_id whole = brought(skeleton, node);
	const uint32_t *edges;
	uint32_t count;

	if (whole == HEAP_NODE_NONE)
		return UINT32_MAX;
	edges = heap_edges_of(skeleton->whole, whole, &count);
	for (uint32_t i = 0; i < count; i++) {
		if (inner_nodes_has(&skeleton->nodes, edges[i] & HEAP_EDGE_NODE) && !edge--)
			return i;
	}
	return UINT32_MAX;
}

static uint64_t length_of(void *context, node_id node)
{
	const struct heap_skeleton *skeleton = context;
	const struct heap_naming *naming = &skeleton->whole->naming;
	node_id whole = inner_nodes_at(&skeleton->nodes, node);

	if (!naming->length ||
		(!bits_has(skeleton->has_row, whole) && !bits_has(skeleton->has_length, whole)))
		return heap_row_length(skeleton->graph, node);
	return naming->length(naming->context, whole);
}

static uint64_t bound_of(void *context, node_id node)
{
	const struct heap_skeleton *skeleton = context;
	const struct heap_naming *naming = &skeleton->whole->naming;

	return naming->bound
		       ? naming->bound(naming->context, inner_nodes_at(&skeleton->nodes, node))
		       : UINT64_MAX;
}

static void name_of(void *context, node_id node, char *ret, size_t size)
{
	const struct heap_skeleton *skeleton = context;
	const struct heap_naming *naming = &skeleton->whole->naming;

	*ret = '\0';
	if (naming->name)
		naming->name(naming->context, inner_nodes_at(&skeleton->nodes, node), ret, size);
}

static void file_of(void *context, node_id node, char *ret, size_t size)
{
	const struct heap_skeleton *skeleton = context;
	const struct heap_naming *naming = &skeleton->whole->naming;

	*ret = '\0';
	if (naming->file)
		naming->file(naming->context, inner_nodes_at(&skeleton->nodes, node), ret, size);
}

static void free_variable_of(
	void *context, node_id function, uint64_t index, char *ret, size_t size)
{
	const struct heap_skeleton *skeleton = context;
	const struct heap_naming *naming = &skeleton->whole->naming;
	node_id whole = brought(skeleton, function);

	*ret = '\0';
	if (whole != HEAP_NODE_NONE && naming->free_variable)
		naming->free_variable(naming->context, whole, index, ret, size);
}

static struct error *copy_words(void *context, const struct heap_rows *rows)
{
	struct heap_skeleton *skeleton = context;
	uint32_t number = inner_nodes_number(&skeleton->nodes, rows->first);

	for (node_id node = rows->first; node < rows->end; node++) {
		const uint32_t *bounds = rows->bounds + (node - rows->first);

		if (!inner_nodes_has(&skeleton->nodes, node))
			continue;
		skeleton->graph->row_length[number] = bounds[1] - bounds[0];
		if (node == HEAP_ROOT)
			skeleton->graph->row_length[number] = skeleton->whole->root_edge_count;
		skeleton->graph->node_word[number++] = rows->words[node - rows->first];
	}
	return NULL;
}

static void copy_types(struct heap_skeleton *skeleton)
{
	for (uint32_t i = 0; i < skeleton->graph->type_count; i++) {
		struct heap_type *type = &skeleton->graph->types[i];

		*type = skeleton->whole->types[i];
		if (type->node != HEAP_NODE_NONE)
			type->node = inner_nodes_has(&skeleton->nodes, type->node)
					     ? inner_nodes_number(&skeleton->nodes, type->node)
					     : HEAP_NODE_NONE;
	}
}

static struct error *copy_roots(struct heap_skeleton *skeleton)
{
	struct error *err = NULL;

	for (size_t i = 0; !err && i < skeleton->whole->root_count; i++) {
		const struct heap_root *root = &skeleton->whole->roots[i];

		if (inner_nodes_has(&skeleton->nodes, root->node))
			err = heap_graph_add_root(skeleton->graph,
				inner_nodes_number(&skeleton->nodes, root->node), root->kind,
				root->name, root->file);
	}
	return err ? err : heap_graph_finish(skeleton->graph);
}

/** Takes the rows of @p inner. */
static struct error *make_graph(struct heap_skeleton *skeleton, struct inner_graph *inner)
{
	struct heap_graph *graph;
	struct error *err = heap_graph_create(
		skeleton->nodes.count, 0, skeleton->whole->type_count, &skeleton->graph);

	if (err)
		return err;
	graph = skeleton->graph;
	heap_graph_adopt_rows(
		graph, take(inner->first_edge), take(inner->edges), inner->edge_count);
	graph->row_length = pages_alloc(graph->node_count, sizeof(*graph->row_length));
	if (!graph->row_length)
		return error_enomem();
	copy_types(skeleton);
	graph->naming = (struct heap_naming){.context = skeleton,
		.label = label_of,
		.edge_number = edge_number,
		.length = length_of,
		.name = name_of,
		.file = file_of,
		.bound = bound_of,
		.free_variable = free_variable_of};
	return copy_roots(skeleton);
}

/** Sizes, with those of the leaves, and objects: as they are in the sums before they are retained. */
static struct error *copy_sums(struct heap_skeleton *skeleton, const struct dominator_tree *tree,
	const struct dominator_sums *sums)
{
	struct error *err = NULL;

	skeleton->objects = pages_alloc(tree->node_count, sizeof(*skeleton->objects));
	if (!skeleton->objects)
		return error_enomem();
	for (uint32_t i = 0; !err && i < tree->node_count; i++) {
		uint32_t number = tree->number[i];
		bool is_reached = number != DOMINATOR_UNREACHED;

		skeleton->objects[i] = is_reached ? sums->objects[number] : 1;
		err = heap_graph_set_size(skeleton->graph, i,
			is_reached ? byte_counts_get(&sums->bytes, number)
				   : byte_counts_get(&sums->unreached, i));
	}
	return err;
}

/** The tree as dominators of the skeleton's graph. */
static struct error *name_tree(struct heap_skeleton *skeleton, const struct dominator_tree *tree)
{
	struct dominators *result = skeleton->dominators;
	uint32_t *node_of = pages_alloc(tree->node_count, sizeof(*node_of));

	result->idom = pages_alloc(tree->node_count, sizeof(*result->idom));
	if (!node_of || !result->idom) {
		pages_free(node_of, tree->node_count, sizeof(*node_of));
		return error_enomem();
	}
	for (uint32_t i = 0; i < tree->node_count; i++) {
		if (tree->number[i] != DOMINATOR_UNREACHED)
			node_of[tree->number[i]] = i;
	}
	for (uint32_t i = 0; i < tree->node_count; i++)
		result->idom[i] = i == HEAP_ROOT || tree->number[i] == DOMINATOR_UNREACHED
					  ? HEAP_NODE_NONE
					  : node_of[tree->dominator[tree->number[i]]];
	pages_free(node_of, tree->node_count, sizeof(*node_of));
	return NULL;
}

static struct error *make_dominators(
	struct heap_skeleton *skeleton, struct dominator_tree *tree, struct dominator_sums *sums)
{
	struct dominators *result = skeleton->dominators = mem_calloc(1, sizeof(*result));

	if (!result)
		return error_enomem();
	result->graph = skeleton->graph;
	result->node_count = tree->node_count;
	pages_free(take(sums->objects), tree->node_count, sizeof(*sums->objects));
	dominator_sums_retain(sums, tree, &result->retained);
	if (!inner_nodes_init_all(&result->inner, tree->node_count))
		return error_enomem();
	return name_tree(skeleton, tree);
}

static struct error *fill(struct heap_skeleton *skeleton)
{
	_cleanup_(inner_graph_deinit) struct inner_graph inner = {0};
	_cleanup_(dominator_tree_deinit) struct dominator_tree tree = {0};
	_cleanup_(dominator_leaves_deinit) struct dominator_leaves leaves = {0};
	_cleanup_(dominator_sums_deinit) struct dominator_sums sums = {0};
	struct error *err = inner_graph_init(&inner, skeleton->whole);

	if (!err)
		err = dominator_tree_init(&tree, &inner, true);
	if (err)
		return err;
	skeleton->nodes = inner.nodes;
	inner.nodes.words = NULL;
	err = make_graph(skeleton, &inner);
	if (!err)
		err = dominator_leaves_init(&leaves, skeleton->whole, &skeleton->nodes, &tree);
	dominator_tree_drop_jumps(&tree);
	if (!err)
		err = dominator_sums_init(
			&sums, skeleton->whole, &skeleton->nodes, &tree, &leaves, true);
	dominator_leaves_deinit(&leaves);
	if (!err)
		err = copy_sums(skeleton, &tree, &sums);
	if (!err)
		err = make_dominators(skeleton, &tree, &sums);
	return err;
}

struct error *heap_skeleton_create(struct heap_graph *whole, struct heap_skeleton **ret)
{
	_cleanup_(heap_skeleton_destroy) struct heap_skeleton *skeleton =
		mem_calloc(1, sizeof(*skeleton));
	struct error *err;

	if (!skeleton)
		return error_enomem();
	skeleton->whole = whole;
	skeleton->has_row = pages_alloc(bits_words(whole->node_count), sizeof(uint64_t));
	skeleton->has_length = pages_alloc(bits_words(whole->node_count), sizeof(uint64_t));
	if (!skeleton->has_row || !skeleton->has_length)
		return error_enomem();
	err = fill(skeleton);
	// When all that was needed for the tree is gone.
	if (!err)
		err = heap_graph_visit_rows(
			whole, HEAP_ROWS_BOUNDS | HEAP_ROWS_WORDS, NULL, copy_words, skeleton);
	if (err)
		return err;
	*ret = take(skeleton);
	return NULL;
}

/** The nodes of the whole that are not yet among @p there, and put them there. */
static uint64_t *take_more(
	const struct heap_skeleton *skeleton, const uint64_t *wanted, uint64_t *there)
{
	uint64_t *more = pages_alloc(bits_words(skeleton->whole->node_count), sizeof(*more));

	for (uint32_t i = 0; more && i < skeleton->nodes.count; i++) {
		node_id node;

		if (!bits_has(wanted, i))
			continue;
		node = inner_nodes_at(&skeleton->nodes, i);
		if (!bits_has(there, node))
			bits_set(more, node);
		bits_set(there, node);
	}
	return more;
}

struct error *heap_skeleton_bring(
	struct heap_skeleton *skeleton, const uint64_t *rows, const uint64_t *lengths)
{
	size_t words = bits_words(skeleton->whole->node_count);
	uint64_t *more_rows = take_more(skeleton, rows, skeleton->has_row);
	uint64_t *more_lengths =
		lengths ? take_more(skeleton, lengths, skeleton->has_length) : NULL;
	struct error *err = error_enomem();

	if (more_rows && (more_lengths || !lengths))
		err = heap_graph_bring_rows(skeleton->whole, more_rows, more_lengths);
	pages_free(more_rows, words, sizeof(*more_rows));
	pages_free(more_lengths, words, sizeof(*more_lengths));
	return err;
}

void heap_skeleton_drop_dominators(struct heap_skeleton *skeleton)
{
	pages_free(take(skeleton->objects), skeleton->nodes.count, sizeof(*skeleton->objects));
	dominators_destroy(take(skeleton->dominators));
}

void heap_skeleton_destroy(struct heap_skeleton *skeleton)
{
	if (!skeleton)
		return;
	heap_skeleton_drop_dominators(skeleton);
	heap_graph_destroy(skeleton->graph);
	pages_free(skeleton->has_row, bits_words(skeleton->whole->node_count), sizeof(uint64_t));
	pages_free(skeleton->has_length, bits_words(skeleton->whole->node_count), sizeof(uint64_t));
	inner_nodes_deinit(&skeleton->nodes);
	mem_free(skeleton);
}
