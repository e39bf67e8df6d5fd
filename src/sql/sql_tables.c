// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "sql/sql_cells.h"

#include "heap/heap_facts.h"

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
		sql_put_count(ret, heap_facts_get(facts, HEAP_FACT_MAPPING_START, row));
		break;
	case MAPPING_END:
		sql_put_count(ret, heap_facts_get(facts, HEAP_FACT_MAPPING_END, row));
		break;
	case MAPPING_PERMISSIONS:
		permissions[0] = flags & 1 ? 'r' : '-';
		permissions[1] = flags & 2 ? 'w' : '-';
		permissions[2] = flags & 4 ? 'x' : '-';
		permissions[3] = flags & 8 ? 's' : 'p';
		sql_put_copy(ret, permissions);
		break;
	case MAPPING_PATH:
		sql_put_text(ret,
			heap_facts_text(facts, heap_facts_get(facts, HEAP_FACT_MAPPING_PATH, row)));
		break;
	default:
		break;
	}
	return NULL;
}

// Columns are those of the enum above, in its order.
static const struct sql_table mappings = {.name = "mappings",
	.columns = "start INTEGER, \"end\" INTEGER, permissions TEXT, path TEXT, "
		   "snapshot TEXT HIDDEN",
	.parts = SQL_FACTS,
	.snapshot_column = MAPPING_SNAPSHOT,
	.row_column = -1,
	.type_column = -1,
	.rows = 500,
	.all = all_mappings,
	.column = mapping_column};

const struct sql_table *const sql_tables[] = {
	&sql_objects,
	&sql_types,
	&sql_edges,
	&sql_roots,
	&sql_dominators,
	&sql_paths,
	&mappings,
};
const size_t sql_table_count = sizeof(sql_tables) / sizeof(*sql_tables);
