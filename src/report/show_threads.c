// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "report/show_report.h"

#include "base/alloc.h"
#include "base/error.h"

enum { NUMBER, THREAD, ID, FUNCTION, FILE_NAME, LINE, COLUMNS };

static const struct show_column columns[COLUMNS] = {
	[NUMBER] = {"number", "", SHOW_NUMBER, true},
	[THREAD] = {"thread", "thread", SHOW_TEXT, true},
	[ID] = {"id", "id", SHOW_NUMBER, true},
	[FUNCTION] = {"function", "function", SHOW_TEXT, false},
	[FILE_NAME] = {"file", "file", SHOW_TEXT, false},
	[LINE] = {"line", "line", SHOW_NUMBER, false},
};

static struct show_cell text_or_none(const char *text)
{
	return (struct show_cell){.is_known = text && *text, .text = text};
}

static struct show_cell count_or_none(uint64_t count)
{
	return (struct show_cell){.is_known = count > 0, .count = count};
}

// @p frame may be NULL: a thread that executes no Python code still is one.
static struct show_row make_row(
	size_t number, const struct heap_thread *thread, const struct heap_frame *frame)
{
	return (struct show_row){.cells = {
					 [NUMBER] = {.is_known = true, .count = number},
					 [THREAD] = text_or_none(thread->name),
					 [ID] = count_or_none(thread->id),
					 [FUNCTION] = text_or_none(frame ? frame->function : NULL),
					 [FILE_NAME] = text_or_none(frame ? frame->file : NULL),
					 [LINE] = count_or_none(frame ? frame->line : 0),
				 }};
}

static void add_row(const struct show_input *input, struct show_row row, struct show_report *ret)
{
	if (ret->row_count < input->limit)
		ret->rows[ret->row_count++] = row;
	else
		ret->other_rows++;
}

struct error *show_threads(const struct show_input *input, struct show_report *ret)
{
	const struct heap_threads *threads = input->threads;

	ret->rows = mem_calloc(threads->frame_count + threads->count, sizeof(*ret->rows));
	if (!ret->rows)
		return error_enomem();
	for (size_t i = 0; i < threads->count; i++) {
		const struct heap_thread *thread = &threads->items[i];

		for (size_t k = 0; k < thread->frame_count; k++)
			add_row(input,
				make_row(i + 1, thread, &threads->frames[thread->first_frame + k]),
				ret);
		if (thread->frame_count == 0)
			add_row(input, make_row(i + 1, thread, NULL), ret);
	}
	ret->columns = columns;
	ret->column_count = COLUMNS;
	return NULL;
}
