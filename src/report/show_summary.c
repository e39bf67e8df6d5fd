// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "report/show_rows.h"

#include "base/error.h"

enum { WHAT, COUNT, BYTES, COLUMNS };

static const struct show_column columns[COLUMNS] = {
	[WHAT] = {"what", "", SHOW_TEXT, false},
	[COUNT] = {"count", "count", SHOW_COUNT, false},
	[BYTES] = {"bytes", "bytes", SHOW_BYTES, false},
};

struct error *show_summary(const struct show_input *input, struct show_report *ret)
{
	const struct show_target *target = &ret->target;
	const struct {
		const char *what;
		uint64_t count, bytes;
	} rows[] = {
		{"objects", target->objects, target->bytes},
		{"references", target->edges, 0},
		{"of them inferred", target->inferred_edges, 0},
		{"unreadable objects", target->unreadable, 0},
		{"reference counts checked", target->refcounts_checked, 0},
		{"explained by exact references", target->refcounts_exact, 0},
		{"explained with inferred ones", target->refcounts_inferred, 0},
		{"threads", target->threads, 0},
		{"resident memory", 0, target->rss_bytes},
	};

	ret->columns = columns;
	ret->column_count = COLUMNS;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct show_row row = {
			.cells = {
				[WHAT] = cell_text(rows[i].what),
				[COUNT] = {.is_known = !rows[i].bytes || rows[i].count,
					.count = rows[i].count},
				[BYTES] = cell_count_or_none(rows[i].bytes),
			}};
		struct error *err = show_add_row(input, &row, ret);

		if (err)
			return err;
	}
	return NULL;
}
