// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Between growth.c (history), growth_candidates.c (what is worth a closer look),
 * growth_siblings.c (what is one thing in many places), growth_bounds.c (how long it can get) and
 * growth_details.c (the closer look).
 */
#pragma once

#include "analysis/growth.h"
#include "base/vector.h"

/** Fill growth->view from the newest sample and its history, while the graph is there. */
struct error *growth_find_candidates(
	struct growth *growth, const struct growth_sample_input *input);
void growth_drop_candidates(struct growth *growth);

struct growth_pick {
	uint64_t weight;
	uint64_t owner;
	uint32_t track; /* type number for GROWTH_TYPE */
	enum growth_kind kind;
	bool is_told; /* among siblings */
	bool is_nest; /* of a track of that kind */
};

DEFINE_VECTOR(growth_pick_vector, struct growth_pick)
DEFINE_VECTOR(growth_candidate_vector, struct growth_candidate)

/** One look for candidates, while the graph is there. */
struct growth_search {
	struct growth *growth;
	const struct growth_sample_input *input;
	const struct heap_graph *graph;
	size_t moments;
	struct growth_pick_vector picks;
	struct growth_candidate_vector found;
	node_id *nodes; /* of found[i] */
};

static inline const struct growth_point *growth_points_of(
	const struct growth_search *search, uint32_t track)
{
	return search->growth->points + (size_t)track * search->moments;
}

/** By kind, then the heaviest first. */
int growth_compare_picks(const void *left, const void *right);

/** Describe @p node's path and append the candidate. On failure nothing of it was taken. */
struct error *growth_add_candidate(
	struct growth_search *search, struct growth_candidate *candidate, node_id node);

/**
 * Does the nearest container from @p node upwards, as far as one is tracked, grow as steadily as
 * what was found in it, and by half as much at least?
 *
 * Where things come and go, and one gets the address of another, some seem to grow: they were
 * picked because they do, which proves nothing.
 */
bool growth_holder_grows(
	const struct growth_search *search, node_id node, const struct growth_point *found);

/** Candidates for the holders of picks that a reader would not tell apart. Sorts the picks. */
struct error *growth_find_siblings(struct growth_search *search);

static inline uint64_t growth_between(uint64_t first, uint64_t last)
{
	return last > first ? last - first : 0;
}

/** Bytes by which a candidate grew since the first moment. */
static inline uint64_t growth_grown_bytes(
	const struct growth_search *search, const struct growth_candidate *candidate)
{
	return growth_between(
		candidate->points[0].bytes, candidate->points[search->moments - 1].bytes);
}

/** Set each candidate's parent, holder or reached_through, once all are found. */
void growth_find_parents(struct growth_search *search);

/** The interned name of a node's type: types by graph index would differ between snapshots. */
const char *growth_type_name(const struct growth_search *search, node_id node);

/** Add the types of a container's newest items to a candidate: @p added of @p length. */
struct error *growth_count_new_items(const struct growth_search *search,
	struct growth_candidate *candidate, node_id container, uint64_t length, uint64_t added);

/** Add the items of @p part to those of @p candidate. */
void growth_merge_items(struct growth_candidate *candidate, const struct growth_candidate *part);

/** How many of the items known since the container was first seen it still holds. @p in_place: at
 * the same place. An entry that is made right after another is deleted often gets its memory, and
 * so its address; but it comes last. */
void growth_count_survivors(const struct growth_search *search, struct growth_candidate *candidate,
	const struct growth_track *track, bool in_place);

/** The smallest bound of a node and what wraps it, or that its owner has a name and a number for
 * (growth_bounds.c); UINT64_MAX if there is none. */
uint64_t growth_bound(const struct growth_search *search, node_id node);
/** The same by its type alone. What holds it may be one of many, each with a number of its own. */
uint64_t growth_bound_by_type(const struct growth_search *search, node_id node);

/** Index of the first track at an address, or of where it would be. */
size_t growth_first_track(const struct growth_sample *sample, uint64_t address);

/** Index of an anchor's first group, or of where it would be. */
size_t growth_first_group(const struct growth_sample *sample, uint64_t anchor);

/** What of each type an anchor holds more than at first, most bytes first. Returns the group with
 * most new objects, or NULL. */
const struct growth_group *growth_count_group_items(
	const struct growth *growth, uint64_t anchor, struct growth_item *ret, size_t *ret_count);

/** Do the objects of a group hang from one another? */
bool growth_is_chain(
	const struct growth_search *search, const struct growth_group *group, node_id anchor);
