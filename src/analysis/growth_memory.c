// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "analysis/growth_memory.h"

#include "analysis/growth.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/search.h"
#include "base/string_builder.h"
#include "base/vector.h"

#include <string.h>

_Static_assert(GROWTH_MEMORY_MOMENTS_MAX == GROWTH_MOMENTS_MAX, "one for each snapshot");

DEFINE_VECTOR(row_vector, struct growth_memory_row)

static void rows_deinit(struct growth_memory_row *items, size_t count)
{
	for (size_t i = 0; i < count; i++)
		mem_free(items[i].name);
	mem_free(items);
}

static struct error *add_row(
	struct row_vector *rows, const char *name, uint64_t size, uint64_t count, uint64_t bytes)
{
	struct growth_memory_row row = {.name = name ? mem_strdup(name) : NULL,
		.size = size,
		.count = count,
		.bytes = bytes};

	if (name && !row.name)
		return error_enomem();
	if (row_vector_push(rows, row))
		return NULL;
	mem_free(row.name);
	return error_enomem();
}

static struct error *list_rows(const struct heap_graph *graph,
	const struct heap_memory_figures *figures, enum growth_memory_table table,
	struct row_vector *ret)
{
	struct error *err = NULL;

	switch (table) {
	case GROWTH_MEMORY_CLASSES:
		for (size_t i = 0; !err && i < figures->class_count; i++)
			err = add_row(ret, NULL, figures->classes[i].size,
				figures->classes[i].count, figures->classes[i].bytes);
		break;
	case GROWTH_MEMORY_UNEXPLAINED:
		for (uint32_t i = 1; !err && i < figures->type_count; i++) {
			const struct heap_memory_type *type = &figures->types[i];

			if (type->objects_by_fate[HEAP_FATE_UNEXPLAINED])
				err = add_row(ret, graph->types[i].name, 0,
					type->objects_by_fate[HEAP_FATE_UNEXPLAINED],
					type->by_fate[HEAP_FATE_UNEXPLAINED]);
		}
		break;
	case GROWTH_MEMORY_OWNERS:
		for (size_t i = 0; !err && i < figures->owner_count; i++)
			err = add_row(ret, figures->owners[i].name, 0, figures->owners[i].count,
				figures->owners[i].bytes);
		break;
	case GROWTH_MEMORY_TABLES:
		break;
	}
	return err;
}

static struct error *keep_words(struct growth_memory *memory, const struct memory_report *report)
{
	_cleanup_(string_builder_deinit) struct string_builder cycle = {0};

	for (size_t i = 0; i < report->cycle_count; i++)
		string_builder_add_format(&cycle, "%s → ", report->cycle[i]);
	if (report->cycle_count)
		string_builder_add(&cycle, report->cycle[0]);
	mem_free(memory->verdict);
	mem_free(memory->cycle);
	memory->verdict = mem_strdup(report->verdict);
	memory->cycle = string_builder_finish(&cycle);
	memory->cause = report->cause;
	return memory->verdict && memory->cycle ? NULL : error_enomem();
}

struct error *growth_memory_add(struct growth_memory *memory, const struct heap_graph *graph,
	const struct memory_report *report)
{
	const struct heap_memory_figures *figures = &report->figures;
	struct growth_memory_moment *moment = &memory->moments[memory->moment_count];

	if (memory->moment_count == GROWTH_MEMORY_MOMENTS_MAX)
		return NULL;
	memory->moment_count++;
	*moment = (struct growth_memory_moment){
		.rss_bytes = figures->rss_bytes, .headroom_bytes = figures->headroom_bytes};
	memcpy(moment->parts, figures->part_bytes, sizeof(moment->parts));
	for (uint32_t i = 1; i < figures->type_count; i++)
		moment->unexplained_objects +=
			figures->types[i].objects_by_fate[HEAP_FATE_UNEXPLAINED];
	for (int table = 0; table < GROWTH_MEMORY_TABLES; table++) {
		struct row_vector rows = {0};
		struct error *err =
			list_rows(graph, figures, (enum growth_memory_table)table, &rows);

		if (err) {
			rows_deinit(rows.items, rows.count);
			return err;
		}
		moment->tables[table].items = rows.items;
		moment->tables[table].count = rows.count;
	}
	return keep_words(memory, report);
}

void growth_memory_deinit(struct growth_memory *memory)
{
	for (size_t i = 0; i < memory->moment_count; i++) {
		for (int table = 0; table < GROWTH_MEMORY_TABLES; table++)
			rows_deinit(memory->moments[i].tables[table].items,
				memory->moments[i].tables[table].count);
	}
	mem_free(memory->verdict);
	mem_free(memory->cycle);
	*memory = (struct growth_memory){0};
}

static const struct growth_memory_row *find_row(
	const struct growth_memory_rows *rows, const struct growth_memory_row *like)
{
	size_t at;

	if (like->name) {
		for (size_t i = 0; i < rows->count; i++) {
			if (strcmp(rows->items[i].name, like->name) == 0)
				return &rows->items[i];
		}
		return NULL;
	}
	// Classes are in the order of sizes.
	at = partition_point(i, rows->count, rows->items[i].size < like->size);
	return at < rows->count && rows->items[at].size == like->size ? &rows->items[at] : NULL;
}

// How it grew; false if not steadily.
static bool is_grown(const struct growth_memory *memory, enum growth_memory_table table,
	const struct growth_memory_row *row, struct growth_memory_row *ret)
{
	uint64_t counts[GROWTH_MEMORY_MOMENTS_MAX], bytes = 0;

	for (size_t i = 0; i < memory->moment_count; i++) {
		const struct growth_memory_row *then =
			find_row(&memory->moments[i].tables[table], row);

		counts[i] = then ? then->count : 0;
		if (i == 0)
			bytes = then ? then->bytes : 0;
	}
	if (row->bytes <= bytes || !growth_is_steady(counts, memory->moment_count))
		return false;
	*ret = (struct growth_memory_row){.name = row->name,
		.size = row->size,
		.count = row->count - counts[0],
		.bytes = row->bytes - bytes};
	return true;
}

size_t growth_memory_grown(const struct growth_memory *memory, enum growth_memory_table table,
	struct growth_memory_row ret[GROWTH_MEMORY_ROWS_MAX])
{
	const struct growth_memory_rows *last;
	size_t count = 0;

	if (!memory->moment_count)
		return 0;
	last = &memory->moments[memory->moment_count - 1].tables[table];
	for (size_t i = 0; i < last->count; i++) {
		struct growth_memory_row row;
		size_t at;

		if (!is_grown(memory, table, &last->items[i], &row) ||
			(count == GROWTH_MEMORY_ROWS_MAX && ret[count - 1].bytes >= row.bytes))
			continue;
		at = count < GROWTH_MEMORY_ROWS_MAX ? count++ : count - 1;
		for (; at > 0 && ret[at - 1].bytes < row.bytes; at--)
			ret[at] = ret[at - 1];
		ret[at] = row;
	}
	return count;
}

uint64_t growth_memory_native(const struct growth_memory_moment *moment)
{
	return moment->parts[HEAP_PART_C_OTHER] + moment->parts[HEAP_PART_C_OWNED] +
	       moment->parts[HEAP_PART_MAPPED] + moment->parts[HEAP_PART_OTHER_ALLOCATOR] +
	       moment->parts[HEAP_PART_UNEXPLAINED];
}

enum heap_memory_part growth_memory_largest(const struct growth_memory *memory, uint64_t *ret_bytes)
{
	enum heap_memory_part best = HEAP_PART_COUNT;

	*ret_bytes = 0;
	for (size_t part = 0; memory->moment_count && part < HEAP_PART_COUNT; part++) {
		uint64_t first = memory->moments[0].parts[part];
		uint64_t last = memory->moments[memory->moment_count - 1].parts[part];

		if (last > first && last - first > *ret_bytes) {
			*ret_bytes = last - first;
			best = (enum heap_memory_part)part;
		}
	}
	return best;
}
