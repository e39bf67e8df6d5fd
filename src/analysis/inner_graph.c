// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "analysis/inner_graph.h"

#include "base/alloc.h"
#include "base/bits.h"
#include "base/error.h"
#include "heap/heap_rows.h"

// How many references ahead what is known of the referents is fetched.
#define AHEAD 16

static size_t word_count(const struct inner_nodes *nodes)
{
	return bits_words(nodes->node_count);
}

static struct error *mark(void *context, const struct heap_rows *rows)
{
	struct inner_nodes *nodes = context;

	for (node_id node = rows->first; node < rows->end; node++) {
		const uint32_t *bounds = rows->bounds + (node - rows->first);

		nodes->words[node >> 6].bits |= (uint64_t)(bounds[0] != bounds[1]) << (node & 63);
	}
	return NULL;
}

static struct error *init_nodes(struct inner_nodes *nodes, const struct heap_graph *graph)
{
	struct error *err;

	nodes->node_count = graph->node_count;
	nodes->words = pages_alloc(word_count(nodes), sizeof(*nodes->words));
	if (!nodes->words)
		return error_enomem();
	err = heap_graph_visit_rows(graph, HEAP_ROWS_BOUNDS, NULL, mark, nodes);
	if (err)
		return err;
	nodes->words[0].bits |= 1;
	for (size_t i = 0; i < word_count(nodes); i++) {
		nodes->words[i].count = nodes->count;
		nodes->count += (uint32_t)__builtin_popcountll(nodes->words[i].bits);
	}
	return NULL;
}

static struct error *fill(void *context, const struct heap_rows *rows)
{
	struct inner_graph *inner = context;
	const struct inner_nodes *nodes = &inner->nodes;
	uint32_t last = rows->bounds[rows->end - rows->first];
	uint32_t number = inner_nodes_number(nodes, rows->first), count = inner->edge_count;

	for (node_id node = rows->first; node < rows->end; node++) {
		const uint32_t *bounds = rows->bounds + (node - rows->first);

		for (uint32_t i = bounds[0]; i < bounds[1]; i++) {
			node_id referent = rows->edges[i] & HEAP_EDGE_NODE;

			if (i + AHEAD < last)
				__builtin_prefetch(
					&nodes->words[(rows->edges[i + AHEAD] & HEAP_EDGE_NODE) >>
						      6]);
			if (inner_nodes_has(nodes, referent))
				inner->edges[count++] = inner_nodes_number(nodes, referent) |
							(rows->edges[i] & HEAP_EDGE_INFERRED);
		}
		if (inner_nodes_has(nodes, node))
			inner->first_edge[++number] = count;
	}
	inner->edge_count = count;
	return NULL;
}

static struct error *fill_rows(struct inner_graph *inner, const struct heap_graph *graph)
{
	struct error *err;
	uint32_t *edges;

	inner->first_edge = pages_alloc((size_t)inner->nodes.count + 1, sizeof(uint32_t));
	// Room for all; what is not written to is not there.
	inner->edges = pages_alloc(graph->edge_count, sizeof(uint32_t));
	if (!inner->first_edge || !inner->edges) {
		pages_free(take(inner->edges), graph->edge_count, sizeof(uint32_t));
		return error_enomem();
	}
	err = heap_graph_visit_rows(graph, HEAP_ROWS_EDGES, NULL, fill, inner);
	edges = pages_realloc(inner->edges, graph->edge_count, inner->edge_count, sizeof(uint32_t));
	if (!err && !edges)
		err = error_enomem();
	if (edges)
		inner->edges = edges;
	else
		pages_free(take(inner->edges), graph->edge_count, sizeof(uint32_t));
	return err;
}

static struct error *fill_roots(struct inner_graph *inner, const struct heap_graph *graph)
{
	inner->roots = mem_calloc((size_t)graph->root_edge_count + 1, sizeof(*inner->roots));
	if (!inner->roots)
		return error_enomem();
	for (uint32_t i = 0; i < graph->root_edge_count; i++) {
		node_id node = graph->root_edges[i];

		if (inner_nodes_has(&inner->nodes, node))
			inner->roots[inner->root_count++] = inner_nodes_number(&inner->nodes, node);
	}
	return NULL;
}

struct error *inner_graph_init(struct inner_graph *inner, const struct heap_graph *graph)
{
	struct error *err;

	*inner = (struct inner_graph){0};
	err = init_nodes(&inner->nodes, graph);
	if (!err)
		err = fill_rows(inner, graph);
	if (!err)
		err = fill_roots(inner, graph);
	if (err)
		inner_graph_deinit(inner);
	return err;
}

node_id inner_nodes_at(const struct inner_nodes *nodes, uint32_t number)
{
	size_t low = 0, high = word_count(nodes);
	uint64_t bits;

	// The last word with at most as many before it; one that is empty shares its count with the next.
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (nodes->words[middle].count <= number)
			low = middle;
		else
			high = middle;
	}
	bits = nodes->words[low].bits;
	for (number -= nodes->words[low].count; number; number--)
		bits &= bits - 1;
	return (node_id)(low * 64 + (size_t)__builtin_ctzll(bits));
}

bool inner_nodes_init_all(struct inner_nodes *nodes, uint32_t node_count)
{
	*nodes = (struct inner_nodes){.node_count = node_count, .count = node_count};
	nodes->words = pages_alloc(word_count(nodes), sizeof(*nodes->words));
	for (size_t i = 0; nodes->words && i < word_count(nodes); i++)
		nodes->words[i] =
			(struct inner_word){.bits = UINT64_MAX, .count = (uint32_t)(i * 64)};
	return nodes->words;
}

void inner_nodes_deinit(struct inner_nodes *nodes)
{
	pages_free(nodes->words, word_count(nodes), sizeof(*nodes->words));
	*nodes = (struct inner_nodes){0};
}

void inner_graph_drop_rows(struct inner_graph *inner)
{
	pages_free(take(inner->first_edge), (size_t)inner->nodes.count + 1, sizeof(uint32_t));
	pages_free(take(inner->edges), inner->edge_count, sizeof(uint32_t));
}

void inner_graph_deinit(struct inner_graph *inner)
{
	inner_graph_drop_rows(inner);
	inner_nodes_deinit(&inner->nodes);
	mem_free(take(inner->roots));
}
