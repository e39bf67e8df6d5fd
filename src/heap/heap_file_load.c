// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "heap/heap_file_private.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/parallel.h"
#include "heap/heap_edges.h"
#include "heap/heap_graph_build.h"
#include "store/store_reader.h"

#include <string.h>

static struct error *fill_addresses(const struct heap_file *file, const uint64_t *pools,
	const uint64_t *starts, const uint64_t *others, struct heap_addresses *addresses)
{
	uint64_t pool_count = heap_file_column_items(file, HEAP_COLUMN_POOLS);
	uint64_t other_count = heap_file_column_items(file, HEAP_COLUMN_OTHERS), last = 0;
	struct error *err = NULL;
	uint32_t end;
	node_id node;

	for (uint64_t i = 0; !err && i < pool_count; i++) {
		uint64_t addr = pools[i] << addresses->pool_shift;

		if ((i && addr <= last) || addr >> addresses->pool_shift != pools[i])
			return heap_file_bad(
				file, "the pools of the snapshot file are in no order");
		last = addr;
		err = heap_addresses_add_pool(
			addresses, addr, starts + i * addresses->words_per_pool);
	}
	if (!err)
		err = heap_addresses_number(addresses, &end);
	if (!err && end + other_count != heap_file_figure(file, HEAP_FIGURE_NODES))
		err = heap_file_bad(file, "not each object of the snapshot file has an address");
	for (uint64_t i = 0; !err && i < other_count; i++) {
		if (!others[i] || heap_addresses_other(addresses, others[i]) != HEAP_NODE_NONE)
			return heap_file_bad(
				file, "two objects of the snapshot file have one address");
		err = heap_addresses_add_other(addresses, others[i], &node);
	}
	return err;
}

struct error *heap_file_load_addresses(const struct heap_file *file, struct heap_addresses *ret)
{
	uint64_t pool_bytes = heap_file_figure(file, HEAP_FIGURE_POOL_BYTES);
	uint64_t granule_bytes = heap_file_figure(file, HEAP_FIGURE_GRANULE_BYTES);
	uint64_t pool_count = heap_file_column_items(file, HEAP_COLUMN_POOLS);
	uint64_t other_count = heap_file_column_items(file, HEAP_COLUMN_OTHERS), starts_count;
	uint64_t *pools = NULL, *starts = NULL, *others = NULL;
	struct heap_addresses addresses = {0};
	struct error *err;

	if ((pool_bytes != 4096 && pool_bytes != 16384) ||
		(granule_bytes != 8 && granule_bytes != 16))
		return heap_file_bad(
			file, "the pools of the snapshot file are of no size there is");
	starts_count = pool_count * (pool_bytes / granule_bytes / 64);
	err = heap_file_read_column(file, HEAP_COLUMN_POOLS, 8, pool_count, &pools);
	if (!err)
		err = heap_file_read_column(file, HEAP_COLUMN_STARTS, 8, starts_count, &starts);
	if (!err)
		err = heap_file_read_column(file, HEAP_COLUMN_OTHERS, 8, other_count, &others);
	if (!err)
		err = heap_addresses_init(
			&addresses, (uint32_t)pool_bytes, (uint32_t)granule_bytes);
	if (!err)
		err = fill_addresses(file, pools, starts, others, &addresses);
	pages_free(pools, pool_count, 8);
	pages_free(starts, starts_count, 8);
	pages_free(others, other_count, 8);
	if (err) {
		heap_addresses_deinit(&addresses);
		return err;
	}
	*ret = addresses;
	return NULL;
}

// Blocks of nodes, each a worker's for as long as it takes.
struct loading {
	const struct heap_file *file;
	const struct store_column *column;
	const uint32_t *words; /* distinct ones */
	uint64_t word_count;
	uint32_t *node_word;
	struct heap_graph *graph;
	unsigned workers;
};

static struct error *check_blocks(const struct heap_file *file, const struct store_column *column)
{
	uint64_t nodes = heap_file_figure(file, HEAP_FIGURE_NODES);

	if (!column || column->items != nodes)
		return heap_file_bad(
			file, "the columns of the snapshot file do not belong together");
	for (uint32_t i = 0; i < column->block_count; i++) {
		uint64_t rest = nodes - (uint64_t)i * STORE_BLOCK_ITEMS;

		if (store_reader_block(heap_file_reader(file), column, i)->items !=
			(rest < STORE_BLOCK_ITEMS ? rest : STORE_BLOCK_ITEMS))
			return heap_file_bad(file, "a block of the snapshot file makes no sense");
	}
	return NULL;
}

static struct error *run(struct loading *loading, uint32_t blocks,
	struct error *(*work)(void *context, unsigned worker))
{
	loading->workers = parallel_workers();
	if (loading->workers > blocks)
		loading->workers = blocks ? blocks : 1;
	return parallel_run(loading->workers, work, loading);
}

// The words of a block by their numbers, all of which must be some word's. A loop per width, the check apart,
// for the compiler to make vectors of.
#define DEFINE_LOOK_UP(bits)                                                                       \
	static bool look_up_##bits(const struct loading *loading, const uint##bits##_t *numbers,   \
		uint32_t count, uint32_t *ret)                                                     \
	{                                                                                          \
		uint##bits##_t greatest = 0;                                                       \
                                                                                                   \
		for (uint32_t i = 0; i < count; i++)                                               \
			greatest = numbers[i] > greatest ? numbers[i] : greatest;                  \
		if (count && greatest >= loading->word_count)                                      \
			return false;                                                              \
		for (uint32_t i = 0; i < count; i++)                                               \
			ret[i] = loading->words[numbers[i]];                                       \
		return true;                                                                       \
	}

DEFINE_LOOK_UP(8)
DEFINE_LOOK_UP(16)
DEFINE_LOOK_UP(32)

static struct error *load_words_share(void *context, unsigned worker)
{
	const struct loading *loading = context;
	unsigned width = loading->column->width;
	_cleanup_(mem_free) uint8_t *numbers = mem_alloc((size_t)STORE_BLOCK_ITEMS * width);

	if (!numbers)
		return error_enomem();
	for (uint32_t i = worker; i < loading->column->block_count; i += loading->workers) {
		uint32_t *out = loading->node_word + (size_t)i * STORE_BLOCK_ITEMS;
		uint32_t count =
			store_reader_block(heap_file_reader(loading->file), loading->column, i)
				->items;
		struct error *err = store_read_block(
			heap_file_reader(loading->file), loading->column, i, numbers);
		bool is_good;

		if (err)
			return err;
		if (width == 1)
			is_good = look_up_8(loading, numbers, count, out);
		else if (width == 2)
			is_good = look_up_16(loading, (const void *)numbers, count, out);
		else
			is_good = width == 4 &&
				  look_up_32(loading, (const void *)numbers, count, out);
		if (!is_good)
			return heap_file_bad(
				loading->file, "an object of the snapshot file has no type");
	}
	return NULL;
}

struct error *heap_file_load_words(const struct heap_file *file, uint32_t **ret)
{
	struct loading loading = {.file = file,
		.column = store_reader_find(heap_file_reader(file), HEAP_COLUMN_NODE_WORD),
		.word_count = heap_file_column_items(file, HEAP_COLUMN_WORDS)};
	struct error *err = check_blocks(file, loading.column);
	uint32_t *words = NULL, type_count;

	if (!err)
		err = heap_file_read_column(file, HEAP_COLUMN_WORDS, 4, loading.word_count, &words);
	if (err)
		return err;
	heap_file_types(file, &type_count);
	for (uint64_t i = 0; !err && i < loading.word_count; i++) {
		if ((words[i] & HEAP_NODE_TYPE_MASK) >= type_count)
			err = heap_file_bad(file, "an object of the snapshot file has no type");
	}
	loading.words = words;
	loading.node_word = pages_alloc(loading.column->items + 1, sizeof(uint32_t));
	if (!err && !loading.node_word)
		err = error_enomem();
	if (!err)
		err = run(&loading, loading.column->block_count, load_words_share);
	pages_free(words, loading.word_count, 4);
	if (err)
		pages_free(loading.node_word, loading.column->items + 1, sizeof(uint32_t));
	else
		*ret = loading.node_word;
	return err;
}

struct error *heap_file_load_sizes(const struct heap_file *file, uint16_t **ret)
{
	return heap_file_read_column(file, HEAP_COLUMN_SIZE, sizeof(uint16_t),
		heap_file_figure(file, HEAP_FIGURE_NODES), ret);
}

static struct error *load_sizes_share(void *context, unsigned worker)
{
	const struct loading *loading = context;

	for (uint32_t i = worker; i < loading->column->block_count; i += loading->workers) {
		struct error *err = store_read_block(heap_file_reader(loading->file),
			loading->column, i, loading->graph->size + (size_t)i * STORE_BLOCK_ITEMS);

		if (err)
			return err;
	}
	return NULL;
}

static struct error *load_big_sizes(struct loading *loading)
{
	const struct heap_file *file = loading->file;
	uint64_t count = heap_file_column_items(file, HEAP_COLUMN_BIG_NODE), *sizes = NULL;
	uint32_t *nodes = NULL;
	struct error *err = heap_file_read_column(file, HEAP_COLUMN_BIG_NODE, 4, count, &nodes);

	if (!err)
		err = heap_file_read_column(file, HEAP_COLUMN_BIG_SIZE, 8, count, &sizes);
	for (uint64_t i = 0; !err && i < count; i++) {
		// Ascending, or setting them would take ages.
		if (nodes[i] >= loading->graph->node_count || (i && nodes[i] <= nodes[i - 1]))
			err = heap_file_bad(file, "the sizes of the snapshot file make no sense");
		else
			err = heap_graph_set_size(loading->graph, nodes[i], sizes[i]);
	}
	pages_free(nodes, count, 4);
	pages_free(sizes, count, 8);
	return err;
}

static struct error *load_sizes(struct loading *loading)
{
	const struct heap_file *file = loading->file;
	struct error *err;

	loading->column = store_reader_find(heap_file_reader(file), HEAP_COLUMN_SIZE);
	err = check_blocks(file, loading->column);
	if (!err && loading->column->width != sizeof(uint16_t))
		err = heap_file_bad(file, "the sizes of the snapshot file make no sense");
	if (!err)
		err = run(loading, loading->column->block_count, load_sizes_share);
	return err ? err : load_big_sizes(loading);
}

static struct error *load_counts_share(void *context, unsigned worker)
{
	const struct loading *loading = context;

	for (uint32_t i = worker; i < loading->column->block_count; i += loading->workers) {
		struct error *err =
			store_read_block(heap_file_reader(loading->file), loading->column, i,
				loading->graph->first_edge + 1 + (size_t)i * STORE_BLOCK_ITEMS);

		if (err)
			return err;
	}
	return NULL;
}

static struct error *load_edge_counts(struct loading *loading)
{
	struct heap_graph *graph = loading->graph;
	struct error *err;
	uint64_t sum = 0;

	loading->column =
		store_reader_find(heap_file_reader(loading->file), HEAP_COLUMN_EDGE_COUNT);
	err = check_blocks(loading->file, loading->column);
	if (!err && loading->column->width != sizeof(uint32_t))
		err = heap_file_bad(
			loading->file, "the references of the snapshot file make no sense");
	if (!err)
		err = run(loading, loading->column->block_count, load_counts_share);
	for (uint64_t i = 0; !err && i <= graph->node_count; i++) {
		sum += graph->first_edge[i];
		if (sum > graph->edge_count)
			break;
		graph->first_edge[i] = (uint32_t)sum;
	}
	if (!err && (sum != graph->edge_count || graph->first_edge[1]))
		err = heap_file_bad(
			loading->file, "the references of the snapshot file make no sense");
	return err;
}

static struct error *load_edges_share(void *context, unsigned worker)
{
	const struct loading *loading = context;
	struct heap_graph *graph = loading->graph;

	for (uint32_t i = worker; i < loading->column->block_count; i += loading->workers) {
		uint64_t first = (uint64_t)i * STORE_BLOCK_ITEMS, end = first + STORE_BLOCK_ITEMS;
		struct error *err;

		if (end > graph->node_count)
			end = graph->node_count;
		if (store_reader_block(heap_file_reader(loading->file), loading->column, i)
				->items != graph->first_edge[end] - graph->first_edge[first])
			return heap_file_bad(
				loading->file, "the references of the snapshot file make no sense");
		err = store_read_block(heap_file_reader(loading->file), loading->column, i,
			graph->edges + graph->first_edge[first]);
		if (!err)
			err = heap_edges_decode(graph,
				&(struct heap_rows){.first = (node_id)first,
					.end = (node_id)end,
					.bounds = graph->first_edge + first,
					.edges = graph->edges,
					.words = graph->node_word + first},
				graph->edges);
		if (err)
			return err;
	}
	return NULL;
}

static struct error *load_edges(struct loading *loading)
{
	const struct heap_file *file = loading->file;
	struct heap_graph *graph = loading->graph;
	uint64_t count = heap_file_column_items(file, HEAP_COLUMN_INFERRED);
	uint32_t *inferred = NULL;
	struct error *err;

	loading->column = store_reader_find(heap_file_reader(file), HEAP_COLUMN_EDGES);
	if (!loading->column || loading->column->width != sizeof(uint32_t) ||
		loading->column->items != graph->edge_count ||
		loading->column->block_count !=
			(graph->node_count + STORE_BLOCK_ITEMS - 1) / STORE_BLOCK_ITEMS)
		return heap_file_bad(file, "the references of the snapshot file make no sense");
	err = run(loading, loading->column->block_count, load_edges_share);
	if (!err)
		err = heap_file_read_column(file, HEAP_COLUMN_INFERRED, 4, count, &inferred);
	for (uint64_t i = 0; !err && i < count; i++) {
		if (inferred[i] >= graph->edge_count)
			err = heap_file_bad(
				file, "the references of the snapshot file make no sense");
		else
			graph->edges[inferred[i]] |= HEAP_EDGE_INFERRED;
	}
	pages_free(inferred, count, 4);
	return err;
}

static struct error *load_types(struct loading *loading)
{
	uint32_t count;
	const struct heap_file_type *types = heap_file_types(loading->file, &count);

	for (uint32_t i = 0; i < count; i++) {
		struct heap_type *type = &loading->graph->types[i];

		type->name = heap_graph_intern(loading->graph, types[i].name);
		if (!type->name)
			return error_enomem();
		type->node = types[i].node;
		type->role = types[i].role;
	}
	return NULL;
}

static struct error *add_roots(struct loading *loading, uint64_t count, const uint32_t *nodes,
	const uint8_t *kinds, const uint32_t *names, const uint32_t *files)
{
	const struct heap_file *file = loading->file;

	for (uint64_t i = 0; i < count; i++) {
		struct error *err;

		if (nodes[i] == HEAP_ROOT || nodes[i] >= loading->graph->node_count ||
			kinds[i] > HEAP_ROOT_UNEXPLAINED)
			return heap_file_bad(file, "a root of the snapshot file makes no sense");
		err = heap_graph_add_root(loading->graph, nodes[i], (enum heap_root_kind)kinds[i],
			names[i] == UINT32_MAX ? NULL : heap_file_text(file, names[i]),
			files[i] == UINT32_MAX ? NULL : heap_file_text(file, files[i]));
		if (err)
			return err;
	}
	return heap_graph_finish(loading->graph);
}

static struct error *load_roots(struct loading *loading)
{
	const struct heap_file *file = loading->file;
	uint64_t count = heap_file_column_items(file, HEAP_COLUMN_ROOT_NODE);
	uint32_t *nodes = NULL, *names = NULL, *files = NULL;
	uint8_t *kinds = NULL;
	struct error *err = heap_file_read_column(file, HEAP_COLUMN_ROOT_NODE, 4, count, &nodes);

	if (!err)
		err = heap_file_read_column(file, HEAP_COLUMN_ROOT_KIND, 1, count, &kinds);
	if (!err)
		err = heap_file_read_column(file, HEAP_COLUMN_ROOT_NAME, 4, count, &names);
	if (!err)
		err = heap_file_read_column(file, HEAP_COLUMN_ROOT_FILE, 4, count, &files);
	if (!err)
		err = add_roots(loading, count, nodes, kinds, names, files);
	pages_free(nodes, count, 4);
	pages_free(kinds, count, 1);
	pages_free(names, count, 4);
	pages_free(files, count, 4);
	return err;
}

// What the columns claim must agree before memory is asked for.
static struct error *check_claims(const struct heap_file *file)
{
	const struct store_column *edges =
		store_reader_find(heap_file_reader(file), HEAP_COLUMN_EDGES);
	struct error *err = check_blocks(
		file, store_reader_find(heap_file_reader(file), HEAP_COLUMN_NODE_WORD));

	if (!err && (!edges || edges->items != heap_file_figure(file, HEAP_FIGURE_EDGES)))
		err = heap_file_bad(file, "the references of the snapshot file make no sense");
	return err;
}

static struct error *add_words(const struct heap_file *file, struct heap_graph *graph)
{
	uint32_t *words;
	struct error *err = heap_file_load_words(file, &words);

	if (err)
		return err;
	pages_free(graph->node_word, (size_t)graph->node_count + 1, sizeof(uint32_t));
	graph->node_word = words;
	return NULL;
}

// Types, words and sizes.
static struct error *make_graph(
	const struct heap_file *file, uint32_t edges, struct heap_graph **ret)
{
	struct error *err = check_claims(file);
	uint32_t type_count;

	heap_file_types(file, &type_count);
	return err ? err
		   : heap_graph_create((uint32_t)heap_file_figure(file, HEAP_FIGURE_NODES), edges,
			     type_count, ret);
}

static struct error *load_nodes(struct loading *loading, uint32_t edges, struct heap_graph **ret)
{
	_cleanup_(heap_graph_destroy) struct heap_graph *graph = NULL;
	const struct heap_file *file = loading->file;
	struct error *err = make_graph(file, edges, &graph);

	if (!err)
		err = add_words(file, graph);
	if (err)
		return err;
	loading->graph = graph;
	err = load_types(loading);
	if (!err)
		err = load_sizes(loading);
	if (!err)
		*ret = take(graph);
	return err;
}

struct error *heap_file_load_nodes(const struct heap_file *file, struct heap_graph **ret)
{
	struct loading loading = {.file = file};

	return load_nodes(&loading, 0, ret);
}

struct error *heap_file_load_graph(const struct heap_file *file, struct heap_graph **ret)
{
	_cleanup_(heap_graph_destroy) struct heap_graph *graph = NULL;
	struct loading loading = {.file = file};
	struct error *err =
		load_nodes(&loading, (uint32_t)heap_file_figure(file, HEAP_FIGURE_EDGES), &graph);

	if (!err)
		err = load_edge_counts(&loading);
	if (!err)
		err = load_edges(&loading);
	if (!err)
		err = load_roots(&loading);
	if (!err)
		err = heap_graph_check(graph);
	if (err)
		return err;
	*ret = take(graph);
	return NULL;
}

struct error *heap_file_load_parts(const struct heap_file *file, struct heap_graph **ret)
{
	_cleanup_(heap_graph_destroy) struct heap_graph *graph = NULL;
	struct loading loading = {.file = file};
	struct error *err =
		make_graph(file, (uint32_t)heap_file_figure(file, HEAP_FIGURE_EDGES), &graph);

	if (err)
		return err;
	heap_graph_expect_few(graph);
	loading.graph = graph;
	err = load_types(&loading);
	if (!err)
		err = load_big_sizes(&loading);
	if (!err)
		err = load_roots(&loading);
	if (!err)
		*ret = take(graph);
	return err;
}

struct error *heap_file_load_facts(const struct heap_file *file, const struct heap_graph *graph,
	bool for_naming_only, struct heap_facts **ret)
{
	_cleanup_(heap_facts_destroy) struct heap_facts *facts = mem_calloc(1, sizeof(*facts));
	struct error *err = NULL;

	if (!facts)
		return error_enomem();
	facts->nameless = heap_file_figure(file, HEAP_FIGURE_NAMELESS);
	for (unsigned i = 0; !err && i < HEAP_FACT_COUNT; i++) {
		struct heap_column *column = &facts->columns[i];

		if (for_naming_only && !heap_fact_is_for_naming((enum heap_fact)i))
			continue;
		err = store_read(heap_file_reader(file), heap_fact_kinds[i].number,
			heap_fact_kinds[i].width, &column->items, &column->count);
		if (!err)
			column->capacity = column->count;
	}
	if (!err)
		err = heap_facts_check(facts, graph->node_count);
	if (!err)
		err = heap_facts_index(facts);
	if (err)
		return error_kind(err) == ERROR_BAD_DATA
			       ? error_wrap(err, "the facts of the snapshot file make no sense")
			       : err;
	*ret = take(facts);
	return NULL;
}
