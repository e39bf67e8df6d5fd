// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "analysis/garbage.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/vector.h"

#include <stdlib.h>

DEFINE_VECTOR(node_vector, node_id)

/** A set of nodes, one bit each. */
struct node_set {
	uint64_t *bits;
	size_t words;
};

static bool node_set_init(struct node_set *set, uint32_t node_count)
{
	set->words = ((size_t)node_count + 63) / 64;
	set->bits = pages_alloc(set->words, sizeof(*set->bits));
	return set->bits;
}

static void cleanup_node_set(struct node_set *set)
{
	pages_free(set->bits, set->words, sizeof(*set->bits));
}

static bool has_node(const struct node_set *set, node_id node)
{
	return set->bits[node >> 6] >> (node & 63) & 1;
}

static bool add_node(struct node_set *set, node_id node)
{
	uint64_t bit = (uint64_t)1 << (node & 63);
	bool is_new = !(set->bits[node >> 6] & bit);

	set->bits[node >> 6] |= bit;
	return is_new;
}

/** Add @p start and the unreachable nodes that it reaches; @p stack is empty before and after. */
static struct error *add_reached(const struct heap_graph *graph,
	const struct dominators *dominators, node_id start, struct node_vector *stack,
	struct node_set *set)
{
	if (!add_node(set, start))
		return NULL;
	if (!node_vector_push(stack, start))
		return error_enomem();
	while (stack->count) {
		uint32_t count;
		const uint32_t *edges = heap_edges_of(graph, stack->items[--stack->count], &count);

		for (uint32_t i = 0; i < count; i++) {
			node_id node = edges[i] & HEAP_EDGE_NODE;

			if (dominators_is_reachable(dominators, node) || !add_node(set, node))
				continue;
			if (!node_vector_push(stack, node))
				return error_enomem();
		}
	}
	return NULL;
}

/**
 * What a collection would leave: legacy finalizers and what they reach. And what the collector
 * never looks at, untracked objects that no tracked one reaches, with what these hold.
 */
static struct error *find_kept(
	const struct heap_graph *graph, const struct dominators *dominators, struct node_set *kept)
{
	_cleanup_(node_set) struct node_set seen = {0};
	_cleanup_(node_vector_deinit) struct node_vector stack = {0};
	struct error *error;

	if (!node_set_init(&seen, graph->node_count))
		return error_enomem();
	for (node_id node = 1; node < graph->node_count; node++) {
		if (dominators_is_reachable(dominators, node) ||
			!heap_has_flag(graph, node, HEAP_NODE_TRACKED))
			continue;
		error = add_reached(graph, dominators, node, &stack, &seen);
		if (!error && heap_has_flag(graph, node, HEAP_NODE_UNCOLLECTABLE))
			error = add_reached(graph, dominators, node, &stack, kept);
		if (error)
			return error;
	}
	for (node_id node = 1; node < graph->node_count; node++) {
		if (dominators_is_reachable(dominators, node) || has_node(&seen, node))
			continue;
		error = add_reached(graph, dominators, node, &stack, kept);
		if (error)
			return error;
	}
	return NULL;
}

static void count_objects(const struct heap_graph *graph, const struct dominators *dominators,
	const struct node_set *kept, struct garbage *garbage)
{
	for (node_id node = 1; node < graph->node_count; node++) {
		uint64_t size;

		if (dominators_is_reachable(dominators, node))
			continue;
		size = heap_size_of(graph, node);
		garbage->unreachable_objects++;
		garbage->unreachable_bytes += size;
		if (has_node(kept, node)) {
			garbage->uncollectable_objects++;
			garbage->uncollectable_bytes += size;
			continue;
		}
		garbage->collectable_objects++;
		garbage->collectable_bytes += size;
		if (heap_has_flag(graph, node, HEAP_NODE_TRACKED))
			garbage->collectable_tracked_objects++;
		garbage->types[heap_type_of(graph, node)].objects++;
		garbage->types[heap_type_of(graph, node)].bytes += size;
	}
}

static int compare_types(const void *left, const void *right)
{
	const struct garbage_type *a = left, *b = right;

	if (a->bytes != b->bytes)
		return a->bytes > b->bytes ? -1 : 1;
	if (a->objects != b->objects)
		return a->objects > b->objects ? -1 : 1;
	return (a->type > b->type) - (a->type < b->type);
}

/** Keep the types that occur, in order. */
static void sort_types(struct garbage *garbage, uint32_t type_count)
{
	for (uint32_t type = 0; type < type_count; type++) {
		if (!garbage->types[type].objects)
			continue;
		garbage->types[type].type = type;
		garbage->types[garbage->type_count++] = garbage->types[type];
	}
	qsort(garbage->types, garbage->type_count, sizeof(*garbage->types), compare_types);
}

struct error *garbage_compute(
	const struct heap_graph *graph, const struct dominators *dominators, struct garbage *ret)
{
	_cleanup_(node_set) struct node_set kept = {0};
	struct garbage garbage = {0};
	struct error *error;

	if (!node_set_init(&kept, graph->node_count))
		return error_enomem();
	error = find_kept(graph, dominators, &kept);
	if (error)
		return error;
	garbage.types = mem_calloc(graph->type_count, sizeof(*garbage.types));
	if (!garbage.types)
		return error_enomem();
	count_objects(graph, dominators, &kept, &garbage);
	sort_types(&garbage, graph->type_count);
	*ret = garbage;
	return NULL;
}

struct error *garbage_mark(const struct heap_graph *graph, const struct dominators *dominators,
	uint8_t *fates, uint8_t collectable, uint8_t kept)
{
	_cleanup_(node_set) struct node_set set = {0};
	struct error *error;

	if (!node_set_init(&set, graph->node_count))
		return error_enomem();
	error = find_kept(graph, dominators, &set);
	for (node_id node = 1; !error && node < graph->node_count; node++) {
		if (!dominators_is_reachable(dominators, node))
			fates[node] = has_node(&set, node) ? kept : collectable;
	}
	return error;
}

void garbage_deinit(struct garbage *garbage)
{
	mem_free(garbage->types);
	*garbage = (struct garbage){0};
}
