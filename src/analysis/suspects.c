// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "analysis/suspects.h"

#include "analysis/suspects_internal.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/sort.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A single child that accounts for this much of its parent's growth is where it accumulates.
#define EXPLAINS 0.7

// One sibling with this much of the growth is no pattern of many; of two or three, with this many
// times its even share.
#define SIBLING_STANDS_OUT 0.5
#define SIBLING_UNEVEN     1.5

#define ENTRIES_MIN 4

// What remains of a parent's growth, its children's taken off, is told if it is this much of it.
#define REMAINDER 0.3

// Less than this against the first suspect is not worth a line.
#define AGAINST_FIRST 0.01

// Warm-up: the last interval's rate against the first one's.
#define SLOWING         0.25
#define SLOWING_LIBRARY 0.5

// Groups of objects wander more than one container does.
#define HOLDER_STEADINESS_MIN 0.2
// What an item consists of: a tuple of two strings is three objects.
#define PARTS_OF_ITEM_MAX     3
#define TYPE_STEADINESS_MIN   0.4

// Containers that are said to be filled by the same code have had so many equal steps, but for
// those of other uses of the same thing: a handful of tasks that come and go, say.
#define IN_STEP_ITEMS_MIN     32
#define IN_STEP_INTERVALS_MIN 2
#define IN_STEP_OFF_ITEMS     2
#define IN_STEP_OFF_SHARE     0.01

// So many modules imported in the last interval, and this share of all: the process is starting up,
// unless they come as steadily as requests do.
#define IMPORTED_MIN    8
#define IMPORTED_SHARE  0.02
#define IMPORTED_STEADY 0.5

// Classes' lists of subclasses hold weak references: they follow the classes, which others hold.
#define SUBCLASSES  ".__subclasses__"
#define BOOKKEEPING 0.3

// CPython considers a full collection after 11 of the second generation, each after 11 of the first,
// each after 2000 objects more (3.13; 700 before), and starts it once what survived the younger ones
// exceeds a quarter of what survived the last full one. What lives for some seconds and then dies in a
// cycle, as sessions do, waits for that.
#define GARBAGE_TRACKED_MIN (2000 * 11 * 11)
#define GARBAGE_SHARE       4
#define GARBAGE_BYTES_MIN   65536

// References that C code keeps for good reasons come and go with other objects: a leak of them is most of
// what grows. C libraries' buffers and caches breathe by some hundreds of kilobytes.
#define REFERENCES_SHARE_MIN 0.5
#define NATIVE_BYTES_MIN     ((uint64_t)512 << 10)
#define HELD_BY_C_CODE       "held by C code"

static const struct {
	const char *name;
	double confidence;
} kinds[] = {
	[SUSPECT_CONTAINER] = {"container", 0.95},
	[SUSPECT_HOLDER] = {"holder", 0.85},
	[SUSPECT_CHAIN] = {"chain", 0.85},
	[SUSPECT_BUFFER] = {"buffer", 0.9},
	[SUSPECT_TYPE] = {"type", 0.6},
	[SUSPECT_GARBAGE] = {"garbage-cycles", 0.8},
	[SUSPECT_THREAD] = {"thread", 0.85},
	[SUSPECT_REFERENCES] = {"unexplained-references", 0.8},
	[SUSPECT_NATIVE] = {"native", 0.7},
};

const char *suspect_kind_name(enum suspect_kind kind)
{
	return kinds[kind].name;
}

static uint64_t grown(uint64_t first, uint64_t last)
{
	return last > first ? last - first : 0;
}

bool suspects_is_dict(const struct growth_candidate *candidate)
{
	return candidate->kind == GROWTH_CONTAINER &&
	       (candidate->is_mapping || strcasestr(candidate->type, "dict") ||
		       strcasestr(candidate->type, "cache"));
}

// A holder's bytes jump when a table in it is resized; its objects, if they grow, tell the pace.
static bool is_by_bytes(const struct court *court, const struct trial *trial)
{
	uint64_t objects[GROWTH_MOMENTS_MAX];

	if (trial->kind != SUSPECT_HOLDER && trial->kind != SUSPECT_CHAIN)
		return false;
	for (size_t i = 0; i < court->view->moment_count; i++)
		objects[i] = trial->candidate->points[i].length;
	return !growth_is_steady(objects, court->view->moment_count);
}

static uint64_t value_at(const struct trial *trial, size_t moment)
{
	const struct growth_point *point = &trial->candidate->points[moment];

	return trial->is_by_bytes ? point->bytes : point->length;
}

// Rates per interval: their spread, and whether the growth comes to rest.
static bool is_slowing(const struct court *court, struct trial *trial)
{
	const struct growth_moment *moments = court->view->moments;
	double fastest = 0, slowest = -1, early = 0, rate = 0;

	trial->intervals = (unsigned)court->view->moment_count - 1;
	for (unsigned i = 0; i < trial->intervals; i++) {
		double seconds = moments[i + 1].at_s - moments[i].at_s;
		uint64_t step = grown(value_at(trial, i), value_at(trial, i + 1));

		rate = step / (seconds > 0 ? seconds : 1);
		trial->growing_intervals += step > 0;
		fastest = rate > fastest ? rate : fastest;
		// Before it was seen it counts as the longest that goes unseen: that step is too
		// small.
		if ((i >= trial->candidate->unseen || trial->candidate->is_over_siblings) &&
			(slowest < 0 || rate < slowest))
			slowest = rate;
		if (i <= (trial->intervals - 1) / 2 && rate > early)
			early = rate;
	}
	trial->steadiness = fastest > 0 && slowest > 0 ? slowest / fastest : 0;
	return rate < early * (trial->candidate->path.is_user_code ? SLOWING : SLOWING_LIBRARY);
}

bool suspects_is_importing(const struct court *court)
{
	const struct growth_moment *last = &court->view->moments[court->view->moment_count - 1];
	uint64_t imported = grown(last[-1].modules, last->modules);

	return imported >= IMPORTED_MIN && imported >= last->modules * IMPORTED_SHARE;
}

// While modules are imported, what libraries keep about themselves grows as well: caches of
// patterns, of files, of classes. If imports are the leak, sys.modules tells.
static bool is_start_up(const struct court *court, const struct trial *trial)
{
	if (trial->candidate->path.is_user_code || !suspects_is_importing(court))
		return false;
	return strcmp(trial->candidate->path.text, "sys.modules") != 0 ||
	       trial->steadiness < IMPORTED_STEADY;
}

static bool is_shrinking(const struct court *court, const struct trial *trial)
{
	uint64_t values[GROWTH_MOMENTS_MAX];

	for (size_t i = 0; i < court->view->moment_count; i++)
		values[i] = value_at(trial, i);
	return !growth_is_steady(values, court->view->moment_count);
}

// Most of what it held is gone, and all objects together did not grow by as much; or all is gone,
// and somebody else owns it: another object of the same kind, at the same address, while others
// shrank.
static bool is_another(const struct court *court, const struct trial *trial)
{
	const struct growth_candidate *candidate = trial->candidate;

	if (candidate->kind != GROWTH_CONTAINER || candidate->probed < 3)
		return false;
	return (candidate->survived * 2 < candidate->probed && trial->bytes > court->total_bytes) ||
	       (candidate->survived == 0 && candidate->is_moved);
}

// A container that doubled has more than its old items' successors. What a holder's entries consist
// of may have, while they were exchanged for others: its own length would tell.
static bool is_churning(const struct court *court, const struct trial *trial)
{
	const struct growth_candidate *candidate = trial->candidate;

	if (is_another(court, trial))
		return true;
	return candidate->probed >= 3 && candidate->survived * 2 < candidate->probed &&
	       (candidate->kind == GROWTH_HOLDER || trial->length_last < 2 * trial->length_first);
}

static bool is_noise(const struct trial *trial)
{
	uint64_t length = grown(trial->length_first, trial->length_last);

	switch (trial->kind) {
	case SUSPECT_CONTAINER:
		return length < SUSPECTS_CONTAINER_ITEMS_MIN ||
		       trial->bytes < SUSPECTS_CONTAINER_BYTES_MIN ||
		       trial->bytes_per_minute < SUSPECTS_BYTES_PER_MINUTE_MIN;
	case SUSPECT_BUFFER:
		return trial->bytes < SUSPECTS_BUFFER_BYTES_MIN;
	case SUSPECT_HOLDER:
	case SUSPECT_CHAIN:
		return length < SUSPECTS_HOLDER_OBJECTS_MIN ||
		       trial->bytes < SUSPECTS_HOLDER_BYTES_MIN ||
		       trial->steadiness < HOLDER_STEADINESS_MIN;
	case SUSPECT_TYPE:
		return length < SUSPECTS_TYPE_OBJECTS_MIN ||
		       trial->share < SUSPECTS_TYPE_SHARE_MIN ||
		       trial->steadiness < TYPE_STEADINESS_MIN;
	case SUSPECT_THREAD:
		return length < SUSPECTS_THREADS_MIN;
	case SUSPECT_GARBAGE:
		return trial->bytes < GARBAGE_BYTES_MIN;
	case SUSPECT_REFERENCES:
		return length < SUSPECTS_HOLDER_OBJECTS_MIN ||
		       trial->bytes < SUSPECTS_HOLDER_BYTES_MIN ||
		       trial->share < REFERENCES_SHARE_MIN ||
		       trial->steadiness < TYPE_STEADINESS_MIN;
	case SUSPECT_NATIVE:
		return trial->bytes < NATIVE_BYTES_MIN || trial->steadiness < TYPE_STEADINESS_MIN;
	}
	return true;
}

static void set_bytes(const struct court *court, struct trial *trial, uint64_t bytes)
{
	uint64_t total = court->total_bytes > bytes ? court->total_bytes : bytes;

	trial->bytes = bytes;
	trial->bytes_per_minute = bytes / court->seconds * 60;
	trial->share = total ? (double)bytes / total : 0;
}

static void measure(const struct court *court, struct trial *trial)
{
	const struct growth_candidate *candidate = trial->candidate;
	const struct growth_point *first = candidate->points;
	const struct growth_point *last = first + court->view->moment_count - 1;
	uint64_t own = grown(first->bytes, last->bytes), shared = candidate->shared_bytes;

	trial->length_first = first->length;
	trial->length_last = last->length;
	trial->rate = grown(first->length, last->length) / court->seconds;
	// Items that are held elsewhere too may have been there before: they cannot be more than
	// all objects have grown by.
	if (shared > grown(own, court->total_bytes))
		shared = grown(own, court->total_bytes);
	set_bytes(court, trial, own + shared);
}

// What it would take if it were filled with more of what it was filled with meanwhile.
static uint64_t bound_bytes(const struct trial *trial)
{
	uint64_t length = grown(trial->length_first, trial->length_last);
	double each = length ? (double)trial->bytes / length : 0;
	double bytes = each * grown(trial->length_last, trial->candidate->bound);

	return trial->candidate->bound == UINT64_MAX || bytes >= 0x1p63 ? UINT64_MAX
									: (uint64_t)bytes;
}

// A bound that is beyond the memory there is bounds nothing: the process is killed before.
static uint64_t memory_max(const struct court *court)
{
	const struct growth_memory *memory = court->view->memory;

	if (!memory || !memory->moment_count)
		return UINT64_MAX;
	return memory->moments[memory->moment_count - 1].headroom_bytes;
}

static void try_one(const struct court *court, struct trial *trial)
{
	measure(court, trial);
	trial->is_by_bytes = is_by_bytes(court, trial);
	trial->bound_bytes = bound_bytes(trial);
	if (trial->candidate->bound != UINT64_MAX && trial->bound_bytes <= memory_max(court))
		trial->fate = FATE_BOUNDED;
	else if (is_shrinking(court, trial))
		trial->fate = FATE_NOISE;
	else if (is_slowing(court, trial) || is_start_up(court, trial))
		trial->fate = FATE_SLOWING;
	else if (is_noise(trial))
		trial->fate = FATE_NOISE;
	else if (is_churning(court, trial))
		trial->fate = FATE_CHURNING;
}

static size_t depth_of(const struct court *court, size_t index)
{
	size_t depth = 0;

	while (depth < court->count &&
		court->trials[index].candidate->parent != GROWTH_NO_CANDIDATE) {
		index = court->trials[index].candidate->parent;
		depth++;
	}
	return depth;
}

static bool is_below(const struct court *court, size_t index, size_t above)
{
	for (size_t i = 0; i < court->count && index != GROWTH_NO_CANDIDATE; i++) {
		index = court->trials[index].candidate->parent;
		if (index == above)
			return true;
	}
	return false;
}

// "service.sessions[28]" is an entry of "service.sessions".
static bool is_entry_of(const struct trial *trial, const struct trial *holder)
{
	const char *path = trial->candidate->path.text, *above = holder->candidate->path.text;
	size_t length = strlen(above);

	return length > 0 && strncmp(path, above, length) == 0 && path[length] == '[';
}

static size_t count_entries(const struct court *court, size_t parent)
{
	size_t count = 0;

	for (size_t i = 0; i < court->count; i++)
		count += court->trials[i].fate == FATE_SUSPECT && is_below(court, i, parent) &&
			 is_entry_of(&court->trials[i], &court->trials[parent]);
	return count;
}

// Entries of one holder that grow, none much more than the others, are what the holder is told for.
static void explain_entries(struct court *court, size_t parent)
{
	const struct trial *holder = &court->trials[parent];

	// Of a structure with names, a few entries that grow are findings of their own.
	if (holder->candidate->is_nest && count_entries(court, parent) < ENTRIES_MIN)
		return;
	for (size_t i = 0; i < court->count; i++) {
		struct trial *trial = &court->trials[i];

		if (trial->fate == FATE_SUSPECT && is_below(court, i, parent) &&
			is_entry_of(trial, holder) &&
			trial->bytes < holder->bytes * SIBLING_STANDS_OUT)
			trial->fate = FATE_EXPLAINED;
	}
}

static bool are_as_long(
	const struct court *court, const struct trial *a, const struct trial *b, size_t first)
{
	const struct growth_point *p = a->candidate->points, *q = b->candidate->points;

	for (size_t i = first; i < court->view->moment_count; i++) {
		uint64_t most = p[i].length > q[i].length ? p[i].length : q[i].length;

		if (2 * most - p[i].length - q[i].length > IN_STEP_OFF_ITEMS)
			return false;
	}
	return true;
}

// As far as both were seen: before, a container counts as the longest that goes unseen. Where that leaves
// a single interval, they must be of one length besides.
static bool is_in_step(const struct court *court, const struct trial *a, const struct trial *b)
{
	const struct growth_point *p = a->candidate->points, *q = b->candidate->points;
	size_t first = a->candidate->unseen > b->candidate->unseen ? a->candidate->unseen
								   : b->candidate->unseen;

	for (size_t i = first + 1; i < court->view->moment_count; i++) {
		uint64_t step = p[i].length - p[i - 1].length;
		uint64_t other = q[i].length - q[i - 1].length;
		uint64_t off = step > other ? step - other : other - step;

		if (off > IN_STEP_OFF_ITEMS && off > step * IN_STEP_OFF_SHARE)
			return false;
	}
	if (court->view->moment_count - first > IN_STEP_INTERVALS_MIN)
		return true;
	return court->view->moment_count - first == IN_STEP_INTERVALS_MIN &&
	       are_as_long(court, a, b, first);
}

// An index of what the parent holds itself, inside one of its items: each thing comes into both,
// and both have to let go of it. The parent is the one to tell.
static void explain_index(const struct court *court, struct trial *parent, struct trial *index)
{
	uint64_t own = grown(index->candidate->points[0].bytes,
		index->candidate->points[court->view->moment_count - 1].bytes);

	if (parent->kind != SUSPECT_CONTAINER || index->kind != SUSPECT_CONTAINER ||
		index->candidate->shared_bytes <= own || !is_in_step(court, parent, index))
		return;
	index->fate = FATE_EXPLAINED;
	parent->in_step = index->candidate;
}

static bool stands_out(const struct trial *holder, uint64_t bytes)
{
	size_t count = holder->candidate->sibling_count;
	double even = count ? SIBLING_UNEVEN / count : 0;

	return bytes >= holder->bytes * (even > SIBLING_STANDS_OUT ? even : SIBLING_STANDS_OUT);
}

// What a holder has besides the suspects below it is a finding of its own only if that, too, grew all
// the time: the growth of the others must not lend it their pace.
static bool is_steady_without(const struct court *court, size_t parent)
{
	const struct growth_moment *moments = court->view->moments;
	uint64_t rest[GROWTH_MOMENTS_MAX];
	double fastest = 0, slowest = -1;

	for (size_t m = 0; m < court->view->moment_count; m++) {
		uint64_t others = 0;

		for (size_t i = 0; i < court->count; i++) {
			if (court->trials[i].fate == FATE_SUSPECT && is_below(court, i, parent))
				others += court->trials[i].candidate->points[m].bytes;
		}
		rest[m] = grown(others, court->trials[parent].candidate->points[m].bytes);
	}
	for (size_t m = 1; m < court->view->moment_count; m++) {
		double seconds = moments[m].at_s - moments[m - 1].at_s;
		double rate = grown(rest[m - 1], rest[m]) / (seconds > 0 ? seconds : 1);

		fastest = rate > fastest ? rate : fastest;
		slowest = slowest < 0 || rate < slowest ? rate : slowest;
	}
	return growth_is_steady(rest, court->view->moment_count) &&
	       slowest >= fastest * HOLDER_STEADINESS_MIN;
}

// Did so many objects of a type come with the items of some suspect below: one, two or three each?
static bool comes_with_items(const struct court *court, size_t parent, uint64_t objects)
{
	for (size_t i = 0; i < court->count; i++) {
		const struct trial *trial = &court->trials[i];
		uint64_t items = grown(trial->length_first, trial->length_last);

		if (trial->fate != FATE_SUSPECT || trial->kind != SUSPECT_CONTAINER || !items ||
			(!is_below(court, i, parent) && trial->candidate->holder != parent + 1))
			continue;
		for (uint64_t each = 1; each <= PARTS_OF_ITEM_MAX; each++) {
			uint64_t off = objects > each * items ? objects - each * items
							      : each * items - objects;

			if (off * 10 <= items)
				return true;
		}
	}
	return false;
}

// A holder's objects are counted with those of the containers in it. Without them, are there enough?
static bool has_own_objects(const struct court *court, size_t parent)
{
	const struct growth_candidate *candidate = court->trials[parent].candidate;
	uint64_t all = 0, own = 0;

	for (size_t i = 0; i < candidate->item_count; i++) {
		all += candidate->items[i].objects;
		if (!comes_with_items(court, parent, candidate->items[i].objects))
			own += candidate->items[i].objects;
	}
	return candidate->item_count == 0 ||
	       (own >= SUSPECTS_HOLDER_OBJECTS_MIN && own >= all * REMAINDER);
}

// Does what was found to be no leak account for what a nest grew by?
static bool is_innocent(const struct court *court, size_t parent)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < court->count; i++) {
		const struct trial *trial = &court->trials[i];

		if ((trial->fate == FATE_BOUNDED || trial->fate == FATE_SLOWING ||
			    trial->fate == FATE_CHURNING) &&
			court->trials[i].candidate->parent == parent)
			sum += trial->bytes;
	}
	return sum >= court->trials[parent].bytes * REMAINDER;
}

// Among the suspects below a parent none is below another any more than the other's remainder says:
// their bytes add up.
static void weigh_parent(struct court *court, size_t parent)
{
	struct trial *trial = &court->trials[parent];
	uint64_t sum = 0, biggest = 0;
	bool over_siblings = trial->candidate->is_over_siblings;

	if (trial->fate != FATE_SUSPECT)
		return;
	if (trial->kind == SUSPECT_HOLDER)
		explain_entries(court, parent);
	for (size_t i = 0; i < court->count; i++) {
		if (court->trials[i].fate == FATE_SUSPECT && is_below(court, i, parent))
			explain_index(court, trial, &court->trials[i]);
		if (court->trials[i].fate != FATE_SUSPECT || !is_below(court, i, parent))
			continue;
		sum += court->trials[i].bytes;
		if (court->trials[i].bytes > biggest)
			biggest = court->trials[i].bytes;
	}
	if (over_siblings && !stands_out(trial, biggest)) {
		for (size_t i = 0; i < court->count; i++) {
			if (court->trials[i].fate == FATE_SUSPECT && is_below(court, i, parent))
				court->trials[i].fate = FATE_EXPLAINED;
		}
		return;
	}
	if (trial->candidate->is_nest && is_innocent(court, parent)) {
		trial->fate = FATE_EXPLAINED;
		return;
	}
	if (sum == 0) {
		if (trial->kind == SUSPECT_HOLDER && !has_own_objects(court, parent))
			trial->fate = FATE_EXPLAINED;
		return;
	}
	if (sum >= trial->bytes * EXPLAINS || grown(sum, trial->bytes) < trial->bytes * REMAINDER) {
		trial->fate = FATE_EXPLAINED;
		return;
	}
	if (trial->kind == SUSPECT_HOLDER &&
		(!is_steady_without(court, parent) || !has_own_objects(court, parent))) {
		trial->fate = FATE_EXPLAINED;
		return;
	}
	set_bytes(court, trial, trial->bytes - sum);
	if (is_noise(trial))
		trial->fate = FATE_EXPLAINED;
}

static void weigh_parents(struct court *court)
{
	size_t deepest = 0;

	for (size_t i = 0; i < court->count; i++) {
		size_t depth = depth_of(court, i);

		deepest = depth > deepest ? depth : deepest;
	}
	for (size_t depth = deepest + 1; depth-- > 0;) {
		for (size_t i = 0; i < court->count; i++) {
			if (depth_of(court, i) == depth)
				weigh_parent(court, i);
		}
	}
}

// A WeakValueDictionary, a list of handlers by weak reference: it follows what others hold.
static bool holds_weakly(const struct court *court, const struct growth_candidate *candidate)
{
	const struct growth_point *points = candidate->points;
	uint64_t length = grown(points[0].length, points[court->view->moment_count - 1].length);

	for (size_t i = 0; i < candidate->item_count; i++) {
		// weakref.KeyedRef, weakref.ReferenceType; weakref up to 3.8
		if (strncmp(candidate->items[i].type, "weakref", strlen("weakref")) == 0 &&
			candidate->items[i].objects > length / 2)
			return true;
	}
	return false;
}

static bool is_held_by_c_code(const struct growth_candidate *candidate)
{
	return strncmp(candidate->path.text, HELD_BY_C_CODE, strlen(HELD_BY_C_CODE)) == 0;
}

// Of two that grow in step, does the first tell more?
static bool tells_more(const struct court *court, const struct trial *a, const struct trial *b)
{
	bool a_is_weak = holds_weakly(court, a->candidate),
	     b_is_weak = holds_weakly(court, b->candidate);
	bool a_is_user = a->candidate->path.is_user_code,
	     b_is_user = b->candidate->path.is_user_code;

	if ((a->kind == SUSPECT_THREAD) != (b->kind == SUSPECT_THREAD))
		return a->kind == SUSPECT_THREAD;
	if (a_is_weak != b_is_weak)
		return b_is_weak;
	if (a_is_user != b_is_user)
		return a_is_user;
	if (is_held_by_c_code(a->candidate) != is_held_by_c_code(b->candidate))
		return is_held_by_c_code(b->candidate);
	return a->bytes >= b->bytes;
}

static bool counts_items(const struct trial *trial)
{
	uint64_t length = grown(trial->length_first, trial->length_last);

	return trial->fate == FATE_SUSPECT &&
	       (trial->kind == SUSPECT_THREAD ||
		       (trial->kind == SUSPECT_CONTAINER && length >= SUSPECTS_THREADS_MIN));
}

static void merge_in_step(struct court *court)
{
	for (size_t i = 0; i < court->count; i++) {
		for (size_t k = i + 1; k < court->count; k++) {
			struct trial *a = &court->trials[i], *b = &court->trials[k];
			bool threads = a->kind == SUSPECT_THREAD || b->kind == SUSPECT_THREAD;

			if (!counts_items(a) || !counts_items(b) || !is_in_step(court, a, b) ||
				(!threads && a->length_last - a->length_first < IN_STEP_ITEMS_MIN))
				continue;
			if (!tells_more(court, a, b)) {
				a = b;
				b = &court->trials[i];
			}
			b->fate = FATE_EXPLAINED;
			if (!a->in_step || b->candidate->path.is_user_code ||
				holds_weakly(court, a->in_step))
				a->in_step = b->candidate;
			if (threads && b->bytes > a->bytes)
				set_bytes(court, a, b->bytes);
		}
	}
}

// What two containers have in common belongs to neither, but to what is above both. If they grow in
// step and more than that, it is told with them: it dies with their entries.
static void explain_common_items(struct court *court)
{
	for (size_t i = 0; i < court->count; i++) {
		const struct trial *trial = &court->trials[i];
		size_t above = trial->candidate->holder;
		struct trial *holder = above ? &court->trials[above - 1] : NULL;

		if (trial->fate == FATE_SUSPECT && trial->in_step && holder &&
			holder->fate == FATE_SUSPECT && holder->kind == SUSPECT_HOLDER &&
			holder->bytes < trial->bytes && trial->in_step->holder == above)
			holder->fate = FATE_EXPLAINED;
	}
}

// A type alone says little: it is told only where the holders that were found leave much open.
static void weigh_types(struct court *court)
{
	uint64_t explained = 0;

	for (size_t i = 0; i < court->count; i++) {
		struct trial *trial = &court->trials[i];
		size_t way = trial->candidate->reached_through;

		if (trial->fate != FATE_SUSPECT || trial->kind != SUSPECT_TYPE ||
			way == GROWTH_NO_CANDIDATE || court->trials[way].fate != FATE_SUSPECT)
			continue;
		// C code holds these too, so that their holder does not dominate them.
		trial->fate = FATE_EXPLAINED;
		set_bytes(court, &court->trials[way], court->trials[way].bytes + trial->bytes);
	}
	for (size_t i = 0; i < court->count; i++) {
		if (court->trials[i].fate == FATE_SUSPECT && court->trials[i].kind != SUSPECT_TYPE)
			explained += court->trials[i].bytes;
	}
	for (size_t i = 0; i < court->count; i++) {
		struct trial *trial = &court->trials[i];

		if (trial->fate == FATE_SUSPECT && trial->kind == SUSPECT_TYPE &&
			explained >= court->total_bytes * EXPLAINS)
			trial->fate = FATE_EXPLAINED;
	}
}

static bool is_list_of_subclasses(const struct growth_candidate *candidate)
{
	size_t length = strlen(candidate->path.text), end = strlen(SUBCLASSES);

	return length >= end && strcmp(candidate->path.text + length - end, SUBCLASSES) == 0;
}

// Weak references of which some are gone, as what they refer to is, or that come with classes: a WeakSet, the
// caches of an abstract base class. What a mapping has besides may hold them.
static bool follows_others(const struct court *court, const struct trial *trial)
{
	const struct growth_candidate *candidate = trial->candidate;

	return !candidate->is_mapping && holds_weakly(court, candidate) &&
	       (candidate->survived < candidate->probed ||
		       (trial->in_step && is_list_of_subclasses(trial->in_step)));
}

static double confidence_of(const struct court *court, const struct trial *trial)
{
	const struct growth_candidate *candidate = trial->candidate;
	uint64_t length = grown(trial->length_first, trial->length_last);
	double confidence = kinds[trial->kind].confidence;
	double steadiness = trial->steadiness > 0.8 ? 1 : trial->steadiness / 0.8;

	confidence *= 0.5 + 0.5 * steadiness;
	confidence *= trial->intervals <= 2 ? 0.9 : trial->intervals == 3 ? 0.95 : 1;
	confidence *= 0.8 + 0.2 * trial->share;
	if (candidate->probed > 0 && candidate->survived * 2 < candidate->probed)
		confidence *= 0.5;
	else if (candidate->survived < candidate->probed)
		confidence *= 0.8;
	if (suspects_is_dict(candidate))
		confidence *= 0.9;
	if (!candidate->path.is_user_code && trial->kind != SUSPECT_GARBAGE &&
		trial->kind != SUSPECT_THREAD && trial->kind != SUSPECT_REFERENCES &&
		trial->kind != SUSPECT_NATIVE)
		confidence *= 0.8;
	if (is_list_of_subclasses(candidate) || follows_others(court, trial))
		confidence *= BOOKKEEPING;
	if (trial->length_first > 0 && length < trial->length_first / 100)
		confidence *= 0.7;
	return confidence;
}

static int compare_trials(const void *left, const void *right)
{
	const struct trial *a = left, *b = right;
	double weight_a = a->bytes_per_minute * a->confidence;
	double weight_b = b->bytes_per_minute * b->confidence;

	if ((a->fate == FATE_SUSPECT) != (b->fate == FATE_SUSPECT))
		return a->fate == FATE_SUSPECT ? -1 : 1;
	if (weight_a != weight_b)
		return weight_a > weight_b ? -1 : 1;
	return strcmp(a->candidate->path.text, b->candidate->path.text);
}

static enum suspect_kind kind_of(const struct growth_candidate *candidate)
{
	switch (candidate->kind) {
	case GROWTH_CONTAINER:
		return SUSPECT_CONTAINER;
	case GROWTH_BUFFER:
		return SUSPECT_BUFFER;
	case GROWTH_TYPE:
		return SUSPECT_TYPE;
	case GROWTH_HOLDER:
		break;
	}
	return candidate->is_chain ? SUSPECT_CHAIN : SUSPECT_HOLDER;
}

static struct growth_candidate *make(
	struct court *court, enum made made, enum suspect_kind kind, const char *path)
{
	struct growth_candidate *candidate = &court->made[made];

	*candidate = (struct growth_candidate){.type = "",
		.path.text = (char *)path,
		.points = court->made_points[made],
		.parent = GROWTH_NO_CANDIDATE,
		.reached_through = GROWTH_NO_CANDIDATE,
		.bound = UINT64_MAX};
	court->trials[court->count++] = (struct trial){.candidate = candidate, .kind = kind};
	return candidate;
}

static void make_threads(struct court *court)
{
	make(court, MADE_THREADS, SUSPECT_THREAD, "threads");
	for (size_t i = 0; i < court->view->moment_count; i++)
		court->made_points[MADE_THREADS][i].length = court->view->moments[i].threads;
}

static bool collector_should_have_come(const struct court *court)
{
	const struct growth_moment *last = &court->view->moments[court->view->moment_count - 1];

	if (court->collector == SUSPECTS_COLLECTOR_DISABLED)
		return true;
	return last->garbage_tracked > GARBAGE_TRACKED_MIN + last->tracked / GARBAGE_SHARE;
}

static void make_garbage(struct court *court)
{
	struct growth_candidate *candidate;

	if (!collector_should_have_come(court))
		return;
	candidate = make(court, MADE_GARBAGE, SUSPECT_GARBAGE, "");
	for (size_t i = 0; i < court->view->moment_count; i++)
		court->made_points[MADE_GARBAGE][i] =
			(struct growth_point){court->view->moments[i].garbage_objects,
				court->view->moments[i].garbage_bytes};
	memcpy(candidate->items, court->view->garbage, sizeof(candidate->items));
	candidate->item_count = court->view->garbage_count;
}

// What the parts of memory say, where they were looked at in every snapshot.
static const struct growth_memory *memory_of(const struct court *court)
{
	const struct growth_memory *memory = court->view->memory;

	return memory && memory->moment_count == court->view->moment_count ? memory : NULL;
}

static void take_items(
	struct court *court, struct growth_candidate *candidate, enum growth_memory_table table)
{
	struct growth_memory_row rows[GROWTH_MEMORY_ROWS_MAX];
	size_t count = growth_memory_grown(court->view->memory, table, rows);

	for (size_t i = 0; i < count && i < GROWTH_ITEMS_MAX; i++) {
		const char *name = rows[i].name;

		if (!name) {
			snprintf(court->class_names[i], sizeof(court->class_names[i]),
				"block of %" PRIu64 " bytes", rows[i].size);
			name = court->class_names[i];
		}
		candidate->items[candidate->item_count++] =
			(struct growth_item){name, rows[i].count, rows[i].bytes};
	}
}

static void make_references(struct court *court)
{
	const struct growth_memory *memory = memory_of(court);
	struct growth_candidate *candidate;

	if (!memory)
		return;
	candidate = make(court, MADE_REFERENCES, SUSPECT_REFERENCES, HELD_BY_C_CODE);
	for (size_t i = 0; i < memory->moment_count; i++)
		court->made_points[MADE_REFERENCES][i] =
			(struct growth_point){memory->moments[i].unexplained_objects,
				memory->moments[i].parts[HEAP_PART_UNEXPLAINED_REFERENCES]};
	take_items(court, candidate, GROWTH_MEMORY_UNEXPLAINED);
	// No library's cache: what fills those has a place, which would explain the references.
	candidate->path.is_user_code = true;
	if (candidate->item_count)
		candidate->type = candidate->items[0].type;
}

static void make_native(struct court *court)
{
	const struct growth_memory *memory = memory_of(court);
	struct growth_candidate *candidate;

	if (!memory)
		return;
	candidate = make(court, MADE_NATIVE, SUSPECT_NATIVE, "memory of C code");
	for (size_t i = 0; i < memory->moment_count; i++) {
		uint64_t bytes = growth_memory_native(&memory->moments[i]);

		court->made_points[MADE_NATIVE][i] = (struct growth_point){bytes, bytes};
	}
	take_items(court, candidate, GROWTH_MEMORY_CLASSES);
}

// Objects of a type without a holder, as many as C code holds.
static bool is_type_of(const struct trial *trial, const struct growth_candidate *references)
{
	uint64_t length = grown(trial->length_first, trial->length_last);

	if (trial->kind != SUSPECT_TYPE)
		return false;
	for (size_t i = 0; i < references->item_count; i++) {
		if (strcmp(references->items[i].type, trial->candidate->type) == 0)
			return references->items[i].objects * 2 >= length;
	}
	return false;
}

static struct trial *find_trial(struct court *court, enum suspect_kind kind)
{
	for (size_t i = 0; i < court->count; i++) {
		if (court->trials[i].kind == kind)
			return &court->trials[i];
	}
	return NULL;
}

// References that C code took explain what they hold. Memory of C code that grows with objects is theirs, or
// may be.
static void weigh_memory(struct court *court)
{
	struct trial *references = find_trial(court, SUSPECT_REFERENCES);
	struct trial *native = find_trial(court, SUSPECT_NATIVE);

	for (size_t i = 0; i < court->count; i++) {
		struct trial *trial = &court->trials[i];

		if (trial->fate != FATE_SUSPECT || trial == references || trial == native)
			continue;
		if (references && references->fate == FATE_SUSPECT &&
			(is_held_by_c_code(trial->candidate) ||
				is_type_of(trial, references->candidate)))
			trial->fate = FATE_EXPLAINED;
	}
	for (size_t i = 0; native && i < court->count; i++) {
		if (&court->trials[i] != native && court->trials[i].fate == FATE_SUSPECT)
			native->fate = FATE_EXPLAINED;
	}
}

static struct error *open_court(struct court *court)
{
	const struct growth_view *view = court->view;
	const struct growth_moment *last = &view->moments[view->moment_count - 1];

	court->seconds = last->at_s - view->moments[0].at_s;
	if (court->seconds <= 0)
		court->seconds = 1;
	court->total_bytes = grown(view->moments[0].bytes, last->bytes);
	court->trials = mem_calloc(view->candidate_count + MADE_COUNT, sizeof(*court->trials));
	if (!court->trials)
		return error_enomem();
	for (size_t i = 0; i < view->candidate_count; i++)
		court->trials[court->count++] = (struct trial){
			.candidate = &view->candidates[i], .kind = kind_of(&view->candidates[i])};
	make_threads(court);
	make_garbage(court);
	make_references(court);
	make_native(court);
	return NULL;
}

static void judge(struct court *court)
{
	double first = 0;
	bool has_type = false;

	for (size_t i = 0; i < court->count; i++)
		try_one(court, &court->trials[i]);
	weigh_parents(court);
	merge_in_step(court);
	explain_common_items(court);
	weigh_types(court);
	weigh_memory(court);
	for (size_t i = 0; i < court->count; i++) {
		struct trial *trial = &court->trials[i];

		trial->confidence = confidence_of(court, trial);
		if (trial->fate == FATE_SUSPECT && trial->confidence < SUSPECTS_CONFIDENCE_MIN)
			trial->fate = FATE_CHURNING;
	}
	// From here on a candidate's index says nothing about its trial's place.
	sort_items(court->trials, court->count, sizeof(*court->trials), compare_trials);
	for (size_t i = 0; i < court->count; i++) {
		struct trial *trial = &court->trials[i];

		if (i == 0)
			first = trial->bytes_per_minute;
		// What the first type's objects consist of grows with it.
		if (trial->fate == FATE_SUSPECT && trial->kind == SUSPECT_TYPE && has_type)
			trial->fate = FATE_EXPLAINED;
		has_type = has_type || (trial->fate == FATE_SUSPECT && trial->kind == SUSPECT_TYPE);
		if (trial->fate == FATE_SUSPECT && trial->kind != SUSPECT_THREAD &&
			trial->bytes_per_minute < first * AGAINST_FIRST)
			trial->fate = FATE_NOISE;
	}
}

static struct error *write_suspects(const struct court *court, struct suspects *ret)
{
	ret->items = mem_calloc(court->count, sizeof(*ret->items));
	if (!ret->items)
		return error_enomem();
	for (size_t i = 0; i < court->count; i++) {
		const struct trial *trial = &court->trials[i];
		struct suspect *suspect = &ret->items[ret->count];
		struct error *err;

		if (trial->fate != FATE_SUSPECT)
			continue;
		ret->count++;
		*suspect = (struct suspect){
			.kind = trial->kind,
			.confidence = trial->confidence,
			.length_first = trial->length_first,
			.length_last = trial->length_last,
			.objects = grown(trial->length_first, trial->length_last),
			.bytes = trial->bytes,
			.bytes_per_minute = trial->bytes_per_minute,
			.share = trial->share,
		};
		err = suspects_describe(court, trial, suspect);
		if (err)
			return err;
	}
	return suspects_add_notes(court, ret);
}

struct error *suspects_find(
	const struct growth_view *view, enum suspects_collector collector, struct suspects *ret)
{
	struct court court = {.view = view, .collector = collector};
	_cleanup_(suspects_deinit) struct suspects found = {0};
	struct error *err;

	assert(view->moment_count >= GROWTH_MOMENTS_MIN);
	err = open_court(&court);
	if (!err) {
		judge(&court);
		err = write_suspects(&court, &found);
	}
	mem_free(court.trials);
	if (err)
		return err;
	*ret = found;
	found = (struct suspects){0};
	return NULL;
}

static void texts_free(char **texts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		mem_free(texts[i]);
	mem_free(texts);
}

static void suspect_deinit(struct suspect *suspect)
{
	mem_free(suspect->path);
	mem_free(suspect->type);
	mem_free(suspect->summary);
	for (size_t i = 0; i < suspect->item_count; i++)
		mem_free(suspect->items[i].type);
	mem_free(suspect->items);
	texts_free(suspect->held_by, suspect->held_by_count);
	texts_free(suspect->evidence, suspect->evidence_count);
}

struct error *suspects_dismiss(struct suspects *suspects, size_t index, const char *reason)
{
	char *summary;

	if (!suspects_add_text(&suspects->notes, &suspects->note_count, "%s", reason))
		return error_enomem();
	suspect_deinit(&suspects->items[index]);
	suspects->count--;
	memmove(suspects->items + index, suspects->items + index + 1,
		(suspects->count - index) * sizeof(*suspects->items));
	summary = mem_strdup(suspects->count ? suspects->items[0].summary
					     : "No leak: what grew let go of it while it was "
					       "watched.");
	if (!summary)
		return error_enomem();
	if (!suspects->count)
		suspects->reason = "comes-and-goes";
	mem_free(suspects->summary);
	suspects->summary = summary;
	return NULL;
}

void suspects_deinit(struct suspects *suspects)
{
	for (size_t i = 0; i < suspects->count; i++)
		suspect_deinit(&suspects->items[i]);
	mem_free(suspects->items);
	texts_free(suspects->notes, suspects->note_count);
	mem_free(suspects->summary);
	*suspects = (struct suspects){0};
}
