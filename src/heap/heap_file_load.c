// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "heap/heap_file.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/parallel.h"
#include "base/path.h"
#include "heap/heap_edges.h"
#include "heap/heap_graph_build.h"
#include "store/store_reader.h"

#include <stdio.h>
#include <string.h>

struct heap_file {
	struct store_reader *reader;
	uint64_t figures[HEAP_FIGURE_COUNT];
	char *texts; /* pages */
	uint64_t text_bytes;
	struct heap_file_type *types;
	uint32_t type_count;
	char *name;
	const char **notes;
	size_t note_count;
};

static struct error *bad(const struct heap_file *file, const char *what)
{
	return store_reader_bad(file->reader, what);
}

// A small column, which must have @p count items; the caller releases it with pages_free().
static struct error *read_column(
	const struct heap_file *file, uint32_t number, unsigned width, uint64_t count, void *ret)
{
	uint64_t found;
	void *items;
	struct error *err = store_read(file->reader, number, width, &items, &found);

	if (err)
		return err;
	if (found != count) {
		pages_free(items, found, width);
		return bad(file, "the columns of the snapshot file do not belong together");
	}
	memcpy(ret, &items, sizeof(items));
	return NULL;
}

static uint64_t column_items(const struct heap_file *file, uint32_t number)
{
	const struct store_column *column = store_reader_find(file->reader, number);

	return column ? column->items : 0;
}

// A file of an older version has fewer figures: they are 0.
static struct error *read_figures(struct heap_file *file)
{
	uint64_t *figures = NULL, count = 0;
	struct error *err =
		store_read(file->reader, HEAP_COLUMN_FIGURES, sizeof(*figures), &figures, &count);

	if (err)
		return err;
	memcpy(file->figures, figures,
		(count < HEAP_FIGURE_COUNT ? count : HEAP_FIGURE_COUNT) * sizeof(*figures));
	pages_free(figures, count, sizeof(*figures));
	if (file->figures[HEAP_FIGURE_NODES] < 1 ||
		file->figures[HEAP_FIGURE_NODES] > LIMIT_NODES ||
		file->figures[HEAP_FIGURE_EDGES] > UINT32_MAX)
		return bad(file, "the snapshot file has no sensible number of objects");
	return NULL;
}

static struct error *read_texts(struct heap_file *file)
{
	struct error *err =
		store_read(file->reader, HEAP_COLUMN_TEXTS, 1, &file->texts, &file->text_bytes);

	if (!err && (!file->text_bytes || file->texts[file->text_bytes - 1]))
		err = bad(file, "the last text of the snapshot file does not end");
	return err;
}

// Types as columns, before they are rows.
struct type_columns {
	uint32_t *names, *nodes;
	uint8_t *roles;
	uint64_t *objects, *bytes;
	uint64_t count;
};

static void release_types(struct type_columns *columns)
{
	pages_free(columns->names, columns->count, 4);
	pages_free(columns->nodes, columns->count, 4);
	pages_free(columns->roles, columns->count, 1);
	pages_free(columns->objects, columns->count, 8);
	pages_free(columns->bytes, columns->count, 8);
}

static struct error *read_type_columns(struct heap_file *file, struct type_columns *columns)
{
	uint64_t count = columns->count;
	struct error *err = read_column(file, HEAP_COLUMN_TYPE_NAME, 4, count, &columns->names);

	if (!err)
		err = read_column(file, HEAP_COLUMN_TYPE_NODE, 4, count, &columns->nodes);
	if (!err)
		err = read_column(file, HEAP_COLUMN_TYPE_ROLE, 1, count, &columns->roles);
	if (!err)
		err = read_column(file, HEAP_COLUMN_TYPE_OBJECTS, 8, count, &columns->objects);
	if (!err)
		err = read_column(file, HEAP_COLUMN_TYPE_BYTES, 8, count, &columns->bytes);
	return err;
}

static struct error *make_types(struct heap_file *file, const struct type_columns *columns)
{
	file->type_count = (uint32_t)columns->count;
	file->types = mem_calloc(columns->count, sizeof(*file->types));
	if (!file->types)
		return error_enomem();
	for (uint32_t i = 0; i < file->type_count; i++) {
		if (columns->roles[i] > HEAP_TYPE_INSTANCE ||
			(columns->nodes[i] != HEAP_NODE_NONE &&
				columns->nodes[i] >= file->figures[HEAP_FIGURE_NODES]))
			return bad(file, "a type of the snapshot file makes no sense");
		file->types[i] = (struct heap_file_type){
			.name = heap_file_text(file, columns->names[i]),
			.node = columns->nodes[i],
			.role = (enum heap_type_role)columns->roles[i],
			.objects = columns->objects[i],
			.bytes = columns->bytes[i],
		};
	}
	return NULL;
}

static struct error *read_types(struct heap_file *file)
{
	struct type_columns columns = {.count = column_items(file, HEAP_COLUMN_TYPE_NAME)};
	struct error *err;

	// Nearly every type is an object itself, and is used.
	if (columns.count < 1 || columns.count > LIMIT_TYPES ||
		columns.count > 4096 + 2 * file->figures[HEAP_FIGURE_NODES])
		return bad(file, "the snapshot file has no sensible number of types");
	err = read_type_columns(file, &columns);
	if (!err)
		err = make_types(file, &columns);
	release_types(&columns);
	return err;
}

static struct error *read_notes(struct heap_file *file)
{
	uint64_t count = column_items(file, HEAP_COLUMN_NOTES);
	uint32_t *notes = NULL;
	struct error *err = read_column(file, HEAP_COLUMN_NOTES, 4, count, &notes);

	if (err)
		return err;
	file->notes = mem_calloc(count, sizeof(*file->notes));
	for (uint64_t i = 0; file->notes && i < count; i++)
		file->notes[file->note_count++] = heap_file_text(file, notes[i]);
	pages_free(notes, count, 4);
	return file->notes ? NULL : error_enomem();
}

static struct error *open_file(struct heap_file *file, const char *path)
{
	struct error *err = read_figures(file);
	char name[512];

	if (!err)
		err = read_texts(file);
	if (!err)
		err = read_types(file);
	if (!err)
		err = read_notes(file);
	if (err)
		return err;
	snprintf(name, sizeof(name), "process %d in %s", (int)file->figures[HEAP_FIGURE_PID],
		path_base_name(path));
	file->name = mem_strdup(name);
	return file->name ? NULL : error_enomem();
}

struct error *heap_file_open(const char *path, struct heap_file **ret)
{
	_cleanup_(heap_file_close) struct heap_file *file = mem_calloc(1, sizeof(*file));
	struct error *err;

	if (!file)
		return error_enomem();
	err = store_reader_open(path, &file->reader);
	if (!err)
		err = open_file(file, path);
	if (err)
		return err;
	*ret = take(file);
	return NULL;
}

struct error *heap_file_open_bytes(
	const char *name, const void *bytes, size_t size, struct heap_file **ret)
{
	_cleanup_(heap_file_close) struct heap_file *file = mem_calloc(1, sizeof(*file));
	struct error *err;

	if (!file)
		return error_enomem();
	err = store_reader_open_bytes(name, bytes, size, &file->reader);
	if (!err)
		err = open_file(file, name);
	if (err)
		return err;
	*ret = take(file);
	return NULL;
}

void heap_file_close(struct heap_file *file)
{
	if (!file)
		return;
	pages_free(file->texts, file->text_bytes, 1);
	mem_free(file->types);
	mem_free((void *)file->notes);
	mem_free(file->name);
	store_reader_close(file->reader);
	mem_free(file);
}

uint64_t heap_file_figure(const struct heap_file *file, enum heap_figure figure)
{
	return file->figures[figure];
}

const char *heap_file_text(const struct heap_file *file, uint64_t number)
{
	return number < file->text_bytes ? file->texts + number : "";
}

const struct heap_file_type *heap_file_types(const struct heap_file *file, uint32_t *ret_count)
{
	*ret_count = file->type_count;
	return file->types;
}

const char *const *heap_file_notes(const struct heap_file *file, size_t *ret_count)
{
	*ret_count = file->note_count;
	return file->notes;
}

const char *heap_file_name(const struct heap_file *file)
{
	return file->name;
}

const struct store_reader *heap_file_reader(const struct heap_file *file)
{
	return file->reader;
}

static struct error *fill_addresses(const struct heap_file *file, const uint64_t *pools,
	const uint64_t *starts, const uint64_t *others, struct heap_addresses *addresses)
{
	uint64_t pool_count = column_items(file, HEAP_COLUMN_POOLS);
	uint64_t other_count = column_items(file, HEAP_COLUMN_OTHERS), last = 0;
	struct error *err = NULL;
	uint32_t end;
	node_id node;

	for (uint64_t i = 0; !err && i < pool_count; i++) {
		uint64_t addr = pools[i] << addresses->pool_shift;

		if ((i && addr <= last) || addr >> addresses->pool_shift != pools[i])
			return bad(file, "the pools of the snapshot file are in no order");
		last = addr;
		err = heap_addresses_add_pool(
			addresses, addr, starts + i * addresses->words_per_pool);
	}
	if (!err)
		err = heap_addresses_number(addresses, &end);
	if (!err && end + other_count != file->figures[HEAP_FIGURE_NODES])
		err = bad(file, "not each object of the snapshot file has an address");
	for (uint64_t i = 0; !err && i < other_count; i++) {
		if (!others[i] || heap_addresses_other(addresses, others[i]) != HEAP_NODE_NONE)
			return bad(file, "two objects of the snapshot file have one address");
		err = heap_addresses_add_other(addresses, others[i], &node);
	}
	return err;
}

struct error *heap_file_load_addresses(const struct heap_file *file, struct heap_addresses *ret)
{
	uint64_t pool_bytes = file->figures[HEAP_FIGURE_POOL_BYTES];
	uint64_t granule_bytes = file->figures[HEAP_FIGURE_GRANULE_BYTES];
	uint64_t pool_count = column_items(file, HEAP_COLUMN_POOLS);
	uint64_t other_count = column_items(file, HEAP_COLUMN_OTHERS), starts_count;
	uint64_t *pools = NULL, *starts = NULL, *others = NULL;
	struct heap_addresses addresses = {0};
	struct error *err;

	if ((pool_bytes != 4096 && pool_bytes != 16384) ||
		(granule_bytes != 8 && granule_bytes != 16))
		return bad(file, "the pools of the snapshot file are of no size there is");
	starts_count = pool_count * (pool_bytes / granule_bytes / 64);
	err = read_column(file, HEAP_COLUMN_POOLS, 8, pool_count, &pools);
	if (!err)
		err = read_column(file, HEAP_COLUMN_STARTS, 8, starts_count, &starts);
	if (!err)
		err = read_column(file, HEAP_COLUMN_OTHERS, 8, other_count, &others);
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
	uint64_t nodes = file->figures[HEAP_FIGURE_NODES];

	if (!column || column->items != nodes)
		return bad(file, "the columns of the snapshot file do not belong together");
	for (uint32_t i = 0; i < column->block_count; i++) {
		uint64_t rest = nodes - (uint64_t)i * STORE_BLOCK_ITEMS;

		if (store_reader_block(file->reader, column, i)->items !=
			(rest < STORE_BLOCK_ITEMS ? rest : STORE_BLOCK_ITEMS))
			return bad(file, "a block of the snapshot file makes no sense");
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
			store_reader_block(loading->file->reader, loading->column, i)->items;
		struct error *err =
			store_read_block(loading->file->reader, loading->column, i, numbers);
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
			return bad(loading->file, "an object of the snapshot file has no type");
	}
	return NULL;
}

struct error *heap_file_load_words(const struct heap_file *file, uint32_t **ret)
{
	struct loading loading = {.file = file,
		.column = store_reader_find(file->reader, HEAP_COLUMN_NODE_WORD),
		.word_count = column_items(file, HEAP_COLUMN_WORDS)};
	struct error *err = check_blocks(file, loading.column);
	uint32_t *words = NULL;

	if (!err)
		err = read_column(file, HEAP_COLUMN_WORDS, 4, loading.word_count, &words);
	if (err)
		return err;
	for (uint64_t i = 0; !err && i < loading.word_count; i++) {
		if ((words[i] & HEAP_NODE_TYPE_MASK) >= file->type_count)
			err = bad(file, "an object of the snapshot file has no type");
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
	return read_column(
		file, HEAP_COLUMN_SIZE, sizeof(uint16_t), file->figures[HEAP_FIGURE_NODES], ret);
}

static struct error *load_sizes_share(void *context, unsigned worker)
{
	const struct loading *loading = context;

	for (uint32_t i = worker; i < loading->column->block_count; i += loading->workers) {
		struct error *err = store_read_block(loading->file->reader, loading->column, i,
			loading->graph->size + (size_t)i * STORE_BLOCK_ITEMS);

		if (err)
			return err;
	}
	return NULL;
}

static struct error *load_big_sizes(struct loading *loading)
{
	const struct heap_file *file = loading->file;
	uint64_t count = column_items(file, HEAP_COLUMN_BIG_NODE), *sizes = NULL;
	uint32_t *nodes = NULL;
	struct error *err = read_column(file, HEAP_COLUMN_BIG_NODE, 4, count, &nodes);

	if (!err)
		err = read_column(file, HEAP_COLUMN_BIG_SIZE, 8, count, &sizes);
	for (uint64_t i = 0; !err && i < count; i++) {
		// Ascending, or setting them would take ages.
		if (nodes[i] >= loading->graph->node_count || (i && nodes[i] <= nodes[i - 1]))
			err = bad(file, "the sizes of the snapshot file make no sense");
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

	loading->column = store_reader_find(file->reader, HEAP_COLUMN_SIZE);
	err = check_blocks(file, loading->column);
	if (!err && loading->column->width != sizeof(uint16_t))
		err = bad(file, "the sizes of the snapshot file make no sense");
	if (!err)
		err = run(loading, loading->column->block_count, load_sizes_share);
	return err ? err : load_big_sizes(loading);
}

static struct error *load_counts_share(void *context, unsigned worker)
{
	const struct loading *loading = context;

	for (uint32_t i = worker; i < loading->column->block_count; i += loading->workers) {
		struct error *err = store_read_block(loading->file->reader, loading->column, i,
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

	loading->column = store_reader_find(loading->file->reader, HEAP_COLUMN_EDGE_COUNT);
	err = check_blocks(loading->file, loading->column);
	if (!err && loading->column->width != sizeof(uint32_t))
		err = bad(loading->file, "the references of the snapshot file make no sense");
	if (!err)
		err = run(loading, loading->column->block_count, load_counts_share);
	for (uint64_t i = 0; !err && i <= graph->node_count; i++) {
		sum += graph->first_edge[i];
		if (sum > graph->edge_count)
			break;
		graph->first_edge[i] = (uint32_t)sum;
	}
	if (!err && (sum != graph->edge_count || graph->first_edge[1]))
		err = bad(loading->file, "the references of the snapshot file make no sense");
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
		if (store_reader_block(loading->file->reader, loading->column, i)->items !=
			graph->first_edge[end] - graph->first_edge[first])
			return bad(
				loading->file, "the references of the snapshot file make no sense");
		err = store_read_block(loading->file->reader, loading->column, i,
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
	uint64_t count = column_items(file, HEAP_COLUMN_INFERRED);
	uint32_t *inferred = NULL;
	struct error *err;

	loading->column = store_reader_find(file->reader, HEAP_COLUMN_EDGES);
	if (!loading->column || loading->column->width != sizeof(uint32_t) ||
		loading->column->items != graph->edge_count ||
		loading->column->block_count !=
			(graph->node_count + STORE_BLOCK_ITEMS - 1) / STORE_BLOCK_ITEMS)
		return bad(file, "the references of the snapshot file make no sense");
	err = run(loading, loading->column->block_count, load_edges_share);
	if (!err)
		err = read_column(file, HEAP_COLUMN_INFERRED, 4, count, &inferred);
	for (uint64_t i = 0; !err && i < count; i++) {
		if (inferred[i] >= graph->edge_count)
			err = bad(file, "the references of the snapshot file make no sense");
		else
			graph->edges[inferred[i]] |= HEAP_EDGE_INFERRED;
	}
	pages_free(inferred, count, 4);
	return err;
}

static struct error *load_types(struct loading *loading)
{
	const struct heap_file *file = loading->file;

	for (uint32_t i = 0; i < file->type_count; i++) {
		struct heap_type *type = &loading->graph->types[i];

		type->name = heap_graph_intern(loading->graph, file->types[i].name);
		if (!type->name)
			return error_enomem();
		type->node = file->types[i].node;
		type->role = file->types[i].role;
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
			return bad(file, "a root of the snapshot file makes no sense");
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
	uint64_t count = column_items(file, HEAP_COLUMN_ROOT_NODE);
	uint32_t *nodes = NULL, *names = NULL, *files = NULL;
	uint8_t *kinds = NULL;
	struct error *err = read_column(file, HEAP_COLUMN_ROOT_NODE, 4, count, &nodes);

	if (!err)
		err = read_column(file, HEAP_COLUMN_ROOT_KIND, 1, count, &kinds);
	if (!err)
		err = read_column(file, HEAP_COLUMN_ROOT_NAME, 4, count, &names);
	if (!err)
		err = read_column(file, HEAP_COLUMN_ROOT_FILE, 4, count, &files);
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
	const struct store_column *edges = store_reader_find(file->reader, HEAP_COLUMN_EDGES);
	struct error *err =
		check_blocks(file, store_reader_find(file->reader, HEAP_COLUMN_NODE_WORD));

	if (!err && (!edges || edges->items != file->figures[HEAP_FIGURE_EDGES]))
		err = bad(file, "the references of the snapshot file make no sense");
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
static struct error *load_nodes(struct loading *loading, uint32_t edges, struct heap_graph **ret)
{
	_cleanup_(heap_graph_destroy) struct heap_graph *graph = NULL;
	const struct heap_file *file = loading->file;
	struct error *err = check_claims(file);

	if (!err)
		err = heap_graph_create((uint32_t)file->figures[HEAP_FIGURE_NODES], edges,
			file->type_count, &graph);
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
		load_nodes(&loading, (uint32_t)file->figures[HEAP_FIGURE_EDGES], &graph);

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
	struct error *err = check_claims(file);

	if (!err)
		err = heap_graph_create((uint32_t)file->figures[HEAP_FIGURE_NODES],
			(uint32_t)file->figures[HEAP_FIGURE_EDGES], file->type_count, &graph);
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
	facts->nameless = file->figures[HEAP_FIGURE_NAMELESS];
	for (unsigned i = 0; !err && i < HEAP_FACT_COUNT; i++) {
		struct heap_column *column = &facts->columns[i];

		if (for_naming_only && !heap_fact_is_for_naming((enum heap_fact)i))
			continue;
		err = store_read(file->reader, heap_fact_kinds[i].number, heap_fact_kinds[i].width,
			&column->items, &column->count);
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
