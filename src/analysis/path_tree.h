// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * What the tree of cheapest paths (paths.c), the reading of its paths (path_pieces.c) and what looks for others
 * (path_groups.c, path_routes.c) share. Private to them.
 */
#pragma once

#include "analysis/paths.h"

struct paths {
	const struct heap_graph *graph;
	node_id *parent; /* HEAP_NODE_NONE: not reached */
};

/** What a node is for costs and texts: its flags, then its type's role. */
enum heap_type_role path_role_of(const struct heap_graph *graph, node_id node);

/** Does the module come from the user's own code? A module without a file is built in, unless it is
 *  __main__ (python -c, or typed in). */
bool path_is_user_module(const struct heap_graph *graph, node_id module);

/** The cost of starting a path at a root. Of several roots of a node, the least counts. */
unsigned path_root_cost(const struct heap_root *root);
/** What a step costs, as far as what the two are says it: without names of modules. */
unsigned path_step_cost(const struct heap_graph *graph, node_id from, node_id to);
/** A step that costs as much leads to a class, a module or its names from where nobody would go there. */
#define PATH_STEP_BACK 20

/** The root of a node that its path starts at; NULL if it is none. */
const struct heap_root *path_best_root(const struct heap_graph *graph, node_id node);

/** How the reference between two nodes is called; of several, the one that reads best. False: inferred. */
bool path_read_label(
	const struct heap_graph *graph, node_id from, node_id to, struct heap_label *ret);
