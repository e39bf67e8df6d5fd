// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
// One piece of code fills many containers: a list per route, a queue per client, a dict per host
// per region. Each by itself is a small finding with a name like the others'; their holder is the
// one that a person wants to read.
#include "analysis/growth_internal.h"

#include "analysis/growth_anchors.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/sort.h"
#include "base/string_builder.h"

#include <string.h>

// Side by side in one container, so many are a pattern even if each has a name of its own. Where a
// reader cannot tell the names apart (`routes[<str>]`, `queues[3]`), two are.
#define SIBLINGS_MIN 4
#define ALIKE_MIN    2

// A report shows a handful.
#define HOLDERS_MAX 48

// Names are read from the target: so many of the heaviest are asked for theirs.
#define NAMED_MAX 256

// Dicts of dicts of dicts of lists.
#define LEVELS_MAX 4

#define DOMINATORS_MAX (1u << 16)

struct member {
	const struct growth_pick *pick;
	char *signature;
};

struct member_list {
	struct member items[NAMED_MAX];
	size_t count;
};

static bool has_room(const struct growth_search *search)
{
	return search->found.count < HOLDERS_MAX;
}

static node_id node_of(const struct growth_search *search, const struct growth_pick *pick)
{
	return search->growth->sample->tracks[pick->track].node;
}

static uint64_t address_above(const struct growth_search *search, node_id node)
{
	node_id above = search->input->dominators->idom[node];

	return above == HEAP_ROOT ? 0 : growth_address(search->graph, above);
}

// Siblings are bounded if each of them is.
static uint64_t sum_of_bounds(uint64_t a, uint64_t b)
{
	return a == UINT64_MAX || b >= UINT64_MAX - a ? UINT64_MAX : a + b;
}

static struct error *add_part(struct growth_search *search, struct growth_candidate *candidate,
	struct growth_point *points, const struct growth_pick *pick)
{
	const struct growth_track *track = &search->growth->sample->tracks[pick->track];
	const struct growth_point *part = growth_points_of(search, pick->track);

	for (size_t m = 0; m < search->moments; m++) {
		points[m].length += part[m].length;
		points[m].bytes += part[m].bytes;
	}
	if (track->first_seen > candidate->unseen)
		candidate->unseen = track->first_seen;
	candidate->sibling_count++;
	if (candidate->bound != UINT64_MAX)
		candidate->bound =
			sum_of_bounds(candidate->bound, growth_bound(search, track->node));
	if (pick->kind != GROWTH_CONTAINER)
		return NULL;
	return growth_count_new_items(search, candidate, track->node, track->length,
		growth_between(part[0].length, track->length));
}

static void name_siblings(struct growth_search *search, const char *below)
{
	struct growth_candidate *holder = &search->found.items[search->found.count - 1];
	_cleanup_(string_builder_deinit) struct string_builder text = {0};

	string_builder_add_format(&text, "%s[…]%s", holder->path.text, below);
	// Without memory there is no such line.
	holder->siblings = string_builder_finish(&text);
}

static uint64_t grown_at_last(const struct growth_search *search, const struct growth_pick *pick)
{
	const struct growth_point *last =
		&growth_points_of(search, pick->track)[search->moments - 1];

	return growth_between(last[-1].length, last->length);
}

// An insertion sort of the few that grew most, by what they grew in the last interval.
static void choose_growers(const struct growth_search *search, const struct member *members,
	size_t count, struct growth_candidate *ret)
{
	uint64_t grown[GROWTH_GROWERS_MAX] = {0};

	for (size_t i = 0; i < count; i++) {
		uint64_t here = grown_at_last(search, members[i].pick);
		size_t at = ret->grower_count;

		if (at == GROWTH_GROWERS_MAX && here <= grown[--at])
			continue;
		for (; at > 0 && grown[at - 1] < here; at--) {
			grown[at] = grown[at - 1];
			ret->growers[at] = ret->growers[at - 1];
		}
		grown[at] = here;
		ret->growers[at] = search->growth->sample->tracks[members[i].pick->track].address;
		if (ret->grower_count < GROWTH_GROWERS_MAX)
			ret->grower_count++;
	}
}

/** The holder of members[0 … count), which takes @p siblings, their common name, if there is one.
 */
static struct error *add_holder(struct growth_search *search, const struct member *members,
	size_t count, node_id holder, char **siblings)
{
	struct growth_point *points = mem_calloc(search->moments, sizeof(*points));
	struct growth_candidate candidate = {
		.kind = GROWTH_HOLDER,
		.points = points,
		.owner = address_above(search, holder),
		.is_over_siblings = true,
	};
	struct error *err = points ? NULL : error_enomem();

	choose_growers(search, members, count, &candidate);
	for (size_t i = 0; i < count && !err; i++)
		err = add_part(search, &candidate, points, members[i].pick);
	if (err || !growth_holder_grows(search, holder, points)) {
		mem_free(points);
		return err;
	}
	err = growth_add_candidate(search, &candidate, holder);
	if (err) {
		mem_free(points);
		return err;
	}
	if (siblings)
		search->found.items[search->found.count - 1].siblings = take(*siblings);
	else
		name_siblings(search, "");
	return NULL;
}

// ---- side by side --------------------------------------------------------------------------

static int compare_by_owner(const void *left, const void *right)
{
	const struct growth_pick *a = left, *b = right;

	if (a->owner != b->owner)
		return a->owner < b->owner ? -1 : 1;
	return growth_compare_picks(left, right);
}

// The variables of a module or the attributes of an object are findings of their own.
static bool has_named_parts(const struct growth_search *search, const struct growth_pick *pick)
{
	const struct dominators *dominators = search->input->dominators;

	return growth_is_namespace(
		search->graph, dominators, dominators->idom[node_of(search, pick)]);
}

static struct error *add_neighbours(
	struct growth_search *search, struct growth_pick *picks, size_t count)
{
	struct member *members = mem_calloc(count, sizeof(*members));
	node_id holder = search->input->dominators->idom[node_of(search, picks)];
	struct error *err;

	if (!members)
		return error_enomem();
	for (size_t i = 0; i < count; i++) {
		members[i].pick = &picks[i];
		picks[i].is_told = true;
	}
	err = add_holder(search, members, count, holder, NULL);
	mem_free(members);
	return err;
}

static struct error *find_neighbours(struct growth_search *search)
{
	struct growth_pick *picks = search->picks.items;
	struct error *err = NULL;

	sort_items(picks, search->picks.count, sizeof(*picks), compare_by_owner);
	for (size_t i = 0, end; i < search->picks.count && !err; i = end) {
		for (end = i + 1; end < search->picks.count; end++) {
			if (picks[end].owner != picks[i].owner || picks[end].kind != picks[i].kind)
				break;
		}
		if (picks[i].kind != GROWTH_HOLDER && end - i >= SIBLINGS_MIN && has_room(search) &&
			!has_named_parts(search, &picks[i]))
			err = add_neighbours(search, picks + i, end - i);
	}
	return err;
}

// ---- called alike --------------------------------------------------------------------------

static int compare_members(const void *left, const void *right)
{
	const struct member *a = left, *b = right;
	int order = strcmp(a->signature, b->signature);

	return order ? order : growth_compare_picks(a->pick, b->pick);
}

static struct error *name_members(struct growth_search *search, struct member_list *ret)
{
	struct growth_pick *picks = search->picks.items;

	sort_items(picks, search->picks.count, sizeof(*picks), growth_compare_picks);
	for (size_t i = 0; i < search->picks.count && ret->count < NAMED_MAX; i++) {
		struct path_description path = {0};
		char *signature;
		bool is_alike;
		struct error *err;

		if (picks[i].kind == GROWTH_HOLDER || picks[i].is_told)
			continue;
		err = paths_describe(search->input->paths, node_of(search, &picks[i]), &path);
		if (err)
			return err;
		signature = growth_signature(path.text);
		is_alike = signature && strcmp(signature, path.text) != 0;
		path_description_deinit(&path);
		if (!signature)
			return error_enomem();
		// A path without anything that can differ is one place.
		if (is_alike || strstr(signature, "…"))
			ret->items[ret->count++] = (struct member){&picks[i], signature};
		else
			mem_free(signature);
	}
	sort_items(ret->items, ret->count, sizeof(*ret->items), compare_members);
	return NULL;
}

static uint32_t depth_of(const struct dominators *dominators, node_id node)
{
	uint32_t depth = 0;

	while (node != HEAP_ROOT && depth < DOMINATORS_MAX) {
		node = dominators->idom[node];
		depth++;
	}
	return depth;
}

static node_id common_dominator(const struct dominators *dominators, node_id a, node_id b)
{
	uint32_t depth_a = depth_of(dominators, a), depth_b = depth_of(dominators, b);

	for (; a != b; depth_a--, depth_b--) {
		while (depth_a > depth_b) {
			a = dominators->idom[a];
			depth_a--;
		}
		while (depth_b > depth_a) {
			b = dominators->idom[b];
			depth_b--;
		}
		if (a == b || depth_a == 0)
			break;
		a = dominators->idom[a];
		b = dominators->idom[b];
	}
	return a == b ? a : HEAP_ROOT;
}

static bool is_found(const struct growth_search *search, node_id node)
{
	for (size_t i = 0; i < search->found.count; i++) {
		if (search->nodes[i] == node)
			return true;
	}
	return false;
}

// Some running function may have one of them in hand, which then hangs from the root: it is called like
// the others all the same.
static node_id common_holder(
	const struct growth_search *search, const struct member *members, size_t count)
{
	const struct dominators *dominators = search->input->dominators;
	node_id holder = HEAP_ROOT;

	for (size_t i = 0; i < count; i++) {
		node_id node = node_of(search, members[i].pick);

		if (dominators->idom[node] == HEAP_ROOT)
			continue;
		holder = holder == HEAP_ROOT ? node : common_dominator(dominators, holder, node);
		if (holder == HEAP_ROOT)
			break;
	}
	return holder;
}

static struct error *add_alike(struct growth_search *search, struct member *members, size_t count)
{
	node_id holder = common_holder(search, members, count);

	if (holder == HEAP_ROOT || is_found(search, holder))
		return NULL;
	for (size_t i = 0; i < count; i++) {
		if (node_of(search, members[i].pick) == holder)
			return NULL;
	}
	return add_holder(search, members, count, holder, &members[0].signature);
}

static struct error *find_alike(struct growth_search *search)
{
	struct member_list *list = mem_calloc(1, sizeof(*list));
	struct error *err = list ? name_members(search, list) : error_enomem();

	for (size_t i = 0, end; list && i < list->count && !err; i = end) {
		for (end = i + 1; end < list->count; end++) {
			if (list->items[end].pick->kind != list->items[i].pick->kind ||
				strcmp(list->items[end].signature, list->items[i].signature) != 0)
				break;
		}
		if (end - i >= ALIKE_MIN && has_room(search))
			err = add_alike(search, list->items + i, end - i);
	}
	for (size_t i = 0; list && i < list->count; i++)
		mem_free(list->items[i].signature);
	mem_free(list);
	return err;
}

// ---- holders side by side ------------------------------------------------------------------

static struct error *add_level(
	struct growth_search *search, node_id holder, const size_t *parts, size_t count)
{
	struct growth_point *points = mem_calloc(search->moments, sizeof(*points));
	struct growth_candidate candidate = {
		.kind = GROWTH_HOLDER,
		.points = points,
		.owner = address_above(search, holder),
		.is_over_siblings = true,
	};
	const struct growth_candidate *part = &search->found.items[parts[0]];
	size_t length = strlen(part->path.text);
	_cleanup_(mem_free) char *below = NULL;
	struct error *err;

	if (!points)
		return error_enomem();
	// "stats['eu'][…]" has one more level than "stats['eu']".
	if (part->siblings && strncmp(part->siblings, part->path.text, length) == 0)
		below = mem_strdup(part->siblings + length);
	for (size_t i = 0; i < count; i++) {
		part = &search->found.items[parts[i]];
		for (size_t m = 0; m < search->moments; m++) {
			points[m].length += part->points[m].length;
			points[m].bytes += part->points[m].bytes;
		}
		growth_merge_items(&candidate, part);
		if (part->grower_count && candidate.grower_count < GROWTH_GROWERS_MAX)
			candidate.growers[candidate.grower_count++] = part->growers[0];
		candidate.sibling_count += part->sibling_count;
		candidate.bound = sum_of_bounds(candidate.bound, part->bound);
		candidate.unseen =
			part->unseen > candidate.unseen ? part->unseen : candidate.unseen;
	}
	err = growth_add_candidate(search, &candidate, holder);
	if (err)
		mem_free(points);
	else
		name_siblings(search, below ? below : "");
	return err;
}

// Holders from @p first on that hang from the same container as the first of them does.
static size_t list_parts(const struct growth_search *search, size_t first, size_t end, size_t *ret)
{
	const struct dominators *dominators = search->input->dominators;
	node_id holder = dominators->idom[search->nodes[first]];
	size_t count = 0;

	if (growth_is_namespace(search->graph, dominators, holder) || is_found(search, holder))
		return 0;
	for (size_t i = first; i < end; i++) {
		if (dominators->idom[search->nodes[i]] == holder)
			ret[count++] = i;
	}
	return count;
}

static struct error *find_levels(struct growth_search *search)
{
	size_t parts[HOLDERS_MAX + LEVELS_MAX];
	size_t first = 0;

	for (unsigned level = 1; level < LEVELS_MAX; level++) {
		size_t end = search->found.count;

		for (size_t i = first; i < end && has_room(search); i++) {
			size_t count = list_parts(search, i, end, parts);
			struct error *err;

			if (count < SIBLINGS_MIN)
				continue;
			err = add_level(search, search->input->dominators->idom[search->nodes[i]],
				parts, count);
			if (err)
				return err;
		}
		first = end;
	}
	return NULL;
}

struct error *growth_find_siblings(struct growth_search *search)
{
	struct error *err = find_neighbours(search);

	if (!err)
		err = find_alike(search);
	return err ? err : find_levels(search);
}
