// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Garbage cycles: what no root reaches, and what of it a full collection would free.
 *
 * Computed on the snapshot; nothing is run in the target. The collector frees unreachable objects
 * that it tracks, except those with a legacy finalizer (HEAP_NODE_UNCOLLECTABLE) and what these
 * reach; untracked objects go when the last tracked referrer goes. What no tracked object reaches
 * (a cycle of untracked objects) stays.
 */
#pragma once

#include "analysis/dominators.h"

struct garbage_type {
	uint32_t type; /* index in graph->types */
	uint64_t objects, bytes;
};

struct garbage {
	/** Unreachable in all; those a full collection would free (tracked, as gc.collect() counts
	 * them, and bytes with everything that dies with them); and all others. */
	uint64_t unreachable_objects, unreachable_bytes;
	uint64_t collectable_tracked_objects, collectable_objects, collectable_bytes;
	uint64_t uncollectable_objects, uncollectable_bytes;
	struct garbage_type *types; /* collectable ones, most bytes first */
	size_t type_count;
};

/** @p ret is untouched on failure; the caller releases it with garbage_deinit(). */
struct error *garbage_compute(
	const struct heap_graph *graph, const struct dominators *dominators, struct garbage *ret);

/** Which node is what: @p fates[node] is set to @p collectable or @p kept where it is unreachable, and left
 *  alone elsewhere. */
struct error *garbage_mark(const struct heap_graph *graph, const struct dominators *dominators,
	uint8_t *fates, uint8_t collectable, uint8_t kept);
void garbage_deinit(struct garbage *garbage);
