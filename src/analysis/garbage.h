// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Garbage cycles: what no root reaches, and what of it a full collection would free.
 *
 * Computed on the snapshot; nothing is run in the target. The collector frees unreachable objects
 * that it tracks, except those with a legacy finalizer (HEAP_NODE_UNCOLLECTABLE) and what these
 * reach; untracked objects go when the last tracked referrer goes. What no tracked object reaches
 * (a cycle of untracked objects) stays.
 *
 * Nor does a collection free what gc.freeze() put into the permanent generation (3.7 on; HEAP_NODE_PERMANENT),
 * or what that leads to: it never goes through that list, so that references from there count as if they
 * came from outside (update_refs() and subtract_refs() of Modules/gcmodule.c, Python/gc.c from 3.13 on). Such a cycle
 * comes back by gc.unfreeze() and a collection, not by the collection alone. Part of it may go by counting:
 * what only collected objects held.
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
	/** Of these, what would be collectable after gc.unfreeze(). */
	uint64_t frozen_objects, frozen_bytes;
	struct garbage_type *types; /* collectable ones, most bytes first */
	size_t type_count;
};

/** @p ret is untouched on failure; the caller releases it with garbage_deinit(). */
struct error *garbage_compute(
	const struct heap_graph *graph, const struct dominators *dominators, struct garbage *ret);

/** How nodes are marked: what no root reaches; and then instead, what a collection frees, what none does,
 *  and what one frees after gc.unfreeze(). */
struct garbage_marks {
	uint8_t unreachable, collectable, kept, frozen;
};

/** Which node is what: @p fates[node] is changed where it is @p marks->unreachable, which must be so of all
 *  unreachable nodes, and left alone elsewhere. */
struct error *garbage_mark(
	const struct heap_graph *graph, const struct garbage_marks *marks, uint8_t *fates);
void garbage_deinit(struct garbage *garbage);
