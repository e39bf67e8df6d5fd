// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "sql/sql_cells.h"

#include "analysis/dominators.h"
#include "base/error.h"
#include "base/search.h"

#include <string.h>

/** What a name is cut at. */
#define NAME_BYTES 1024

// objects

enum {
	OBJECT_ID,
	OBJECT_ADDRESS,
	OBJECT_TYPE,
	OBJECT_TYPE_ID,
	OBJECT_SIZE,
	OBJECT_LENGTH,
	OBJECT_NAME,
	OBJECT_TRACKED,
	OBJECT_CONTAINER,
	OBJECT_IS_TYPE,
	OBJECT_MODULE,
	OBJECT_STATIC,
	OBJECT_UNEXPLAINED,
	OBJECT_UNCOLLECTABLE,
	OBJECT_SNAPSHOT,
	OBJECT_RETAINED,
	OBJECT_REACHABLE,
	OBJECT_PATH,
};

static const enum heap_node_flag object_flags[] = {
	[OBJECT_TRACKED] = HEAP_NODE_TRACKED,
	[OBJECT_CONTAINER] = HEAP_NODE_CONTAINER,
	[OBJECT_IS_TYPE] = HEAP_NODE_TYPE,
	[OBJECT_MODULE] = HEAP_NODE_MODULE,
	[OBJECT_STATIC] = HEAP_NODE_STATIC,
	[OBJECT_UNEXPLAINED] = HEAP_NODE_UNEXPLAINED,
	[OBJECT_UNCOLLECTABLE] = HEAP_NODE_UNCOLLECTABLE,
};

static void put_address(const struct sql_heap *heap, node_id node, sqlite3_context *ret)
{
	const struct heap_naming *naming = &heap->graph->naming;
	uint64_t address = naming->address ? naming->address(naming->context, node) : 0;

	if (address)
		sql_put_count(ret, address);
}

static void put_length(const struct sql_heap *heap, node_id node, sqlite3_context *ret)
{
	const struct heap_naming *naming = &heap->graph->naming;

	if (naming->length)
		sql_put_count(ret, naming->length(naming->context, node));
}

static void put_name(const struct sql_heap *heap, node_id node, sqlite3_context *ret)
{
	const struct heap_naming *naming = &heap->graph->naming;
	char name[NAME_BYTES] = "";

	if (naming->name)
		naming->name(naming->context, node, name, sizeof(name));
	sql_put_copy(ret, name);
}

// What takes more than the nodes, by column.
static const unsigned object_parts[] = {
	[OBJECT_ADDRESS] = SQL_GRAPH,
	[OBJECT_LENGTH] = SQL_GRAPH,
	[OBJECT_NAME] = SQL_GRAPH,
	[OBJECT_RETAINED] = SQL_DOMINATORS,
	[OBJECT_REACHABLE] = SQL_DOMINATORS,
	[OBJECT_PATH] = SQL_PATHS,
};

// In the order of types: of the same type as the row before, as a rule.
static inline const struct sql_type_row *type_of(struct sql_cursor *cursor, node_id node)
{
	const struct sql_heap *heap = cursor->heap;

	if (!cursor->range.items)
		return &heap->types[heap_type_of(heap->nodes, node)];
	if (cursor->range.next >= heap->by_type.first[cursor->type_rank + 1])
		cursor->type_rank = heap->type_rank[heap_type_of(heap->nodes, node)];
	return &heap->types[heap->type_order[cursor->type_rank]];
}

static inline uint64_t size_of(const struct sql_cursor *cursor, node_id node)
{
	const struct sql_heap *heap = cursor->heap;
	uint16_t size = cursor->range.items ? heap->sizes_by_type[cursor->range.next]
					    : heap->nodes->size[node];

	return size != HEAP_SIZE_ELSEWHERE ? size : heap_size_of(heap->nodes, node);
}

// Apart, so that what a histogram asks for costs less.
__attribute__((__noinline__)) static struct error *other_object_column(
	struct sql_heap *heap, node_id node, int column, sqlite3_context *ret)
{
	struct error *err = sql_heap_need(heap, object_parts[column]);

	if (err)
		return err;
	switch (column) {
	case OBJECT_ID:
		sql_put_node(ret, node);
		return NULL;
	case OBJECT_ADDRESS:
		put_address(heap, node, ret);
		return NULL;
	case OBJECT_TYPE_ID:
		sql_put_count(ret, heap_type_of(heap->nodes, node));
		return NULL;
	case OBJECT_LENGTH:
		put_length(heap, node, ret);
		return NULL;
	case OBJECT_NAME:
		put_name(heap, node, ret);
		return NULL;
	case OBJECT_RETAINED:
		sql_put_count(ret, dominators_retained(heap->dominators, node));
		return NULL;
	case OBJECT_REACHABLE:
		sql_put_count(ret, dominators_is_reachable(heap->dominators, node));
		return NULL;
	case OBJECT_PATH:
		return sql_put_path(heap, node, ret);
	default:
		sql_put_count(ret, heap_has_flag(heap->nodes, node, object_flags[column]));
		return NULL;
	}
}

static struct error *object_column(
	struct sql_cursor *cursor, uint64_t row, int column, sqlite3_context *ret)
{
	node_id node = (node_id)row;

	if (column == OBJECT_TYPE) {
		const struct sql_type_row *type = type_of(cursor, node);

		sqlite3_result_text(ret, type->name, type->name_bytes, SQLITE_STATIC);
		return NULL;
	}
	if (column == OBJECT_SIZE) {
		sql_put_count(ret, size_of(cursor, node));
		return NULL;
	}
	return other_object_column(cursor->heap, node, column, ret);
}

static void find_by_address(
	const struct sql_heap *heap, sqlite3_value *value, struct sql_range *ret)
{
	const struct heap_naming *naming = &heap->graph->naming;
	uint64_t address;
	node_id node;

	if (!sql_number_of(value, &address) || !naming->node_at)
		return;
	node = naming->node_at(naming->context, address);
	if (node != HEAP_NODE_NONE && node != HEAP_ROOT)
		*ret = sql_range_of_one(node);
}

// The first type in order whose name is not less, or (with past_it) greater.
static uint32_t type_bound(const struct sql_heap *heap, const char *name, bool past_it)
{
	return (uint32_t)partition_point(i, heap->type_count,
		strcmp(heap->types[heap->type_order[i]].name, name) < (past_it ? 1 : 0));
}

static void find_by_type(const struct sql_heap *heap, sqlite3_value *value, struct sql_range *ret)
{
	const char *name = (const char *)sqlite3_value_text(value);

	if (name)
		*ret = sql_range_under(&heap->by_type, type_bound(heap, name, false),
			type_bound(heap, name, true));
}

static void find_by_type_id(
	const struct sql_heap *heap, sqlite3_value *value, struct sql_range *ret)
{
	uint64_t id;

	if (sql_number_of(value, &id) && id < heap->type_count)
		*ret = sql_range_under(
			&heap->by_type, heap->type_rank[id], heap->type_rank[id] + 1ull);
}

// Columns are those of the enum above, in its order, here and below.
const struct sql_table sql_objects = {.name = "objects",
	.columns = "id INTEGER, address INTEGER, type TEXT, type_id INTEGER, size INTEGER, "
		   "length INTEGER, name TEXT, is_tracked INTEGER, is_container INTEGER, "
		   "is_type INTEGER, is_module INTEGER, is_static INTEGER, "
		   "is_unexplained INTEGER, is_uncollectable INTEGER, snapshot TEXT HIDDEN, "
		   "retained INTEGER HIDDEN, is_reachable INTEGER HIDDEN, path TEXT HIDDEN",
	.parts = SQL_NODES | SQL_TYPES,
	.snapshot_column = OBJECT_SNAPSHOT,
	.row_column = OBJECT_ID,
	.type_column = OBJECT_TYPE,
	.type_id_column = OBJECT_TYPE_ID,
	.all = sql_all_objects,
	.seeks = {{OBJECT_ID, 0, 1, sql_find_object},
		{OBJECT_ADDRESS, SQL_GRAPH, 1, find_by_address},
		{OBJECT_TYPE, SQL_BY_TYPE, 5000, find_by_type},
		{OBJECT_TYPE_ID, SQL_BY_TYPE, 4999, find_by_type_id}},
	.column = object_column};

// types

enum { TYPE_ID, TYPE_NAME, TYPE_ROLE, TYPE_OBJECTS, TYPE_BYTES, TYPE_NODE, TYPE_SNAPSHOT };

// But for that of the root.
static void all_types(const struct sql_heap *heap, struct sql_range *ret)
{
	*ret = (struct sql_range){.next = 1, .end = heap->type_count};
}

static void find_type(const struct sql_heap *heap, sqlite3_value *value, struct sql_range *ret)
{
	uint64_t id;

	if (sql_number_of(value, &id) && id >= 1 && id < heap->type_count)
		*ret = sql_range_of_one(id);
}

static struct error *type_column(
	struct sql_cursor *cursor, uint64_t row, int column, sqlite3_context *ret)
{
	const struct sql_type_row *type = &cursor->heap->types[row];

	switch (column) {
	case TYPE_ID:
		sql_put_count(ret, row);
		break;
	case TYPE_NAME:
		sql_put_text(ret, type->name);
		break;
	case TYPE_ROLE:
		sql_put_text(ret, heap_type_role_name(type->role));
		break;
	case TYPE_OBJECTS:
		sql_put_count(ret, type->objects);
		break;
	case TYPE_BYTES:
		sql_put_count(ret, type->bytes);
		break;
	case TYPE_NODE:
		sql_put_node(ret, type->node);
		break;
	default:
		break;
	}
	return NULL;
}

const struct sql_table sql_types = {.name = "types",
	.columns = "id INTEGER, name TEXT, role TEXT, objects INTEGER, bytes INTEGER, "
		   "node INTEGER, snapshot TEXT HIDDEN",
	.parts = SQL_TYPES,
	.snapshot_column = TYPE_SNAPSHOT,
	.row_column = TYPE_ID,
	.type_column = -1,
	.rows = 5000,
	.all = all_types,
	.seeks = {{TYPE_ID, 0, 1, find_type}},
	.column = type_column};
