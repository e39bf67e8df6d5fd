// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "analysis/growth_internal.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/search.h"
#include "base/sort.h"

#include <string.h>

// Newest items of a container that are looked at for their types.
#define ITEMS_LOOKED_AT (1u << 20)

// A linked list's objects are dominated by one another this deep, at least.
#define CHAIN_DEPTH_MIN 48
#define CHAIN_DEPTH_MAX (1u << 20)

// Of the items counted so far, one of this type; NULL if there is no room for another type.
static struct growth_item *find_item(struct growth_item *items, size_t *count, const char *type)
{
	for (size_t i = 0; i < *count; i++) {
		if (items[i].type == type)
			return &items[i];
	}
	if (*count == GROWTH_ITEMS_MAX)
		return NULL;
	items[*count] = (struct growth_item){.type = type};
	return &items[(*count)++];
}

static int compare_items(const void *left, const void *right)
{
	const struct growth_item *a = left, *b = right;

	if (a->bytes != b->bytes)
		return a->bytes > b->bytes ? -1 : 1;
	if (a->objects != b->objects)
		return a->objects > b->objects ? -1 : 1;
	return strcmp(a->type, b->type);
}

// Types by graph index would differ between snapshots; their interned names do not.
const char *growth_type_name(const struct growth_search *search, node_id node)
{
	const char *name = search->graph->types[heap_type_of(search->graph, node)].name;
	uint32_t number;
	struct error *err = growth_types_intern(&search->growth->types, name ? name : "?", &number);

	// It is there since the sample was made.
	error_destroy(err);
	return err ? "?" : search->growth->types.names[number];
}

static int compare_nodes(const void *left, const void *right)
{
	node_id a = *(const node_id *)left, b = *(const node_id *)right;

	return a < b ? -1 : a > b;
}

// Code and modules that a container refers to are not what it accumulates.
static bool is_ware(const struct growth_search *search, node_id node)
{
	enum heap_type_role role = heap_role_of(search->graph, node);

	return !heap_has_flag(search->graph, node, HEAP_NODE_STATIC) && role != HEAP_TYPE_MODULE &&
	       role != HEAP_TYPE_FUNCTION && role != HEAP_TYPE_CODE;
}

static void count_item(const struct growth_search *search, struct growth_candidate *candidate,
	node_id container, node_id node)
{
	const struct dominators *dominators = search->input->dominators;
	struct growth_item *item =
		find_item(candidate->items, &candidate->item_count, growth_type_name(search, node));
	bool is_own = dominators->idom[node] == container;
	uint64_t bytes = 0;

	if (is_own || is_ware(search, node))
		bytes = dominators_retained(dominators, node);
	candidate->item_bytes += bytes;
	if (!is_own)
		candidate->shared_bytes += bytes;
	if (item) {
		item->objects++;
		item->bytes += bytes;
	}
}

// The newest items are at the end of a list, a deque, a dict; a set's are anywhere, so that its
// last edges stand for them.
struct error *growth_count_new_items(const struct growth_search *search,
	struct growth_candidate *candidate, node_id container, uint64_t length, uint64_t added)
{
	uint32_t edge_count;
	const uint32_t *edges = heap_edges_of(search->graph, container, &edge_count);
	uint64_t count = length ? (uint64_t)((double)edge_count * added / length) : 0;
	_cleanup_(mem_free) node_id *nodes = NULL;

	if (count > edge_count)
		count = edge_count;
	if (count > ITEMS_LOOKED_AT)
		count = ITEMS_LOOKED_AT;
	nodes = mem_calloc(count, sizeof(*nodes));
	if (!nodes)
		return error_enomem();
	for (uint64_t i = 0; i < count; i++)
		nodes[i] = edges[edge_count - count + i] & HEAP_EDGE_NODE;
	sort_items(nodes, count, sizeof(*nodes), compare_nodes);
	for (uint64_t i = 0; i < count; i++) {
		if (i == 0 || nodes[i] != nodes[i - 1])
			count_item(search, candidate, container, nodes[i]);
	}
	sort_items(
		candidate->items, candidate->item_count, sizeof(*candidate->items), compare_items);
	return NULL;
}

void growth_merge_items(struct growth_candidate *candidate, const struct growth_candidate *part)
{
	for (size_t i = 0; i < part->item_count; i++) {
		struct growth_item *item =
			find_item(candidate->items, &candidate->item_count, part->items[i].type);

		if (!item)
			continue;
		item->objects += part->items[i].objects;
		item->bytes += part->items[i].bytes;
	}
	candidate->item_bytes += part->item_bytes;
	candidate->shared_bytes += part->shared_bytes;
	sort_items(
		candidate->items, candidate->item_count, sizeof(*candidate->items), compare_items);
}

static node_id node_at(const struct growth_search *search, uint64_t address)
{
	const struct heap_naming *naming = &search->graph->naming;

	if (naming->node_at)
		return naming->node_at(naming->context, address);
	return address >> 4 < search->graph->node_count ? (node_id)(address >> 4) : HEAP_NODE_NONE;
}

static bool has_item(const struct heap_graph *graph, node_id container, node_id item)
{
	uint32_t count;
	const uint32_t *edges = heap_edges_of(graph, container, &count);

	for (uint32_t i = 0; i < count; i++) {
		if ((edges[i] & HEAP_EDGE_NODE) == item)
			return true;
	}
	return false;
}

static bool has_item_at(
	const struct heap_graph *graph, node_id container, uint32_t edge, node_id item)
{
	uint32_t count;
	const uint32_t *edges = heap_edges_of(graph, container, &count);

	return edge < count && (edges[edge] & HEAP_EDGE_NODE) == item;
}

void growth_count_survivors(const struct growth_search *search, struct growth_candidate *candidate,
	const struct growth_track *track, bool in_place)
{
	candidate->probed = track->probe_count;
	for (uint32_t i = 0; i < track->probe_count; i++) {
		node_id item = node_at(search, track->probes[i]);

		if (item == HEAP_NODE_NONE)
			continue;
		candidate->survived += in_place ? has_item_at(search->graph, track->node,
							  track->probe_edges[i], item)
						: has_item(search->graph, track->node, item);
	}
}

size_t growth_first_track(const struct growth_sample *sample, uint64_t address)
{
	return partition_point(i, sample->track_count, sample->tracks[i].address < address);
}

size_t growth_first_group(const struct growth_sample *sample, uint64_t anchor)
{
	return partition_point(i, sample->group_count, sample->groups[i].anchor < anchor);
}

// What of each type an anchor holds more than at first. Returns the group with most new objects.
const struct growth_group *growth_count_group_items(
	const struct growth *growth, uint64_t anchor, struct growth_item *ret, size_t *ret_count)
{
	const struct growth_sample *sample = growth->sample;
	const struct growth_group *most = NULL;
	uint64_t most_objects = 0;

	for (size_t i = growth_first_group(sample, anchor);
		i < sample->group_count && sample->groups[i].anchor == anchor; i++) {
		const struct growth_group *now = &sample->groups[i];
		const struct growth_group *first = &growth->group_first[i];
		struct growth_item item = {growth->types.names[now->type],
			growth_between(first->objects, now->objects),
			growth_between(first->bytes, now->bytes)};

		if (item.objects > most_objects) {
			most_objects = item.objects;
			most = now;
		}
		if (item.objects == 0)
			continue;
		if (*ret_count < GROWTH_ITEMS_MAX)
			ret[(*ret_count)++] = item;
		else if (item.bytes > ret[GROWTH_ITEMS_MAX - 1].bytes)
			ret[GROWTH_ITEMS_MAX - 1] = item;
		sort_items(ret, *ret_count, sizeof(*ret), compare_items);
	}
	return most;
}

static uint32_t depth_below(const struct dominators *dominators, node_id node, node_id top)
{
	uint32_t depth = 0;

	while (node != top && node != HEAP_ROOT && node != HEAP_NODE_NONE &&
		depth < CHAIN_DEPTH_MAX) {
		node = dominators->idom[node];
		depth++;
	}
	return depth;
}

bool growth_is_chain(
	const struct growth_search *search, const struct growth_group *group, node_id anchor)
{
	const struct dominators *dominators = search->input->dominators;

	return group && (depth_below(dominators, group->lowest, anchor) >= CHAIN_DEPTH_MIN ||
				depth_below(dominators, group->highest, anchor) >= CHAIN_DEPTH_MIN);
}
