// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Shortest named paths from a root: who holds an object, as a person would write it.
 *
 * One tree of cheapest paths for the whole graph, by Dial's bucket queue over small integer costs.
 * Costs prefer what a person recognises: roots with names before roots without, modules and frames
 * of the user's code (not the standard library, not site-packages) before others, exact edges
 * before inferred ones, attributes and keys before internal fields. 5 bytes per node.
 */
#pragma once

#include "heap/heap_graph.h"

struct paths;

struct error *paths_create(const struct heap_graph *graph, struct paths **ret);
void paths_destroy(struct paths *paths);
DEFINE_CLEANUP(struct paths *, paths_destroy)

/** The node before @p node on its path; HEAP_ROOT for a root, HEAP_NODE_NONE if nothing reaches it.
 */
node_id paths_parent(const struct paths *paths, node_id node);

/** How an object is held. All texts are owned by it. */
struct path_description {
	/** "metrics.Profiler.results", "app.state.cache['users']", "thread 'MainThread' app.main
	 * local queue", "held by C code: libfoo.so cache+8". */
	char *text;
	/** The same in steps from the root: "sys.modules['metrics']", "Profiler", "results". */
	char **steps;
	size_t step_count;
	/** The path starts in the user's own code, not in the standard library or an installed
	 * package. */
	bool is_user_code;
	/** Every step has a name; no inferred edge, no unexplained root on the way. */
	bool is_named;
};

/** Describe @p node's path. Long chains through the same kind of edge (a linked list) are folded.
 *  @p ret is untouched on failure. */
struct error *paths_describe(const struct paths *paths, node_id node, struct path_description *ret);
void path_description_deinit(struct path_description *description);

/** Is @p file part of the standard library or of an installed package (site-packages,
 * dist-packages, <frozen …>)? */
bool paths_is_library_file(const char *file);
