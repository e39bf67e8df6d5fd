// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Snapshots from files, and what belongs to them: the graph, addresses, names. Private to heap_open.c.
 */
#pragma once

#include "heap/heap_file.h"
#include "heap/heap_open.h"

struct heap_loaded {
	const struct heap_file *file;
	struct heap_graph *graph;
	struct heap_row_source *rows; /* the graph's, if they stay in the file */
	struct heap_addresses addresses;
	struct heap_facts_names names;
};

void heap_loaded_destroy(struct heap_loaded *loaded);
DEFINE_CLEANUP(struct heap_loaded *, heap_loaded_destroy)

/** What the file says of the process it was taken of; texts are the file's. */
struct heap_source_info heap_file_info(const struct heap_file *file);
/** Graph, facts and figures into a zeroed snapshot. */
struct error *heap_snapshot_load(const struct heap_file *file, struct heap_snapshot *ret);
/** The same of what is not by node; names follow with heap_snapshot_add_names(). */
struct error *heap_snapshot_load_parts(const struct heap_file *file, struct heap_snapshot *ret);
