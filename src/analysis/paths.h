// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Shortest named paths from a root: who holds an object, as a person would write it.
 *
 * One tree of cheapest paths for the whole graph, by Dial's bucket queue over small integer costs.
 * Costs prefer what a person recognises: roots with names before roots without, modules and frames
 * of the user's code (not the standard library, not site-packages) before others, exact edges
 * before inferred ones, attributes and keys before internal fields. What only weak roots reach
 * (static objects, stack words, unexplained references) comes last. 4 bytes per node; while
 * searching, 5 and a queue. paths.c justifies the costs.
 */
#pragma once

#include "heap/heap_graph.h"

struct paths;

/** @p graph must outlive it. */
struct error *paths_create(const struct heap_graph *graph, struct paths **ret);
void paths_destroy(struct paths *paths);
DEFINE_CLEANUP(struct paths *, paths_destroy)

/** The node before @p node on its path: HEAP_ROOT for a root, HEAP_NODE_NONE if it has no path. */
node_id paths_parent(const struct paths *paths, node_id node);

/** How an object is held. All texts are owned by it. */
struct path_description {
	/** At most 200 bytes, the middle left out if need be: "metrics.Profiler.results",
	 *  "app.state.cache['users']", "app.head….next ×1234.value", "metrics.f closure x",
	 *  "app.tasks[0] <generator app.gen>.x", "thread 'MainThread' app.main local queue[0]",
	 *  "coroutine app.main local q" (a library's event loop holds it), "context variable trail",
	 *  "libfoo.so cache+8 ['k']", "held by C code: list [3]", "unreachable". */
	char *text;
	/** The same in steps from the root: "sys.modules['metrics']", "Profiler", "results"; none
	 *  for what is unreachable, at most 41. */
	char **steps;
	size_t step_count;
	/** The path starts in the user's own code, not in an installed package or the library. */
	bool is_user_code;
	/** Every step has a name; no inferred edge, no unexplained root on the way. */
	bool is_named;
};

/** Describe @p node's path. Long chains through the same kind of edge (a linked list) are folded.
 *  @p ret is untouched on failure. */
struct error *paths_describe(const struct paths *paths, node_id node, struct path_description *ret);
void path_description_deinit(struct path_description *description);

/** Is @p file part of the standard library or of an installed package (lib/python3.11,
 *  site-packages, dist-packages, <frozen …>)? NULL and "" are not. */
bool paths_is_library_file(const char *file);
