// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "heap/heap_rows.h"

#include "base/alloc.h"
#include "base/bits.h"
#include "base/error.h"

#include <string.h>

struct error *heap_graph_visit_rows(const struct heap_graph *graph, unsigned parts,
	const uint64_t *wanted, heap_rows_visit *visit, void *context)
{
	const struct heap_rows rows = {
		.end = graph->node_count,
		.bounds = graph->first_edge,
		.edges = graph->edges,
		.words = graph->node_word,
		.sizes = graph->size,
	};

	if (graph->row_source)
		return graph->row_source->visit(graph->row_source, parts, wanted, visit, context);
	return visit(context, &rows);
}

struct bringing {
	struct heap_graph *graph;
	const uint64_t *wanted; /* rows */
	uint64_t *others;       /* what these refer to */
};

static void bring_bounds(struct heap_graph *graph, const struct heap_rows *rows, node_id node)
{
	const uint32_t *bounds = rows->bounds + (node - rows->first);

	graph->node_word[node] = rows->words[node - rows->first];
	graph->first_edge[node] = rows->edge_base + bounds[0];
	graph->first_edge[node + 1] = rows->edge_base + bounds[1];
}

static struct error *bring_rows(void *context, const struct heap_rows *rows)
{
	struct bringing *bringing = context;
	struct heap_graph *graph = bringing->graph;

	for (node_id node = rows->first; node < rows->end; node++) {
		uint32_t from = rows->bounds[node - rows->first];
		uint32_t end = rows->bounds[node - rows->first + 1];

		if (!bits_has(bringing->wanted, node))
			continue;
		bring_bounds(graph, rows, node);
		if (from < end)
			memcpy(graph->edges + graph->first_edge[node], rows->edges + from,
				(end - from) * sizeof(*rows->edges));
		for (uint32_t i = from; i < end; i++) {
			node_id referent = rows->edges[i] & HEAP_EDGE_NODE;

			bits_set(bringing->others, referent);
		}
	}
	return NULL;
}

static struct error *bring_lengths(void *context, const struct heap_rows *rows)
{
	struct bringing *bringing = context;

	for (node_id node = rows->first; node < rows->end; node++) {
		if (bits_has(bringing->wanted, node))
			bring_bounds(bringing->graph, rows, node);
	}
	return NULL;
}

static struct error *bring_words(void *context, const struct heap_rows *rows)
{
	struct bringing *bringing = context;

	for (node_id node = rows->first; node < rows->end; node++) {
		if (bits_has(bringing->others, node))
			bringing->graph->node_word[node] = rows->words[node - rows->first];
	}
	return NULL;
}

struct error *heap_graph_bring_rows(
	struct heap_graph *graph, const uint64_t *rows, const uint64_t *lengths)
{
	size_t words = bits_words(graph->node_count);
	struct bringing bringing = {.graph = graph, .wanted = rows};
	struct error *err;

	if (!graph->row_source)
		return NULL;
	bringing.others = pages_alloc(words, sizeof(uint64_t));
	if (!bringing.others)
		return error_enomem();
	err = heap_graph_visit_rows(
		graph, HEAP_ROWS_EDGES | HEAP_ROWS_WORDS, rows, bring_rows, &bringing);
	if (!err)
		err = heap_graph_visit_rows(
			graph, HEAP_ROWS_WORDS, bringing.others, bring_words, &bringing);
	bringing.wanted = lengths;
	if (!err && lengths)
		err = heap_graph_visit_rows(graph, HEAP_ROWS_BOUNDS | HEAP_ROWS_WORDS, lengths,
			bring_lengths, &bringing);
	pages_free(bringing.others, words, sizeof(uint64_t));
	return err;
}
