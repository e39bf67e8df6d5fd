// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "analysis/growth_sample.h"

#include "analysis/growth_anchors.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/sort.h"
#include "base/vector.h"

#include <stdlib.h>
#include <string.h>

// Anchors retain at least this much, and a 65,536th of the whole, so that there are never more than
// some 10,000 on a level of names.
#define ANCHOR_BYTES_MIN 4096
#define ANCHOR_SHARE     65536

// Describing a path reads the target: only for so many tracks of each kind, the largest.
#define SIGNATURES 48

// An entry takes at least a pointer.
#define BYTES_PER_ITEM 8

#define TRACK_KINDS (GROWTH_TRACK_NEST + 1)

DEFINE_VECTOR(track_vector, struct growth_track)

// Objects and bytes by pair of anchor and type: open addressing, at most half full.
struct group_slot {
	uint32_t anchor, type; /* plus one; 0: free */
	node_id lowest, highest;
	uint64_t objects, bytes;
};

struct group_table {
	struct group_slot *slots;
	size_t count, slot_count;
};

struct maker {
	const struct growth_sample_input *input;
	const struct heap_graph *graph;
	struct growth_types *types;
	struct growth_sample *sample;
	uint32_t *type_of; /* graph's type index → number in types */
	struct growth_anchors anchors;
	struct group_table groups;
	struct track_vector tracks[TRACK_KINDS];
};

uint64_t growth_address(const struct heap_graph *graph, node_id node)
{
	if (node == HEAP_ROOT || node == HEAP_NODE_NONE)
		return 0;
	if (!graph->naming.address)
		return (uint64_t)node << 4;
	return graph->naming.address(graph->naming.context, node);
}

static struct group_slot *find_group(
	const struct group_table *table, uint32_t anchor, uint32_t type)
{
	uint64_t hash = ((uint64_t)anchor << 32 | type) * 0x9e3779b97f4a7c15;
	size_t i = (hash ^ hash >> 32) & (table->slot_count - 1);
	struct group_slot *slot = &table->slots[i];

	while (slot->type && (slot->anchor != anchor || slot->type != type + 1)) {
		i = (i + 1) & (table->slot_count - 1);
		slot = &table->slots[i];
	}
	return slot;
}

static bool grow_groups(struct group_table *table)
{
	struct group_table bigger = {.count = table->count,
		.slot_count = table->slot_count ? table->slot_count * 2 : 4096};

	bigger.slots = mem_calloc(bigger.slot_count, sizeof(*bigger.slots));
	if (!bigger.slots)
		return false;
	for (size_t i = 0; i < table->slot_count; i++) {
		struct group_slot *slot = &table->slots[i];

		if (slot->type)
			*find_group(&bigger, slot->anchor, slot->type - 1) = *slot;
	}
	mem_free(table->slots);
	*table = bigger;
	return true;
}

static struct error *count_in_group(
	struct group_table *table, uint32_t anchor, uint32_t type, node_id node, uint64_t bytes)
{
	struct group_slot *slot;

	if (table->count * 2 >= table->slot_count && !grow_groups(table))
		return error_enomem();
	slot = find_group(table, anchor, type);
	if (!slot->type) {
		*slot = (struct group_slot){.anchor = anchor, .type = type + 1, .lowest = node};
		table->count++;
	}
	slot->highest = node;
	slot->objects++;
	slot->bytes += bytes;
	return NULL;
}

// What several hold, or C code: of each type a sample (reservoir sampling), to be named if the type
// is found to grow. Chance is a hash, so that one graph always gives one answer.
static void keep_example(struct maker *maker, struct growth_type_count *count, node_id node)
{
	uint64_t place = count->of_root;

	if (maker->input->dominators->idom[node] != HEAP_ROOT ||
		heap_has_flag(maker->graph, node, HEAP_NODE_STATIC))
		return;
	count->of_root++;
	if (place >= GROWTH_EXAMPLES)
		place = ((node + place) * 0x9e3779b97f4a7c15 >> 20) % count->of_root;
	if (place < GROWTH_EXAMPLES)
		count->examples[place] = node;
}

static struct error *count_node(struct maker *maker, node_id node, uint64_t bytes)
{
	struct growth_sample *sample = maker->sample;
	uint32_t type = maker->type_of[heap_type_of(maker->graph, node)];
	uint32_t index = growth_anchor_of(&maker->anchors, node);
	struct growth_anchor *anchor = &maker->anchors.list.items[index];
	bool is_tracked = heap_has_flag(maker->graph, node, HEAP_NODE_TRACKED);

	anchor->objects++;
	anchor->bytes += bytes;
	if (index == ANCHOR_GARBAGE) {
		sample->garbage_tracked += is_tracked;
	} else {
		sample->tracked += is_tracked;
		sample->type_counts[type].objects++;
		sample->type_counts[type].bytes += bytes;
		keep_example(maker, &sample->type_counts[type], node);
	}
	return count_in_group(&maker->groups, index, type, node, bytes);
}

static int compare_larger_first(const void *left, const void *right)
{
	const struct growth_track *a = left, *b = right;

	if (a->retained != b->retained)
		return a->retained > b->retained ? -1 : 1;
	return a->address < b->address ? -1 : a->address > b->address;
}

// Keep the largest only, when there are too many.
static void trim(struct track_vector *tracks, size_t limit)
{
	if (tracks->count <= limit)
		return;
	sort_items(tracks->items, tracks->count, sizeof(*tracks->items), compare_larger_first);
	if (tracks->count > GROWTH_TRACKS_MAX)
		tracks->count = GROWTH_TRACKS_MAX;
}

static struct error *add_track(struct maker *maker, struct growth_track track)
{
	struct track_vector *tracks = &maker->tracks[track.kind];
	const struct dominators *dominators = maker->input->dominators;

	track.type = maker->type_of[heap_type_of(maker->graph, track.node)];
	track.address = growth_address(maker->graph, track.node);
	track.owner = growth_address(maker->graph, dominators->idom[track.node]);
	track.retained = dominators_retained(dominators, track.node);
	if (track.kind != GROWTH_TRACK_ANCHOR)
		track.bytes = track.retained;
	if (!track_vector_push(tracks, track))
		return error_enomem();
	trim(tracks, 2 * GROWTH_TRACKS_MAX);
	return NULL;
}

static void probe(const struct heap_graph *graph, struct growth_track *track)
{
	uint32_t count;
	const uint32_t *edges = heap_edges_of(graph, track->node, &count);

	for (uint64_t i = 0; i < GROWTH_PROBES; i++) {
		uint32_t edge = (uint32_t)(i * (count - 1) / (GROWTH_PROBES - 1));
		node_id item = edges[edge] & HEAP_EDGE_NODE;

		if (heap_has_flag(graph, item, HEAP_NODE_STATIC))
			continue;
		track->probe_edges[track->probe_count] = edge;
		track->probes[track->probe_count++] = growth_address(graph, item);
	}
}

static struct error *look_at_container(struct maker *maker, node_id node, uint64_t bytes)
{
	const struct heap_graph *graph = maker->graph;
	struct growth_track track = {.node = node, .kind = GROWTH_TRACK_CONTAINER};
	uint32_t count;

	// Both are known without a look at the target. The size of some queues is that without their items.
	heap_edges_of(graph, node, &count);
	if (count < GROWTH_LENGTH_MIN || (bytes < GROWTH_LENGTH_MIN * BYTES_PER_ITEM &&
						 heap_role_of(graph, node) != HEAP_TYPE_DEQUE))
		return NULL;
	track.length =
		graph->naming.length ? graph->naming.length(graph->naming.context, node) : count;
	if (track.length < GROWTH_LENGTH_MIN)
		return NULL;
	probe(graph, &track);
	return add_track(maker, track);
}

static struct error *look_at_node(struct maker *maker, node_id node)
{
	const struct heap_graph *graph = maker->graph;
	uint64_t bytes = heap_size_of(graph, node);
	enum heap_type_role role = heap_role_of(graph, node);
	struct error *err = count_node(maker, node, bytes);
	uint32_t count;

	if (err || !dominators_is_reachable(maker->input->dominators, node))
		return err;
	maker->sample->modules += heap_has_flag(graph, node, HEAP_NODE_MODULE);
	if (heap_has_flag(graph, node, HEAP_NODE_CONTAINER))
		return look_at_container(maker, node, bytes);
	heap_edges_of(graph, node, &count);
	if (bytes < GROWTH_BUFFER_MIN || (role != HEAP_TYPE_BUFFER && count > 0))
		return NULL;
	return add_track(maker,
		(struct growth_track){.node = node, .kind = GROWTH_TRACK_BUFFER, .length = bytes});
}

static bool is_nest(const struct maker *maker, const struct growth_anchor *anchor)
{
	return anchor->below > 0 && !anchor->has_code &&
	       heap_has_flag(maker->graph, anchor->node, HEAP_NODE_CONTAINER) &&
	       !growth_is_namespace(maker->graph, maker->input->dominators, anchor->node);
}

static struct error *add_anchors(struct maker *maker)
{
	growth_anchors_sum(&maker->anchors, maker->graph);
	for (size_t i = ANCHOR_GARBAGE + 1; i < maker->anchors.list.count; i++) {
		const struct growth_anchor *anchor = &maker->anchors.list.items[i];
		struct growth_track track = {.node = anchor->node,
			.kind = GROWTH_TRACK_ANCHOR,
			.length = anchor->objects,
			.bytes = anchor->bytes};
		struct error *err = add_track(maker, track);

		if (!err && is_nest(maker, anchor)) {
			track.kind = GROWTH_TRACK_NEST;
			track.length += anchor->below;
			err = add_track(maker, track);
		}
		if (err)
			return err;
	}
	return NULL;
}

static struct error *sign_largest(struct maker *maker, struct track_vector *tracks)
{
	sort_items(tracks->items, tracks->count, sizeof(*tracks->items), compare_larger_first);
	if (tracks->count > GROWTH_TRACKS_MAX)
		tracks->count = GROWTH_TRACKS_MAX;
	for (size_t i = 0; i < tracks->count && i < SIGNATURES; i++) {
		struct path_description path = {0};
		struct error *err;

		err = paths_describe(maker->input->paths, tracks->items[i].node, &path);
		if (err)
			return err;
		tracks->items[i].signature = growth_signature(path.text);
		path_description_deinit(&path);
		if (!tracks->items[i].signature)
			return error_enomem();
	}
	return NULL;
}

static int compare_tracks(const void *left, const void *right)
{
	const struct growth_track *a = left, *b = right;

	if (a->address != b->address)
		return a->address < b->address ? -1 : 1;
	return (int)a->kind - (int)b->kind;
}

static struct error *collect_tracks(struct maker *maker)
{
	struct growth_sample *sample = maker->sample;
	size_t count = 0;

	for (int kind = 0; kind < TRACK_KINDS; kind++)
		count += maker->tracks[kind].count;
	sample->tracks = mem_calloc(count, sizeof(*sample->tracks));
	if (!sample->tracks)
		return error_enomem();
	for (int kind = 0; kind < TRACK_KINDS; kind++) {
		struct track_vector *tracks = &maker->tracks[kind];

		if (tracks->count > 0)
			memcpy(sample->tracks + sample->track_count, tracks->items,
				tracks->count * sizeof(*tracks->items));
		sample->track_count += tracks->count;
		tracks->count = 0; // the signatures have moved
	}
	sort_items(sample->tracks, count, sizeof(*sample->tracks), compare_tracks);
	return NULL;
}

static int compare_groups(const void *left, const void *right)
{
	const struct growth_group *a = left, *b = right;

	if (a->anchor != b->anchor)
		return a->anchor < b->anchor ? -1 : 1;
	return a->type < b->type ? -1 : a->type > b->type;
}

static uint64_t anchor_address(const struct maker *maker, uint32_t anchor)
{
	if (anchor == ANCHOR_ROOT)
		return GROWTH_OF_ROOT;
	if (anchor == ANCHOR_GARBAGE)
		return GROWTH_OF_GARBAGE;
	return growth_address(maker->graph, maker->anchors.list.items[anchor].node);
}

static struct error *collect_groups(struct maker *maker)
{
	struct growth_sample *sample = maker->sample;
	const struct group_table *table = &maker->groups;

	sample->groups = mem_calloc(table->count, sizeof(*sample->groups));
	if (!sample->groups)
		return error_enomem();
	for (size_t i = 0; i < table->slot_count; i++) {
		const struct group_slot *slot = &table->slots[i];

		if (!slot->type)
			continue;
		sample->groups[sample->group_count++] = (struct growth_group){
			.anchor = anchor_address(maker, slot->anchor),
			.type = slot->type - 1,
			.lowest = slot->lowest,
			.highest = slot->highest,
			.objects = slot->objects,
			.bytes = slot->bytes,
		};
	}
	sort_items(sample->groups, sample->group_count, sizeof(*sample->groups), compare_groups);
	return NULL;
}

static struct error *number_types(struct maker *maker)
{
	const struct heap_graph *graph = maker->graph;

	maker->type_of = mem_calloc(graph->type_count, sizeof(*maker->type_of));
	if (!maker->type_of)
		return error_enomem();
	for (uint32_t i = 0; i < graph->type_count; i++) {
		const char *name = graph->types[i].name;
		struct error *err =
			growth_types_intern(maker->types, name ? name : "?", &maker->type_of[i]);

		if (err)
			return err;
	}
	maker->sample->type_count = maker->types->count;
	maker->sample->type_counts =
		mem_calloc(maker->types->count, sizeof(*maker->sample->type_counts));
	return maker->sample->type_counts ? NULL : error_enomem();
}

static struct error *make(struct maker *maker)
{
	const struct heap_graph *graph = maker->graph;
	struct growth_sample *sample = maker->sample;
	uint64_t total = dominators_retained(maker->input->dominators, HEAP_ROOT);
	uint64_t bytes_min = total / ANCHOR_SHARE;
	struct error *err = number_types(maker);

	if (err)
		return err;
	if (bytes_min < ANCHOR_BYTES_MIN)
		bytes_min = ANCHOR_BYTES_MIN;
	err = growth_anchors_init(&maker->anchors, graph, maker->input->dominators, bytes_min);
	if (err)
		return err;
	for (node_id node = 1; node < graph->node_count && !err; node++)
		err = look_at_node(maker, node);
	if (!err)
		err = add_anchors(maker);
	for (int kind = 0; kind < TRACK_KINDS && !err; kind++)
		err = sign_largest(maker, &maker->tracks[kind]);
	if (!err)
		err = collect_groups(maker);
	if (err)
		return err;
	for (size_t i = 0; i < maker->anchors.list.count; i++) {
		if (i == ANCHOR_GARBAGE)
			continue;
		sample->objects += maker->anchors.list.items[i].objects;
		sample->bytes += maker->anchors.list.items[i].bytes;
	}
	sample->garbage_objects = maker->anchors.list.items[ANCHOR_GARBAGE].objects;
	sample->garbage_bytes = maker->anchors.list.items[ANCHOR_GARBAGE].bytes;
	return collect_tracks(maker);
}

static void maker_deinit(struct maker *maker)
{
	mem_free(maker->type_of);
	growth_anchors_deinit(&maker->anchors);
	mem_free(maker->groups.slots);
	for (int kind = 0; kind < TRACK_KINDS; kind++) {
		for (size_t i = 0; i < maker->tracks[kind].count; i++)
			mem_free(maker->tracks[kind].items[i].signature);
		track_vector_deinit(&maker->tracks[kind]);
	}
}

struct error *growth_sample_create(const struct growth_sample_input *input,
	struct growth_types *types, struct growth_sample **ret)
{
	_cleanup_(growth_sample_destroy) struct growth_sample *sample =
		mem_calloc(1, sizeof(*sample));
	struct maker maker = {
		.input = input, .graph = input->graph, .types = types, .sample = sample};
	struct error *err;

	if (!sample)
		return error_enomem();
	err = make(&maker);
	maker_deinit(&maker);
	if (err)
		return err;
	*ret = take(sample);
	return NULL;
}

void growth_sample_destroy(struct growth_sample *sample)
{
	if (!sample)
		return;
	for (size_t i = 0; i < sample->track_count; i++)
		mem_free(sample->tracks[i].signature);
	mem_free(sample->tracks);
	mem_free(sample->groups);
	mem_free(sample->type_counts);
	mem_free(sample);
}
