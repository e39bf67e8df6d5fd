// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "heap/heap_file_private.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/path.h"
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

struct error *heap_file_bad(const struct heap_file *file, const char *what)
{
	return store_reader_bad(file->reader, what);
}

struct error *heap_file_read_column(
	const struct heap_file *file, uint32_t number, unsigned width, uint64_t count, void *ret)
{
	uint64_t found;
	void *items;
	struct error *err = store_read(file->reader, number, width, &items, &found);

	if (err)
		return err;
	if (found != count) {
		pages_free(items, found, width);
		return heap_file_bad(
			file, "the columns of the snapshot file do not belong together");
	}
	memcpy(ret, &items, sizeof(items));
	return NULL;
}

uint64_t heap_file_column_items(const struct heap_file *file, uint32_t number)
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
		return heap_file_bad(file, "the snapshot file has no sensible number of objects");
	return NULL;
}

static struct error *read_texts(struct heap_file *file)
{
	struct error *err =
		store_read(file->reader, HEAP_COLUMN_TEXTS, 1, &file->texts, &file->text_bytes);

	if (!err && (!file->text_bytes || file->texts[file->text_bytes - 1]))
		err = heap_file_bad(file, "the last text of the snapshot file does not end");
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
	struct error *err =
		heap_file_read_column(file, HEAP_COLUMN_TYPE_NAME, 4, count, &columns->names);

	if (!err)
		err = heap_file_read_column(file, HEAP_COLUMN_TYPE_NODE, 4, count, &columns->nodes);
	if (!err)
		err = heap_file_read_column(file, HEAP_COLUMN_TYPE_ROLE, 1, count, &columns->roles);
	if (!err)
		err = heap_file_read_column(
			file, HEAP_COLUMN_TYPE_OBJECTS, 8, count, &columns->objects);
	if (!err)
		err = heap_file_read_column(
			file, HEAP_COLUMN_TYPE_BYTES, 8, count, &columns->bytes);
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
			return heap_file_bad(file, "a type of the snapshot file makes no sense");
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
	struct type_columns columns = {
		.count = heap_file_column_items(file, HEAP_COLUMN_TYPE_NAME)};
	struct error *err;

	// Nearly every type is an object itself, and is used.
	if (columns.count < 1 || columns.count > LIMIT_TYPES ||
		columns.count > 4096 + 2 * file->figures[HEAP_FIGURE_NODES])
		return heap_file_bad(file, "the snapshot file has no sensible number of types");
	err = read_type_columns(file, &columns);
	if (!err)
		err = make_types(file, &columns);
	release_types(&columns);
	return err;
}

static struct error *read_notes(struct heap_file *file)
{
	uint64_t count = heap_file_column_items(file, HEAP_COLUMN_NOTES);
	uint32_t *notes = NULL;
	struct error *err = heap_file_read_column(file, HEAP_COLUMN_NOTES, 4, count, &notes);

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
