// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "heap/heap_file_memory.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "heap/heap_texts.h"
#include "store/store_reader.h"
#include "store/store_writer.h"

#include <string.h>

enum memory_column {
	COLUMN_PROCESS = 96,
	COLUMN_PARTS,
	COLUMN_TYPES,
	COLUMN_ARENAS,
	COLUMN_MALLOCS,
	COLUMN_OWNERS,
	COLUMN_CLASSES,
	COLUMN_MAPPINGS,
};

/** What a field may be. */
enum field_kind {
	FIELD_AMOUNT,  /* bytes, or a count: bounded */
	FIELD_LIMIT,   /* the same, or UINT64_MAX for none */
	FIELD_ADDRESS, /* anything */
	FIELD_NODE,    /* of the graph, or HEAP_NODE_NONE */
	FIELD_PART,    /* enum heap_memory_part */
	FIELD_FLAG,
	FIELD_TEXT,
};

struct field {
	uint16_t offset; /* in a row */
	uint8_t width;
	uint8_t kind;
};

#define FIELD(type, name, what)                                                                    \
	{                                                                                          \
		offsetof(struct type, name), sizeof(((struct type *)0)->name), FIELD_##what        \
	}
#define AMOUNT(type, name) FIELD(type, name, AMOUNT)

// Each list is append-only.
static const struct field process_fields[] = {
	AMOUNT(heap_memory_figures, rss_bytes),
	FIELD(heap_memory_figures, has_usage, FLAG),
	AMOUNT(heap_memory_figures, core_bytes),
	AMOUNT(heap_memory_figures, pss_bytes),
	AMOUNT(heap_memory_figures, swap_bytes),
	AMOUNT(heap_memory_figures, cow_shared_bytes),
	AMOUNT(heap_memory_figures, private_bytes),
	FIELD(heap_memory_figures, limit_bytes, LIMIT),
	FIELD(heap_memory_figures, headroom_bytes, LIMIT),
	AMOUNT(heap_memory_figures, mapped_chunks),
	AMOUNT(heap_memory_figures, mapped_chunk_bytes),
	AMOUNT(heap_memory_figures, garbage_returned),
	AMOUNT(heap_memory_figures, frozen_returned),
	AMOUNT(heap_memory_figures, trim_bytes),
	AMOUNT(heap_memory_figures, torn_mallocs),
	FIELD(heap_memory_figures, has_arena_table, FLAG),
	FIELD(heap_memory_figures, allocator, TEXT),
	AMOUNT(heap_memory_figures, type_count),
	AMOUNT(heap_memory_figures, arena_count),
	AMOUNT(heap_memory_figures, malloc_count),
	AMOUNT(heap_memory_figures, owner_count),
	AMOUNT(heap_memory_figures, class_count),
	AMOUNT(heap_memory_figures, mapping_count),
};

static const struct field type_fields[] = {
	AMOUNT(heap_memory_type, objects),
	AMOUNT(heap_memory_type, bytes),
	AMOUNT(heap_memory_type, size),
	AMOUNT(heap_memory_type, c_bytes),
	AMOUNT(heap_memory_type, c_blocks),
	AMOUNT(heap_memory_type, mapped_bytes),
	AMOUNT(heap_memory_type, by_fate[HEAP_FATE_LIVE]),
	AMOUNT(heap_memory_type, objects_by_fate[HEAP_FATE_LIVE]),
	AMOUNT(heap_memory_type, by_fate[HEAP_FATE_GARBAGE]),
	AMOUNT(heap_memory_type, objects_by_fate[HEAP_FATE_GARBAGE]),
	AMOUNT(heap_memory_type, by_fate[HEAP_FATE_LOST]),
	AMOUNT(heap_memory_type, objects_by_fate[HEAP_FATE_LOST]),
	AMOUNT(heap_memory_type, by_fate[HEAP_FATE_UNEXPLAINED]),
	AMOUNT(heap_memory_type, objects_by_fate[HEAP_FATE_UNEXPLAINED]),
	AMOUNT(heap_memory_type, by_fate[HEAP_FATE_FROZEN]),
	AMOUNT(heap_memory_type, objects_by_fate[HEAP_FATE_FROZEN]),
};
_Static_assert(HEAP_FATE_COUNT == 5, "a new fate is two fields more");

static const struct field arena_fields[] = {
	FIELD(heap_memory_arena, address, ADDRESS),
	AMOUNT(heap_memory_arena, bytes),
	AMOUNT(heap_memory_arena, resident),
	AMOUNT(heap_memory_arena, used_bytes),
	AMOUNT(heap_memory_arena, garbage_bytes),
	AMOUNT(heap_memory_arena, frozen_bytes),
	AMOUNT(heap_memory_arena, used_blocks),
	AMOUNT(heap_memory_arena, pools),
	AMOUNT(heap_memory_arena, used_pools),
	FIELD(heap_memory_arena, first, NODE),
	FIELD(heap_memory_arena, last, NODE),
};

static const struct field malloc_fields[] = {
	FIELD(heap_memory_malloc, address, ADDRESS),
	AMOUNT(heap_memory_malloc, system_bytes),
	AMOUNT(heap_memory_malloc, resident),
	AMOUNT(heap_memory_malloc, used_python),
	AMOUNT(heap_memory_malloc, used_other),
	AMOUNT(heap_memory_malloc, cached),
	AMOUNT(heap_memory_malloc, free),
	AMOUNT(heap_memory_malloc, top),
	AMOUNT(heap_memory_malloc, trim),
	AMOUNT(heap_memory_malloc, trim_top),
	FIELD(heap_memory_malloc, is_main, FLAG),
};

static const struct field owner_fields[] = {
	FIELD(heap_memory_owner, name, TEXT),
	FIELD(heap_memory_owner, part, PART),
	FIELD(heap_memory_owner, is_library, FLAG),
	AMOUNT(heap_memory_owner, bytes),
	AMOUNT(heap_memory_owner, count),
};

static const struct field class_fields[] = {
	AMOUNT(heap_memory_class, size),
	AMOUNT(heap_memory_class, count),
	AMOUNT(heap_memory_class, bytes),
};

static const struct field mapping_fields[] = {
	FIELD(heap_memory_mapping, start, ADDRESS),
	FIELD(heap_memory_mapping, end, ADDRESS),
	FIELD(heap_memory_mapping, path, TEXT),
	AMOUNT(heap_memory_mapping, rss),
	AMOUNT(heap_memory_mapping, unexplained),
	AMOUNT(heap_memory_mapping, swap),
	AMOUNT(heap_memory_mapping, pss),
	AMOUNT(heap_memory_mapping, shared),
	FIELD(heap_memory_mapping, main_part, PART),
};

/** Rows in figures: where the array is, and their number. */
static const struct table {
	uint32_t column;
	uint16_t rows, count, count_width;
	uint16_t row_bytes;
	const struct field *fields;
	size_t field_count;
} tables[] = {
#define TABLE(number, row, list, counter)                                                          \
	{                                                                                          \
		number, offsetof(struct heap_memory_figures, list),                                \
			offsetof(struct heap_memory_figures, counter),                             \
			sizeof(((struct heap_memory_figures *)0)->counter),                        \
			sizeof(struct heap_memory_##row), row##_fields,                            \
			sizeof(row##_fields) / sizeof(*row##_fields)                               \
	}
	TABLE(COLUMN_TYPES, type, types, type_count),
	TABLE(COLUMN_ARENAS, arena, arenas, arena_count),
	TABLE(COLUMN_MALLOCS, malloc, mallocs, malloc_count),
	TABLE(COLUMN_OWNERS, owner, owners, owner_count),
	TABLE(COLUMN_CLASSES, class, classes, class_count),
	TABLE(COLUMN_MAPPINGS, mapping, mappings, mapping_count),
#undef TABLE
};
#define TABLE_COUNT   (sizeof(tables) / sizeof(*tables))
#define PROCESS_COUNT (sizeof(process_fields) / sizeof(*process_fields))

// Little-endian: the low bytes come first.
static uint64_t get(const void *row, const struct field *field)
{
	uint64_t value = 0;

	memcpy(&value, (const uint8_t *)row + field->offset, field->width);
	return value;
}

static void set(void *row, const struct field *field, uint64_t value)
{
	memcpy((uint8_t *)row + field->offset, &value, field->width);
}

static const char *get_text(const void *row, const struct field *field)
{
	const char *text;

	memcpy((void *)&text, (const uint8_t *)row + field->offset, sizeof(text));
	return text ? text : "";
}

static struct error *save_rows(struct store_writer *writer, struct heap_texts *texts,
	uint32_t column, const struct field *fields, size_t field_count, const void *rows,
	size_t row_bytes, uint64_t count)
{
	_cleanup_(mem_free) uint64_t *items = mem_calloc(count * field_count, sizeof(*items));

	if (!items)
		return error_enomem();
	for (size_t f = 0; f < field_count; f++) {
		for (uint64_t i = 0; i < count; i++) {
			const uint8_t *row = (const uint8_t *)rows + i * row_bytes;
			uint64_t value;

			if (fields[f].kind == FIELD_TEXT) {
				value = heap_texts_add(texts, get_text(row, &fields[f]));
				if (value == HEAP_TEXTS_NONE)
					return error_enomem();
			} else {
				value = get(row, &fields[f]);
			}
			items[f * count + i] = value;
		}
	}
	return store_writer_add(writer, column, STORE_PLAIN, 8, items, count * field_count);
}

static const void *rows_of(const struct heap_memory_figures *figures, const struct table *table)
{
	const void *rows;

	memcpy((void *)&rows, (const uint8_t *)figures + table->rows, sizeof(rows));
	return rows;
}

static uint64_t count_of(const struct heap_memory_figures *figures, const struct table *table)
{
	uint64_t count = 0;

	memcpy(&count, (const uint8_t *)figures + table->count, table->count_width);
	return count;
}

struct error *heap_file_save_memory(struct store_writer *writer, struct heap_texts *texts,
	const struct heap_memory_figures *figures)
{
	uint64_t parts[2 * HEAP_PART_COUNT];
	struct error *err = save_rows(writer, texts, COLUMN_PROCESS, process_fields, PROCESS_COUNT,
		figures, sizeof(*figures), 1);

	memcpy(parts, figures->part_bytes, sizeof(figures->part_bytes));
	memcpy(parts + HEAP_PART_COUNT, figures->part_count, sizeof(figures->part_count));
	if (!err)
		err = store_writer_add(
			writer, COLUMN_PARTS, STORE_PLAIN, 8, parts, 2ull * HEAP_PART_COUNT);
	for (size_t i = 0; !err && i < TABLE_COUNT; i++) {
		const struct table *table = &tables[i];

		err = save_rows(writer, texts, table->column, table->fields, table->field_count,
			rows_of(figures, table), table->row_bytes, count_of(figures, table));
	}
	return err;
}

bool heap_file_has_memory(const struct heap_file *file)
{
	return store_reader_find(heap_file_reader(file), COLUMN_PROCESS) != NULL;
}

static struct error *bad(const struct heap_file *file)
{
	return store_reader_bad(
		heap_file_reader(file), "the figures of memory in the snapshot file make no sense");
}

static bool is_sane(const struct heap_file *file, const struct field *field, uint64_t value)
{
	switch ((enum field_kind)field->kind) {
	case FIELD_AMOUNT:
		return value < LIMIT_MEMORY_BYTES &&
		       (field->width == 8 || value >> 8 * field->width == 0);
	case FIELD_LIMIT:
		return value < LIMIT_MEMORY_BYTES || value == UINT64_MAX;
	case FIELD_NODE:
		return value == HEAP_NODE_NONE || value < heap_file_figure(file, HEAP_FIGURE_NODES);
	case FIELD_PART:
		return value < HEAP_PART_COUNT;
	case FIELD_FLAG:
		return value <= 1;
	case FIELD_ADDRESS:
	case FIELD_TEXT:
		break;
	}
	return true;
}

// @p items are all of the column's; @p rows are zeroed.
static struct error *fill_rows(const struct heap_file *file, const struct field *fields,
	size_t field_count, const uint64_t *items, uint64_t item_count, uint8_t *rows,
	size_t row_bytes, uint64_t count)
{
	uint64_t known = count ? item_count / count : 0;

	// No file has fewer fields yet.
	if (item_count % (count ? count : 1) || (count ? known < field_count : item_count > 0))
		return bad(file);
	for (size_t f = 0; f < field_count; f++) {
		for (uint64_t i = 0; i < count; i++) {
			uint64_t value = items[f * count + i];
			uint8_t *row = rows + i * row_bytes;
			const char *text;

			if (!is_sane(file, &fields[f], value))
				return bad(file);
			if (fields[f].kind == FIELD_TEXT) {
				text = heap_file_text(file, value);
				memcpy(row + fields[f].offset, (const void *)&text, sizeof(text));
			} else {
				set(row, &fields[f], value);
			}
		}
	}
	return NULL;
}

static struct error *load_table(const struct heap_file *file, const struct table *table,
	struct heap_memory_figures *figures)
{
	uint64_t count = count_of(figures, table), item_count;
	uint64_t *items = NULL;
	uint8_t *rows = NULL;
	struct error *err =
		store_read(heap_file_reader(file), table->column, 8, &items, &item_count);

	if (err)
		return err;
	// Before memory is asked for.
	if (count > item_count / table->field_count)
		err = bad(file);
	if (!err) {
		rows = mem_calloc(count, table->row_bytes);
		err = rows ? NULL : error_enomem();
	}
	if (!err) {
		memcpy((uint8_t *)figures + table->rows, (const void *)&rows, sizeof(rows));
		err = fill_rows(file, table->fields, table->field_count, items, item_count, rows,
			table->row_bytes, count);
	}
	pages_free(items, item_count, 8);
	return err;
}

static struct error *load_process(const struct heap_file *file, struct heap_memory_figures *figures)
{
	uint64_t *items = NULL, item_count;
	struct error *err =
		store_read(heap_file_reader(file), COLUMN_PROCESS, 8, &items, &item_count);

	if (!err)
		err = fill_rows(file, process_fields, PROCESS_COUNT, items, item_count,
			(uint8_t *)figures, sizeof(*figures), 1);
	pages_free(items, item_count, 8);
	return err;
}

// A file of fewer parts is one of an older version.
static struct error *load_parts(const struct heap_file *file, struct heap_memory_figures *figures)
{
	uint64_t *items = NULL, item_count, count, sum = 0;
	struct error *err =
		store_read(heap_file_reader(file), COLUMN_PARTS, 8, &items, &item_count);

	if (err)
		return err;
	count = item_count / 2;
	if (count > HEAP_PART_COUNT)
		err = error_create(ERROR_UNSUPPORTED,
			"%s says more of memory than this version of shikari knows",
			heap_file_name(file));
	for (uint64_t i = 0; !err && i < count; i++) {
		figures->part_bytes[i] = items[i];
		figures->part_count[i] = items[count + i];
		sum += items[i];
		if (items[i] >= LIMIT_MEMORY_BYTES || items[count + i] >= LIMIT_MEMORY_BYTES)
			err = bad(file);
	}
	// Each resident byte is in one part.
	if (!err && sum != figures->rss_bytes)
		err = bad(file);
	pages_free(items, item_count, 8);
	return err;
}

// What fields of a row have to do with each other, as far as somebody relies on it.
static struct error *check_rows(
	const struct heap_file *file, const struct heap_memory_figures *figures)
{
	uint32_t type_count;

	heap_file_types(file, &type_count);
	if (figures->type_count != type_count)
		return bad(file);
	for (size_t i = 0; i < figures->arena_count; i++) {
		const struct heap_memory_arena *arena = &figures->arenas[i];

		if ((arena->first == HEAP_NODE_NONE) != (arena->last == HEAP_NODE_NONE) ||
			arena->first > arena->last || arena->first == HEAP_ROOT)
			return bad(file);
	}
	for (size_t i = 0; i < figures->malloc_count; i++) {
		if (figures->mallocs[i].trim_top > figures->mallocs[i].trim)
			return bad(file);
	}
	return NULL;
}

struct error *heap_file_load_memory(const struct heap_file *file, struct heap_memory_figures *ret)
{
	_cleanup_(heap_memory_figures_deinit) struct heap_memory_figures figures = {0};
	struct error *err = load_process(file, &figures);

	if (!err)
		err = load_parts(file, &figures);
	for (size_t i = 0; !err && i < TABLE_COUNT; i++)
		err = load_table(file, &tables[i], &figures);
	if (!err)
		err = check_rows(file, &figures);
	if (err)
		return err;
	*ret = figures;
	figures = (struct heap_memory_figures){0};
	return NULL;
}
