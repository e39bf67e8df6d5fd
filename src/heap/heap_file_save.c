// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "heap/heap_file.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/sort.h"
#include "base/vector.h"
#include "heap/heap_edges.h"
#include "heap/heap_file_memory.h"
#include "heap/heap_open.h"
#include "heap/heap_texts.h"
#include "store/store_writer.h"

#include <string.h>

DEFINE_VECTOR(number_vector, uint32_t)
DEFINE_VECTOR(long_vector, uint64_t)

struct saving {
	const struct heap_snapshot *snapshot;
	const struct heap_graph *graph;
	const struct heap_addresses *addresses;
	const struct heap_facts *facts;
	const struct heap_memory_figures *memory;
	struct store_writer *writer;
	struct heap_column text_column;
	struct heap_texts texts;
	uint32_t *words; /* distinct values of node_word */
	uint32_t word_count;
	uint32_t *word_slots; /* number + 1, open addressing */
	uint32_t word_slot_count;
	unsigned word_width;
	struct error *failure; /* of a block, where there is nobody to return it to */
};

static uint32_t add_text(struct saving *saving, const char *text)
{
	return text ? heap_texts_add(&saving->texts, text) : HEAP_TEXTS_NONE;
}

static struct error *save_types(struct saving *saving)
{
	const struct heap_graph *graph = saving->graph;
	uint32_t count = graph->type_count;
	_cleanup_(mem_free) uint32_t *names = mem_calloc(count, sizeof(*names));
	_cleanup_(mem_free) uint32_t *nodes = mem_calloc(count, sizeof(*nodes));
	_cleanup_(mem_free) uint8_t *roles = mem_calloc(count, sizeof(*roles));
	_cleanup_(mem_free) uint64_t *objects = mem_calloc(count, sizeof(*objects));
	_cleanup_(mem_free) uint64_t *bytes = mem_calloc(count, sizeof(*bytes));
	struct error *err;

	if (!names || !nodes || !roles || !objects || !bytes)
		return error_enomem();
	for (node_id node = 1; node < graph->node_count; node++) {
		uint32_t type = heap_type_of(graph, node);

		objects[type]++;
		bytes[type] += heap_size_of(graph, node);
	}
	for (uint32_t i = 0; i < count; i++) {
		names[i] = add_text(saving, graph->types[i].name);
		if (names[i] == HEAP_TEXTS_NONE)
			return error_enomem();
		nodes[i] = graph->types[i].node;
		roles[i] = (uint8_t)graph->types[i].role;
	}
	err = store_writer_add(saving->writer, HEAP_COLUMN_TYPE_NAME, STORE_PLAIN, 4, names, count);
	if (!err)
		err = store_writer_add(
			saving->writer, HEAP_COLUMN_TYPE_NODE, STORE_PLAIN, 4, nodes, count);
	if (!err)
		err = store_writer_add(
			saving->writer, HEAP_COLUMN_TYPE_ROLE, STORE_PLAIN, 1, roles, count);
	if (!err)
		err = store_writer_add(
			saving->writer, HEAP_COLUMN_TYPE_OBJECTS, STORE_PLAIN, 8, objects, count);
	if (!err)
		err = store_writer_add(
			saving->writer, HEAP_COLUMN_TYPE_BYTES, STORE_PLAIN, 8, bytes, count);
	return err;
}

static struct error *save_pools(struct saving *saving)
{
	const struct heap_addresses *addresses = saving->addresses;
	uint64_t words = (uint64_t)addresses->pool_count * addresses->words_per_pool;
	_cleanup_(mem_free) uint64_t *pools = mem_calloc(addresses->pool_count, sizeof(*pools));
	_cleanup_(mem_free) uint64_t *starts = mem_calloc(words, sizeof(*starts));
	struct error *err;

	if (!pools || !starts)
		return error_enomem();
	for (uint32_t i = 0; i < addresses->pool_count; i++)
		pools[i] = addresses->pool_addr[i] >> addresses->pool_shift;
	for (uint64_t i = 0; i < words; i++)
		starts[i] = addresses->granules[i].starts;
	err = store_writer_add(
		saving->writer, HEAP_COLUMN_POOLS, STORE_DELTA, 8, pools, addresses->pool_count);
	if (!err)
		err = store_writer_add(
			saving->writer, HEAP_COLUMN_STARTS, STORE_PLAIN, 8, starts, words);
	if (!err)
		err = store_writer_add(saving->writer, HEAP_COLUMN_OTHERS, STORE_DELTA, 8,
			addresses->others, addresses->other_count);
	return err;
}

static uint32_t *find_word(const struct saving *saving, uint32_t word)
{
	uint32_t i = word * 0x9e3779b1u >> 7 & (saving->word_slot_count - 1);

	while (saving->word_slots[i] && saving->words[saving->word_slots[i] - 1] != word)
		i = (i + 1) & (saving->word_slot_count - 1);
	return &saving->word_slots[i];
}

static struct error *grow_words(struct saving *saving)
{
	uint32_t count = saving->word_slot_count ? saving->word_slot_count * 2 : 4096;
	uint32_t *words = mem_realloc_array(saving->words, count / 2, sizeof(*words));

	if (!words)
		return error_enomem();
	saving->words = words;
	mem_free(saving->word_slots);
	saving->word_slots = mem_calloc(count, sizeof(*saving->word_slots));
	if (!saving->word_slots)
		return error_enomem();
	saving->word_slot_count = count;
	for (uint32_t i = 0; i < saving->word_count; i++)
		*find_word(saving, words[i]) = i + 1;
	return NULL;
}

static struct error *list_words(struct saving *saving)
{
	const struct heap_graph *graph = saving->graph;
	struct error *err = grow_words(saving);

	for (node_id node = 0; !err && node < graph->node_count; node++) {
		uint32_t *slot = find_word(saving, graph->node_word[node]);

		if (*slot)
			continue;
		saving->words[saving->word_count] = graph->node_word[node];
		*slot = ++saving->word_count;
		if (saving->word_count * 2 >= saving->word_slot_count)
			err = grow_words(saving);
	}
	saving->word_width = saving->word_count <= 256 ? 1 : saving->word_count <= 65536 ? 2 : 4;
	return err;
}

static void fill_words(void *context, uint32_t block, void *items)
{
	const struct saving *saving = context;
	uint32_t first = block * STORE_BLOCK_ITEMS;
	uint32_t end = saving->graph->node_count - first < STORE_BLOCK_ITEMS
			       ? saving->graph->node_count
			       : first + STORE_BLOCK_ITEMS;
	uint8_t *out = items;

	for (node_id node = first; node < end; node++, out += saving->word_width) {
		uint32_t number = *find_word(saving, saving->graph->node_word[node]) - 1;

		memcpy(out, &number, saving->word_width);
	}
}

static void fill_edge_counts(void *context, uint32_t block, void *items)
{
	const struct heap_graph *graph = ((struct saving *)context)->graph;
	uint32_t *counts = items;
	uint64_t first = (uint64_t)block * STORE_BLOCK_ITEMS;

	for (uint64_t i = 0; i < STORE_BLOCK_ITEMS && first + i < graph->node_count; i++)
		counts[i] = graph->first_edge[first + i + 1] - graph->first_edge[first + i];
}

static void fill_edges(void *context, uint32_t block, void *items)
{
	struct saving *saving = context;
	uint64_t first = (uint64_t)block * STORE_BLOCK_ITEMS, end = first + STORE_BLOCK_ITEMS;
	struct error *err;

	if (end > saving->graph->node_count)
		end = saving->graph->node_count;
	err = heap_edges_encode(saving->graph, (node_id)first, (node_id)end, items);
	if (err)
		__atomic_store_n(&saving->failure, err, __ATOMIC_RELAXED);
}

static struct error *save_nodes(struct saving *saving)
{
	const struct heap_graph *graph = saving->graph;
	uint32_t blocks = (graph->node_count + STORE_BLOCK_ITEMS - 1) / STORE_BLOCK_ITEMS;
	_cleanup_(mem_free) uint64_t *bounds = mem_calloc((size_t)blocks + 1, sizeof(*bounds));
	struct error *err;

	if (!bounds)
		return error_enomem();
	for (uint32_t i = 1; i <= blocks; i++)
		bounds[i] = i < blocks ? (uint64_t)i * STORE_BLOCK_ITEMS : graph->node_count;
	err = list_words(saving);
	if (!err)
		err = store_writer_add(saving->writer, HEAP_COLUMN_WORDS, STORE_PLAIN, 4,
			saving->words, saving->word_count);
	if (!err)
		err = store_writer_add_blocks(saving->writer, HEAP_COLUMN_NODE_WORD, STORE_PLAIN,
			saving->word_width, blocks, bounds, fill_words, saving);
	if (!err)
		err = store_writer_add(saving->writer, HEAP_COLUMN_SIZE, STORE_PLAIN, 2,
			graph->size, graph->node_count);
	if (!err)
		err = store_writer_add_blocks(saving->writer, HEAP_COLUMN_EDGE_COUNT, STORE_PLAIN,
			4, blocks, bounds, fill_edge_counts, saving);
	for (uint32_t i = 0; i <= blocks; i++)
		bounds[i] = graph->first_edge[bounds[i]];
	if (!err)
		err = store_writer_add_blocks(saving->writer, HEAP_COLUMN_EDGES, STORE_PLAIN, 4,
			blocks, bounds, fill_edges, saving);
	return err ? err : saving->failure;
}

// What few nodes and edges have.
static struct error *save_exceptions(struct saving *saving)
{
	const struct heap_graph *graph = saving->graph;
	_cleanup_(number_vector_deinit) struct number_vector nodes = {0}, inferred = {0};
	_cleanup_(long_vector_deinit) struct long_vector sizes = {0};
	struct error *err;

	for (node_id node = 0; node < graph->node_count; node++) {
		if (graph->size[node] == HEAP_SIZE_ELSEWHERE &&
			(!number_vector_push(&nodes, node) ||
				!long_vector_push(&sizes, heap_size_of(graph, node))))
			return error_enomem();
	}
	for (uint32_t edge = 0; edge < graph->edge_count; edge++) {
		if (graph->edges[edge] & HEAP_EDGE_INFERRED && !number_vector_push(&inferred, edge))
			return error_enomem();
	}
	err = store_writer_add(
		saving->writer, HEAP_COLUMN_BIG_NODE, STORE_DELTA, 4, nodes.items, nodes.count);
	if (!err)
		err = store_writer_add(saving->writer, HEAP_COLUMN_BIG_SIZE, STORE_PLAIN, 8,
			sizes.items, sizes.count);
	if (!err)
		err = store_writer_add(saving->writer, HEAP_COLUMN_INFERRED, STORE_DELTA, 4,
			inferred.items, inferred.count);
	return err;
}

static struct error *save_roots(struct saving *saving)
{
	const struct heap_graph *graph = saving->graph;
	size_t count = graph->root_count;
	_cleanup_(mem_free) uint32_t *nodes = mem_calloc(count, sizeof(*nodes));
	_cleanup_(mem_free) uint8_t *kinds = mem_calloc(count, sizeof(*kinds));
	_cleanup_(mem_free) uint32_t *names = mem_calloc(count, sizeof(*names));
	_cleanup_(mem_free) uint32_t *root_files = mem_calloc(count, sizeof(*root_files));
	struct error *err;

	if (!nodes || !kinds || !names || !root_files)
		return error_enomem();
	for (size_t i = 0; i < count; i++) {
		const struct heap_root *root = &graph->roots[i];

		nodes[i] = root->node;
		kinds[i] = (uint8_t)root->kind;
		names[i] = add_text(saving, root->name);
		root_files[i] = add_text(saving, root->file);
		if ((root->name && names[i] == HEAP_TEXTS_NONE) ||
			(root->file && root_files[i] == HEAP_TEXTS_NONE))
			return error_enomem();
	}
	err = store_writer_add(saving->writer, HEAP_COLUMN_ROOT_NODE, STORE_DELTA, 4, nodes, count);
	if (!err)
		err = store_writer_add(
			saving->writer, HEAP_COLUMN_ROOT_KIND, STORE_PLAIN, 1, kinds, count);
	if (!err)
		err = store_writer_add(
			saving->writer, HEAP_COLUMN_ROOT_NAME, STORE_PLAIN, 4, names, count);
	if (!err)
		err = store_writer_add(
			saving->writer, HEAP_COLUMN_ROOT_FILE, STORE_PLAIN, 4, root_files, count);
	return err;
}

static struct error *save_facts(struct saving *saving)
{
	struct error *err = NULL;

	for (unsigned i = 0; !err && i < HEAP_FACT_COUNT; i++) {
		const struct heap_fact_kind *kind = &heap_fact_kinds[i];
		const struct heap_column *column = &saving->facts->columns[i];

		err = store_writer_add(saving->writer, kind->number, kind->coding, kind->width,
			column->items, column->count);
	}
	return err;
}

static struct error *save_figures(struct saving *saving)
{
	const struct heap_snapshot_stats *stats = &saving->snapshot->stats;
	const struct heap_source_info *info = &saving->snapshot->info;
	const uint64_t figures[HEAP_FIGURE_COUNT] = {
		[HEAP_FIGURE_NODES] = saving->graph->node_count,
		[HEAP_FIGURE_EDGES] = saving->graph->edge_count,
		[HEAP_FIGURE_TAKEN_AT] = stats->taken_at_us,
		[HEAP_FIGURE_START_TICKS] = info->start_ticks,
		[HEAP_FIGURE_PID] = (uint64_t)info->pid,
		[HEAP_FIGURE_VERSION_HEX] = info->version_hex,
		[HEAP_FIGURE_PYTHON] = add_text(saving, info->python ? info->python : ""),
		[HEAP_FIGURE_EXECUTABLE] =
			add_text(saving, info->executable ? info->executable : ""),
		[HEAP_FIGURE_COMMAND_LINE] =
			add_text(saving, info->command_line ? info->command_line : ""),
		[HEAP_FIGURE_THREADS] = stats->threads,
		[HEAP_FIGURE_RSS_BYTES] = stats->rss_bytes,
		[HEAP_FIGURE_MODE] = stats->capture.mode,
		[HEAP_FIGURE_STOPPED_US] = (uint64_t)(stats->capture.stopped_ms * 1000),
		[HEAP_FIGURE_FALLBACK_REASON] = add_text(saving, stats->capture.fallback_reason),
		[HEAP_FIGURE_RETRIES] = stats->retries,
		[HEAP_FIGURE_FLAGS] = stats->was_collecting * 1u + stats->gil_was_held * 2u +
				      stats->collector_is_enabled * 4u,
		[HEAP_FIGURE_OBJECTS] = stats->objects,
		[HEAP_FIGURE_BYTES] = stats->bytes,
		[HEAP_FIGURE_INFERRED_EDGES] = stats->inferred_edges,
		[HEAP_FIGURE_UNREADABLE] = stats->unreadable,
		[HEAP_FIGURE_REFCOUNTS_CHECKED] = stats->refcounts_checked,
		[HEAP_FIGURE_REFCOUNTS_EXACT] = stats->refcounts_exact,
		[HEAP_FIGURE_REFCOUNTS_INFERRED] = stats->refcounts_inferred,
		[HEAP_FIGURE_POOL_BYTES] = 1ull << saving->addresses->pool_shift,
		[HEAP_FIGURE_GRANULE_BYTES] = 1ull << saving->addresses->granule_shift,
		[HEAP_FIGURE_NAMELESS] = saving->facts->nameless,
	};

	return store_writer_add(
		saving->writer, HEAP_COLUMN_FIGURES, STORE_PLAIN, 8, figures, HEAP_FIGURE_COUNT);
}

static struct error *save_notes(struct saving *saving)
{
	const struct heap_source_info *info = &saving->snapshot->info;
	_cleanup_(mem_free) uint32_t *notes = mem_calloc(info->note_count, sizeof(*notes));

	if (!notes)
		return error_enomem();
	for (size_t i = 0; i < info->note_count; i++) {
		notes[i] = add_text(saving, info->notes[i]);
		if (notes[i] == HEAP_TEXTS_NONE)
			return error_enomem();
	}
	return store_writer_add(
		saving->writer, HEAP_COLUMN_NOTES, STORE_PLAIN, 4, notes, info->note_count);
}

static struct error *save_all(struct saving *saving)
{
	struct error *err = save_figures(saving);

	if (!err)
		err = save_types(saving);
	if (!err)
		err = save_roots(saving);
	if (!err)
		err = save_notes(saving);
	if (!err && saving->memory)
		err = heap_file_save_memory(saving->writer, &saving->texts, saving->memory);
	// Texts are added by what came so far.
	if (!err)
		err = store_writer_add(saving->writer, HEAP_COLUMN_TEXTS, STORE_PLAIN, 1,
			saving->text_column.items, saving->text_column.count);
	if (!err)
		err = save_pools(saving);
	if (!err)
		err = save_nodes(saving);
	if (!err)
		err = save_exceptions(saving);
	if (!err)
		err = save_facts(saving);
	return err ? err : store_writer_finish(saving->writer);
}

struct error *heap_file_save(const struct heap_snapshot *snapshot, const struct heap_facts *facts,
	const struct heap_memory_figures *memory, const char *path, uint64_t *ret_bytes)
{
	struct saving saving = {.snapshot = snapshot,
		.graph = snapshot->graph,
		.addresses = snapshot->addresses,
		.facts = facts,
		.memory = memory};
	struct error *err = store_writer_create(path, 0, &saving.writer);

	if (!err && !heap_texts_init(&saving.texts, &saving.text_column))
		err = error_enomem();
	if (!err)
		err = save_all(&saving);
	if (!err)
		*ret_bytes = store_writer_bytes(saving.writer);
	store_writer_destroy(saving.writer);
	heap_texts_deinit(&saving.texts);
	pages_free(saving.text_column.items, saving.text_column.capacity, 1);
	mem_free(saving.words);
	mem_free(saving.word_slots);
	return err;
}
