// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * The tables: objects, types, edges, roots, dominators, paths, mappings. docs/sql.md has their columns.
 */
#pragma once

#include "sql/sql_module.h"

/** sql_objects.c */
extern const struct sql_table sql_objects, sql_types;
/** sql_edges.c */
extern const struct sql_table sql_edges, sql_roots;
/** sql_dominators.c */
extern const struct sql_table sql_dominators, sql_paths;

extern const struct sql_table *const sql_tables[];
extern const size_t sql_table_count;
