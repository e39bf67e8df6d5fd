// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "sql/sql_cells.h"

#include "analysis/dominators.h"
#include "analysis/paths.h"
#include "base/error.h"

static void all_nodes(const struct sql_heap *heap, struct sql_range *ret)
{
	*ret = (struct sql_range){.end = heap->graph->node_count};
}

static void find_node(const struct sql_heap *heap, sqlite3_value *value, struct sql_range *ret)
{
	node_id node;

	if (sql_node_of(heap->graph, value, &node))
		*ret = sql_range_of_one(node);
}

// dominators

enum { DOMINATOR_NODE, DOMINATOR_IDOM, DOMINATOR_RETAINED, DOMINATOR_DEPTH, DOMINATOR_SNAPSHOT };

static void find_by_idom(const struct sql_heap *heap, sqlite3_value *value, struct sql_range *ret)
{
	node_id node;

	if (sql_node_of(heap->graph, value, &node))
		*ret = sql_range_under(&heap->by_idom, node, node + 1ull);
}

static struct error *dominator_column(
	struct sql_cursor *cursor, uint64_t row, int column, sqlite3_context *ret)
{
	struct sql_heap *heap = cursor->heap;
	struct error *err;

	switch (column) {
	case DOMINATOR_NODE:
		sql_put_count(ret, row);
		return NULL;
	case DOMINATOR_IDOM:
		sql_put_node(ret, heap->dominators->idom[row]);
		return NULL;
	case DOMINATOR_RETAINED:
		sql_put_count(ret, dominators_retained(heap->dominators, (node_id)row));
		return NULL;
	default:
		err = sql_heap_need(heap, SQL_DEPTHS);
		if (!err && heap->depths[row] != UINT32_MAX)
			sql_put_count(ret, heap->depths[row]);
		return err;
	}
}

// Columns are those of the enum above, in its order, here and below.
const struct sql_table sql_dominators = {.name = "dominators",
	.columns = "node INTEGER, idom INTEGER, retained INTEGER, depth INTEGER, "
		   "snapshot TEXT HIDDEN",
	.parts = SQL_GRAPH | SQL_DOMINATORS,
	.snapshot_column = DOMINATOR_SNAPSHOT,
	.row_column = DOMINATOR_NODE,
	.type_column = -1,
	.all = all_nodes,
	.seeks = {{DOMINATOR_NODE, 0, 1, find_node},
		{DOMINATOR_IDOM, SQL_BY_IDOM, 10, find_by_idom}},
	.column = dominator_column};

// paths

enum { PATH_NODE, PATH_PATH, PATH_PARENT, PATH_USER_CODE, PATH_NAMED, PATH_SNAPSHOT };

static struct error *path_column(
	struct sql_cursor *cursor, uint64_t row, int column, sqlite3_context *ret)
{
	const struct paths *paths = cursor->heap->paths;
	struct path_description path = {0};
	struct error *err;

	if (column == PATH_NODE || column == PATH_PARENT) {
		sql_put_node(ret,
			column == PATH_NODE ? (node_id)row : paths_parent(paths, (node_id)row));
		return NULL;
	}
	if (column == PATH_PATH)
		return sql_put_path(cursor->heap, (node_id)row, ret);
	err = paths_describe(paths, (node_id)row, &path);
	if (err)
		return err;
	sql_put_count(ret, column == PATH_NAMED ? path.is_named : path.is_user_code);
	path_description_deinit(&path);
	return NULL;
}

const struct sql_table sql_paths = {.name = "paths",
	.columns = "node INTEGER, path TEXT, parent INTEGER, is_user_code INTEGER, "
		   "is_named INTEGER, snapshot TEXT HIDDEN",
	.parts = SQL_NODES | SQL_GRAPH | SQL_PATHS,
	.snapshot_column = PATH_SNAPSHOT,
	.row_column = PATH_NODE,
	.type_column = -1,
	.all = sql_all_objects,
	.seeks = {{PATH_NODE, 0, 1, sql_find_object}},
	.column = path_column};
