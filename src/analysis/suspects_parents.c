// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
// What is above and what is below: at which of them does it accumulate?
#include "analysis/suspects_internal.h"
#include "base/alloc.h"
#include "base/cleanup.h"

#include <string.h>

// One sibling with this much of the growth is no pattern of many; of two or three, with this many
// times its even share.
#define SIBLING_STANDS_OUT 0.5
#define SIBLING_UNEVEN     1.5

// So many entries of a structure that grow are a pattern.
#define ENTRIES_MIN 4

// What an item consists of: a tuple of two strings is three objects.
#define PARTS_OF_ITEM_MAX 3

// What remains of a parent's growth, its children's taken off, is told if it is this much of it.
#define REMAINDER 0.3

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

// "state['users']", not "blocks[17]".
static bool has_name(const struct trial *trial)
{
	_cleanup_(mem_free) char *signature = growth_signature(trial->candidate->path.text);

	return signature && strcmp(signature, trial->candidate->path.text) == 0;
}

// Entries of one holder that grow, none much more than the others, are what the holder is told for.
static void explain_entries(struct court *court, size_t parent)
{
	const struct trial *holder = &court->trials[parent];
	// Of a structure with names, a few entries that grow are findings of their own.
	bool are_few = holder->candidate->is_nest && count_entries(court, parent) < ENTRIES_MIN;

	for (size_t i = 0; i < court->count; i++) {
		struct trial *trial = &court->trials[i];

		if (trial->fate == FATE_SUSPECT && is_below(court, i, parent) &&
			is_entry_of(trial, holder) && !(are_few && has_name(trial)) &&
			trial->bytes < holder->bytes * SIBLING_STANDS_OUT)
			trial->fate = FATE_EXPLAINED;
	}
}

// An index of what the parent holds itself, inside one of its items: each thing comes into both,
// and both have to let go of it. The parent is the one to tell.
static void explain_index(const struct court *court, struct trial *parent, struct trial *index)
{
	uint64_t own = suspects_grown(index->candidate->points[0].bytes,
		index->candidate->points[court->view->moment_count - 1].bytes);

	if (parent->kind != SUSPECT_CONTAINER || index->kind != SUSPECT_CONTAINER ||
		index->candidate->shared_bytes <= own ||
		!suspects_are_in_step(court, parent, index))
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
		rest[m] = suspects_grown(others, court->trials[parent].candidate->points[m].bytes);
	}
	for (size_t m = 1; m < court->view->moment_count; m++) {
		double seconds = moments[m].at_s - moments[m - 1].at_s;
		double rate = suspects_grown(rest[m - 1], rest[m]) / (seconds > 0 ? seconds : 1);

		fastest = rate > fastest ? rate : fastest;
		slowest = slowest < 0 || rate < slowest ? rate : slowest;
	}
	return growth_is_steady(rest, court->view->moment_count) &&
	       slowest >= fastest * HOLDER_STEADINESS_MIN;
}

// Is it told, or was it found to be no leak? What comes with its items goes with them.
static bool is_answered(const struct trial *trial)
{
	return trial->fate == FATE_SUSPECT || trial->fate == FATE_BOUNDED ||
	       trial->fate == FATE_SLOWING;
}

// Did so many objects of a type come with the items of some container below: one, two or three each? Of one that
// is no leak, at most three each: what came before it was seen counts with its items, or does not.
static bool comes_with_items(const struct court *court, size_t parent, uint64_t objects)
{
	for (size_t i = 0; i < court->count; i++) {
		const struct trial *trial = &court->trials[i];
		uint64_t items = suspects_grown(trial->length_first, trial->length_last);

		if (!is_answered(trial) || trial->kind != SUSPECT_CONTAINER || !items ||
			(!is_below(court, i, parent) && trial->candidate->holder != parent + 1))
			continue;
		if (trial->fate != FATE_SUSPECT && objects <= PARTS_OF_ITEM_MAX * items)
			return true;
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
	if (sum >= trial->bytes * EXPLAINS ||
		suspects_grown(sum, trial->bytes) < trial->bytes * REMAINDER) {
		trial->fate = FATE_EXPLAINED;
		return;
	}
	if (trial->kind == SUSPECT_HOLDER &&
		(!is_steady_without(court, parent) || !has_own_objects(court, parent))) {
		trial->fate = FATE_EXPLAINED;
		return;
	}
	suspects_set_bytes(court, trial, trial->bytes - sum);
	if (suspects_is_noise(trial))
		trial->fate = FATE_EXPLAINED;
}

void suspects_weigh_parents(struct court *court)
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
