// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Graphs for tests that are too big for graph_from.h, and that stay alike from one snapshot to the
 * next: objects are called by address.
 *
 *	scene = scene_create();
 *	module = scene_module(scene, 0x1000, "app");
 *	list = scene_object(scene, 0x2000, "list");
 *	scene_attribute(scene, module, list, "results");
 *	scene_fill(scene, list, 0x100000, 500, "float", 24);
 *	graph = scene_finish(scene);       // owned by the scene
 *
 * Mistakes fail an assertion.
 */
#pragma once

#include "heap/heap_graph.h"

struct scene;

struct scene *scene_create(void);
void scene_destroy(struct scene *scene);
DEFINE_CLEANUP(struct scene *, scene_destroy)

/** An object; role, flags and a plausible size follow from the type's name. */
node_id scene_object(struct scene *scene, uint64_t address, const char *type);
/** A module in sys.modules; its __dict__ is the object 8 bytes further on. */
node_id scene_module(struct scene *scene, uint64_t address, const char *name);
void scene_set_size(struct scene *scene, node_id node, uint64_t size);
void scene_set_bound(struct scene *scene, node_id node, uint64_t bound);
void scene_edge(
	struct scene *scene, node_id from, node_id to, enum heap_label_kind kind, const char *text);
/** An attribute of a module or an instance, whose __dict__ is made on demand. */
void scene_attribute(struct scene *scene, node_id owner, node_id value, const char *name);
/** One item at the end of a list, dict, set, deque. */
void scene_item(struct scene *scene, node_id container, node_id item);
/** @p count new objects of @p type at @p address, 64 bytes apart, as items. */
void scene_fill(struct scene *scene, node_id container, uint64_t address, unsigned count,
	const char *type, uint64_t size);
/** An int. */
node_id scene_int(struct scene *scene, uint64_t address, int64_t value);
/** The object at an address, which must be there. */
node_id scene_at(const struct scene *scene, uint64_t address);
void scene_root(struct scene *scene, node_id node, enum heap_root_kind kind, const char *name);

struct heap_graph *scene_finish(struct scene *scene);
/** The graph is no longer the scene's; it must not be asked for names after scene_destroy(). */
struct heap_graph *scene_take_graph(struct scene *scene);
