// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "heap/heap_edges.h"

#include "base/alloc.h"
#include "base/error.h"

#include <stdlib.h>

// A bit of an old difference weighs half after so many objects.
#define HALF_LIFE_SHIFT 3
// Of a long row so many references tell which way is the best.
#define JUDGED_MAX      16

enum way {
	WAY_LAST_OF_TYPE, /* the same place in the last object of the type */
	WAY_BEFORE,       /* the one before */
	WAY_BEFORE_THAT,
	WAY_COUNT,
};

struct habit {
	node_id last; /* object of the type in this block; 0: none */
	uint32_t cost[WAY_COUNT];
};

// A node's row, and that of the last object of its type.
struct row {
	const uint32_t *edges, *last;
	uint32_t count, last_count;
	node_id node;
};

static inline uint32_t guess(const struct row *row, enum way way, uint32_t i)
{
	bool has_last = i < row->last_count;

	if (i == 0)
		return has_last ? row->last[0] & HEAP_EDGE_NODE : row->node;
	if (way == WAY_LAST_OF_TYPE && has_last)
		return row->last[i] & HEAP_EDGE_NODE;
	if (way == WAY_BEFORE_THAT && i > 1)
		return row->edges[i - 2] & HEAP_EDGE_NODE;
	if (way == WAY_BEFORE_THAT && has_last)
		return row->last[i] & HEAP_EDGE_NODE;
	return row->edges[i - 1] & HEAP_EDGE_NODE;
}

static inline uint32_t zigzag(uint32_t difference)
{
	return difference << 1 ^ (0 - (difference >> 31));
}

static inline uint32_t unzigzag(uint32_t value)
{
	return value >> 1 ^ (0 - (value & 1));
}

static inline unsigned bits_of(uint32_t value)
{
	return value ? 32 - (unsigned)__builtin_clz(value) : 0;
}

static inline enum way best_way(const struct habit *habit)
{
	enum way best = WAY_LAST_OF_TYPE;

	for (enum way way = WAY_BEFORE; way < WAY_COUNT; way++) {
		if (habit->cost[way] < habit->cost[best])
			best = way;
	}
	return best;
}

// What each way would have taken for this row.
static inline void learn(struct habit *habit, const struct row *row)
{
	uint32_t count = row->count < JUDGED_MAX ? row->count : JUDGED_MAX;

	for (enum way way = 0; way < WAY_COUNT; way++) {
		uint32_t bits = 0;

		for (uint32_t i = 1; i < count; i++)
			bits += bits_of(
				zigzag((row->edges[i] & HEAP_EDGE_NODE) - guess(row, way, i)));
		habit->cost[way] += bits - (habit->cost[way] >> HALF_LIFE_SHIFT);
	}
	habit->last = row->node;
}

static inline struct row row_of(
	const struct heap_rows *rows, const struct habit *habit, node_id node)
{
	const uint32_t *bounds = rows->bounds + (node - rows->first);
	struct row row = {
		.node = node, .edges = rows->edges + bounds[0], .count = bounds[1] - bounds[0]};

	if (habit->last) {
		bounds = rows->bounds + (habit->last - rows->first);
		row.last = rows->edges + bounds[0];
		row.last_count = bounds[1] - bounds[0];
	}
	return row;
}

static inline struct habit *habit_of(
	struct habit *habits, const struct heap_rows *rows, node_id node)
{
	return &habits[rows->words[node - rows->first] & HEAP_NODE_TYPE_MASK];
}

struct error *heap_edges_encode(
	const struct heap_graph *graph, node_id first, node_id end, uint32_t *ret)
{
	_cleanup_(mem_free) struct habit *habits = mem_calloc(graph->type_count, sizeof(*habits));
	const struct heap_rows rows = {.first = first,
		.end = end,
		.bounds = graph->first_edge + first,
		.edges = graph->edges,
		.words = graph->node_word + first};

	if (!habits)
		return error_enomem();
	for (node_id node = first; node < end; node++) {
		struct habit *habit = habit_of(habits, &rows, node);
		struct row row = row_of(&rows, habit, node);
		enum way way = best_way(habit);

		if (!row.count || node == HEAP_ROOT)
			continue;
		for (uint32_t i = 0; i < row.count; i++)
			*ret++ = zigzag((row.edges[i] & HEAP_EDGE_NODE) - guess(&row, way, i));
		learn(habit, &row);
	}
	return NULL;
}

struct error *heap_edges_decode(
	const struct heap_graph *graph, const struct heap_rows *rows, uint32_t *edges)
{
	_cleanup_(mem_free) struct habit *habits = mem_calloc(graph->type_count, sizeof(*habits));

	if (!habits)
		return error_enomem();
	for (node_id node = rows->first; node < rows->end; node++) {
		struct habit *habit = habit_of(habits, rows, node);
		struct row row = row_of(rows, habit, node);
		enum way way = best_way(habit);
		uint32_t *decoded = edges + rows->bounds[node - rows->first];

		if (!row.count || node == HEAP_ROOT)
			continue;
		for (uint32_t i = 0; i < row.count; i++) {
			decoded[i] = guess(&row, way, i) + unzigzag(decoded[i]);
			if (decoded[i] == HEAP_ROOT || decoded[i] >= graph->node_count)
				return error_create(ERROR_BAD_DATA,
					"a reference of object %u leads nowhere", node);
		}
		learn(habit, &row);
	}
	return NULL;
}
