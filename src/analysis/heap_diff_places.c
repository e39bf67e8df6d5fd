// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
// Holders and containers of several snapshots, known again by their paths.
#include "analysis/heap_diff.h"

#include "analysis/growth_anchors.h"
#include "analysis/growth_sample.h"
#include "base/alloc.h"
#include "base/bits.h"
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

// Which holders are namespaces, their rows say.
static struct error *bring_namespaces(struct heap_skeleton *skeleton)
{
	size_t words = bits_words(skeleton->graph->node_count);
	uint64_t *wanted = pages_alloc(words, sizeof(*wanted));
	struct error *err;

	if (!wanted)
		return error_enomem();
	growth_anchors_rows(skeleton->graph, skeleton->dominators, wanted);
	err = heap_skeleton_bring(skeleton, wanted, NULL);
	pages_free(wanted, words, sizeof(*wanted));
	return err;
}

static struct error *list_holders(
	struct heap_skeleton *skeleton, struct heap_diff_place_vector *ret)
{
	_cleanup_(growth_anchors_deinit) struct growth_anchors anchors = {0};
	const struct heap_graph *graph = skeleton->graph;
	struct error *err = bring_namespaces(skeleton);

	if (!err)
		err = growth_anchors_init(&anchors, graph, skeleton->dominators, HOLDER_BYTES_MIN);
	if (err)
		return err;
	for (node_id node = 1; node < graph->node_count; node++) {
		struct growth_anchor *anchor =
			&anchors.list.items[growth_anchor_of(&anchors, node)];

		anchor->objects += skeleton->objects[node];
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

// Their lengths are known when their rows are there.
static struct error *list_containers(
	const struct heap_skeleton *skeleton, struct heap_diff_place_vector *ret)
{
	const struct heap_graph *graph = skeleton->graph;
	const struct dominators *dominators = skeleton->dominators;

	for (node_id node = 1; node < graph->node_count; node++) {
		uint32_t edges = heap_row_length(graph, node);

		if (!heap_has_flag(graph, node, HEAP_NODE_CONTAINER) || edges < GROWTH_LENGTH_MIN ||
			!dominators_is_reachable(dominators, node))
			continue;
		if (!heap_diff_place_vector_push(
			    ret, (struct heap_diff_place){
					 node, 0, dominators_retained(dominators, node)}))
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

struct error *heap_diff_list_places(
	enum heap_diff_by by, struct heap_skeleton *skeleton, struct heap_diff_place_vector *ret)
{
	struct heap_diff_place_vector places = {0};
	struct error *err = by == HEAP_DIFF_HOLDER ? list_holders(skeleton, &places)
						   : list_containers(skeleton, &places);

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

// What the texts of their paths are made of: rows of all that they lead through.
static struct error *bring_paths(struct heap_skeleton *skeleton, const struct paths *paths,
	const struct heap_diff_place_vector *places)
{
	size_t words = bits_words(skeleton->graph->node_count);
	uint64_t *rows = pages_alloc(words, sizeof(*rows));
	uint64_t *lengths = pages_alloc(words, sizeof(*lengths));
	struct error *err = error_enomem();

	for (size_t i = 0; rows && lengths && i < places->count; i++) {
		node_id node = places->items[i].node;

		bits_set(lengths, node);
		while ((node = paths_parent(paths, node)) != HEAP_ROOT && node != HEAP_NODE_NONE &&
			!bits_has(rows, node))
			bits_set(rows, node);
	}
	if (rows && lengths)
		err = heap_skeleton_bring(skeleton, rows, lengths);
	pages_free(rows, words, sizeof(*rows));
	pages_free(lengths, words, sizeof(*lengths));
	return err;
}

struct error *heap_diff_add_places(struct heap_diff *diff, size_t file,
	struct heap_skeleton *skeleton, const struct paths *paths,
	const struct heap_diff_place_vector *places)
{
	const struct heap_naming *naming = &skeleton->graph->naming;
	struct error *err = bring_paths(skeleton, paths, places);

	for (size_t i = 0; !err && i < places->count; i++) {
		struct heap_diff_place place = places->items[i];
		struct path_description path;

		if (diff->by == HEAP_DIFF_CONTAINER)
			place.objects = naming->length(naming->context, place.node);
		err = paths_describe(paths, place.node, &path);
		if (err)
			break;
		err = add(diff, file, growth_signature(path.text), &place);
		path_description_deinit(&path);
	}
	return err;
}
