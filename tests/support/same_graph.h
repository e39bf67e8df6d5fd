// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Are two graphs the same, with everything that can be asked of them? Addresses only if both know them.
 */
#pragma once

#include "heap/heap_graph.h"

#include <stdint.h>

struct same_graph_result {
	uint64_t nodes, edges, labels, names, files, lengths, bounds, free_variables, roots;
};

/** Compare; the first difference is an error. What was compared, and was not empty, is counted. Labels are
 *  asked of every @p label_stride -th node: a target's take long. */
struct error *same_graph(const struct heap_graph *a, const struct heap_graph *b,
	unsigned label_stride, struct same_graph_result *ret);
