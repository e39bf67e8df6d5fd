// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
// What keeps objects alive, by kind and name, with what would be freed if it went.
#include "report/show_rows.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/sort.h"

#include <string.h>

enum { RETAINED, SHARE, OBJECTS, KIND, NAME, FILE_NAME, COLUMNS };

static const struct show_column columns[COLUMNS] = {
	[RETAINED] = {"retained_bytes", "retained", SHOW_BYTES, false},
	[SHARE] = {"share", "share", SHOW_SHARE, false},
	[OBJECTS] = {"count", "objects", SHOW_COUNT, false},
	[KIND] = {"kind", "kind", SHOW_TEXT, false},
	[NAME] = {"name", "name", SHOW_TEXT, false},
	[FILE_NAME] = {"file", "file", SHOW_TEXT, false},
};

struct group {
	const struct heap_root *root; /* one of them */
	uint64_t objects, retained;
};

// NULL is a text as well.
static int compare_texts(const char *a, const char *b)
{
	if (!a || !b)
		return (a != NULL) - (b != NULL);
	return strcmp(a, b);
}

static int by_name(const void *left, const void *right)
{
	const struct heap_root *a = ((const struct group *)left)->root;
	const struct heap_root *b = ((const struct group *)right)->root;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (compare_texts(a->name, b->name) != 0)
		return compare_texts(a->name, b->name);
	return compare_texts(a->file, b->file);
}

static int by_retained(const void *left, const void *right)
{
	const struct group *a = left, *b = right;

	if (a->retained != b->retained)
		return a->retained > b->retained ? -1 : 1;
	if (a->objects != b->objects)
		return a->objects > b->objects ? -1 : 1;
	return by_name(left, right);
}

// An object that several roots hold is counted with the best of them. Only what no other object
// dominates would go with a root.
static size_t list_groups(const struct show_input *input, struct group *groups)
{
	const struct heap_graph *graph = input->graph;
	size_t count = 0, kept = 0;

	for (size_t i = 0; i < graph->root_count; i++) {
		node_id node = graph->roots[i].node;

		if (i && graph->roots[i - 1].node == node)
			continue;
		groups[count++] = (struct group){&graph->roots[i], 1,
			input->dominators->idom[node] == HEAP_ROOT
				? dominators_retained(input->dominators, node)
				: 0};
	}
	sort_items(groups, count, sizeof(*groups), by_name);
	for (size_t i = 0; i < count; i++) {
		if (kept && by_name(&groups[kept - 1], &groups[i]) == 0) {
			groups[kept - 1].objects++;
			groups[kept - 1].retained += groups[i].retained;
		} else {
			groups[kept++] = groups[i];
		}
	}
	sort_items(groups, kept, sizeof(*groups), by_retained);
	return kept;
}

struct error *show_roots(const struct show_input *input, struct show_report *ret)
{
	_cleanup_(mem_free) struct group *groups =
		mem_calloc(input->graph->root_count, sizeof(*groups));
	size_t count;

	if (!groups)
		return error_enomem();
	count = list_groups(input, groups);
	ret->columns = columns;
	ret->column_count = COLUMNS;
	for (size_t i = 0; i < count; i++) {
		const struct show_row row = {
			.cells = {
				[RETAINED] = cell_count(groups[i].retained),
				[SHARE] = cell_share(groups[i].retained, ret->target.bytes),
				[OBJECTS] = cell_count(groups[i].objects),
				[KIND] = cell_text(heap_root_kind_name(groups[i].root->kind)),
				[NAME] = cell_text(groups[i].root->name),
				[FILE_NAME] = cell_text(groups[i].root->file),
			}};
		struct error *err = show_add_row(input, &row, ret);

		if (err)
			return err;
	}
	return NULL;
}
