// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "report/show_report.h"

#include "analysis/histogram.h"
#include "base/alloc.h"
#include "base/error.h"

enum { BYTES, SHARE, OBJECTS, TYPE, COLUMNS };

static const struct show_column columns[COLUMNS] = {
	[BYTES] = {"bytes", "bytes", SHOW_BYTES, false},
	[SHARE] = {"share", "share", SHOW_SHARE, false},
	[OBJECTS] = {"count", "objects", SHOW_COUNT, false},
	[TYPE] = {"type", "type", SHOW_TEXT, false},
};

static struct show_row make_row(
	const char *type, uint64_t objects, uint64_t bytes, const struct histogram *all)
{
	return (struct show_row){
		.cells = {
			[BYTES] = {.is_known = true, .count = bytes},
			[SHARE] = {.is_known = true,
				.share = all->bytes ? (double)bytes / (double)all->bytes : 0},
			[OBJECTS] = {.is_known = true, .count = objects},
			[TYPE] = {.is_known = true, .text = type},
		}};
}

struct error *show_types(const struct show_input *input, struct show_report *ret)
{
	_cleanup_(histogram_deinit) struct histogram all = {0};
	struct error *err = input->graph ? histogram_create(input->graph, &all)
					 : histogram_of_file(input->file, &all);
	size_t count = all.count < input->limit ? all.count : input->limit;
	uint64_t objects = all.objects, bytes = all.bytes;

	if (err)
		return err;
	ret->rows = mem_calloc(count, sizeof(*ret->rows));
	if (!ret->rows)
		return error_enomem();
	for (size_t i = 0; i < count; i++) {
		const struct histogram_row *row = &all.rows[i];

		ret->rows[ret->row_count++] = make_row(row->type, row->objects, row->bytes, &all);
		objects -= row->objects;
		bytes -= row->bytes;
	}
	ret->other_rows = all.count - count;
	ret->other = make_row("(other)", objects, bytes, &all);
	ret->columns = columns;
	ret->column_count = COLUMNS;
	return NULL;
}
