// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * What tables have in common: cells, and which rows a comparison leaves.
 */
#pragma once

#include "sql/sql_tables.h"

static inline void sql_put_count(sqlite3_context *ret, uint64_t value)
{
	sqlite3_result_int64(ret, (sqlite3_int64)value);
}

/** A text that lives as long as the heap; NULL and "" are NULL. */
void sql_put_text(sqlite3_context *ret, const char *text);
/** A text that does not. */
void sql_put_copy(sqlite3_context *ret, const char *text);
/** HEAP_NODE_NONE is NULL. */
void sql_put_node(sqlite3_context *ret, node_id node);
/** The path of an object; the heap must have SQL_PATHS. */
struct error *sql_put_path(struct sql_heap *heap, node_id node, sqlite3_context *ret);

/** A value as the number it is compared as; false if it equals no row's. */
bool sql_number_of(sqlite3_value *value, uint64_t *ret);
/** The same, of a node of @p graph. */
bool sql_node_of(const struct heap_graph *graph, sqlite3_value *value, node_id *ret);

struct sql_range sql_range_of_one(uint64_t row);
/** Rows of an index whose keys are in [first_key, end_key). */
struct sql_range sql_range_under(
	const struct sql_index *index, uint64_t first_key, uint64_t end_key);

/** Rows that are nodes, but the root. */
void sql_all_objects(const struct sql_heap *heap, struct sql_range *ret);
void sql_find_object(const struct sql_heap *heap, sqlite3_value *value, struct sql_range *ret);
