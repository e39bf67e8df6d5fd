// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
// Holders and containers of several snapshots, known again by their paths.
#include "analysis/heap_diff.h"

#include "analysis/growth_anchors.h"
#include "analysis/growth_sample.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/sort.h"

#include <string.h>

// Holders that keep less are no holders; see growth_sample.c.
#define HOLDER_BYTES_MIN 4096

static int by_bytes(const void *left, const void *right)
{
	const struct heap_diff_place *a = left, *b = right;

	if (a->bytes != b->bytes)
		return a->bytes > b->bytes ? -1 : 1;
	return (a->node > b->node) - (a->node < b->node);
}

static struct error *list_holders(const struct heap_graph *graph,
	const struct dominators *dominators, struct heap_diff_place_vector *ret)
{
	_cleanup_(growth_anchors_deinit) struct growth_anchors anchors = {0};
	struct error *err = growth_anchors_init(&anchors, graph, dominators, HOLDER_BYTES_MIN);

	if (err)
		return err;
	for (node_id node = 1; node < graph->node_count; node++) {
		struct growth_anchor *anchor =
			&anchors.list.items[growth_anchor_of(&anchors, node)];

		anchor->objects++;
		anchor->bytes += heap_size_of(graph, node);
	}
	for (size_t i = ANCHOR_GARBAGE + 1; i < anchors.list.count; i++) {
		const struct growth_anchor *anchor = &anchors.list.items[i];

		if (!heap_diff_place_vector_push(ret,
			    (struct heap_diff_place){anchor->node, anchor->objects, anchor->bytes}))
			return error_enomem();
	}
	return NULL;
}

static struct error *list_containers(const struct heap_graph *graph,
	const struct dominators *dominators, struct heap_diff_place_vector *ret)
{
	const struct heap_naming *naming = &graph->naming;

	for (node_id node = 1; node < graph->node_count; node++) {
		uint64_t length;
		uint32_t edges;

		heap_edges_of(graph, node, &edges);
		if (!heap_has_flag(graph, node, HEAP_NODE_CONTAINER) || edges < GROWTH_LENGTH_MIN ||
			!dominators_is_reachable(dominators, node))
			continue;
		length = naming->length ? naming->length(naming->context, node) : edges;
		if (!heap_diff_place_vector_push(
			    ret, (struct heap_diff_place){
					 node, length, dominators_retained(dominators, node)}))
			return error_enomem();
	}
	return NULL;
}

// Takes @p name.
static struct error *add(
	struct heap_diff *diff, size_t file, char *name, const struct heap_diff_place *place)
{
	struct heap_diff_row *row = NULL;

	if (!name)
		return error_enomem();
	for (size_t i = 0; i < diff->rows.count && !row; i++) {
		if (strcmp(diff->rows.items[i].name, name) == 0)
			row = &diff->rows.items[i];
	}
	if (row) {
		mem_free(name);
	} else {
		if (!heap_diff_vector_push(&diff->rows, (struct heap_diff_row){.name = name})) {
			mem_free(name);
			return error_enomem();
		}
		row = &diff->rows.items[diff->rows.count - 1];
	}
	row->objects[file] += place->objects;
	row->bytes[file] += place->bytes;
	return NULL;
}

struct error *heap_diff_drop_rows(
	enum heap_diff_by by, struct heap_graph *graph, const struct dominators *dominators)
{
	size_t words = ((size_t)graph->node_count + 63) / 64;
	uint64_t *keep = by == HEAP_DIFF_HOLDER ? pages_alloc(words, sizeof(*keep)) : NULL;

	if (by == HEAP_DIFF_HOLDER && !keep)
		return error_enomem();
	if (keep)
		growth_anchors_rows(graph, dominators, keep);
	heap_graph_drop_rows(graph, keep);
	pages_free(keep, words, sizeof(*keep));
	return NULL;
}

struct error *heap_diff_list_places(enum heap_diff_by by, const struct heap_graph *graph,
	const struct dominators *dominators, struct heap_diff_place_vector *ret)
{
	struct heap_diff_place_vector places = {0};
	struct error *err = by == HEAP_DIFF_HOLDER ? list_holders(graph, dominators, &places)
						   : list_containers(graph, dominators, &places);

	if (err) {
		heap_diff_place_vector_deinit(&places);
		return err;
	}
	sort_items(places.items, places.count, sizeof(*places.items), by_bytes);
	if (places.count > HEAP_DIFF_PLACES_MAX)
		places.count = HEAP_DIFF_PLACES_MAX;
	*ret = places;
	return NULL;
}

struct error *heap_diff_add_places(struct heap_diff *diff, size_t file, const struct paths *paths,
	const struct heap_diff_place_vector *places)
{
	struct error *err = NULL;

	for (size_t i = 0; !err && i < places->count; i++) {
		struct path_description path;

		err = paths_describe(paths, places->items[i].node, &path);
		if (err)
			break;
		err = add(diff, file, growth_signature(path.text), &places->items[i]);
		path_description_deinit(&path);
	}
	return err;
}
