// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
// Containers by type and by how full they are: what of them holds nothing.
#include "report/show_rows.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/sort.h"
#include "heap/heap_facts.h"

#include <string.h>

enum { WASTED, BYTES, OBJECTS, ITEMS, ROOM, FILL, TYPE, COLUMNS };

static const struct show_column columns[COLUMNS] = {
	[WASTED] = {"wasted_bytes", "wasted", SHOW_BYTES, false},
	[BYTES] = {"bytes", "bytes", SHOW_BYTES, false},
	[OBJECTS] = {"count", "objects", SHOW_COUNT, false},
	[ITEMS] = {"items", "items", SHOW_COUNT, false},
	[ROOM] = {"room", "room for", SHOW_COUNT, false},
	[FILL] = {"fill", "fill", SHOW_TEXT, false},
	[TYPE] = {"type", "type", SHOW_TEXT, false},
};

enum fill { EMPTY, SPARSE, FILLED, FILLS };

static const char *const fill_names[] = {
	[EMPTY] = "empty",
	[SPARSE] = "under half full",
	[FILLED] = "half full or more",
};

struct group {
	const char *type;
	enum fill fill;
	uint64_t objects, bytes, items, room, wasted;
};

// An empty one is all waste; of a list the pointers that lead nowhere are; of a table the part that has
// no entries.
static uint64_t wasted(enum heap_type_role role, uint64_t bytes, uint64_t length, uint64_t capacity)
{
	uint64_t unused = capacity > length ? capacity - length : 0;
	uint64_t waste;

	if (length == 0)
		return bytes;
	if (role == HEAP_TYPE_LIST)
		waste = unused > bytes / 8 ? bytes : unused * 8;
	else
		waste = capacity ? (uint64_t)((double)bytes * (double)unused / (double)capacity)
				 : 0;
	return waste;
}

static void count_container(const struct show_input *input, node_id node, struct group *groups)
{
	const struct heap_graph *graph = input->graph;
	uint32_t type = heap_type_of(graph, node);
	uint64_t length = heap_facts_length(input->facts, graph, node);
	uint64_t capacity = heap_facts_capacity(input->facts, graph, node);
	uint64_t bytes = heap_size_of(graph, node);
	enum fill fill = length == 0 ? EMPTY : length < capacity / 2 ? SPARSE : FILLED;
	struct group *group = &groups[(size_t)type * FILLS + fill];

	group->objects++;
	group->bytes += bytes;
	group->items += length;
	group->room += capacity;
	group->wasted += wasted(graph->types[type].role, bytes, length, capacity);
}

static int by_waste(const void *left, const void *right)
{
	const struct group *a = left, *b = right;

	if (a->wasted != b->wasted)
		return a->wasted > b->wasted ? -1 : 1;
	if (a->bytes != b->bytes)
		return a->bytes > b->bytes ? -1 : 1;
	if (a->type != b->type && a->type && b->type && strcmp(a->type, b->type) != 0)
		return strcmp(a->type, b->type);
	return (a->fill > b->fill) - (a->fill < b->fill);
}

struct error *show_collections(const struct show_input *input, struct show_report *ret)
{
	const struct heap_graph *graph = input->graph;
	size_t count = (size_t)graph->type_count * FILLS;
	_cleanup_(mem_free) struct group *groups = mem_calloc(count, sizeof(*groups));

	if (!groups)
		return error_enomem();
	for (size_t i = 0; i < count; i++) {
		groups[i].type = graph->types[i / FILLS].name;
		groups[i].fill = (enum fill)(i % FILLS);
	}
	for (node_id node = 1; node < graph->node_count; node++) {
		if (heap_has_flag(graph, node, HEAP_NODE_CONTAINER))
			count_container(input, node, groups);
	}
	sort_items(groups, count, sizeof(*groups), by_waste);
	ret->columns = columns;
	ret->column_count = COLUMNS;
	for (size_t i = 0; i < count; i++) {
		const struct group *group = &groups[i];
		const struct show_row row = {.cells = {
						     [WASTED] = cell_count(group->wasted),
						     [BYTES] = cell_count(group->bytes),
						     [OBJECTS] = cell_count(group->objects),
						     [ITEMS] = cell_count(group->items),
						     [ROOM] = cell_count(group->room),
						     [FILL] = cell_text(fill_names[group->fill]),
						     [TYPE] = cell_text(group->type),
					     }};
		struct error *err = group->objects ? show_add_row(input, &row, ret) : NULL;

		if (err)
			return err;
	}
	return NULL;
}
