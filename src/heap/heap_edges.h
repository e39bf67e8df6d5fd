// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * References as small numbers, and back.
 *
 * Objects of a type are made by the same code, one after the other, and so are the objects they
 * refer to: a reference differs from the one at the same place of the last object of the type by as
 * much as the last time. In a list it is the one before it that is near, in a dict the one before
 * that. Which of the three holds for a type is learnt on the way from what came before, so that both
 * directions come to the same choice and nothing has to be written down.
 *
 * A block of nodes stands for itself: blocks are coded in parallel.
 */
#pragma once

#include "heap/heap_rows.h"

struct error;

/** The references of the nodes [first, end), without their marks, as differences, zigzag. */
struct error *heap_edges_encode(
	const struct heap_graph *graph, node_id first, node_id end, uint32_t *ret);

/** Back, in place: @p edges is rows->edges and has the differences; bounds and words are there. The graph says how
 *  many nodes and types there are. What leads to no node is ERROR_BAD_DATA. */
struct error *heap_edges_decode(
	const struct heap_graph *graph, const struct heap_rows *rows, uint32_t *edges);
