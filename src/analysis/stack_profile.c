// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "analysis/stack_profile.h"

#include "base/alloc.h"
#include "base/error.h"

#include <stdio.h>
#include <string.h>

// Two slots for each place at least.
#define SLOTS (2 * STACK_PLACES_MAX)

// A chain's steps repeat after so many: attribute, __dict__, list, item.
#define PERIOD_MAX 4

struct work {
	const struct heap_graph *graph;
	const struct paths *paths;
	struct stack_profile *profile;
	node_id *order; /* nodes that have a place, in the order in which they got it */
	uint32_t order_count;
	uint32_t *place_of; /* by node; 0: none yet */
	uint32_t rest;      /* a root's, which is that of all roots that do not fit; 0: not yet */
	bool failed;
};

static void describe_label(const struct heap_label *label, char *ret, size_t size)
{
	switch (label->kind) {
	case HEAP_LABEL_ATTRIBUTE:
	case HEAP_LABEL_SLOT:
	case HEAP_LABEL_FIELD:
		snprintf(ret, size, ".%s", label->text);
		return;
	case HEAP_LABEL_KEY:
		// Numbers and objects would make a place of each item.
		snprintf(ret, size, "[%s]", *label->text == '\'' ? label->text : "");
		return;
	case HEAP_LABEL_KEY_OBJECT:
		snprintf(ret, size, "key");
		return;
	case HEAP_LABEL_INDEX:
	case HEAP_LABEL_ITEM:
		snprintf(ret, size, "[]");
		return;
	case HEAP_LABEL_CELL:
	case HEAP_LABEL_LOCAL:
		snprintf(ret, size, "local %s", label->text);
		return;
	case HEAP_LABEL_STACK:
		snprintf(ret, size, "value stack");
		return;
	case HEAP_LABEL_NONE:
		break;
	}
	snprintf(ret, size, "?");
}

static uint32_t *find_slot(const struct stack_profile *profile, uint32_t above, uint32_t text)
{
	uint64_t hash = ((uint64_t)above << 32 | text) * 0x9e3779b97f4a7c15;
	uint32_t slot = (uint32_t)(hash >> 32) % profile->slot_count;

	while (profile->slots[slot]) {
		const struct stack_place *place = &profile->places[profile->slots[slot]];

		if (place->above == above && place->text == text)
			break;
		slot = (slot + 1) % profile->slot_count;
	}
	return &profile->slots[slot];
}

static bool push(struct stack_profile *profile, const struct stack_place *place)
{
	if (profile->count == profile->capacity) {
		uint32_t capacity = profile->capacity ? 2 * profile->capacity : 1024;
		struct stack_place *places = pages_realloc(
			profile->places, profile->capacity, capacity, sizeof(*places));

		if (!places)
			return false;
		profile->places = places;
		profile->capacity = capacity;
	}
	profile->places[profile->count++] = *place;
	return true;
}

static uint32_t fail(struct work *work)
{
	work->failed = true;
	return 0;
}

/** 0 without memory. The place below @p above, or @p above itself or one above it if that is where a chain goes on. */
static uint32_t place_below(struct work *work, uint32_t above, const char *frame)
{
	struct stack_profile *profile = work->profile;
	uint32_t text = text_table_add(&profile->texts, frame);
	uint32_t at = above, *slot;

	if (text == TEXT_TABLE_NONE)
		return fail(work);
	for (unsigned i = 0; i < PERIOD_MAX && at; i++, at = profile->places[at].above) {
		if (profile->places[at].text == text)
			return at;
	}
	slot = find_slot(profile, above, text);
	if (*slot != 0)
		return *slot;
	if (above && (profile->count >= STACK_PLACES_MAX ||
			     profile->places[above].depth >= STACK_DEPTH_MAX))
		return above;
	// There is no place above a root: what does not fit has one together.
	if (!above && profile->count >= STACK_PLACES_MAX && work->rest)
		return work->rest;
	if (!push(profile, &(struct stack_place){.above = above,
				   .text = text,
				   .depth = profile->places[above].depth + 1}))
		return fail(work);
	*slot = profile->count - 1;
	if (profile->count > STACK_PLACES_MAX)
		work->rest = *slot;
	return *slot;
}

static void put_node(struct work *work, node_id node, uint32_t above, const char *step)
{
	const char *type = work->graph->types[heap_type_of(work->graph, node)].name;
	char frame[1024];
	uint32_t place;

	snprintf(frame, sizeof(frame), *step ? "%s (%s)" : "%s%s", step, type);
	place = place_below(work, above, frame);
	if (!place)
		return;
	work->place_of[node] = place;
	work->order[work->order_count++] = node;
	work->profile->places[place].objects++;
	work->profile->places[place].bytes += heap_size_of(work->graph, node);
}

static void put_root(struct work *work, node_id node)
{
	const struct heap_root *root;
	size_t first;

	if (heap_graph_roots_of(work->graph, node, &first) == first)
		return;
	root = &work->graph->roots[first];
	put_node(work, node, 0, root->name ? root->name : heap_root_kind_text(root->kind));
}

static void put_referents(struct work *work, node_id node)
{
	const struct heap_naming *naming = &work->graph->naming;
	uint32_t count;
	const uint32_t *edges = heap_edges_of(work->graph, node, &count);

	for (uint32_t i = 0; i < count; i++) {
		node_id to = edges[i] & HEAP_EDGE_NODE;
		struct heap_label label = {0};
		char step[160];

		if (work->place_of[to] || paths_parent(work->paths, to) != node)
			continue;
		if (naming->label)
			naming->label(naming->context, node, i, &label);
		describe_label(&label, step, sizeof(step));
		put_node(work, to, work->place_of[node], step);
	}
}

static void put_all(struct work *work)
{
	const struct heap_graph *graph = work->graph;
	uint32_t unreachable = 0;

	for (node_id node = 1; node < graph->node_count && !work->failed; node++) {
		if (paths_parent(work->paths, node) == HEAP_ROOT)
			put_root(work, node);
	}
	for (uint32_t i = 0; i < work->order_count && !work->failed; i++)
		put_referents(work, work->order[i]);
	for (node_id node = 1; node < graph->node_count && !work->failed; node++) {
		if (work->place_of[node])
			continue;
		if (!unreachable)
			unreachable = place_below(work, 0, "unreachable");
		put_node(work, node, unreachable, "");
	}
}

struct error *stack_profile_create(
	const struct heap_graph *graph, const struct paths *paths, struct stack_profile **ret)
{
	_cleanup_(stack_profile_destroy) struct stack_profile *profile =
		mem_calloc(1, sizeof(*profile));
	struct work work = {.graph = graph, .paths = paths, .profile = profile};

	if (!profile)
		return error_enomem();
	profile->slots = pages_alloc(SLOTS, sizeof(*profile->slots));
	profile->slot_count = profile->slots ? SLOTS : 0;
	work.order = pages_alloc(graph->node_count, sizeof(*work.order));
	work.place_of = pages_alloc(graph->node_count, sizeof(*work.place_of));
	work.failed = !profile->slots || !work.order || !work.place_of ||
		      text_table_add(&profile->texts, "") == TEXT_TABLE_NONE ||
		      !push(profile, &(struct stack_place){0});
	if (!work.failed)
		put_all(&work);
	pages_free(work.order, graph->node_count, sizeof(*work.order));
	pages_free(work.place_of, graph->node_count, sizeof(*work.place_of));
	if (work.failed)
		return error_enomem();
	*ret = take(profile);
	return NULL;
}

void stack_profile_destroy(struct stack_profile *profile)
{
	if (!profile)
		return;
	pages_free(profile->places, profile->capacity, sizeof(*profile->places));
	pages_free(profile->slots, profile->slot_count, sizeof(*profile->slots));
	text_table_deinit(&profile->texts);
	mem_free(profile);
}
