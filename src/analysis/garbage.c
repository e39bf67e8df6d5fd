// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "analysis/garbage.h"

#include "base/alloc.h"
#include "base/bits.h"
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
	set->words = bits_words(node_count);
	set->bits = pages_alloc(set->words, sizeof(*set->bits));
	return set->bits;
}

static void cleanup_node_set(struct node_set *set)
{
	pages_free(set->bits, set->words, sizeof(*set->bits));
}

static bool has_node(const struct node_set *set, node_id node)
{
	return bits_has(set->bits, node);
}

static bool add_node(struct node_set *set, node_id node)
{
	uint64_t bit = (uint64_t)1 << (node & 63);
	bool is_new = !(set->bits[node >> 6] & bit);

	set->bits[node >> 6] |= bit;
	return is_new;
}

static void remove_node(struct node_set *set, node_id node)
{
	bits_clear(set->bits, node);
}

/** What becomes of the nodes that no root reaches. */
struct judgement {
	struct node_set dead;   /* all of them */
	struct node_set kept;   /* of these, what no collection frees */
	struct node_set held;   /* what the permanent generation has, and all that leads to */
	struct node_set frozen; /* of that, what stays until gc.unfreeze() */
};

static void cleanup_judgement(struct judgement *judgement)
{
	cleanup_node_set(&judgement->dead);
	cleanup_node_set(&judgement->kept);
	cleanup_node_set(&judgement->held);
	cleanup_node_set(&judgement->frozen);
}

static bool judgement_init(struct judgement *judgement, uint32_t node_count)
{
	return node_set_init(&judgement->dead, node_count) &&
	       node_set_init(&judgement->kept, node_count) &&
	       node_set_init(&judgement->held, node_count) &&
	       node_set_init(&judgement->frozen, node_count);
}

/** Add @p start and the dead nodes that it reaches; @p stack is empty before and after. */
static struct error *add_reached(const struct heap_graph *graph, const struct node_set *dead,
	node_id start, struct node_vector *stack, struct node_set *set)
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

			if (!has_node(dead, node) || !add_node(set, node))
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
static struct error *find_kept(const struct heap_graph *graph, struct judgement *judgement)
{
	_cleanup_(node_set) struct node_set seen = {0};
	_cleanup_(node_vector_deinit) struct node_vector stack = {0};
	const struct node_set *dead = &judgement->dead;
	struct error *error;

	if (!node_set_init(&seen, graph->node_count))
		return error_enomem();
	for (node_id node = 1; node < graph->node_count; node++) {
		if (!has_node(dead, node) || !heap_has_flag(graph, node, HEAP_NODE_TRACKED))
			continue;
		error = add_reached(graph, dead, node, &stack, &seen);
		if (!error && heap_has_flag(graph, node, HEAP_NODE_UNCOLLECTABLE))
			error = add_reached(graph, dead, node, &stack, &judgement->kept);
		if (error)
			return error;
	}
	for (node_id node = 1; node < graph->node_count; node++) {
		if (!has_node(dead, node) || has_node(&seen, node))
			continue;
		error = add_reached(graph, dead, node, &stack, &judgement->kept);
		if (error)
			return error;
	}
	return NULL;
}

// The collector takes a reference from the permanent generation for one from outside: what is led to stays.
static struct error *find_held(
	const struct heap_graph *graph, struct judgement *judgement, bool *ret_is_any)
{
	_cleanup_(node_vector_deinit) struct node_vector stack = {0};
	struct error *error = NULL;

	*ret_is_any = false;
	for (node_id node = 1; !error && node < graph->node_count; node++) {
		if (!has_node(&judgement->dead, node) ||
			!heap_has_flag(graph, node, HEAP_NODE_PERMANENT))
			continue;
		*ret_is_any = true;
		error = add_reached(graph, &judgement->dead, node, &stack, &judgement->held);
	}
	return error;
}

static bool survives(const struct judgement *judgement, node_id node)
{
	return has_node(&judgement->held, node) || has_node(&judgement->kept, node);
}

// An edge to itself may be one that was dropped.
static bool is_reference(uint32_t edge, node_id node)
{
	return (edge & HEAP_EDGE_NODE) != node || !(edge & HEAP_EDGE_INFERRED);
}

// Counts of references that are left once the rest is gone.
static void count_references(
	const struct heap_graph *graph, const struct judgement *judgement, uint32_t *references)
{
	for (node_id node = 1; node < graph->node_count; node++) {
		uint32_t count;
		const uint32_t *edges = heap_edges_of(graph, node, &count);

		if (!survives(judgement, node))
			continue;
		for (uint32_t i = 0; i < count; i++)
			references[edges[i] & HEAP_EDGE_NODE] += is_reference(edges[i], node);
	}
}

/** Of what is held, that goes all the same to which no reference is left: it was held by a cycle that is
 *  collected, or by another one of these. */
static struct error *find_frozen(const struct heap_graph *graph, struct judgement *judgement)
{
	_cleanup_(node_vector_deinit) struct node_vector gone = {0};
	uint32_t *references;
	struct error *error;
	bool is_any;

	error = find_held(graph, judgement, &is_any);
	if (error || !is_any)
		return error;
	references = pages_alloc(graph->node_count, sizeof(*references));
	if (!references)
		return error_enomem();
	count_references(graph, judgement, references);
	for (node_id node = 1; !error && node < graph->node_count; node++) {
		if (!has_node(&judgement->held, node) || has_node(&judgement->kept, node))
			continue;
		add_node(&judgement->frozen, node);
		if (!references[node] && !node_vector_push(&gone, node))
			error = error_enomem();
	}
	while (!error && gone.count) {
		node_id node = gone.items[--gone.count];
		uint32_t count;
		const uint32_t *edges = heap_edges_of(graph, node, &count);

		remove_node(&judgement->frozen, node);
		for (uint32_t i = 0; !error && i < count; i++) {
			node_id next = edges[i] & HEAP_EDGE_NODE;

			if (is_reference(edges[i], node) && !--references[next] &&
				has_node(&judgement->frozen, next) &&
				!node_vector_push(&gone, next))
				error = error_enomem();
		}
	}
	pages_free(references, graph->node_count, sizeof(*references));
	return error;
}

/** @p judgement->dead is filled. */
static struct error *judge(const struct heap_graph *graph, struct judgement *judgement)
{
	struct error *error = find_kept(graph, judgement);

	return error ? error : find_frozen(graph, judgement);
}

static void count_objects(
	const struct heap_graph *graph, const struct judgement *judgement, struct garbage *garbage)
{
	for (node_id node = 1; node < graph->node_count; node++) {
		bool is_frozen = has_node(&judgement->frozen, node);
		uint64_t size;

		if (!has_node(&judgement->dead, node))
			continue;
		size = heap_size_of(graph, node);
		garbage->unreachable_objects++;
		garbage->unreachable_bytes += size;
		garbage->frozen_objects += is_frozen;
		garbage->frozen_bytes += is_frozen ? size : 0;
		if (is_frozen || has_node(&judgement->kept, node)) {
			garbage->uncollectable_objects++;
			garbage->uncollectable_bytes += size;
			continue;
		}
		garbage->collectable_objects++;
		garbage->collectable_bytes += size;
		// What is held goes with the last reference, not by the collector.
		if (heap_has_flag(graph, node, HEAP_NODE_TRACKED) &&
			!has_node(&judgement->held, node))
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
	_cleanup_(judgement) struct judgement judgement = {0};
	struct garbage garbage = {0};
	struct error *error;

	if (!judgement_init(&judgement, graph->node_count))
		return error_enomem();
	for (node_id node = 1; node < graph->node_count; node++) {
		if (!dominators_is_reachable(dominators, node))
			add_node(&judgement.dead, node);
	}
	error = judge(graph, &judgement);
	if (error)
		return error;
	garbage.types = mem_calloc(graph->type_count, sizeof(*garbage.types));
	if (!garbage.types)
		return error_enomem();
	count_objects(graph, &judgement, &garbage);
	sort_types(&garbage, graph->type_count);
	*ret = garbage;
	return NULL;
}

struct error *garbage_mark(
	const struct heap_graph *graph, const struct garbage_marks *marks, uint8_t *fates)
{
	_cleanup_(judgement) struct judgement judgement = {0};
	struct error *error;

	if (!judgement_init(&judgement, graph->node_count))
		return error_enomem();
	for (node_id node = 1; node < graph->node_count; node++) {
		if (fates[node] == marks->unreachable)
			add_node(&judgement.dead, node);
	}
	error = judge(graph, &judgement);
	for (node_id node = 1; !error && node < graph->node_count; node++) {
		if (has_node(&judgement.dead, node))
			fates[node] = has_node(&judgement.frozen, node) ? marks->frozen
				      : has_node(&judgement.kept, node) ? marks->kept
									: marks->collectable;
	}
	return error;
}

void garbage_deinit(struct garbage *garbage)
{
	mem_free(garbage->types);
	*garbage = (struct garbage){0};
}
