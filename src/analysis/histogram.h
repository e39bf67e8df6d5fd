// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * What a heap consists of, by type: how many objects, how many bytes. Types of the same name are one
 * row: a class that a function makes is a new type at each call.
 */
#pragma once

#include "heap/heap_graph.h"

struct histogram_row {
	const char *type; /* owned by the graph */
	uint64_t objects, bytes;
};

/** Most bytes first; of equals, most objects, then by name. */
struct histogram {
	struct histogram_row *rows; /* owned */
	size_t count;
	uint64_t objects, bytes; /* of all rows */
};

struct heap_file;

struct error *histogram_create(const struct heap_graph *graph, struct histogram *ret);
/** The same from the counts that a snapshot file keeps: without its graph. */
struct error *histogram_of_file(const struct heap_file *file, struct histogram *ret);
void histogram_deinit(struct histogram *histogram);

static inline void cleanup_histogram_deinit(struct histogram *histogram)
{
	histogram_deinit(histogram);
}
