// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "sql/sql_cells.h"

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

	if (sql_node_of(heap->graph, value, &node) && node != HEAP_ROOT)
		*ret = (struct sql_range){.next = first_edge[node], .end = first_edge[node + 1]};
}

static void find_by_dst(const struct sql_heap *heap, sqlite3_value *value, struct sql_range *ret)
{
	node_id node;

	if (sql_node_of(heap->graph, value, &node))
		*ret = sql_range_under(&heap->by_dst, node, node + 1ull);
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
		sql_put_text(ret, label_names[label.kind]);
	else if (label.kind == HEAP_LABEL_INDEX)
		sql_put_count(ret, label.index);
	else
		sql_put_copy(ret, label.text);
}

static struct error *edge_column(
	struct sql_cursor *cursor, uint64_t row, int column, sqlite3_context *ret)
{
	const struct heap_graph *graph = cursor->heap->graph;

	switch (column) {
	case EDGE_SRC:
		sql_put_node(ret, source_of(cursor, row));
		break;
	case EDGE_DST:
		sql_put_node(ret, graph->edges[row] & HEAP_EDGE_NODE);
		break;
	case EDGE_NUMBER:
		sql_put_count(ret, row - graph->first_edge[source_of(cursor, row)]);
		break;
	case EDGE_INFERRED:
		sql_put_count(ret, (graph->edges[row] & HEAP_EDGE_INFERRED) != 0);
		break;
	default:
		put_label(cursor, row, column, ret);
		break;
	}
	return NULL;
}

// Columns are those of the enum above, in its order, here and below.
const struct sql_table sql_edges = {.name = "edges",
	.columns = "src INTEGER, dst INTEGER, number INTEGER, kind TEXT, label, "
		   "is_inferred INTEGER, snapshot TEXT HIDDEN",
	.parts = SQL_GRAPH,
	.snapshot_column = EDGE_SNAPSHOT,
	.row_column = -1,
	.type_column = -1,
	.all = all_edges,
	.seeks = {{EDGE_SRC, 0, 3, find_by_src}, {EDGE_DST, SQL_BY_DST, 4, find_by_dst}},
	.column = edge_column};

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

	if (!sql_node_of(heap->graph, value, &node))
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
		sql_put_node(ret, root->node);
		break;
	case ROOT_KIND:
		sql_put_text(ret, heap_root_kind_name(root->kind));
		break;
	case ROOT_NAME:
		sql_put_text(ret, root->name);
		break;
	case ROOT_FILE:
		sql_put_text(ret, root->file);
		break;
	default:
		break;
	}
	return NULL;
}

const struct sql_table sql_roots = {.name = "roots",
	.columns = "node INTEGER, kind TEXT, name TEXT, file TEXT, snapshot TEXT HIDDEN",
	.parts = SQL_GRAPH,
	.snapshot_column = ROOT_SNAPSHOT,
	.row_column = -1,
	.type_column = -1,
	.rows = 20000,
	.all = all_roots,
	.seeks = {{ROOT_NODE, 0, 2, find_roots_of}},
	.column = root_column};
