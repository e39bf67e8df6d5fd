// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "analysis/growth_internal.h"

#include "analysis/growth_anchors.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/sort.h"
#include "base/vector.h"

#include <stdlib.h>
#include <string.h>

// Looked at closely: of each kind, those that grew most. A report shows a handful.
#define CANDIDATES_MAX 48

// From an object to the container that it is an entry of: its attributes, its parts.
#define HOLDER_STEPS_MAX 8

// Types on the way from one link of a chain to the next.
#define CHAIN_PERIOD_MAX 8

// Counts of a type that change less than this are everyday noise.
#define TYPE_OBJECTS_MIN 200

static const enum growth_kind kind_of_track[] = {
	[GROWTH_TRACK_CONTAINER] = GROWTH_CONTAINER,
	[GROWTH_TRACK_BUFFER] = GROWTH_BUFFER,
	[GROWTH_TRACK_ANCHOR] = GROWTH_HOLDER,
	[GROWTH_TRACK_NEST] = GROWTH_HOLDER,
};

static bool is_growing(const struct growth_point *points, size_t count, bool by_bytes)
{
	uint64_t values[GROWTH_MOMENTS_MAX];

	for (size_t i = 0; i < count; i++)
		values[i] = by_bytes ? points[i].bytes : points[i].length;
	return growth_is_steady(values, count);
}

static struct error *pick_tracks(struct growth_search *search)
{
	const struct growth_sample *sample = search->growth->sample;

	for (uint32_t i = 0; i < sample->track_count; i++) {
		const struct growth_track *track = &sample->tracks[i];
		const struct growth_point *points = growth_points_of(search, i);
		const struct growth_point *last = points + search->moments - 1;
		struct growth_pick pick = {
			.track = i,
			.owner = track->owner,
			.kind = kind_of_track[track->kind],
			.is_nest = track->kind == GROWTH_TRACK_NEST,
		};

		// What a buffer retains besides its own bytes (an array of objects) is its items.
		if (!is_growing(points, search->moments, pick.kind == GROWTH_HOLDER))
			continue;
		pick.weight = growth_between(points->bytes, last->bytes);
		if (track->kind == GROWTH_TRACK_CONTAINER)
			pick.weight += 8 * growth_between(points->length, last->length);
		if (!growth_pick_vector_push(&search->picks, pick))
			return error_enomem();
	}
	return NULL;
}

int growth_compare_picks(const void *left, const void *right)
{
	const struct growth_pick *a = left, *b = right;

	if (a->kind != b->kind)
		return (int)a->kind - (int)b->kind;
	if (a->weight != b->weight)
		return a->weight > b->weight ? -1 : 1;
	return a->track < b->track ? -1 : a->track > b->track;
}

struct error *growth_add_candidate(
	struct growth_search *search, struct growth_candidate *candidate, node_id node)
{
	struct error *err;
	node_id *nodes;

	nodes = mem_realloc_array(search->nodes, search->found.count + 1, sizeof(*nodes));
	if (!nodes)
		return error_enomem();
	search->nodes = nodes;
	candidate->parent = GROWTH_NO_CANDIDATE;
	candidate->reached_through = GROWTH_NO_CANDIDATE;
	candidate->type = growth_type_name(search, node);
	candidate->is_mapping = heap_role_of(search->graph, node) == HEAP_TYPE_DICT;
	candidate->is_class = heap_has_flag(search->graph, node, HEAP_NODE_TYPE);
	err = paths_describe(search->input->paths, node, &candidate->path);
	if (err)
		return err;
	if (!growth_candidate_vector_push(&search->found, *candidate)) {
		path_description_deinit(&candidate->path);
		return error_enomem();
	}
	nodes[search->found.count - 1] = node;
	return NULL;
}

// The same object seen as a container, if it is one: tracks of one address are neighbours.
static const struct growth_track *as_container(const struct growth_sample *sample, uint32_t index)
{
	uint64_t address = sample->tracks[index].address;

	for (; index > 0 && sample->tracks[index - 1].address == address; index--) {
		if (sample->tracks[index - 1].kind == GROWTH_TRACK_CONTAINER)
			return &sample->tracks[index - 1];
	}
	return NULL;
}

// Where a chain begins. Anchors are some links further down, as a container in a container may be
// anything; but where the way from link to link repeats itself upwards, those are links as well. The
// variables of a module and the attributes of an instance are none.
static node_id chain_top(const struct growth_search *search, node_id node)
{
	const struct heap_graph *graph = search->graph;
	const struct dominators *dominators = search->input->dominators;
	uint32_t period[CHAIN_PERIOD_MAX] = {heap_type_of(graph, node)};
	size_t count = 1, at = 0;
	node_id above = dominators->idom[node];

	for (; count < CHAIN_PERIOD_MAX && above != HEAP_ROOT; above = dominators->idom[above]) {
		if (heap_type_of(graph, above) == period[0])
			break;
		period[count++] = heap_type_of(graph, above);
	}
	if (above == HEAP_ROOT || count == CHAIN_PERIOD_MAX)
		return node;
	for (above = dominators->idom[node]; above != HEAP_ROOT; above = dominators->idom[above]) {
		at = at + 1 == count ? 0 : at + 1;
		if (heap_type_of(graph, above) != period[at] ||
			(heap_role_of(graph, above) != HEAP_TYPE_INSTANCE &&
				growth_is_namespace(graph, dominators, above)))
			break;
		node = above;
	}
	return node;
}

static uint64_t min_bound(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

// The smallest bound on the way from an object up to its holder; none if that is far: a chain is as long as it
// gets, whatever its links have in them.
static uint64_t bound_between(const struct growth_search *search, node_id node, node_id holder)
{
	uint64_t bound = UINT64_MAX;

	for (unsigned i = 0; i < HOLDER_STEPS_MAX && node != holder && node != HEAP_ROOT; i++) {
		bound = min_bound(bound, growth_bound_by_type(search, node));
		node = search->input->dominators->idom[node];
	}
	return node == holder ? bound : UINT64_MAX;
}

// What belongs to a holder may be in containers that are too short to be looked at themselves. If its first
// and its last object are in one with a bound, all of them together have one.
static uint64_t bound_of_entries(
	const struct growth_search *search, const struct growth_group *most, node_id holder)
{
	uint64_t low, high;
	uint32_t count;

	if (!most)
		return UINT64_MAX;
	// It may be one of these itself.
	low = bound_between(search, most->lowest == holder ? most->highest : most->lowest, holder);
	high = bound_between(
		search, most->highest == holder ? most->lowest : most->highest, holder);
	heap_edges_of(search->graph, holder, &count);
	if (low == UINT64_MAX || high == UINT64_MAX || !count)
		return UINT64_MAX;
	low = low > high ? low : high;
	return low < UINT64_MAX / count ? low * count : UINT64_MAX;
}

static struct error *add_track_candidate(
	struct growth_search *search, const struct growth_pick *pick)
{
	const struct growth_track *track = &search->growth->sample->tracks[pick->track];
	const struct growth_point *points = growth_points_of(search, pick->track);
	struct growth_candidate candidate = {
		.kind = pick->kind,
		.points = points,
		.owner = track->owner,
		.bound = UINT64_MAX,
		.is_replaced = search->growth->replaced[pick->track],
		.is_moved = track->is_moved,
		.unseen = track->first_seen,
		.is_nest = pick->is_nest,
	};
	const struct growth_track *container = as_container(search->growth->sample, pick->track);
	const struct growth_group *most;
	struct error *err = NULL;
	node_id node = track->node;

	if (pick->kind != GROWTH_HOLDER || container)
		candidate.growers[candidate.grower_count++] = track->address;
	if (pick->kind == GROWTH_CONTAINER) {
		candidate.bound = growth_bound(search, track->node);
		growth_count_survivors(search, &candidate, track, false);
		err = growth_count_new_items(search, &candidate, track->node, track->length,
			growth_between(points->length, track->length));
	} else if (pick->kind == GROWTH_HOLDER) {
		candidate.bound = growth_bound(search, track->node);
		if (container)
			growth_count_survivors(search, &candidate, container, true);
		most = growth_count_group_items(
			search->growth, track->address, candidate.items, &candidate.item_count);
		// Those are of the anchor alone.
		if (pick->is_nest) {
			candidate.item_count = 0;
			most = NULL;
		}
		candidate.bound = min_bound(candidate.bound, bound_of_entries(search, most, node));
		candidate.is_chain = growth_is_chain(search, most, track->node);
		// Containers in containers are links only if there are very many.
		if (candidate.is_chain || !heap_has_flag(search->graph, node, HEAP_NODE_CONTAINER))
			node = chain_top(search, node);
	}
	if (err)
		return err;
	return growth_add_candidate(search, &candidate, node);
}

static void candidate_deinit(struct growth_candidate *candidate)
{
	path_description_deinit(&candidate->path);
	mem_free(candidate->siblings);
	if (candidate->is_over_siblings)
		mem_free((void *)candidate->points);
}

static void remove_candidate(struct growth_search *search, size_t index)
{
	candidate_deinit(&search->found.items[index]);
	search->found.count--;
	memmove(search->found.items + index, search->found.items + index + 1,
		(search->found.count - index) * sizeof(*search->found.items));
	memmove(search->nodes + index, search->nodes + index + 1,
		(search->found.count - index) * sizeof(*search->nodes));
}

// Of two candidates for one node, is this the worse? A container's new items explain the growth, or
// what its older items have gathered does; then siblings say more than a sum. All that is below a nest is told
// for it only if nothing less is half of that.
static bool is_worse(const struct growth_search *search, const struct growth_candidate *a,
	const struct growth_candidate *b)
{
	node_id node = search->nodes[a - search->found.items];

	if (a->kind == GROWTH_HOLDER && b->kind == GROWTH_HOLDER && a->is_nest != b->is_nest)
		return a->is_nest
			       ? growth_grown_bytes(search, b) * 2 >= growth_grown_bytes(search, a)
			       : !is_worse(search, b, a);
	if (a->kind == GROWTH_CONTAINER)
		return (a->item_bytes + heap_size_of(search->graph, node)) * 2 <
		       growth_grown_bytes(search, b);
	if (b->kind == GROWTH_CONTAINER)
		return !is_worse(search, b, a);
	return growth_grown_bytes(search, a) < growth_grown_bytes(search, b);
}

// A holder's own figures are exact, those of the siblings in it begin when these are seen. If they are half of
// it, they say what it consists of all the same, and where to watch who adds.
static void take_siblings(const struct growth_search *search, struct growth_candidate *holder,
	struct growth_candidate *siblings)
{
	if (holder->kind != GROWTH_HOLDER || holder->is_over_siblings ||
		!siblings->is_over_siblings ||
		growth_grown_bytes(search, siblings) * 2 < growth_grown_bytes(search, holder))
		return;
	holder->siblings = take(siblings->siblings);
	holder->sibling_count = siblings->sibling_count;
	holder->grower_count = siblings->grower_count;
	holder->bound = min_bound(holder->bound, siblings->bound);
	memcpy(holder->growers, siblings->growers, sizeof(holder->growers));
}

// A container that is an anchor too was found twice.
static void drop_twins(struct growth_search *search)
{
	for (size_t i = 0; i < search->found.count; i++) {
		for (size_t k = i + 1; k < search->found.count; k++) {
			if (search->nodes[i] != search->nodes[k])
				continue;
			if (is_worse(search, &search->found.items[i], &search->found.items[k])) {
				take_siblings(
					search, &search->found.items[k], &search->found.items[i]);
				remove_candidate(search, i--);
				break;
			}
			take_siblings(search, &search->found.items[i], &search->found.items[k]);
			remove_candidate(search, k--);
		}
	}
}

static const struct growth_point *points_of_container(
	const struct growth_search *search, uint64_t address)
{
	const struct growth_sample *sample = search->growth->sample;
	size_t low = growth_first_track(sample, address);

	for (; low < sample->track_count && sample->tracks[low].address == address; low++) {
		if (sample->tracks[low].kind == GROWTH_TRACK_CONTAINER)
			return growth_points_of(search, (uint32_t)low);
	}
	return NULL;
}

bool growth_holder_grows(
	const struct growth_search *search, node_id node, const struct growth_point *found)
{
	const struct dominators *dominators = search->input->dominators;
	const struct growth_point *own = NULL;
	size_t last = search->moments - 1;
	uint64_t bytes[GROWTH_MOMENTS_MAX];

	for (unsigned i = 0; i < HOLDER_STEPS_MAX && node != HEAP_ROOT && !own; i++) {
		own = points_of_container(search, growth_address(search->graph, node));
		node = dominators->idom[node];
	}
	if (!own)
		return true;
	for (size_t m = 0; m <= last; m++)
		bytes[m] = own[m].bytes;
	return growth_is_steady(bytes, search->moments) &&
	       growth_between(own[0].bytes, own[last].bytes) * 2 >=
		       growth_between(found[0].bytes, found[last].bytes);
}

static bool is_exchanged(const struct growth_search *search, const struct growth_pick *pick)
{
	const struct growth_track *track = &search->growth->sample->tracks[pick->track];

	// A container's items tell whether it is the same.
	return pick->kind == GROWTH_BUFFER &&
	       !growth_holder_grows(search, search->input->dominators->idom[track->node],
		       growth_points_of(search, pick->track));
}

static struct error *find_tracks(struct growth_search *search)
{
	struct growth_pick *picks = search->picks.items;
	size_t of_kind = 0;

	sort_items(picks, search->picks.count, sizeof(*picks), growth_compare_picks);
	for (size_t i = 0; i < search->picks.count; i++) {
		struct error *err;

		of_kind = i > 0 && picks[i].kind == picks[i - 1].kind ? of_kind + 1 : 0;
		if (of_kind >= CANDIDATES_MAX || is_exchanged(search, &picks[i]))
			continue;
		err = add_track_candidate(search, &picks[i]);
		if (err)
			return err;
	}
	return NULL;
}

static uint64_t grown_of_root(const struct growth *growth, uint32_t type)
{
	const struct growth_sample *sample = growth->sample;

	for (size_t i = growth_first_group(sample, GROWTH_OF_ROOT);
		i < sample->group_count && sample->groups[i].anchor == GROWTH_OF_ROOT; i++) {
		if (sample->groups[i].type == type)
			return growth_between(
				growth->group_first[i].objects, sample->groups[i].objects);
	}
	return 0;
}

// New objects are held in the same way, old ones each in its own: the way that most of a sample is
// held stands for the new ones. One that holds a single object of the sample says nothing.
static struct error *choose_example(
	const struct growth_search *search, const struct growth_type_count *count, node_id *ret)
{
	size_t examples = count->of_root < GROWTH_EXAMPLES ? count->of_root : GROWTH_EXAMPLES;
	char *signatures[GROWTH_EXAMPLES] = {0};
	unsigned votes[GROWTH_EXAMPLES] = {0}, most = 1;
	struct error *err = NULL;

	for (size_t i = 0; i < examples && !err; i++) {
		struct path_description path = {0};

		err = paths_describe(search->input->paths, count->examples[i], &path);
		if (err)
			break;
		signatures[i] = growth_signature(path.text);
		path_description_deinit(&path);
		if (!signatures[i])
			err = error_enomem();
	}
	for (size_t i = 0; i < examples && !err; i++) {
		for (size_t k = 0; k < examples; k++)
			votes[i] += strcmp(signatures[i], signatures[k]) == 0;
		if (votes[i] > most) {
			most = votes[i];
			*ret = count->examples[i];
		}
	}
	for (size_t i = 0; i < examples; i++)
		mem_free(signatures[i]);
	return err;
}

// Types whose growth has no single holder: most new objects have several.
static struct error *find_types(struct growth_search *search)
{
	const struct growth *growth = search->growth;
	const struct growth_sample *sample = growth->sample;
	size_t found = 0;

	for (uint32_t type = 0; type < sample->type_count && found < CANDIDATES_MAX; type++) {
		const struct growth_point *points = growth->type_points + type * search->moments;
		uint64_t added =
			growth_between(points[0].length, points[search->moments - 1].length);
		const struct growth_type_count *count = &sample->type_counts[type];
		struct growth_candidate candidate = {
			.kind = GROWTH_TYPE, .points = points, .bound = UINT64_MAX};
		node_id example = HEAP_NODE_NONE;
		struct error *err;

		if (added < TYPE_OBJECTS_MIN || !is_growing(points, search->moments, false) ||
			grown_of_root(growth, type) * 2 < added)
			continue;
		err = choose_example(search, count, &example);
		if (err)
			return err;
		if (example == HEAP_NODE_NONE)
			continue;
		err = growth_add_candidate(search, &candidate, example);
		if (err)
			return err;
		found++;
	}
	return NULL;
}

static void search_deinit(struct growth_search *search)
{
	growth_pick_vector_deinit(&search->picks);
	mem_free(search->nodes);
}

struct error *growth_find_candidates(struct growth *growth, const struct growth_sample_input *input)
{
	struct growth_search search = {.growth = growth,
		.input = input,
		.graph = input->graph,
		.moments = growth->view.moment_count};
	struct error *err = pick_tracks(&search);

	if (!err)
		err = growth_find_siblings(&search);
	if (!err)
		err = find_tracks(&search);
	if (!err) {
		drop_twins(&search);
		err = find_types(&search);
	}
	if (!err)
		growth_find_parents(&search);
	growth->candidates = search.found.items;
	growth->view.candidates = search.found.items;
	growth->view.candidate_count = search.found.count;
	growth_count_group_items(
		growth, GROWTH_OF_GARBAGE, growth->view.garbage, &growth->view.garbage_count);
	search_deinit(&search);
	return err;
}

void growth_drop_candidates(struct growth *growth)
{
	for (size_t i = 0; i < growth->view.candidate_count; i++)
		candidate_deinit(&growth->candidates[i]);
	mem_free(growth->candidates);
	growth->candidates = NULL;
	growth->view.candidates = NULL;
	growth->view.candidate_count = 0;
	growth->view.garbage_count = 0;
}
