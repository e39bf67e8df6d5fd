// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "analysis/histogram.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/sort.h"
#include "heap/heap_file.h"

#include <string.h>

static int by_name(const void *left, const void *right)
{
	const struct histogram_row *a = left, *b = right;

	return strcmp(a->type, b->type);
}

static int by_bytes(const void *left, const void *right)
{
	const struct histogram_row *a = left, *b = right;

	if (a->bytes != b->bytes)
		return a->bytes > b->bytes ? -1 : 1;
	if (a->objects != b->objects)
		return a->objects > b->objects ? -1 : 1;
	return strcmp(a->type, b->type);
}

// One row for each name, and none without objects. Rows are sorted by name.
static void fold(struct histogram *histogram)
{
	size_t kept = 0;

	for (size_t i = 0; i < histogram->count; i++) {
		const struct histogram_row *row = &histogram->rows[i];
		struct histogram_row *last = kept ? &histogram->rows[kept - 1] : NULL;

		if (row->objects == 0)
			continue;
		if (last && strcmp(last->type, row->type) == 0) {
			last->objects += row->objects;
			last->bytes += row->bytes;
		} else {
			histogram->rows[kept++] = *row;
		}
	}
	histogram->count = kept;
}

static void arrange(struct histogram *histogram)
{
	sort_items(histogram->rows, histogram->count, sizeof(*histogram->rows), by_name);
	fold(histogram);
	sort_items(histogram->rows, histogram->count, sizeof(*histogram->rows), by_bytes);
}

struct error *histogram_create(const struct heap_graph *graph, struct histogram *ret)
{
	struct histogram histogram = {
		.rows = mem_calloc(graph->type_count, sizeof(*histogram.rows)),
		.count = graph->type_count,
	};

	if (!histogram.rows)
		return error_enomem();
	for (uint32_t type = 0; type < graph->type_count; type++)
		histogram.rows[type].type = graph->types[type].name;
	for (node_id node = HEAP_ROOT + 1; node < graph->node_count; node++) {
		struct histogram_row *row = &histogram.rows[heap_type_of(graph, node)];
		uint64_t size = heap_size_of(graph, node);

		row->objects++;
		row->bytes += size;
		histogram.objects++;
		histogram.bytes += size;
	}
	arrange(&histogram);
	*ret = histogram;
	return NULL;
}

struct error *histogram_of_file(const struct heap_file *file, struct histogram *ret)
{
	struct histogram histogram = {0};
	uint32_t count;
	const struct heap_file_type *types = heap_file_types(file, &count);

	histogram.rows = mem_calloc(count, sizeof(*histogram.rows));
	if (!histogram.rows)
		return error_enomem();
	histogram.count = count;
	for (uint32_t type = 0; type < count; type++) {
		histogram.rows[type] = (struct histogram_row){
			types[type].name, types[type].objects, types[type].bytes};
		histogram.objects += types[type].objects;
		histogram.bytes += types[type].bytes;
	}
	arrange(&histogram);
	*ret = histogram;
	return NULL;
}

void histogram_deinit(struct histogram *histogram)
{
	mem_free(histogram->rows);
	*histogram = (struct histogram){0};
}
