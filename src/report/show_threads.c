// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "report/show_report.h"

#include "base/alloc.h"
#include "base/error.h"

// Variables that are compared with each.
#define NEAR 64

enum { NUMBER, THREAD, ID, FUNCTION, FILE_NAME, LINE, HOLDS, COLUMNS };

static const struct show_column columns[COLUMNS] = {
	[NUMBER] = {"number", "", SHOW_NUMBER, true},
	[THREAD] = {"thread", "thread", SHOW_TEXT, true},
	[ID] = {"id", "id", SHOW_NUMBER, true},
	[FUNCTION] = {"function", "function", SHOW_TEXT, false},
	[FILE_NAME] = {"file", "file", SHOW_TEXT, false},
	[LINE] = {"line", "line", SHOW_NUMBER, false},
	[HOLDS] = {"holds_bytes", "holds", SHOW_BYTES, false},
};

static struct show_cell text_or_none(const char *text)
{
	return (struct show_cell){.is_known = text && *text, .text = text};
}

static struct show_cell count_or_none(uint64_t count)
{
	return (struct show_cell){.is_known = count > 0, .count = count};
}

// Would the object go with the frame? What something else dominates would not, nor what a root that is no
// frame holds as well.
static bool is_held_by_frames(const struct show_input *input, node_id node)
{
	const struct heap_graph *graph = input->graph;
	node_id owner = input->dominators->idom[node];
	size_t first, end;

	if (owner == HEAP_NODE_NONE)
		return false;
	if (owner != HEAP_ROOT)
		return heap_role_of(graph, owner) == HEAP_TYPE_FRAME;
	end = heap_graph_roots_of(graph, node, &first);
	for (size_t i = first; i < end; i++) {
		if (graph->roots[i].kind != HEAP_ROOT_FRAME &&
			graph->roots[i].kind != HEAP_ROOT_STACK)
			return false;
	}
	return true;
}

static uint64_t held_by(const struct show_input *input, const struct heap_frame *frame)
{
	const struct heap_local *locals = input->threads->locals + frame->first_local;
	uint64_t bytes = 0;

	for (size_t i = 0; i < frame->local_count; i++) {
		bool is_seen = false;

		// Two variables may be one object, as a rule near each other.
		for (size_t k = i < NEAR ? 0 : i - NEAR; k < i && !is_seen; k++)
			is_seen = locals[k].node == locals[i].node;
		if (!is_seen && is_held_by_frames(input, locals[i].node))
			bytes += dominators_retained(input->dominators, locals[i].node);
	}
	return bytes;
}

// @p frame may be NULL: a thread that executes no Python code still is one.
static struct show_row make_row(const struct show_input *input, size_t number,
	const struct heap_thread *thread, const struct heap_frame *frame)
{
	return (struct show_row){
		.cells = {
			[NUMBER] = {.is_known = true, .count = number},
			[THREAD] = text_or_none(thread->name),
			[ID] = count_or_none(thread->id),
			[FUNCTION] = text_or_none(frame ? frame->function : NULL),
			[FILE_NAME] = text_or_none(frame ? frame->file : NULL),
			[LINE] = count_or_none(frame ? frame->line : 0),
			[HOLDS] = {.is_known = frame && input->dominators,
				.count = frame && input->dominators ? held_by(input, frame) : 0},
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
				make_row(input, i + 1, thread,
					&threads->frames[thread->first_frame + k]),
				ret);
		if (thread->frame_count == 0)
			add_row(input, make_row(input, i + 1, thread, NULL), ret);
	}
	ret->columns = columns;
	ret->column_count = COLUMNS;
	return NULL;
}
