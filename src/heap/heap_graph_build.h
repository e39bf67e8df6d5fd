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

/** Give the graph all its rows: first_edge made by pages_alloc(nodes + 1, 4), edges by pages_alloc(count, 4). */
void heap_graph_adopt_rows(
	struct heap_graph *graph, uint32_t *first_edge, uint32_t *edges, uint32_t count);

/** Most nodes will have nothing written of them: arrays take memory by the small page. */
void heap_graph_expect_few(struct heap_graph *graph);
