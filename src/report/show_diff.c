// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "report/show_diff.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/human.h"
#include "base/sort.h"
#include "base/string_builder.h"
#include "report/show_rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { GROWTH, OBJECTS, ADDED, GONE, TREND, TYPE, FINGERPRINT, COLUMNS };

static const struct show_column columns[COLUMNS] = {
	[GROWTH] = {"growth_bytes", "growth", SHOW_DELTA_BYTES, false},
	[OBJECTS] = {"growth_count", "objects", SHOW_DELTA, false},
	[ADDED] = {"new", "new", SHOW_COUNT, false},
	[GONE] = {"gone", "gone", SHOW_COUNT, false},
	[TREND] = {"trend", "objects in each", SHOW_TEXT, false},
	[TYPE] = {"type", "type", SHOW_TEXT, false},
	[FINGERPRINT] = {"fingerprint", "fingerprint", SHOW_TEXT, false},
};

static const struct show_column place_columns[COLUMNS] = {
	[GROWTH] = {"growth_bytes", "growth", SHOW_DELTA_BYTES, false},
	[OBJECTS] = {"growth_count", "count", SHOW_DELTA, false},
	[ADDED] = {"new", "", SHOW_COUNT, false},
	[GONE] = {"gone", "", SHOW_COUNT, false},
	[TREND] = {"trend", "count in each", SHOW_TEXT, false},
	[TYPE] = {"path", "path", SHOW_TEXT, false},
	[FINGERPRINT] = {"fingerprint", "fingerprint", SHOW_TEXT, false},
};

// Part of every fingerprint.
static const char *const kind_names[] = {
	[HEAP_DIFF_TYPE] = "type",
	[HEAP_DIFF_HOLDER] = "holder",
	[HEAP_DIFF_CONTAINER] = "container",
};

static int64_t difference(const uint64_t *values, size_t count)
{
	return (int64_t)(values[count - 1] - values[0]);
}

// FNV-1a: short, and the same everywhere and for ever.
static uint64_t fingerprint(const char *kind, const char *name)
{
	const char *const parts[] = {kind, ":", name};
	uint64_t hash = 0xcbf29ce484222325;

	for (size_t i = 0; i < 3; i++) {
		for (const char *c = parts[i]; *c; c++)
			hash = (hash ^ (unsigned char)*c) * 0x100000001b3;
	}
	return hash;
}

static char *trend_of(const struct heap_diff_row *row, size_t count)
{
	_cleanup_(string_builder_deinit) struct string_builder text = {0};

	for (size_t i = 0; i < count; i++)
		string_builder_add_format(
			&text, "%s%s", i ? " → " : "", human_count(row->objects[i]).text);
	return string_builder_finish(&text);
}

struct order {
	const struct heap_diff_row *row;
	int64_t growth, objects;
};

static int by_growth(const void *left, const void *right)
{
	const struct order *a = left, *b = right;

	if (a->growth != b->growth)
		return a->growth > b->growth ? -1 : 1;
	if (a->objects != b->objects)
		return a->objects > b->objects ? -1 : 1;
	return strcmp(a->row->name, b->row->name);
}

static struct error *add(const struct show_input *input, const struct order *order,
	const struct heap_diff *diff, struct show_report *ret)
{
	bool is_of_types = diff->by == HEAP_DIFF_TYPE;
	char text[20];
	const char *trend, *print;
	struct error *err;

	if (ret->row_count >= input->limit) {
		ret->other_rows++;
		return NULL;
	}
	snprintf(text, sizeof(text), "%016" PRIx64,
		fingerprint(kind_names[diff->by], order->row->name));
	err = show_own_text(ret, trend_of(order->row, diff->file_count), &trend);
	if (!err)
		err = show_own_text(ret, mem_strdup(text), &print);
	if (err)
		return err;
	const struct show_row row = {
		.cells = {
			[GROWTH] = cell_count((uint64_t)order->growth),
			[OBJECTS] = cell_count((uint64_t)order->objects),
			[ADDED] = {.is_known = is_of_types, .count = order->row->added},
			[GONE] = {.is_known = is_of_types, .count = order->row->gone},
			[TREND] = cell_text(trend),
			[TYPE] = cell_text(order->row->name),
			[FINGERPRINT] = cell_text(print),
		}};

	return show_add_row(input, &row, ret);
}

struct error *show_diff(const struct heap_diff *diff, size_t limit, struct show_report *ret)
{
	const struct show_input input = {.limit = limit};
	_cleanup_(mem_free) struct order *order = mem_calloc(diff->rows.count, sizeof(*order));
	struct error *err = NULL;
	size_t count = 0;

	ret->view = "diff";
	ret->columns = diff->by == HEAP_DIFF_TYPE ? columns : place_columns;
	ret->column_count = COLUMNS;
	if (!order)
		return error_enomem();
	for (size_t i = 0; i < diff->rows.count; i++) {
		const struct heap_diff_row *row = &diff->rows.items[i];

		if (!row->added && !row->gone && row->bytes[0] == row->bytes[diff->file_count - 1])
			continue;
		order[count++] = (struct order){row, difference(row->bytes, diff->file_count),
			difference(row->objects, diff->file_count)};
	}
	sort_items(order, count, sizeof(*order), by_growth);
	for (size_t i = 0; !err && i < count; i++)
		err = add(&input, &order[i], diff, ret);
	return err;
}
