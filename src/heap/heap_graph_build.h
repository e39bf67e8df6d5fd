// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * For those who fill a graph piece by piece without knowing its size beforehand.
 */
#pragma once

#include "heap/heap_graph.h"

/** Change the number of nodes; arrays grow without being copied, new entries are zero. */
struct error *heap_graph_resize_nodes(struct heap_graph *graph, uint32_t nodes);

/** Give the graph its edges: an array made by pages_alloc(capacity, 4), now owned by the graph. */
void heap_graph_adopt_edges(
	struct heap_graph *graph, uint32_t *edges, uint32_t count, size_t capacity);
