// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * The tables: objects, types, edges, roots, dominators, paths, mappings. docs/sql.md has their columns.
 */
#pragma once

#include "sql/sql_module.h"

extern const struct sql_table sql_tables[];
extern const size_t sql_table_count;
