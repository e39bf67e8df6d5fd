// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "rows_apart.h"

#include "base/error.h"
#include "heap/heap_graph_build.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct rows_apart {
	struct heap_row_source source;
	const struct heap_graph *whole;
	struct heap_graph *graph;
	uint32_t block_nodes;
	unsigned shown;
};

static bool is_wanted(const uint64_t *wanted, node_id first, node_id end)
{
	for (node_id node = first; wanted && node < end; node++) {
		if (wanted[node >> 6] >> (node & 63) & 1)
			return true;
	}
	return !wanted;
}

static void *copy(const void *items, size_t count, size_t size)
{
	void *result = calloc(count * size + 1, 1);

	assert(result);
	if (count)
		memcpy(result, items, count * size);
	return result;
}

// Copies of what was asked for and no more: a sanitizer sees who reads the rest, or longer than the visit.
static struct error *show(struct rows_apart *apart, unsigned parts, node_id first, node_id end,
	heap_rows_visit *visit, void *context)
{
	const struct heap_graph *whole = apart->whole;
	uint32_t from = whole->first_edge[first], count = whole->first_edge[end] - from;
	uint32_t *bounds = copy(whole->first_edge + first, end - first + 1, sizeof(uint32_t));
	uint32_t *edges = copy(whole->edges + from, count, sizeof(uint32_t));
	uint32_t *words = copy(whole->node_word + first, end - first, sizeof(uint32_t));
	uint16_t *sizes = copy(whole->size + first, end - first, sizeof(uint16_t));
	struct heap_rows rows = {.first = first, .end = end, .edge_base = from};
	struct error *err;

	for (uint32_t i = 0; i <= end - first; i++)
		bounds[i] -= from;
	rows.bounds = parts & (HEAP_ROWS_BOUNDS | HEAP_ROWS_EDGES) ? bounds : NULL;
	rows.edges = parts & HEAP_ROWS_EDGES ? edges : NULL;
	rows.words = parts & HEAP_ROWS_WORDS ? words : NULL;
	rows.sizes = parts & HEAP_ROWS_SIZES ? sizes : NULL;
	apart->shown++;
	err = visit(context, &rows);
	free(bounds);
	free(edges);
	free(words);
	free(sizes);
	return err;
}

static struct error *visit_rows(const struct heap_row_source *source, unsigned parts,
	const uint64_t *wanted, heap_rows_visit *visit, void *context)
{
	struct rows_apart *apart = (struct rows_apart *)source;
	struct error *err = NULL;

	for (node_id first = 0; !err && first < apart->whole->node_count;
		first += apart->block_nodes) {
		node_id end = first + apart->block_nodes;

		if (end > apart->whole->node_count)
			end = apart->whole->node_count;
		if (is_wanted(wanted, first, end))
			err = show(apart, parts, first, end, visit, context);
	}
	return err;
}

struct rows_apart *rows_apart_create(
	const struct heap_graph *graph, uint32_t block_nodes, struct heap_graph **ret_graph)
{
	struct rows_apart *apart = calloc(1, sizeof(*apart));
	struct error *err;

	assert(apart);
	apart->source.visit = visit_rows;
	apart->whole = graph;
	apart->block_nodes = block_nodes;
	err = heap_graph_create(
		graph->node_count, graph->edge_count, graph->type_count, &apart->graph);
	assert(!err);
	heap_graph_expect_few(apart->graph);
	memcpy(apart->graph->types, graph->types, graph->type_count * sizeof(*graph->types));
	for (size_t i = 0; i < graph->root_count; i++) {
		const struct heap_root *root = &graph->roots[i];

		err = heap_graph_add_root(
			apart->graph, root->node, root->kind, root->name, root->file);
		assert(!err);
	}
	for (node_id node = 0; node < graph->node_count; node++) {
		if (graph->size[node] == HEAP_SIZE_ELSEWHERE)
			err = heap_graph_set_size(apart->graph, node, heap_size_of(graph, node));
		assert(!err);
	}
	err = heap_graph_finish(apart->graph);
	assert(!err);
	apart->graph->row_source = &apart->source;
	apart->graph->naming = graph->naming;
	*ret_graph = apart->graph;
	return apart;
}

void rows_apart_destroy(struct rows_apart *rows)
{
	if (!rows)
		return;
	heap_graph_destroy(rows->graph);
	free(rows);
}

unsigned rows_apart_shown(const struct rows_apart *rows)
{
	return rows->shown;
}
