// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "analysis/dominator_leaves.h"

#include "base/error.h"
#include "heap/heap_rows.h"

// While the search goes on, a leaf's entry is the number of its only referrer, or SPAN and the index of a span.
// UNREACHED, above all numbers, is neither.
#define SPAN      0x80000000u
#define UNREACHED DOMINATOR_UNREACHED

// How far ahead of their use lines are fetched: what a node is, then what is known of it.
#define AHEAD_WORD 32
#define AHEAD_LEAF 16

/** The least and the greatest number among the referrers of a leaf. */
struct span {
	uint32_t low, high;
};

struct search {
	const struct inner_nodes *nodes;
	const struct dominator_tree *tree;
	struct dominator_leaves *leaves;
	struct span *spans;
	uint32_t span_count;
};

static inline void add_referrer(struct search *search, uint32_t *leaf, uint32_t number)
{
	struct span *span;

	// A single referrer is the ordinary case, and takes no span.
	if (*leaf == UNREACHED)
		*leaf = number;
	if (*leaf == number)
		return;
	if (!(*leaf & SPAN)) {
		search->spans[search->span_count] = (struct span){.low = *leaf, .high = *leaf};
		*leaf = SPAN | search->span_count++;
	}
	span = &search->spans[*leaf & ~SPAN];
	if (number < span->low)
		span->low = number;
	if (number > span->high)
		span->high = number;
}

static inline void prefetch_leaf(
	const struct search *search, const uint32_t *edges, uint32_t edge, uint32_t last)
{
	node_id node;

	if (edge + AHEAD_WORD < last)
		__builtin_prefetch(
			&search->nodes->words[(edges[edge + AHEAD_WORD] & HEAP_EDGE_NODE) >> 6]);
	if (edge + AHEAD_LEAF >= last)
		return;
	node = edges[edge + AHEAD_LEAF] & HEAP_EDGE_NODE;
	if (!inner_nodes_has(search->nodes, node))
		__builtin_prefetch(
			&search->leaves->above[node - inner_nodes_number(search->nodes, node)], 1);
}

static struct error *add_rows(void *context, const struct heap_rows *rows)
{
	struct search *search = context;
	const struct inner_nodes *nodes = search->nodes;
	uint32_t inner = inner_nodes_number(nodes, rows->first);
	uint32_t last = rows->bounds[rows->end - rows->first], *above = search->leaves->above;

	for (node_id node = rows->first; node < rows->end; node++) {
		const uint32_t *bounds = rows->bounds + (node - rows->first);
		uint32_t number;

		if (!inner_nodes_has(nodes, node))
			continue;
		number = search->tree->number[inner++];
		if (number == UNREACHED)
			continue;
		for (uint32_t edge = bounds[0]; edge < bounds[1]; edge++) {
			node_id referent = rows->edges[edge] & HEAP_EDGE_NODE;

			prefetch_leaf(search, rows->edges, edge, last);
			if (!inner_nodes_has(nodes, referent))
				add_referrer(search,
					&above[referent - inner_nodes_number(nodes, referent)],
					number);
		}
	}
	return NULL;
}

static void resolve_spans(struct search *search)
{
	const struct dominator_tree *tree = search->tree;
	uint32_t *above = search->leaves->above;

	for (uint32_t i = 0; i < search->leaves->count; i++) {
		const struct span *span;

		if (above[i] == UNREACHED || !(above[i] & SPAN))
			continue;
		span = &search->spans[above[i] & ~SPAN];
		above[i] = dominator_tree_climb(tree->dominator, tree->jump, span->high, span->low);
	}
}

struct error *dominator_leaves_init(struct dominator_leaves *leaves, const struct heap_graph *graph,
	const struct inner_nodes *nodes, const struct dominator_tree *tree)
{
	struct search search = {.nodes = nodes, .tree = tree, .leaves = leaves};
	struct error *err;

	leaves->count = nodes->node_count - nodes->count;
	leaves->above = pages_alloc(leaves->count, sizeof(*leaves->above));
	// Room for all; what is not written to is not there.
	search.spans = pages_alloc(leaves->count, sizeof(*search.spans));
	if (!leaves->above || !search.spans) {
		pages_free(search.spans, leaves->count, sizeof(*search.spans));
		dominator_leaves_deinit(leaves);
		return error_enomem();
	}
	for (uint32_t i = 0; i < leaves->count; i++)
		leaves->above[i] = UNREACHED;
	for (uint32_t i = 0; i < graph->root_edge_count; i++) {
		node_id node = graph->root_edges[i];

		if (!inner_nodes_has(nodes, node))
			add_referrer(
				&search, &leaves->above[node - inner_nodes_number(nodes, node)], 0);
	}
	err = heap_graph_visit_rows(graph, HEAP_ROWS_EDGES, NULL, add_rows, &search);
	if (!err)
		resolve_spans(&search);
	else
		dominator_leaves_deinit(leaves);
	pages_free(search.spans, nodes->node_count - nodes->count, sizeof(*search.spans));
	return err;
}

void dominator_leaves_deinit(struct dominator_leaves *leaves)
{
	pages_free(leaves->above, leaves->count, sizeof(*leaves->above));
	*leaves = (struct dominator_leaves){0};
}

struct adding {
	const struct heap_graph *graph;
	const struct inner_nodes *nodes;
	const struct dominator_tree *tree;
	const struct dominator_leaves *leaves;
	struct dominator_sums *sums;
};

static struct error *add_sizes(void *context, const struct heap_rows *rows)
{
	struct adding *adding = context;
	struct dominator_sums *sums = adding->sums;
	uint32_t inner = inner_nodes_number(adding->nodes, rows->first);

	for (node_id node = rows->first; node < rows->end; node++) {
		uint64_t size = heap_rows_size(adding->graph, rows, node);
		bool is_inner = inner_nodes_has(adding->nodes, node);
		uint32_t number = is_inner ? adding->tree->number[inner]
					   : adding->leaves->above[node - inner];

		if (number != UNREACHED) {
			byte_counts_add(&sums->bytes, number, size);
			if (sums->objects)
				sums->objects[number]++;
		} else if (is_inner) {
			byte_counts_set(&sums->unreached, inner, size);
		}
		inner += is_inner;
	}
	return NULL;
}

struct error *dominator_sums_init(struct dominator_sums *sums, const struct heap_graph *graph,
	const struct inner_nodes *nodes, const struct dominator_tree *tree,
	const struct dominator_leaves *leaves, bool with_objects)
{
	struct adding adding = {graph, nodes, tree, leaves, sums};
	struct error *err = NULL;

	*sums = (struct dominator_sums){0};
	if (with_objects)
		sums->objects = pages_alloc(nodes->count, sizeof(*sums->objects));
	if (!byte_counts_init(&sums->bytes, nodes->count) ||
		!byte_counts_init(&sums->unreached, nodes->count) ||
		(with_objects && !sums->objects))
		err = error_enomem();
	if (!err)
		err = heap_graph_visit_rows(graph, HEAP_ROWS_SIZES, NULL, add_sizes, &adding);
	if (err)
		dominator_sums_deinit(sums);
	return err;
}

void dominator_sums_retain(
	struct dominator_sums *sums, const struct dominator_tree *tree, struct byte_counts *ret)
{
	// In preorder, what hangs from a node comes after it.
	for (uint32_t i = tree->reached - 1; i > 0; i--)
		byte_counts_add(&sums->bytes, tree->dominator[i], byte_counts_get(&sums->bytes, i));
	for (uint32_t i = 0; i < tree->node_count; i++) {
		if (tree->number[i] != UNREACHED)
			byte_counts_set(&sums->unreached, i,
				byte_counts_get(&sums->bytes, tree->number[i]));
	}
	*ret = sums->unreached;
	sums->unreached = (struct byte_counts){0};
	dominator_sums_deinit(sums);
}

void dominator_sums_deinit(struct dominator_sums *sums)
{
	pages_free(take(sums->objects), sums->bytes.count, sizeof(*sums->objects));
	byte_counts_deinit(&sums->bytes);
	byte_counts_deinit(&sums->unreached);
}
