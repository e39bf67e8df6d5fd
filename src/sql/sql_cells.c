// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "sql/sql_cells.h"

#include "analysis/paths.h"
#include "base/error.h"

#include <math.h>

void sql_put_text(sqlite3_context *ret, const char *text)
{
	if (text && *text)
		sqlite3_result_text(ret, text, -1, SQLITE_STATIC);
}

void sql_put_copy(sqlite3_context *ret, const char *text)
{
	if (*text)
		sqlite3_result_text(ret, text, -1, SQLITE_TRANSIENT);
}

void sql_put_node(sqlite3_context *ret, node_id node)
{
	if (node != HEAP_NODE_NONE)
		sqlite3_result_int64(ret, node);
}

bool sql_number_of(sqlite3_value *value, uint64_t *ret)
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

bool sql_node_of(const struct heap_graph *graph, sqlite3_value *value, node_id *ret)
{
	uint64_t number;

	if (!sql_number_of(value, &number) || number >= graph->node_count)
		return false;
	*ret = (node_id)number;
	return true;
}

struct sql_range sql_range_of_one(uint64_t row)
{
	return (struct sql_range){.next = row, .end = row + 1};
}

struct sql_range sql_range_under(
	const struct sql_index *index, uint64_t first_key, uint64_t end_key)
{
	return (struct sql_range){.items = index->items,
		.next = index->first[first_key],
		.end = index->first[end_key]};
}

void sql_all_objects(const struct sql_heap *heap, struct sql_range *ret)
{
	*ret = (struct sql_range){.next = 1, .end = heap->nodes->node_count};
}

void sql_find_object(const struct sql_heap *heap, sqlite3_value *value, struct sql_range *ret)
{
	node_id node;

	if (sql_node_of(heap->nodes, value, &node) && node != HEAP_ROOT)
		*ret = sql_range_of_one(node);
}

struct error *sql_put_path(struct sql_heap *heap, node_id node, sqlite3_context *ret)
{
	struct path_description path = {0};
	struct error *err = paths_describe(heap->paths, node, &path);

	if (err)
		return err;
	sql_put_copy(ret, path.text);
	path_description_deinit(&path);
	return NULL;
}
