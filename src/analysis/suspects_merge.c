// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
// What is not above or below each other, and is one leak all the same.
#include "analysis/suspects_internal.h"

#include <string.h>

// Containers that are said to be filled by the same code have had so many equal steps, but for
// those of other uses of the same thing: a handful of tasks that come and go, say.
#define IN_STEP_ITEMS_MIN     32
#define IN_STEP_INTERVALS_MIN 2
#define IN_STEP_OFF_ITEMS     2
#define IN_STEP_OFF_SHARE     0.01
#define THREADS_OFF_SHARE     0.1

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
bool suspects_are_in_step(const struct court *court, const struct trial *a, const struct trial *b)
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

// A list of threads has those of before that it does not know of, and is a little ahead or behind: that a
// container gets as many items as the process gets threads is no chance.
static bool follow_threads(const struct court *court, const struct trial *a, const struct trial *b)
{
	const struct growth_point *p = a->candidate->points, *q = b->candidate->points;
	size_t last = court->view->moment_count - 1;
	size_t first = a->candidate->unseen > b->candidate->unseen ? a->candidate->unseen
								   : b->candidate->unseen;
	uint64_t step, other, off;

	if (first >= last)
		return false;
	step = suspects_grown(p[first].length, p[last].length);
	other = suspects_grown(q[first].length, q[last].length);
	off = step > other ? step - other : other - step;
	return off <= IN_STEP_OFF_ITEMS ||
	       (step >= IN_STEP_ITEMS_MIN && off <= step * THREADS_OFF_SHARE);
}

// A WeakValueDictionary, a list of handlers by weak reference: it follows what others hold.
bool suspects_holds_weakly(const struct court *court, const struct growth_candidate *candidate)
{
	const struct growth_point *points = candidate->points;
	uint64_t length =
		suspects_grown(points[0].length, points[court->view->moment_count - 1].length);

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
	bool a_is_weak = suspects_holds_weakly(court, a->candidate),
	     b_is_weak = suspects_holds_weakly(court, b->candidate);
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
	uint64_t length = suspects_grown(trial->length_first, trial->length_last);

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

			if (!counts_items(a) || !counts_items(b) ||
				!(threads ? follow_threads(court, a, b)
					  : suspects_are_in_step(court, a, b)) ||
				(!threads && a->length_last - a->length_first < IN_STEP_ITEMS_MIN))
				continue;
			if (!tells_more(court, a, b)) {
				a = b;
				b = &court->trials[i];
			}
			b->fate = FATE_EXPLAINED;
			if (!a->in_step || b->candidate->path.is_user_code ||
				suspects_holds_weakly(court, a->in_step))
				a->in_step = b->candidate;
			if (threads && b->bytes > a->bytes)
				suspects_set_bytes(court, a, b->bytes);
		}
	}
}

// The names of attributes, of which a class and its instances have one table (3.3 to 3.12).
static bool is_table_of_names(const struct trial *trial)
{
	const struct growth_candidate *candidate = trial->candidate;

	for (size_t i = 0; i < candidate->item_count; i++) {
		if (strcmp(candidate->items[i].type, "str") != 0)
			return false;
	}
	return trial->kind == SUSPECT_HOLDER && candidate->is_class && candidate->item_count;
}

// They come with what the instances hold by these names: about as many, though the table grows by doubling.
static void explain_names(struct court *court)
{
	for (size_t i = 0; i < court->count; i++) {
		struct trial *names = &court->trials[i];
		uint64_t count = suspects_grown(names->length_first, names->length_last);

		if (names->fate != FATE_SUSPECT || !is_table_of_names(names))
			continue;
		for (size_t k = 0; k < court->count; k++) {
			const struct trial *other = &court->trials[k];

			if (other->kind == SUSPECT_CONTAINER && other->fate == FATE_SUSPECT &&
				suspects_grown(other->length_first, other->length_last) * 2 >=
					count)
				names->fate = FATE_EXPLAINED;
		}
	}
}

// What reads the same is one place in the program: the list that each thread has in a threading.local. The one
// that grew most is told, with the bytes of all.
static void merge_namesakes(struct court *court)
{
	for (size_t i = 0; i < court->count; i++) {
		for (size_t k = i + 1; k < court->count; k++) {
			struct trial *a = &court->trials[i], *b = &court->trials[k];

			if (a->fate != FATE_SUSPECT || b->fate != FATE_SUSPECT ||
				a->kind != SUSPECT_CONTAINER || b->kind != SUSPECT_CONTAINER ||
				strcmp(a->candidate->path.text, b->candidate->path.text) != 0 ||
				strcmp(a->candidate->type, b->candidate->type) != 0)
				continue;
			if (b->bytes > a->bytes) {
				struct trial *larger = b;

				b = a;
				a = larger;
			}
			b->fate = FATE_EXPLAINED;
			a->namesakes += b->namesakes + 1;
			suspects_set_bytes(court, a, a->bytes + b->bytes);
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
	uint64_t explained = 0, bounded = 0;

	for (size_t i = 0; i < court->count; i++) {
		struct trial *trial = &court->trials[i];
		size_t way = trial->candidate->reached_through;

		if (trial->fate != FATE_SUSPECT || trial->kind != SUSPECT_TYPE ||
			way == GROWTH_NO_CANDIDATE || court->trials[way].fate != FATE_SUSPECT)
			continue;
		// C code holds these too, so that their holder does not dominate them.
		trial->fate = FATE_EXPLAINED;
		suspects_set_bytes(
			court, &court->trials[way], court->trials[way].bytes + trial->bytes);
	}
	for (size_t i = 0; i < court->count; i++) {
		const struct trial *trial = &court->trials[i];

		if (trial->kind == SUSPECT_TYPE)
			continue;
		if (trial->fate == FATE_SUSPECT)
			explained += trial->bytes;
		else if (trial->fate == FATE_BOUNDED && trial->bytes > bounded)
			bounded = trial->bytes;
	}
	// What is bounded may be above and below each other.
	explained += bounded;
	for (size_t i = 0; i < court->count; i++) {
		struct trial *trial = &court->trials[i];

		if (trial->fate == FATE_SUSPECT && trial->kind == SUSPECT_TYPE &&
			explained >= court->total_bytes * EXPLAINS)
			trial->fate = FATE_EXPLAINED;
	}
}

// Objects of a type without a holder, as many as C code holds.
static bool is_type_of(const struct trial *trial, const struct growth_candidate *references)
{
	uint64_t length = suspects_grown(trial->length_first, trial->length_last);

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

// An image, the tree of an XML element: little to see, much behind it.
static void explain_native(struct court *court, struct trial *native)
{
	for (size_t i = 0; i < court->count; i++) {
		struct trial *trial = &court->trials[i];

		if (trial == native || trial->fate != FATE_SUSPECT)
			continue;
		native->fate = FATE_EXPLAINED;
		if (native->bytes > trial->bytes)
			trial->native_bytes = native->bytes;
	}
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
	if (native && native->fate == FATE_SUSPECT)
		explain_native(court, native);
}

void suspects_merge(struct court *court)
{
	merge_in_step(court);
	merge_namesakes(court);
	explain_names(court);
	explain_common_items(court);
	weigh_types(court);
	weigh_memory(court);
}
