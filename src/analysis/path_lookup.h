// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * The object that a person means by a path: "metrics.Profiler.results", "app.cache['users'][3]".
 *
 * A path that begins with a module is followed from sys.modules: attributes of modules, classes and
 * instances (what an instance does not have itself, its class and the bases of that may), keys and
 * indices, and " closure x" of functions. Any other path must be what paths_describe() says of the
 * object: "thread 'MainThread' app.main local queue".
 */
#pragma once

#include "analysis/paths.h"

/** ERROR_NOT_FOUND says up to where the path leads. */
struct error *paths_find(
	const struct heap_graph *graph, const struct paths *paths, const char *text, node_id *ret);
