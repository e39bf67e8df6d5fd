// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "sql/sql_heap.h"

#include "analysis/dominators.h"
#include "analysis/paths.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/parallel.h"
#include "base/sort.h"
#include "heap/heap_facts_options.h"
#include "heap/heap_file.h"

#include <string.h>

static struct error *create(const char *word, struct sql_heap **ret)
{
	struct sql_heap *heap = mem_calloc(1, sizeof(*heap));

	if (!heap)
		return error_enomem();
	heap->word = mem_strdup(word);
	if (!heap->word) {
		mem_free(heap);
		return error_enomem();
	}
	*ret = heap;
	return NULL;
}

// The whole graph is there.
static void have_graph(struct sql_heap *heap, const struct heap_graph *graph)
{
	heap->graph = graph;
	if (!heap->nodes)
		heap->nodes = graph;
	heap->parts |= SQL_GRAPH | SQL_NODES;
}

struct error *sql_heap_open(const char *word, const struct heap_source_options *places,
	const struct heap_snapshot_options *options, struct sql_heap **ret)
{
	_cleanup_(sql_heap_destroy) struct sql_heap *heap = NULL;
	struct error *err = create(word, &heap);

	if (!err)
		err = heap_source_open(word, places, &heap->source);
	if (!err && !heap_source_file(heap->source)) {
		err = heap_snapshot_take(heap->source, options, &heap->snapshot);
		if (!err)
			have_graph(heap, heap->snapshot->graph);
	}
	if (!err)
		*ret = take(heap);
	return err;
}

struct error *sql_heap_of_graph(
	const char *word, const struct heap_graph *graph, struct sql_heap **ret)
{
	struct error *err = create(word, ret);

	if (!err)
		have_graph(*ret, graph);
	return err;
}

static void index_deinit(struct sql_index *index)
{
	pages_free(index->first, (size_t)index->key_count + 1, sizeof(*index->first));
	pages_free(index->items, index->count, sizeof(*index->items));
}

void sql_heap_destroy(struct sql_heap *heap)
{
	if (!heap)
		return;
	if (heap->depths)
		pages_free(heap->depths, heap->graph->node_count, sizeof(*heap->depths));
	pages_free(heap->sizes_by_type, heap->by_type.count, sizeof(*heap->sizes_by_type));
	index_deinit(&heap->by_type);
	index_deinit(&heap->by_dst);
	index_deinit(&heap->by_idom);
	mem_free(heap->types);
	mem_free(heap->type_order);
	mem_free(heap->type_rank);
	paths_destroy(heap->paths);
	dominators_destroy(heap->dominators);
	heap_graph_destroy(heap->own_nodes);
	heap_snapshot_destroy(heap->snapshot);
	heap_source_destroy(heap->source);
	mem_free(heap->word);
	mem_free(heap);
}

uint64_t sql_heap_node_count(const struct sql_heap *heap)
{
	return heap->nodes ? heap->nodes->node_count
			   : heap_file_figure(heap_source_file(heap->source), HEAP_FIGURE_NODES);
}

static struct error *make_nodes(struct sql_heap *heap)
{
	struct error *err = heap_file_load_nodes(heap_source_file(heap->source), &heap->own_nodes);

	heap->nodes = heap->own_nodes;
	return err;
}

static struct error *make_graph(struct sql_heap *heap)
{
	const struct heap_snapshot_options options = {0};
	struct error *err = heap_snapshot_take(heap->source, &options, &heap->snapshot);

	if (!err)
		have_graph(heap, heap->snapshot->graph);
	return err;
}

static struct error *make_facts(struct sql_heap *heap)
{
	const struct heap_facts_options names_only = {.with_content = false};

	return heap->snapshot ? heap_snapshot_facts(heap->snapshot, &names_only, &heap->facts)
			      : NULL;
}

static void count_types(struct sql_heap *heap, const struct heap_graph *graph)
{
	for (uint32_t i = 0; i < heap->type_count; i++) {
		heap->types[i] = (struct sql_type_row){.name = graph->types[i].name,
			.node = graph->types[i].node,
			.role = graph->types[i].role};
	}
	for (node_id node = HEAP_ROOT + 1; node < graph->node_count; node++) {
		struct sql_type_row *row = &heap->types[heap_type_of(graph, node)];

		row->objects++;
		row->bytes += heap_size_of(graph, node);
	}
}

static struct error *make_types(struct sql_heap *heap)
{
	const struct heap_file *file = heap->source ? heap_source_file(heap->source) : NULL;
	const struct heap_file_type *types = NULL;

	if (file)
		types = heap_file_types(file, &heap->type_count);
	else
		heap->type_count = heap->graph->type_count;
	heap->types = mem_calloc(heap->type_count, sizeof(*heap->types));
	if (!heap->types)
		return error_enomem();
	if (!file)
		count_types(heap, heap->graph);
	for (uint32_t i = 0; file && i < heap->type_count; i++) {
		heap->types[i] = (struct sql_type_row){.name = types[i].name,
			.node = types[i].node,
			.role = types[i].role,
			.objects = types[i].objects,
			.bytes = types[i].bytes};
	}
	for (uint32_t i = 0; i < heap->type_count; i++)
		heap->types[i].name_bytes = (int)strlen(heap->types[i].name);
	return NULL;
}

typedef uint32_t (*key_of)(const struct sql_heap *heap, uint64_t row);

/** No row of the index. */
#define NO_KEY UINT32_MAX

// By counting: how many of each key, where each begins, then each in its place. Inlined with the key.
__attribute__((__always_inline__)) static inline struct error *make_index(
	const struct sql_heap *heap, uint64_t rows, uint32_t keys, key_of key,
	struct sql_index *ret)
{
	struct sql_index index = {.key_count = keys};
	uint32_t sum = 0;

	index.first = pages_alloc((size_t)keys + 1, sizeof(*index.first));
	if (!index.first)
		return error_enomem();
	for (uint64_t row = 0; row < rows; row++) {
		uint32_t k = key(heap, row);

		if (k != NO_KEY)
			index.first[k]++;
	}
	for (uint32_t k = 0; k <= keys; k++) {
		uint32_t count = k < keys ? index.first[k] : 0;

		index.first[k] = sum;
		sum += count;
	}
	index.count = sum;
	index.items = pages_alloc(index.count, sizeof(*index.items));
	if (!index.items) {
		index_deinit(&index);
		return error_enomem();
	}
	for (uint64_t row = 0; row < rows; row++) {
		uint32_t k = key(heap, row);

		if (k != NO_KEY)
			index.items[index.first[k]++] = (uint32_t)row;
	}
	// Each beginning has become the next one's.
	memmove(index.first + 1, index.first, (size_t)keys * sizeof(*index.first));
	index.first[0] = 0;
	*ret = index;
	return NULL;
}

static inline uint32_t key_of_type(const struct sql_heap *heap, uint64_t row)
{
	return row == HEAP_ROOT ? NO_KEY : heap->type_rank[heap_type_of(heap->nodes, (node_id)row)];
}

static inline uint32_t key_of_dst(const struct sql_heap *heap, uint64_t row)
{
	return heap->graph->edges[row] & HEAP_EDGE_NODE;
}

static inline uint32_t key_of_idom(const struct sql_heap *heap, uint64_t row)
{
	return heap->dominators->idom[row]; // HEAP_NODE_NONE is NO_KEY
}
_Static_assert(HEAP_NODE_NONE == NO_KEY, "what has no dominator has no key");

static int by_name(const void *left, const void *right, void *types)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
	int order = strcmp(((const struct sql_type_row *)types)[a].name,
		((const struct sql_type_row *)types)[b].name);

	return order ? order : a < b ? -1 : a > b;
}

#define SIZES_PER_TURN 65536

static struct error *order_sizes_share(void *context, unsigned worker)
{
	struct sql_heap *heap = context;
	const struct sql_index *index = &heap->by_type;
	uint64_t step = (uint64_t)parallel_workers() * SIZES_PER_TURN;

	for (uint64_t first = worker * (uint64_t)SIZES_PER_TURN; first < index->count;
		first += step) {
		uint64_t end = first + SIZES_PER_TURN < index->count ? first + SIZES_PER_TURN
								     : index->count;

		for (uint64_t i = first; i < end; i++)
			heap->sizes_by_type[i] = heap->nodes->size[index->items[i]];
	}
	return NULL;
}

static struct error *order_types(struct sql_heap *heap)
{
	mem_free(heap->type_order); // of an attempt that failed
	mem_free(heap->type_rank);
	heap->type_order = mem_calloc(heap->type_count, sizeof(uint32_t));
	heap->type_rank = mem_calloc(heap->type_count, sizeof(uint32_t));
	if (!heap->type_order || !heap->type_rank)
		return error_enomem();
	for (uint32_t i = 0; i < heap->type_count; i++)
		heap->type_order[i] = i;
	qsort_r(heap->type_order, heap->type_count, sizeof(uint32_t), by_name, heap->types);
	for (uint32_t i = 0; i < heap->type_count; i++)
		heap->type_rank[heap->type_order[i]] = i;
	return NULL;
}

static struct error *make_by_type(struct sql_heap *heap)
{
	struct error *err = order_types(heap);

	pages_free(take(heap->sizes_by_type), heap->by_type.count, sizeof(*heap->sizes_by_type));
	index_deinit(&heap->by_type);
	heap->by_type = (struct sql_index){0};
	if (!err)
		err = make_index(heap, heap->nodes->node_count, heap->type_count, key_of_type,
			&heap->by_type);
	if (err)
		return err;
	heap->sizes_by_type = pages_alloc(heap->by_type.count, sizeof(*heap->sizes_by_type));
	if (!heap->sizes_by_type)
		return error_enomem();
	return parallel_run(parallel_workers(), order_sizes_share, heap);
}

static struct error *make_by_dst(struct sql_heap *heap)
{
	return make_index(
		heap, heap->graph->edge_count, heap->graph->node_count, key_of_dst, &heap->by_dst);
}

static struct error *make_dominators(struct sql_heap *heap)
{
	return dominators_create(heap->graph, &heap->dominators);
}

static struct error *make_by_idom(struct sql_heap *heap)
{
	return make_index(heap, heap->graph->node_count, heap->graph->node_count, key_of_idom,
		&heap->by_idom);
}

static struct error *make_paths(struct sql_heap *heap)
{
	return paths_create(heap->graph, &heap->paths);
}

// Up to what is known already, then the same way again, writing down: each node is stepped over twice.
static struct error *make_depths(struct sql_heap *heap)
{
	uint32_t count = heap->graph->node_count;
	const node_id *idom = heap->dominators->idom;
	uint32_t *depths = pages_alloc(count, sizeof(*depths));

	if (!depths)
		return error_enomem();
	memset(depths, 0xff, count * sizeof(*depths));
	depths[HEAP_ROOT] = 0;
	for (node_id node = 0; node < count; node++) {
		uint32_t steps = 0;
		node_id at = node;

		for (; at != HEAP_NODE_NONE && depths[at] == UINT32_MAX; at = idom[at])
			steps++;
		if (at == HEAP_NODE_NONE)
			continue;
		steps += depths[at];
		for (at = node; depths[at] == UINT32_MAX; at = idom[at])
			depths[at] = steps--;
	}
	heap->depths = depths;
	return NULL;
}

// In an order in which each comes after what it needs.
static const struct {
	unsigned part, needs;
	struct error *(*make)(struct sql_heap *heap);
} makers[] = {
	{SQL_GRAPH, 0, make_graph},
	{SQL_NODES, 0, make_nodes},
	{SQL_TYPES, 0, make_types},
	{SQL_FACTS, SQL_GRAPH, make_facts},
	{SQL_BY_TYPE, SQL_NODES | SQL_TYPES, make_by_type},
	{SQL_BY_DST, SQL_GRAPH, make_by_dst},
	{SQL_DOMINATORS, SQL_GRAPH, make_dominators},
	{SQL_BY_IDOM, SQL_GRAPH | SQL_DOMINATORS, make_by_idom},
	{SQL_DEPTHS, SQL_GRAPH | SQL_DOMINATORS, make_depths},
	{SQL_PATHS, SQL_GRAPH, make_paths},
};

struct error *sql_heap_need(struct sql_heap *heap, unsigned parts)
{
	if ((heap->parts & parts) == parts)
		return NULL;
	for (size_t i = 0; i < sizeof(makers) / sizeof(*makers); i++) {
		if (parts & makers[i].part)
			parts |= makers[i].needs;
	}
	for (size_t i = 0; i < sizeof(makers) / sizeof(*makers); i++) {
		struct error *err;

		if (!(parts & ~heap->parts & makers[i].part))
			continue;
		err = makers[i].make(heap);
		if (err)
			return err;
		heap->parts |= makers[i].part;
	}
	return NULL;
}
