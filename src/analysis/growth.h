// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * What keeps growing, over three or more snapshots.
 *
 *	struct growth growth = {0};
 *	growth_add(&growth, &input);    // once per snapshot, while its graph is alive
 *	... growth.view ...             // from the third one on
 *	growth_deinit(&growth);
 *
 * The view is plain data: the moments, and the *candidates*, everything that grew from the first
 * snapshot to the last without shrinking between. Which of them is a leak is decided in suspects.h.
 *
 * Between snapshots only the newest sample is kept, with the history of each of its tracks: 24
 *bytes per track and snapshot. Names are asked for, by reading the target, only for candidates.
 */
#pragma once

#include "analysis/growth_memory.h"
#include "analysis/growth_sample.h"

/** Fewer snapshots cannot tell growth that goes on from growth that happened once. */
#define GROWTH_MOMENTS_MIN 3
#define GROWTH_MOMENTS_MAX 32

/** The process at one snapshot. */
struct growth_moment {
	double at_s;
	uint64_t objects, bytes, tracked; /* what roots reach; on GC lists */
	uint64_t garbage_objects, garbage_bytes, garbage_tracked;
	uint64_t rss_bytes;
	uint64_t threads;
	uint64_t modules;
};

enum growth_kind {
	GROWTH_CONTAINER, /* one container's length */
	GROWTH_BUFFER,    /* one object's bytes */
	GROWTH_HOLDER, /* the objects that belong to one anchor, or retained by what hangs from it
			*/
	GROWTH_TYPE,   /* objects of one type that several hold */
};

struct growth_point {
	/** Container: items; buffer: bytes; holder, type: objects. */
	uint64_t length;
	/** Container, buffer: retained; holder: of its own objects; type: shallow. */
	uint64_t bytes;
};

/** What is newly held: objects of a type. The name is owned by the struct growth. */
struct growth_item {
	const char *type;
	uint64_t objects, bytes;
};

#define GROWTH_ITEMS_MAX    8
#define GROWTH_GROWERS_MAX  4
#define GROWTH_NO_CANDIDATE SIZE_MAX

struct growth_candidate {
	enum growth_kind kind;
	const char *type; /* borrowed, as in struct growth_item */
	struct path_description path;
	/** One per moment. Where it was not seen: below the smallest that is looked at. */
	const struct growth_point *points;
	/** The candidate above, in the dominator tree, whose bytes include the bytes of this one.
	 */
	size_t parent;
	/** The nearest holder above it, whose bytes may end where this one's begin: index + 1; 0 if
	 * there is none. */
	size_t holder;
	/** Type: the candidate that the path of a sample goes through. */
	size_t reached_through;
	/** The immediate dominator: candidates with the same one are siblings. Its name is asked
	 * for when there are many. */
	uint64_t owner;
	/** The smallest bound of the container or of what wraps it, of siblings the sum of theirs; UINT64_MAX if
	 * there is none. */
	uint64_t bound;
	/** New items, most bytes first; and the bytes of all, of whatever type. */
	struct growth_item items[GROWTH_ITEMS_MAX];
	size_t item_count;
	uint64_t item_bytes;
	/** Container: bytes of new items that are held elsewhere too, and so are in no `bytes`. */
	uint64_t shared_bytes;
	/** Items looked at when it was first seen, and those of them it still holds (a holder that
	 * is a container: at the same place). */
	uint32_t probed, survived;
	/** So many moments at the beginning it was not seen at: not there, or below what is looked
	 * at. */
	uint32_t unseen;
	/** Addresses of what is made longer: the container or buffer itself; of siblings those that grew
	 * most in the last interval, most first. None if objects are added in other ways. */
	uint64_t growers[GROWTH_GROWERS_MAX];
	size_t grower_count;
	/** Its address changed: it was replaced by a bigger one. */
	bool is_replaced;
	/** Who owns it changed: if its old items are gone too, another object may have got its
	 * address. */
	bool is_moved;
	/** Keys and values. */
	bool is_mapping;
	/** Holder: a class. */
	bool is_class;
	/** Holder: most objects hang from one another: a linked list. */
	bool is_chain;
	/** Holder: with all that it retains, however deep, not only what belongs to it. */
	bool is_nest;
	/** Holder: what grew are containers (or buffers) below it, each a candidate: how many, and
	 * what all are called, "app.topics[…].subscribers". */
	bool is_over_siblings;
	size_t sibling_count;
	char *siblings;
};

struct growth_view {
	const struct growth_moment *moments;
	size_t moment_count;
	const struct growth_candidate *candidates;
	size_t candidate_count;
	/** Unreachable objects that were not there at the first moment. */
	struct growth_item garbage[GROWTH_ITEMS_MAX];
	size_t garbage_count;
	/** The parts of memory at each moment; borrowed, NULL if they were not looked at. */
	const struct growth_memory *memory;
};

struct growth {
	struct growth_types types;
	struct growth_sample *sample; /* the newest */
	struct growth_point *points;  /* of track t: points[t * moment_count …] */
	struct growth_group
		*group_first; /* of each group in the newest sample: what it was at first */
	struct growth_point *type_points; /* by type number, as points */
	size_t type_count;
	bool *replaced; /* by track */
	struct growth_moment moments[GROWTH_MOMENTS_MAX];
	struct growth_candidate *candidates;
	struct growth_view view;
};

struct growth_input {
	struct growth_sample_input sample;
	double at_s;
	uint64_t rss_bytes, threads;
};

/** At most GROWTH_MOMENTS_MAX times. The graph and what was made from it may go afterwards. */
struct error *growth_add(struct growth *growth, const struct growth_input *input);
void growth_deinit(struct growth *growth);

static inline void cleanup_growth_deinit(struct growth *growth)
{
	growth_deinit(growth);
}

/** Never shrinks, and grows in the last interval and in at least two of three. */
bool growth_is_steady(const uint64_t *values, size_t count);
