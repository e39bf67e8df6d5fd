// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * The objects of a type, by how they are held: those whose paths differ in indices, keys and repetitions only
 * are one group.
 *
 * Paths are not written for that, which takes microseconds each, but walked, all at once and from the roots
 * on: of each node that a path leads through the label of the reference to it is read, once. A structure
 * that nests in itself (a linked list, a tree) is gone into as deep as it repeats itself; what is below
 * belongs to where it did.
 *
 * Memory while it works, in bytes: a byte and two bits per node; 8 per node on one of the paths.
 */
#pragma once

#include "analysis/dominators.h"
#include "analysis/paths.h"
#include "base/vector.h"

/** Of more objects a part is looked at, spread evenly. */
#define PATH_GROUPS_OBJECTS_MAX 4000000

struct path_group {
	node_id example; /* held like all of the group; HEAP_NODE_NONE: the group of those that nothing holds */
	uint64_t objects;
	/** What would be freed with them: of those within another of the type nothing, it is counted there. */
	uint64_t bytes;
	bool is_deeper; /* some may be further down, by repetitions of steps that the example's path has */
};
DEFINE_VECTOR(path_group_vector, struct path_group)

struct path_groups {
	struct path_group_vector groups; /* most objects first */
	uint64_t total, looked_at;       /* objects */
	/** Of no group: below roots past more ways than are kept apart. */
	uint64_t left_out, left_out_bytes;
};

/** Group the objects whose type is called @p type. */
struct error *path_groups_make(const struct heap_graph *graph, const struct dominators *dominators,
	const struct paths *paths, const char *type, struct path_groups *ret);
void path_groups_deinit(struct path_groups *groups);

static inline void cleanup_path_groups_deinit(struct path_groups *groups)
{
	path_groups_deinit(groups);
}
