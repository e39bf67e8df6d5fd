// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * A graph whose rows are elsewhere, a few nodes to a block: as one of a file is, without a file.
 */
#pragma once

#include "heap/heap_rows.h"

struct rows_apart;

/** Of @p graph, which must outlive it. @p ret_graph has its roots, types and large sizes, and is the result's. */
struct rows_apart *rows_apart_create(
	const struct heap_graph *graph, uint32_t block_nodes, struct heap_graph **ret_graph);
void rows_apart_destroy(struct rows_apart *rows);
DEFINE_CLEANUP(struct rows_apart *, rows_apart_destroy)
/** Blocks that were shown so far. */
unsigned rows_apart_shown(const struct rows_apart *rows);
