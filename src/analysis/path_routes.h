// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * All that keeps an object alive, not only the cheapest path: other references to it, others to what refers to
 * it, other roots.
 *
 * A route is the path of the tree (paths.h) up to a node, another reference out of that, and so on: a
 * deviation as in J. Yen, "Finding the k shortest loopless paths in a network" (1971), with the tree for
 * the rest of each. The cheapest come first. Looked for are references to the object and to what is up to
 * PATH_ROUTES_ROUNDS steps above it, which takes a pass over all references for each step.
 *
 * Left out is what says nothing of the object: who refers to a class, a module or its names, such as all
 * instances and functions do.
 */
#pragma once

#include "analysis/path_pieces.h"

#define PATH_ROUTES_ROUNDS 4

DEFINE_VECTOR(path_route_vector, struct path_route)

/** At most @p limit routes to @p node, the cheapest first: the first is its path. None if it has none. */
struct error *path_routes_find(const struct heap_graph *graph, const struct paths *paths,
	node_id node, size_t limit, struct path_route_vector *ret);
void path_routes_deinit(struct path_route_vector *routes);

static inline void cleanup_path_routes_deinit(struct path_route_vector *routes)
{
	path_routes_deinit(routes);
}
