// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "sql/sql_tables.h"

#include "analysis/dominators.h"
#include "analysis/paths.h"
#include "base/alloc.h"
#include "base/error.h"
#include "heap/heap_facts.h"

#include <math.h>
#include <string.h>

/** What a name is cut at. */
#define NAME_BYTES 1024

// Cells.

static void put_count(sqlite3_context *ret, uint64_t value)
{
	sqlite3_result_int64(ret, (sqlite3_int64)value);
}

// A text that lives as long as the heap; NULL and "" are NULL.
static void put_text(sqlite3_context *ret, const char *text)
{
	if (text && *text)
		sqlite3_result_text(ret, text, -1, SQLITE_STATIC);
}

static void put_copy(sqlite3_context *ret, const char *text)
{
	if (*text)
		sqlite3_result_text(ret, text, -1, SQLITE_TRANSIENT);
}

static void put_node(sqlite3_context *ret, node_id node)
{
	if (node != HEAP_NODE_NONE)
		sqlite3_result_int64(ret, node);
}

// Finding.

// A value as the number it is compared as; false if it equals no row's.
static bool number_of(sqlite3_value *value, uint64_t *ret)
{
	int type = sqlite3_value_numeric_type(value);
	double real;

	if (type == SQLITE_INTEGER) {
		*ret = (uint64_t)sqlite3_value_int64(value);
		return true;
	}
	if (type != SQLITE_FLOAT)
		return false;
	real = sqlite3_value_double(value);
	if (!(real >= 0 && real < 0x1p53) || real != floor(real))
		return false;
	*ret = (uint64_t)real;
	return true;
}

static bool node_of(const struct heap_graph *graph, sqlite3_value *value, node_id *ret)
{
	uint64_t number;

	if (!number_of(value, &number) || number >= graph->node_count)
		return false;
	*ret = (node_id)number;
	return true;
}

static struct sql_range one(uint64_t row)
{
	return (struct sql_range){.next = row, .end = row + 1};
}

static struct sql_range under(const struct sql_index *index, uint64_t first_key, uint64_t end_key)
{
	return (struct sql_range){.items = index->items,
		.next = index->first[first_key],
		.end = index->first[end_key]};
}

static void all_objects(const struct sql_heap *heap, struct sql_range *ret)
{
	*ret = (struct sql_range){.next = 1, .end = heap->nodes->node_count};
}

static void all_nodes(const struct sql_heap *heap, struct sql_range *ret)
{
	*ret = (struct sql_range){.end = heap->graph->node_count};
}

static void find_object(const struct sql_heap *heap, sqlite3_value *value, struct sql_range *ret)
{
	node_id node;

	if (node_of(heap->nodes, value, &node) && node != HEAP_ROOT)
		*ret = one(node);
}

static void find_node(const struct sql_heap *heap, sqlite3_value *value, struct sql_range *ret)
{
	node_id node;

	if (node_of(heap->graph, value, &node))
		*ret = one(node);
}

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

static struct error *put_path(struct sql_heap *heap, node_id node, sqlite3_context *ret)
{
	struct path_description path = {0};
	struct error *err = paths_describe(heap->paths, node, &path);

	if (err)
		return err;
	put_copy(ret, path.text);
	path_description_deinit(&path);
	return NULL;
}

static void put_address(const struct sql_heap *heap, node_id node, sqlite3_context *ret)
{
	const struct heap_naming *naming = &heap->graph->naming;
	uint64_t address = naming->address ? naming->address(naming->context, node) : 0;

	if (address)
		put_count(ret, address);
}

static void put_length(const struct sql_heap *heap, node_id node, sqlite3_context *ret)
{
	const struct heap_naming *naming = &heap->graph->naming;

	if (naming->length)
		put_count(ret, naming->length(naming->context, node));
}

static void put_name(const struct sql_heap *heap, node_id node, sqlite3_context *ret)
{
	const struct heap_naming *naming = &heap->graph->naming;
	char name[NAME_BYTES] = "";

	if (naming->name)
		naming->name(naming->context, node, name, sizeof(name));
	put_copy(ret, name);
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
		put_node(ret, node);
		return NULL;
	case OBJECT_ADDRESS:
		put_address(heap, node, ret);
		return NULL;
	case OBJECT_TYPE_ID:
		put_count(ret, heap_type_of(heap->nodes, node));
		return NULL;
	case OBJECT_LENGTH:
		put_length(heap, node, ret);
		return NULL;
	case OBJECT_NAME:
		put_name(heap, node, ret);
		return NULL;
	case OBJECT_RETAINED:
		put_count(ret, dominators_retained(heap->dominators, node));
		return NULL;
	case OBJECT_REACHABLE:
		put_count(ret, dominators_is_reachable(heap->dominators, node));
		return NULL;
	case OBJECT_PATH:
		return put_path(heap, node, ret);
	default:
		put_count(ret, heap_has_flag(heap->nodes, node, object_flags[column]));
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
		put_count(ret, size_of(cursor, node));
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

	if (!number_of(value, &address) || !naming->node_at)
		return;
	node = naming->node_at(naming->context, address);
	if (node != HEAP_NODE_NONE && node != HEAP_ROOT)
		*ret = one(node);
}

// The first type in order whose name is not less, or (with past_it) greater.
static uint32_t type_bound(const struct sql_heap *heap, const char *name, bool past_it)
{
	uint32_t low = 0, high = heap->type_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = strcmp(heap->types[heap->type_order[middle]].name, name);

		if (order < 0 || (order == 0 && past_it))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void find_by_type(const struct sql_heap *heap, sqlite3_value *value, struct sql_range *ret)
{
	const char *name = (const char *)sqlite3_value_text(value);

	if (name)
		*ret = under(&heap->by_type, type_bound(heap, name, false),
			type_bound(heap, name, true));
}

static void find_by_type_id(
	const struct sql_heap *heap, sqlite3_value *value, struct sql_range *ret)
{
	uint64_t id;

	if (number_of(value, &id) && id < heap->type_count)
		*ret = under(&heap->by_type, heap->type_rank[id], heap->type_rank[id] + 1ull);
}

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

	if (number_of(value, &id) && id >= 1 && id < heap->type_count)
		*ret = one(id);
}

static struct error *type_column(
	struct sql_cursor *cursor, uint64_t row, int column, sqlite3_context *ret)
{
	const struct sql_type_row *type = &cursor->heap->types[row];

	switch (column) {
	case TYPE_ID:
		put_count(ret, row);
		break;
	case TYPE_NAME:
		put_text(ret, type->name);
		break;
	case TYPE_ROLE:
		put_text(ret, heap_type_role_name(type->role));
		break;
	case TYPE_OBJECTS:
		put_count(ret, type->objects);
		break;
	case TYPE_BYTES:
		put_count(ret, type->bytes);
		break;
	case TYPE_NODE:
		put_node(ret, type->node);
		break;
	default:
		break;
	}
	return NULL;
}

// edges

enum { EDGE_SRC, EDGE_DST, EDGE_NUMBER, EDGE_KIND, EDGE_LABEL, EDGE_INFERRED, EDGE_SNAPSHOT };

static const char *const label_names[] = {
	[HEAP_LABEL_NONE] = NULL,
	[HEAP_LABEL_FIELD] = "field",
	[HEAP_LABEL_ATTRIBUTE] = "attribute",
	[HEAP_LABEL_KEY] = "value",
	[HEAP_LABEL_KEY_OBJECT] = "key",
	[HEAP_LABEL_INDEX] = "item",
	[HEAP_LABEL_ITEM] = "member",
	[HEAP_LABEL_CELL] = "cell",
	[HEAP_LABEL_LOCAL] = "local",
	[HEAP_LABEL_SLOT] = "slot",
	[HEAP_LABEL_STACK] = "stack",
};

static void all_edges(const struct sql_heap *heap, struct sql_range *ret)
{
	*ret = (struct sql_range){.end = heap->graph->edge_count};
}

static void find_by_src(const struct sql_heap *heap, sqlite3_value *value, struct sql_range *ret)
{
	const uint32_t *first_edge = heap->graph->first_edge;
	node_id node;

	if (node_of(heap->graph, value, &node) && node != HEAP_ROOT)
		*ret = (struct sql_range){.next = first_edge[node], .end = first_edge[node + 1]};
}

static void find_by_dst(const struct sql_heap *heap, sqlite3_value *value, struct sql_range *ret)
{
	node_id node;

	if (node_of(heap->graph, value, &node))
		*ret = under(&heap->by_dst, node, node + 1ull);
}

// Whose reference it is. In a scan, the same as of the last or soon after it.
static node_id source_of(struct sql_cursor *cursor, uint64_t edge)
{
	const uint32_t *first_edge = cursor->heap->graph->first_edge;
	node_id low = cursor->source, high = cursor->heap->graph->node_count;

	if (first_edge[low] > edge)
		low = HEAP_ROOT;
	for (unsigned i = 0; i < 8; i++, low++) {
		if (first_edge[low + 1] > edge)
			return cursor->source = low;
	}
	while (high - low > 1) {
		node_id middle = low + (high - low) / 2;

		if (first_edge[middle] <= edge)
			low = middle;
		else
			high = middle;
	}
	return cursor->source = low;
}

static void put_label(struct sql_cursor *cursor, uint64_t edge, int column, sqlite3_context *ret)
{
	const struct heap_graph *graph = cursor->heap->graph;
	node_id src = source_of(cursor, edge);
	struct heap_label label = {.kind = HEAP_LABEL_NONE};

	if (!graph->naming.label)
		return;
	graph->naming.label(
		graph->naming.context, src, (uint32_t)(edge - graph->first_edge[src]), &label);
	if (column == EDGE_KIND)
		put_text(ret, label_names[label.kind]);
	else if (label.kind == HEAP_LABEL_INDEX)
		put_count(ret, label.index);
	else
		put_copy(ret, label.text);
}

static struct error *edge_column(
	struct sql_cursor *cursor, uint64_t row, int column, sqlite3_context *ret)
{
	const struct heap_graph *graph = cursor->heap->graph;

	switch (column) {
	case EDGE_SRC:
		put_node(ret, source_of(cursor, row));
		break;
	case EDGE_DST:
		put_node(ret, graph->edges[row] & HEAP_EDGE_NODE);
		break;
	case EDGE_NUMBER:
		put_count(ret, row - graph->first_edge[source_of(cursor, row)]);
		break;
	case EDGE_INFERRED:
		put_count(ret, (graph->edges[row] & HEAP_EDGE_INFERRED) != 0);
		break;
	default:
		put_label(cursor, row, column, ret);
		break;
	}
	return NULL;
}

// roots

enum { ROOT_NODE, ROOT_KIND, ROOT_NAME, ROOT_FILE, ROOT_SNAPSHOT };

static void all_roots(const struct sql_heap *heap, struct sql_range *ret)
{
	*ret = (struct sql_range){.end = heap->graph->root_count};
}

static void find_roots_of(const struct sql_heap *heap, sqlite3_value *value, struct sql_range *ret)
{
	node_id node;
	size_t first;

	if (!node_of(heap->graph, value, &node))
		return;
	ret->end = heap_graph_roots_of(heap->graph, node, &first);
	ret->next = first;
}

static struct error *root_column(
	struct sql_cursor *cursor, uint64_t row, int column, sqlite3_context *ret)
{
	const struct heap_root *root = &cursor->heap->graph->roots[row];

	switch (column) {
	case ROOT_NODE:
		put_node(ret, root->node);
		break;
	case ROOT_KIND:
		put_text(ret, heap_root_kind_name(root->kind));
		break;
	case ROOT_NAME:
		put_text(ret, root->name);
		break;
	case ROOT_FILE:
		put_text(ret, root->file);
		break;
	default:
		break;
	}
	return NULL;
}

// dominators

enum { DOMINATOR_NODE, DOMINATOR_IDOM, DOMINATOR_RETAINED, DOMINATOR_DEPTH, DOMINATOR_SNAPSHOT };

static void find_by_idom(const struct sql_heap *heap, sqlite3_value *value, struct sql_range *ret)
{
	node_id node;

	if (node_of(heap->graph, value, &node))
		*ret = under(&heap->by_idom, node, node + 1ull);
}

static struct error *dominator_column(
	struct sql_cursor *cursor, uint64_t row, int column, sqlite3_context *ret)
{
	struct sql_heap *heap = cursor->heap;
	struct error *err;

	switch (column) {
	case DOMINATOR_NODE:
		put_count(ret, row);
		return NULL;
	case DOMINATOR_IDOM:
		put_node(ret, heap->dominators->idom[row]);
		return NULL;
	case DOMINATOR_RETAINED:
		put_count(ret, dominators_retained(heap->dominators, (node_id)row));
		return NULL;
	default:
		err = sql_heap_need(heap, SQL_DEPTHS);
		if (!err && heap->depths[row] != UINT32_MAX)
			put_count(ret, heap->depths[row]);
		return err;
	}
}

// paths

enum { PATH_NODE, PATH_PATH, PATH_PARENT, PATH_USER_CODE, PATH_NAMED, PATH_SNAPSHOT };

static struct error *path_column(
	struct sql_cursor *cursor, uint64_t row, int column, sqlite3_context *ret)
{
	const struct paths *paths = cursor->heap->paths;
	struct path_description path = {0};
	struct error *err;

	if (column == PATH_NODE || column == PATH_PARENT) {
		put_node(ret,
			column == PATH_NODE ? (node_id)row : paths_parent(paths, (node_id)row));
		return NULL;
	}
	if (column == PATH_PATH)
		return put_path(cursor->heap, (node_id)row, ret);
	err = paths_describe(paths, (node_id)row, &path);
	if (err)
		return err;
	put_count(ret, column == PATH_NAMED ? path.is_named : path.is_user_code);
	path_description_deinit(&path);
	return NULL;
}

// mappings

enum { MAPPING_START, MAPPING_END, MAPPING_PERMISSIONS, MAPPING_PATH, MAPPING_SNAPSHOT };

static void all_mappings(const struct sql_heap *heap, struct sql_range *ret)
{
	if (heap->facts)
		ret->end = heap_facts_count(heap->facts, HEAP_FACT_MAPPING_START);
}

static struct error *mapping_column(
	struct sql_cursor *cursor, uint64_t row, int column, sqlite3_context *ret)
{
	const struct heap_facts *facts = cursor->heap->facts;
	uint64_t flags = heap_facts_get(facts, HEAP_FACT_MAPPING_FLAGS, row);
	char permissions[] = "----";

	switch (column) {
	case MAPPING_START:
		put_count(ret, heap_facts_get(facts, HEAP_FACT_MAPPING_START, row));
		break;
	case MAPPING_END:
		put_count(ret, heap_facts_get(facts, HEAP_FACT_MAPPING_END, row));
		break;
	case MAPPING_PERMISSIONS:
		permissions[0] = flags & 1 ? 'r' : '-';
		permissions[1] = flags & 2 ? 'w' : '-';
		permissions[2] = flags & 4 ? 'x' : '-';
		permissions[3] = flags & 8 ? 's' : 'p';
		put_copy(ret, permissions);
		break;
	case MAPPING_PATH:
		put_text(ret,
			heap_facts_text(facts, heap_facts_get(facts, HEAP_FACT_MAPPING_PATH, row)));
		break;
	default:
		break;
	}
	return NULL;
}

// Columns are those of the enums above, in their order.
const struct sql_table sql_tables[] = {
	{.name = "objects",
		.columns =
			"id INTEGER, address INTEGER, type TEXT, type_id INTEGER, size INTEGER, "
			"length INTEGER, name TEXT, is_tracked INTEGER, is_container INTEGER, "
			"is_type INTEGER, is_module INTEGER, is_static INTEGER, "
			"is_unexplained INTEGER, is_uncollectable INTEGER, snapshot TEXT HIDDEN, "
			"retained INTEGER HIDDEN, is_reachable INTEGER HIDDEN, path TEXT HIDDEN",
		.parts = SQL_NODES | SQL_TYPES,
		.snapshot_column = OBJECT_SNAPSHOT,
		.row_column = OBJECT_ID,
		.type_column = OBJECT_TYPE,
		.type_id_column = OBJECT_TYPE_ID,
		.all = all_objects,
		.seeks = {{OBJECT_ID, 0, 1, find_object},
			{OBJECT_ADDRESS, SQL_GRAPH, 1, find_by_address},
			{OBJECT_TYPE, SQL_BY_TYPE, 5000, find_by_type},
			{OBJECT_TYPE_ID, SQL_BY_TYPE, 4999, find_by_type_id}},
		.column = object_column},
	{.name = "types",
		.columns = "id INTEGER, name TEXT, role TEXT, objects INTEGER, bytes INTEGER, "
			   "node INTEGER, snapshot TEXT HIDDEN",
		.parts = SQL_TYPES,
		.snapshot_column = TYPE_SNAPSHOT,
		.row_column = TYPE_ID,
		.type_column = -1,
		.rows = 5000,
		.all = all_types,
		.seeks = {{TYPE_ID, 0, 1, find_type}},
		.column = type_column},
	{.name = "edges",
		.columns = "src INTEGER, dst INTEGER, number INTEGER, kind TEXT, label, "
			   "is_inferred INTEGER, snapshot TEXT HIDDEN",
		.parts = SQL_GRAPH,
		.snapshot_column = EDGE_SNAPSHOT,
		.row_column = -1,
		.type_column = -1,
		.all = all_edges,
		.seeks = {{EDGE_SRC, 0, 3, find_by_src}, {EDGE_DST, SQL_BY_DST, 4, find_by_dst}},
		.column = edge_column},
	{.name = "roots",
		.columns = "node INTEGER, kind TEXT, name TEXT, file TEXT, snapshot TEXT HIDDEN",
		.parts = SQL_GRAPH,
		.snapshot_column = ROOT_SNAPSHOT,
		.row_column = -1,
		.type_column = -1,
		.rows = 20000,
		.all = all_roots,
		.seeks = {{ROOT_NODE, 0, 2, find_roots_of}},
		.column = root_column},
	{.name = "dominators",
		.columns = "node INTEGER, idom INTEGER, retained INTEGER, depth INTEGER, "
			   "snapshot TEXT HIDDEN",
		.parts = SQL_GRAPH | SQL_DOMINATORS,
		.snapshot_column = DOMINATOR_SNAPSHOT,
		.row_column = DOMINATOR_NODE,
		.type_column = -1,
		.all = all_nodes,
		.seeks = {{DOMINATOR_NODE, 0, 1, find_node},
			{DOMINATOR_IDOM, SQL_BY_IDOM, 10, find_by_idom}},
		.column = dominator_column},
	{.name = "paths",
		.columns = "node INTEGER, path TEXT, parent INTEGER, is_user_code INTEGER, "
			   "is_named INTEGER, snapshot TEXT HIDDEN",
		.parts = SQL_NODES | SQL_GRAPH | SQL_PATHS,
		.snapshot_column = PATH_SNAPSHOT,
		.row_column = PATH_NODE,
		.type_column = -1,
		.all = all_objects,
		.seeks = {{PATH_NODE, 0, 1, find_object}},
		.column = path_column},
	{.name = "mappings",
		.columns = "start INTEGER, \"end\" INTEGER, permissions TEXT, path TEXT, "
			   "snapshot TEXT HIDDEN",
		.parts = SQL_FACTS,
		.snapshot_column = MAPPING_SNAPSHOT,
		.row_column = -1,
		.type_column = -1,
		.rows = 500,
		.all = all_mappings,
		.column = mapping_column},
};
const size_t sql_table_count = sizeof(sql_tables) / sizeof(*sql_tables);
