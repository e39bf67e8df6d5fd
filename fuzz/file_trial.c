// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "file_trial.h"

#include "analysis/memory.h"
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
#include <unistd.h>
#include <xxhash.h>

#define COLUMNS_MAX 128

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

void file_trial_must(struct error *err, const char *what)
{
	if (!err)
		return;
	fprintf(stderr, "file trial: %s: %s\n", what, error_message(err));
	abort();
}

// What the zoo has none of: there is no malloc in it.
static void fill_empty(struct heap_memory_figures *figures)
{
	figures->mallocs = mem_realloc_array(
		figures->mallocs, figures->malloc_count + 1, sizeof(*figures->mallocs));
	figures->classes = mem_realloc_array(
		figures->classes, figures->class_count + 2, sizeof(*figures->classes));
	figures->owners = mem_realloc_array(
		figures->owners, figures->owner_count + 1, sizeof(*figures->owners));
	figures->arenas = mem_realloc_array(
		figures->arenas, figures->arena_count + 1, sizeof(*figures->arenas));
	if (!figures->mallocs || !figures->classes || !figures->owners || !figures->arenas)
		abort();
	figures->mallocs[figures->malloc_count++] =
		(struct heap_memory_malloc){.is_main = true, .trim = 4096};
	figures->classes[figures->class_count++] = (struct heap_memory_class){24, 7, 168};
	figures->classes[figures->class_count++] = (struct heap_memory_class){40, 9, 360};
	figures->owners[figures->owner_count++] =
		(struct heap_memory_owner){"libzoo.so", HEAP_PART_C_OTHER, true, 168, 7};
	figures->arenas[figures->arena_count++] = (struct heap_memory_arena){.address = 4096,
		.bytes = 1 << 20,
		.used_bytes = 4096,
		.used_blocks = 9,
		.first = 1,
		.last = 40};
}

static void save_zoo(void)
{
	const struct heap_builder_options options = {.workers = 1, .keep_parts = true};
	const struct heap_facts_options all = {.with_content = true};
	struct heap_builder *builder = NULL;
	struct heap_facts *facts = NULL;
	struct heap_snapshot snapshot = {0};
	struct heap_memory *memory = NULL;
	struct heap_memory_figures figures;
	struct heap_zoo zoo;
	uint64_t bytes;
	size_t rows = 0;

	while (pylayout_row(rows))
		rows++;
	heap_zoo_write(&zoo, pylayout_row(rows - 1));
	file_trial_must(heap_build(zoo.target, &zoo.place, &options, &builder), "the zoo");
	file_trial_must(heap_facts_collect(builder, &all, &facts), "its facts");
	snapshot.graph = builder->graph;
	snapshot.addresses = &builder->addresses;
	snapshot.builder = builder;
	file_trial_must(heap_memory_create(NULL, &memory), "its memory");
	file_trial_must(heap_memory_note_pages(memory, zoo.target), "its pages");
	heap_memory_set_builder(memory, builder);
	file_trial_must(memory_measure(builder->graph, memory, &figures), "its figures");
	fill_empty(&figures);
	file_trial_must(heap_file_save(&snapshot, facts, &figures, path, &bytes), "its file");
	heap_memory_figures_deinit(&figures);
	heap_memory_destroy(memory);
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
	file_trial_must(
		store_read(reader, from->number, from->width, &column->items, &column->count),
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
	snprintf(path, sizeof(path), "/dev/shm/fuzz-file-%d", (int)getpid());
	save_zoo();
	file_trial_must(store_reader_open(path, &reader), "the sound file");
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

	file_trial_must(store_writer_create(path, 1, &writer), "write");
	for (size_t i = 0; i < column_count; i++) {
		struct column *column = &changed[i];

		if (column->bounds)
			file_trial_must(store_writer_add_blocks(writer, column->number,
						column->coding, column->width, column->block_count,
						column->bounds, copy_block, column),
				"write");
		else if (column->width)
			file_trial_must(store_writer_add(writer, column->number, column->coding,
						column->width, column->items, column->count),
				"write");
	}
	file_trial_must(store_writer_finish(writer), "write");
	store_writer_destroy(writer);
}

static void write_patched(const uint8_t *data, size_t size)
{
	struct column changed[COLUMNS_MAX];

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
}

static void write_harmed(const uint8_t *data, size_t size)
{
	struct store_header header;
	uint8_t *bytes = mem_alloc(sound_size);
	FILE *file;

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
	file = fopen(path, "wb");
	if (!file || fwrite(bytes, sound_size, 1, file) != 1 || fclose(file) != 0)
		abort();
	mem_free(bytes);
}

const char *file_trial_write(const uint8_t *data, size_t size)
{
	if (data[0] % 2)
		write_harmed(data + 1, size - 1);
	else
		write_patched(data + 1, size - 1);
	return path;
}

void file_trial_remove(void)
{
	unlink(path);
}
