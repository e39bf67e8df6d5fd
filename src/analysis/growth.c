// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "analysis/growth.h"

#include "analysis/growth_internal.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/search.h"
#include "base/sort.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define NO_TRACK UINT32_MAX

// Which track of the sample before is the same thing: old_of[new], and the other way round.
struct link {
	const struct growth_sample *old, *new;
	uint32_t *old_of, *new_of;
};

static void join(struct link *link, size_t new, size_t old)
{
	link->old_of[new] = (uint32_t)old;
	link->new_of[old] = (uint32_t) new;
}

// The same address, kind and type. Both are sorted by address and kind.
static void link_by_address(struct link *link)
{
	const struct growth_track *old = link->old->tracks, *new = link->new->tracks;
	size_t i = 0, k = 0;

	while (i < link->new->track_count && k < link->old->track_count) {
		bool is_before = new[i].address != old[k].address ? new[i].address < old[k].address
								  : new[i].kind < old[k].kind;

		if (new[i].address == old[k].address &&new[i].kind == old[k].kind) {
			if (new[i].type == old[k].type)
				join(link, i, k);
			i++;
			k++;
		} else if (is_before) {
			i++;
		} else {
			k++;
		}
	}
}

struct orphan {
	uint64_t owner;
	uint32_t type, kind, track;
};

static int compare_orphans(const void *left, const void *right)
{
	const struct orphan *a = left, *b = right;

	if (a->owner != b->owner)
		return a->owner < b->owner ? -1 : 1;
	if (a->type != b->type)
		return a->type < b->type ? -1 : 1;
	return a->kind < b->kind ? -1 : a->kind > b->kind;
}

// Tracks that found no partner and have an owner, one of a kind and type under it: the others say
// nothing about who is who.
static struct orphan *find_orphans(
	const struct growth_sample *sample, const uint32_t *partner, size_t *ret_count)
{
	struct orphan *orphans = mem_calloc(sample->track_count, sizeof(*orphans));
	size_t count = 0, kept = 0;

	if (!orphans)
		return NULL;
	for (size_t i = 0; i < sample->track_count; i++) {
		const struct growth_track *track = &sample->tracks[i];

		if (partner[i] == NO_TRACK && track->owner != 0)
			orphans[count++] = (struct orphan){
				track->owner, track->type, track->kind, (uint32_t)i};
	}
	sort_items(orphans, count, sizeof(*orphans), compare_orphans);
	for (size_t i = 0, end; i < count; i = end) {
		end = i + 1;
		while (end < count && compare_orphans(&orphans[i], &orphans[end]) == 0)
			end++;
		if (end == i + 1)
			orphans[kept++] = orphans[i];
	}
	*ret_count = kept;
	return orphans;
}

static struct error *link_by_owner(struct link *link)
{
	size_t new_count, old_count, k = 0;
	_cleanup_(mem_free) struct orphan *new = find_orphans(link->new, link->old_of, &new_count);
	_cleanup_(mem_free) struct orphan *old = find_orphans(link->old, link->new_of, &old_count);

	if (!new || !old)
		return error_enomem();
	for (size_t i = 0; i < new_count; i++) {
		while (k < old_count && compare_orphans(&old[k], &new[i]) < 0)
			k++;
		if (k < old_count && compare_orphans(&old[k], &new[i]) == 0)
			join(link, new[i].track, old[k].track);
	}
	return NULL;
}

static void link_by_signature(struct link *link)
{
	const struct growth_track *old = link->old->tracks, *new = link->new->tracks;

	for (size_t i = 0; i < link->new->track_count; i++) {
		if (!new[i].signature || link->old_of[i] != NO_TRACK)
			continue;
		for (size_t k = 0; k < link->old->track_count; k++) {
			if (old[k].signature && link->new_of[k] == NO_TRACK &&
				old[k].kind == new[i].kind &&old[k].type ==
					new[i].type &&strcmp(old[k].signature, new[i].signature) ==
					0) {
				join(link, i, k);
				break;
			}
		}
	}
}

static struct error *link_samples(struct link *link)
{
	struct error *err;

	memset(link->old_of, 0xff, link->new->track_count * sizeof(*link->old_of));
	memset(link->new_of, 0xff, link->old->track_count * sizeof(*link->new_of));
	link_by_address(link);
	err = link_by_owner(link);
	if (err)
		return err;
	link_by_signature(link);
	return NULL;
}

static struct growth_point point_of(const struct growth_track *track)
{
	return (struct growth_point){track->length, track->bytes};
}

// What a track counts as before it was seen: containers may have been there, shorter.
static struct growth_point point_before(const struct growth_track *track)
{
	if (track->kind != GROWTH_TRACK_CONTAINER)
		return (struct growth_point){0};
	return (struct growth_point){.length = GROWTH_LENGTH_MIN,
		.bytes = (uint64_t)((double)track->bytes * GROWTH_LENGTH_MIN / track->length)};
}

static void carry_points(const struct growth *growth, const struct link *link, size_t moment,
	struct growth_point *ret, bool *ret_replaced)
{
	for (size_t i = 0; i < link->new->track_count; i++) {
		struct growth_track *track = &link->new->tracks[i];
		struct growth_point *points = ret + i * (moment + 1);
		uint32_t old = link->old ? link->old_of[i] : NO_TRACK;

		points[moment] = point_of(track);
		for (size_t m = 0; m < moment; m++)
			points[m] = old == NO_TRACK ? point_before(track)
						    : growth->points[old * moment + m];
		track->first_seen =
			old == NO_TRACK ? (uint32_t)moment : link->old->tracks[old].first_seen;
		if (old == NO_TRACK)
			continue;
		track->is_moved = link->old->tracks[old].is_moved ||
				  link->old->tracks[old].owner != track->owner;
		// The oldest items known: those of the first time it was seen.
		memcpy(track->probes, link->old->tracks[old].probes, sizeof(track->probes));
		memcpy(track->probe_edges, link->old->tracks[old].probe_edges,
			sizeof(track->probe_edges));
		track->probe_count = link->old->tracks[old].probe_count;
		ret_replaced[i] =
			growth->replaced[old] || link->old->tracks[old].address != track->address;
	}
}

static struct growth_group group_at_first(
	const struct growth *growth, uint64_t anchor, uint32_t type)
{
	const struct growth_group *groups = growth->sample->groups;
	size_t low = partition_point(i, growth->sample->group_count,
		groups[i].anchor < anchor || (groups[i].anchor == anchor && groups[i].type < type));

	if (low < growth->sample->group_count && groups[low].anchor == anchor &&
		groups[low].type == type)
		return growth->group_first[low];
	return (struct growth_group){.anchor = anchor, .type = type};
}

// The anchor's address in the sample before.
static uint64_t anchor_before(const struct link *link, uint64_t anchor)
{
	size_t low =
		partition_point(i, link->new->track_count, link->new->tracks[i].address < anchor);

	for (; low < link->new->track_count && link->new->tracks[low].address == anchor; low++) {
		uint32_t old = link->old_of[low];

		if (link->new->tracks[low].kind == GROWTH_TRACK_ANCHOR && old != NO_TRACK)
			return link->old->tracks[old].address;
	}
	return anchor;
}

static void carry_groups(
	const struct growth *growth, const struct link *link, struct growth_group *ret)
{
	for (size_t i = 0; i < link->new->group_count; i++) {
		const struct growth_group *group = &link->new->groups[i];

		ret[i] = link->old ? group_at_first(growth, anchor_before(link, group->anchor),
					     group->type)
				   : *group;
	}
}

static struct error *carry_types(
	struct growth *growth, const struct growth_sample *sample, size_t moment)
{
	size_t count = growth->types.count;
	struct growth_point *points = mem_calloc(count * (moment + 1), sizeof(*points));

	if (!points)
		return error_enomem();
	for (size_t type = 0; type < count; type++) {
		struct growth_point *row = points + type * (moment + 1);

		if (type < growth->type_count && moment > 0)
			memcpy(row, growth->type_points + type * moment, moment * sizeof(*row));
		if (type < sample->type_count)
			row[moment] = (struct growth_point){
				sample->type_counts[type].objects, sample->type_counts[type].bytes};
	}
	mem_free(growth->type_points);
	growth->type_points = points;
	growth->type_count = count;
	return NULL;
}

// Put the new sample in the place of the old one, and extend the histories by it.
static struct error *carry(struct growth *growth, struct growth_sample *sample, size_t moment)
{
	size_t old_count = growth->sample ? growth->sample->track_count : 0;
	_cleanup_(mem_free) uint32_t *old_of = mem_calloc(sample->track_count, sizeof(*old_of));
	_cleanup_(mem_free) uint32_t *new_of = mem_calloc(old_count, sizeof(*new_of));
	_cleanup_(mem_free) struct growth_point *points =
		mem_calloc(sample->track_count * (moment + 1), sizeof(*points));
	_cleanup_(mem_free) struct growth_group *groups =
		mem_calloc(sample->group_count, sizeof(*groups));
	_cleanup_(mem_free) bool *replaced = mem_calloc(sample->track_count, sizeof(*replaced));
	struct link link = {growth->sample, sample, old_of, new_of};
	struct error *err = NULL;

	if (!old_of || !new_of || !points || !groups || !replaced)
		return error_enomem();
	if (growth->sample)
		err = link_samples(&link);
	if (!err)
		err = carry_types(growth, sample, moment);
	if (err)
		return err;
	carry_points(growth, &link, moment, points, replaced);
	carry_groups(growth, &link, groups);
	mem_free(growth->points);
	mem_free(growth->group_first);
	mem_free(growth->replaced);
	growth->points = take(points);
	growth->group_first = take(groups);
	growth->replaced = take(replaced);
	return NULL;
}

struct error *growth_add(struct growth *growth, const struct growth_input *input)
{
	_cleanup_(growth_sample_destroy) struct growth_sample *sample = NULL;
	size_t moment = growth->view.moment_count;
	struct error *err;

	assert(moment < GROWTH_MOMENTS_MAX);
	growth_drop_candidates(growth);
	err = growth_sample_create(&input->sample, &growth->types, &sample);
	if (!err)
		err = carry(growth, sample, moment);
	if (err)
		return err;
	growth_sample_destroy(growth->sample);
	growth->sample = take(sample);
	growth->moments[moment] = (struct growth_moment){
		.at_s = input->at_s,
		.objects = growth->sample->objects,
		.bytes = growth->sample->bytes,
		.tracked = growth->sample->tracked,
		.garbage_objects = growth->sample->garbage_objects,
		.garbage_bytes = growth->sample->garbage_bytes,
		.garbage_tracked = growth->sample->garbage_tracked,
		.rss_bytes = input->rss_bytes,
		.threads = input->threads,
		.modules = growth->sample->modules,
	};
	growth->view.moments = growth->moments;
	growth->view.moment_count = moment + 1;
	if (growth->view.moment_count < GROWTH_MOMENTS_MIN)
		return NULL;
	return growth_find_candidates(growth, &input->sample);
}

void growth_deinit(struct growth *growth)
{
	growth_drop_candidates(growth);
	growth_sample_destroy(growth->sample);
	growth_types_deinit(&growth->types);
	mem_free(growth->points);
	mem_free(growth->group_first);
	mem_free(growth->type_points);
	mem_free(growth->replaced);
	*growth = (struct growth){0};
}

bool growth_is_steady(const uint64_t *values, size_t count)
{
	size_t grown = 0;

	if (count < 2 || values[count - 1] <= values[count - 2])
		return false;
	for (size_t i = 1; i < count; i++) {
		if (values[i] < values[i - 1])
			return false;
		grown += values[i] > values[i - 1];
	}
	return grown * 3 >= (count - 1) * 2;
}
