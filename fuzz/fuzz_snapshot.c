// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Snapshot files with any contents. Two kinds of trials, by the first byte:
 *
 *	even   patches on the columns of a sound file, which is then written anew: checksums are right, and
 *	       what the columns say is not. A patch is 12 bytes: struct patch.
 *	odd    bytes in place of others anywhere in the file, with the checksums of header and directory
 *	       made right again.
 *
 * What opens must be a graph: all that a front end may ask of it is asked.
 */
#include "analysis/dominators.h"
#include "analysis/garbage.h"
#include "analysis/heap_diff.h"
#include "analysis/paths.h"
#include "analysis/why.h"
#include "base/alloc.h"
#include "base/error.h"
#include "heap/heap_facts_collect.h"
#include "heap/heap_file.h"
#include "heap/heap_open.h"
#include "heap_zoo.h"
#include "store/store_reader.h"
#include "store/store_writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xxhash.h>

#define COLUMNS_MAX 128
#define PATHS       24

struct patch {
	uint8_t column, how;
	uint16_t bits;
	uint32_t index, value;
};
_Static_assert(sizeof(struct patch) == 12, "patches are 12 bytes");

struct column {
	uint32_t number;
	uint8_t width, coding;
	uint8_t *items;
	uint64_t count;
	uint64_t *bounds; /* of blocks; NULL: cut by number */
	uint32_t block_count;
};

static struct column columns[COLUMNS_MAX];
static size_t column_count;
static uint8_t *sound; /* the file */
static size_t sound_size;
static char path[64];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static void must(struct error *err, const char *what)
{
	if (!err)
		return;
	fprintf(stderr, "fuzz-snapshot: %s: %s\n", what, error_message(err));
	abort();
}

static void save_zoo(void)
{
	const struct heap_builder_options options = {.workers = 1};
	const struct heap_facts_options all = {.with_content = true};
	struct heap_builder *builder = NULL;
	struct heap_facts *facts = NULL;
	struct heap_snapshot snapshot = {0};
	struct heap_zoo zoo;
	uint64_t bytes;
	size_t rows = 0;

	while (pylayout_row(rows))
		rows++;
	heap_zoo_write(&zoo, pylayout_row(rows - 1));
	must(heap_build(zoo.target, &zoo.place, &options, &builder), "the zoo");
	must(heap_facts_collect(builder, &all, &facts), "its facts");
	snapshot.graph = builder->graph;
	snapshot.addresses = &builder->addresses;
	snapshot.builder = builder;
	must(heap_file_save(&snapshot, facts, path, &bytes), "its file");
	heap_facts_destroy(facts);
	heap_builder_destroy(builder);
	heap_zoo_drop(&zoo);
}

static void learn_column(const struct store_reader *reader, const struct store_column *from)
{
	struct column *column = &columns[column_count++];

	*column = (struct column){.number = from->number,
		.width = from->width,
		.coding = from->coding,
		.block_count = from->block_count};
	must(store_read(reader, from->number, from->width, &column->items, &column->count),
		"a column");
	column->bounds = mem_calloc(from->block_count + 1, sizeof(uint64_t));
	if (!column->bounds)
		abort();
	for (uint32_t i = 0; i < from->block_count; i++)
		column->bounds[i + 1] =
			column->bounds[i] + store_reader_block(reader, from, i)->items;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct store_reader *reader;
	FILE *file;

	(void)argc;
	(void)argv;
	snprintf(path, sizeof(path), "/dev/shm/fuzz-snapshot-%d", (int)getpid());
	save_zoo();
	must(store_reader_open(path, &reader), "the sound file");
	for (uint32_t number = 0; number < 256; number++) {
		const struct store_column *column = store_reader_find(reader, number);

		if (column && column_count < COLUMNS_MAX)
			learn_column(reader, column);
	}
	sound_size = store_reader_bytes(reader);
	sound = mem_alloc(sound_size);
	file = fopen(path, "rb");
	if (!sound || !file || fread(sound, sound_size, 1, file) != 1)
		abort();
	fclose(file);
	store_reader_close(reader);
	unlink(path);
	return 0;
}

static uint64_t odd_value(uint32_t value)
{
	static const uint64_t odd[] = {0, 1, 2, 7, 255, 256, 65535, 65536, INT32_MAX, UINT32_MAX,
		UINT32_MAX - 1, 1ull << 32, 1ull << 36, 1ull << 47, INT64_MAX, UINT64_MAX};

	return odd[value % (sizeof(odd) / sizeof(odd[0]))];
}

static void patch_item(struct column *column, const struct patch *patch)
{
	uint8_t *at = column->items + patch->index % column->count * column->width;
	uint64_t item = 0;

	memcpy(&item, at, column->width);
	switch (patch->how % 5) {
	case 0:
		item = patch->value;
		break;
	case 1:
		item = odd_value(patch->value);
		break;
	case 2:
		item += (uint64_t)(int64_t)(int8_t)patch->value;
		break;
	case 3:
		item ^= 1ull << patch->bits % 64;
		break;
	default: // that of another place
		memcpy(&item, column->items + patch->value % column->count * column->width,
			column->width);
		break;
	}
	memcpy(at, &item, column->width);
}

// Longer or shorter, but for its blocks: by up to 65,535 items.
static void resize(struct column *column, const struct patch *patch)
{
	uint64_t count =
		patch->value & 1 ? column->count + patch->bits : patch->index % (column->count + 1);
	uint8_t *items = pages_alloc(count, column->width);

	if (!items)
		abort();
	memcpy(items, column->items,
		(count < column->count ? count : column->count) * column->width);
	column->items = items;
	column->count = count;
	column->bounds = NULL;
}

static void copy_block(void *context, uint32_t block, void *items)
{
	const struct column *column = context;

	memcpy(items, column->items + column->bounds[block] * column->width,
		(column->bounds[block + 1] - column->bounds[block]) * column->width);
}

static void write_columns(struct column *changed)
{
	struct store_writer *writer;

	must(store_writer_create(path, 1, &writer), "write");
	for (size_t i = 0; i < column_count; i++) {
		struct column *column = &changed[i];

		if (column->bounds)
			must(store_writer_add_blocks(writer, column->number, column->coding,
				     column->width, column->block_count, column->bounds, copy_block,
				     column),
				"write");
		else if (column->width)
			must(store_writer_add(writer, column->number, column->coding, column->width,
				     column->items, column->count),
				"write");
	}
	must(store_writer_finish(writer), "write");
	store_writer_destroy(writer);
}

static void ask(const struct heap_graph *graph, node_id node)
{
	const struct heap_naming *naming = &graph->naming;
	struct heap_label label;
	char text[200];
	uint32_t count;

	heap_edges_of(graph, node, &count);
	naming->length(naming->context, node);
	naming->bound(naming->context, node);
	naming->name(naming->context, node, text, sizeof(text));
	naming->file(naming->context, node, text, sizeof(text));
	naming->free_variable(naming->context, node, 1, text, sizeof(text));
	naming->node_at(naming->context, naming->address(naming->context, node));
	for (uint32_t i = 0; i < count && i < 8; i++)
		naming->label(naming->context, node, i, &label);
}

// Why it is alive, and what would go with it.
static void explain(const struct heap_graph *graph, const struct dominators *dominators,
	const struct paths *paths, node_id node)
{
	struct why_type_vector freed = {0};
	struct why_step *steps;
	size_t count;

	must(why_path(graph, paths, node, &steps, &count), "a path's steps");
	mem_free(steps);
	must(why_freed(graph, dominators, node, &freed), "what would be freed");
	why_type_vector_deinit(&freed);
}

static void examine(struct heap_snapshot *snapshot)
{
	const struct heap_graph *graph = snapshot->graph;
	struct dominators *dominators = NULL;
	struct paths *paths = NULL;
	struct heap_threads threads;
	struct garbage garbage;

	must(heap_graph_check(graph), "the graph");
	must(dominators_create(graph, &dominators), "dominators");
	must(garbage_compute(graph, dominators, &garbage), "garbage");
	must(paths_create(graph, &paths), "paths");
	must(heap_snapshot_threads(snapshot, &threads), "threads");
	for (uint64_t i = 0; i < PATHS && graph->node_count > 1; i++) {
		node_id node = 1 + (node_id)((graph->node_count - 1) * i / PATHS);
		struct path_description description;

		must(paths_describe(paths, node, &description), "a path");
		path_description_deinit(&description);
		ask(graph, node);
		if (i % 8 == 0)
			explain(graph, dominators, paths, node);
	}
	heap_threads_deinit(&threads);
	paths_destroy(paths);
	garbage_deinit(&garbage);
	dominators_destroy(dominators);
}

// No file differs from itself. Its pools are of the sizes of Python, or the graph was none.
static struct error *compare_with_itself(struct heap_source *source)
{
	struct heap_file *file = (struct heap_file *)heap_source_file(source);
	struct heap_file *const files[] = {file, file};
	struct heap_diff diff = {0};
	struct error *err = heap_diff_types(files, 2, &diff);

	for (size_t i = 0; !err && i < diff.rows.count; i++) {
		if (diff.rows.items[i].added || diff.rows.items[i].gone)
			abort();
	}
	heap_diff_deinit(&diff);
	return err;
}

// Takes both.
static void try_source(struct error *err, struct heap_source *source)
{
	const struct heap_snapshot_options options = {0};
	struct heap_snapshot *snapshot = NULL;

	if (!err)
		err = heap_snapshot_take(source, &options, &snapshot);
	if (!err)
		examine(snapshot);
	if (!err)
		err = compare_with_itself(source);
	// An error is an honest answer, but for want of memory: there was enough.
	if (err && error_kind(err) == ERROR_MEMORY)
		must(err, "open");
	error_destroy(err);
	heap_snapshot_destroy(snapshot);
	heap_source_destroy(source);
}

static void try_columns(const uint8_t *data, size_t size)
{
	struct column changed[COLUMNS_MAX];
	struct heap_source *source = NULL;
	struct error *err;

	// Each patched column is a copy.
	memcpy(changed, columns, sizeof(changed));
	for (; size >= sizeof(struct patch);
		data += sizeof(struct patch), size -= sizeof(struct patch)) {
		struct patch patch;
		struct column *column;

		memcpy(&patch, data, sizeof(patch));
		column = &changed[patch.column % column_count];
		if (column->items == columns[column - changed].items) {
			column->items = pages_alloc(column->count, column->width);
			if (!column->items)
				abort();
			memcpy(column->items, columns[column - changed].items,
				column->count * column->width);
		}
		if (patch.how >= 250) {
			uint8_t *items = column->items;
			uint64_t count = column->count;

			resize(column, &patch);
			pages_free(items, count, column->width);
		} else if (column->count) {
			patch_item(column, &patch);
		}
	}
	write_columns(changed);
	for (size_t i = 0; i < column_count; i++) {
		if (changed[i].items != columns[i].items)
			pages_free(changed[i].items, changed[i].count, changed[i].width);
	}
	err = heap_source_open_file(path, &source);
	try_source(err, source);
	unlink(path);
}

static void try_bytes(const uint8_t *data, size_t size)
{
	struct store_header header;
	struct heap_source *source = NULL;
	uint8_t *bytes = mem_alloc(sound_size);
	struct error *err;

	if (!bytes)
		abort();
	memcpy(bytes, sound, sound_size);
	for (; size >= 5; data += 5, size -= 5) {
		uint32_t where;

		memcpy(&where, data, sizeof(where));
		bytes[where % sound_size] = data[4];
	}
	memcpy(&header, bytes, sizeof(header));
	if (header.directory < sound_size)
		header.directory_hash =
			XXH3_64bits(bytes + header.directory, sound_size - header.directory);
	header.header_hash = XXH3_64bits(&header, offsetof(struct store_header, header_hash));
	memcpy(bytes, &header, sizeof(header));
	err = heap_source_open_bytes("fuzz", bytes, sound_size, &source);
	try_source(err, source);
	mem_free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	if (data[0] % 2)
		try_bytes(data + 1, size - 1);
	else
		try_columns(data + 1, size - 1);
	return 0;
}
