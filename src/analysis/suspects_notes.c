// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
// What is said of those that are no suspects, and of a process without any.
#include "analysis/suspects_internal.h"

#include "base/error.h"
#include "base/string_builder.h"

#include <string.h>

// Notes of one sort; more would hide the others.
#define NOTES_OF_A_SORT 3

// RSS that grew by less is the allocator's breathing.
#define RSS_GROWTH_MIN (1 << 20)

// Objects that are let go: of all that there are, and of how far their number swings.
#define FALL_MIN       0.01
#define FALL_SHARE_MIN 0.1

#define add_note(suspects, ...)                                                                    \
	suspects_add_text(&(suspects)->notes, &(suspects)->note_count, __VA_ARGS__)

// "env.cache" is above "env.cache._mapping": what is known of the one is known of the other.
static bool is_above(const char *path, const char *other)
{
	size_t length = strlen(path);

	return length && strncmp(path, other, length) == 0 && strchr(".[ ", other[length]);
}

// Of places above and below each other that met one fate, the first is told: they are in order of their growth.
static bool is_told_before(const struct court *court, size_t index)
{
	const struct trial *trial = &court->trials[index];

	for (size_t i = 0; i < index; i++) {
		const struct trial *before = &court->trials[i];
		const char *path = before->candidate->path.text;

		if (before->fate == trial->fate && before->bytes >= SUSPECTS_HOLDER_BYTES_MIN &&
			(is_above(path, trial->candidate->path.text) ||
				is_above(trial->candidate->path.text, path)))
			return true;
	}
	return false;
}

// It was full at the last snapshot: nothing more comes of it.
static bool is_full(const struct trial *trial)
{
	return trial->kind == SUSPECT_CONTAINER && trial->length_last >= trial->candidate->bound;
}

static bool add_bound(const struct trial *trial, struct suspects *ret)
{
	const struct growth_candidate *candidate = trial->candidate;

	// A holder's length is that of all that hangs from it.
	if (trial->kind != SUSPECT_CONTAINER)
		return add_note(ret, "not a leak: %s (%s) is filling but bounded, at most %s items",
			candidate->path.text, candidate->type, count_text(candidate->bound));
	if (is_full(trial))
		return add_note(ret, "not a leak: %s (%s) is bounded, and full now with %s items",
			candidate->path.text, candidate->type, count_text(trial->length_last));
	return add_note(ret,
		"not a leak: %s (%s) is filling but bounded, %s of at most %s; some %s more when "
		"it is "
		"full",
		candidate->path.text, candidate->type, count_text(trial->length_last),
		count_text(candidate->bound), bytes_text(trial->bound_bytes));
}

static bool add_fates(const struct court *court, struct suspects *ret)
{
	unsigned bounded = 0, slowing = 0, churning = 0;
	bool fine = true;

	for (size_t i = 0; i < court->count && fine; i++) {
		const struct trial *trial = &court->trials[i];
		const struct growth_candidate *candidate = trial->candidate;

		if (trial->bytes < SUSPECTS_HOLDER_BYTES_MIN || candidate->kind == GROWTH_TYPE ||
			is_told_before(court, i))
			continue;
		if (trial->fate == FATE_BOUNDED && bounded++ < NOTES_OF_A_SORT)
			fine = add_bound(trial, ret);
		else if (trial->fate == FATE_SLOWING && slowing++ < NOTES_OF_A_SORT)
			fine = add_note(ret,
				"slowing down: %s (%s) grew by %s, mostly at the beginning; "
				"hunt longer to be sure",
				candidate->path.text, candidate->type, bytes_text(trial->bytes));
		else if (trial->fate == FATE_CHURNING && churning++ < NOTES_OF_A_SORT)
			fine = add_note(ret,
				"undecided: %s (%s) grew by %s, but items come and go; hunt "
				"longer to be sure",
				candidate->path.text, candidate->type, bytes_text(trial->bytes));
	}
	return fine;
}

static bool has_suspected_dict(const struct court *court)
{
	for (size_t i = 0; i < court->count; i++) {
		if (court->trials[i].fate == FATE_SUSPECT &&
			suspects_is_dict(court->trials[i].candidate))
			return true;
	}
	return false;
}

static bool rss_grew_alone(const struct growth_view *view, uint64_t *ret)
{
	const struct growth_moment *first = view->moments;
	const struct growth_moment *last = first + view->moment_count - 1;
	uint64_t objects = last->bytes > first->bytes ? last->bytes - first->bytes : 0;

	*ret = last->rss_bytes > first->rss_bytes ? last->rss_bytes - first->rss_bytes : 0;
	return first->rss_bytes > 0 && *ret >= RSS_GROWTH_MIN && objects < *ret / 4;
}

// A candidate that met a fate, with the most bytes; NULL if none did.
static const struct trial *find_fate(const struct court *court, enum fate fate)
{
	const struct trial *best = NULL;

	for (size_t i = 0; i < court->count; i++) {
		const struct trial *trial = &court->trials[i];

		if (trial->fate == fate && trial->candidate->kind != GROWTH_TYPE &&
			trial->kind != SUSPECT_NATIVE && trial->bytes >= court->total_bytes / 2 &&
			trial->bytes >= SUSPECTS_HOLDER_BYTES_MIN &&
			(!best || trial->bytes > best->bytes))
			best = trial;
	}
	return best;
}

// Objects were fewer at some moment than at one before: by a share of all that is no noise, and of
// all that ever came.
static bool comes_and_goes(const struct growth_view *view)
{
	uint64_t least = UINT64_MAX, most = 0, fall = 0;

	for (size_t i = 0; i < view->moment_count; i++) {
		uint64_t bytes = view->moments[i].bytes;

		least = bytes < least ? bytes : least;
		most = bytes > most ? bytes : most;
		fall = most - bytes > fall ? most - bytes : fall;
	}
	return fall > most * FALL_MIN && fall >= (most - least) * FALL_SHARE_MIN;
}

static bool keeps_most(const struct court *court)
{
	return court->view->memory && court->view->memory->cause == MEMORY_KEPT &&
	       court->total_bytes < RSS_GROWTH_MIN;
}

// Memory grew, but not that of objects: which part?
static char *summarise_rss(const struct court *court, uint64_t rss, const char **ret_reason)
{
	const struct growth_memory *memory = court->view->memory;
	uint64_t bytes = 0;
	enum heap_memory_part part =
		memory ? growth_memory_largest(memory, &bytes) : HEAP_PART_COUNT;

	*ret_reason = "not-steady";
	if (part == HEAP_PART_COUNT)
		return suspects_text(
			"No leak of Python objects: memory grew by %s in %s, but all objects "
			"together by %s only.",
			bytes_text(rss), seconds_text(court->seconds),
			bytes_text(court->total_bytes));
	if (memory_part_cause(part) == MEMORY_KEPT)
		*ret_reason = "kept";
	else if (memory_part_cause(part) == MEMORY_NATIVE)
		*ret_reason = "native";
	return suspects_text(
		"No leak of Python objects: memory grew by %s in %s, %s of it %s; all objects "
		"together by %s only.",
		bytes_text(rss), seconds_text(court->seconds), bytes_text(bytes),
		heap_memory_part_text(part), bytes_text(court->total_bytes));
}

// The sentence for a process without suspects.
static char *summarise_health(const struct court *court, const char **ret_reason)
{
	const struct growth_moment *first = court->view->moments;
	const struct growth_moment *last = first + court->view->moment_count - 1;
	const struct trial *trial;
	uint64_t rss;

	if ((trial = find_fate(court, FATE_BOUNDED)) != NULL) {
		*ret_reason = "bounded";
		return suspects_text("No leak: %s (%s) is filling but bounded, at most %s items.",
			trial->candidate->path.text, trial->candidate->type,
			count_text(trial->candidate->bound));
	}
	if (comes_and_goes(court->view)) {
		*ret_reason = "comes-and-goes";
		return suspects_text(
			"No leak: objects come and go, %s at first and %s at last, and fewer "
			"at a moment between than before it.",
			bytes_text(first->bytes), bytes_text(last->bytes));
	}
	if (rss_grew_alone(court->view, &rss))
		return summarise_rss(court, rss, ret_reason);
	if (keeps_most(court)) {
		*ret_reason = "kept";
		return suspects_text("No leak: objects did not grow in %s; %s.",
			seconds_text(court->seconds), court->view->memory->verdict);
	}
	*ret_reason = "nothing-grew";
	if (court->total_bytes == 0)
		return suspects_text(
			"No leak: the objects of this process did not grow in %s (%s, then %s).",
			seconds_text(court->seconds), bytes_text(first->bytes),
			bytes_text(last->bytes));
	*ret_reason = find_fate(court, FATE_SLOWING) ? "slowing" : "not-steady";
	return suspects_text(
		"No leak: objects grew by %s in %s, but nothing grew steadily, without bound "
		"and without letting go.",
		bytes_text(court->total_bytes), seconds_text(court->seconds));
}

// RSS by its parts, where some grew.
static bool add_parts(const struct court *court, struct suspects *ret)
{
	const struct growth_memory *memory = court->view->memory;
	_cleanup_(string_builder_deinit) struct string_builder line = {0};
	_cleanup_(mem_free) char *text = NULL;
	const struct growth_memory_moment *first, *last;

	if (!memory || memory->moment_count < 2)
		return true;
	first = &memory->moments[0];
	last = &memory->moments[memory->moment_count - 1];
	for (size_t part = 0; part < HEAP_PART_COUNT; part++) {
		int64_t change = (int64_t)last->parts[part] - (int64_t)first->parts[part];

		if (change >= RSS_GROWTH_MIN || -change >= RSS_GROWTH_MIN)
			string_builder_add_format(&line, "%s%s%s %s", line.length ? ", " : "",
				change < 0 ? "-" : "+",
				bytes_text((double)(change < 0 ? -change : change)),
				heap_memory_part_text((enum heap_memory_part)part));
	}
	text = string_builder_finish(&line);
	return text && (!*text || add_note(ret, "memory: %s", text));
}

struct error *suspects_add_notes(const struct court *court, struct suspects *ret)
{
	const struct growth_moment *last = &court->view->moments[court->view->moment_count - 1];
	uint64_t rss;
	bool fine = add_fates(court, ret);

	if (suspects_is_importing(court))
		fine = fine &&
		       add_note(ret,
			       "modules were still being imported, %s by now: what libraries "
			       "hold is not judged; hunt again when the process has started",
			       count_text(last->modules));
	if (has_suspected_dict(court))
		fine = fine && add_note(ret,
				       "a cache that is still filling cannot be told from a leak "
				       "in %s: hunt longer (--for) if a suspect is meant to be one",
				       seconds_text(court->seconds));
	fine = fine && add_parts(court, ret);
	if (!court->view->memory && rss_grew_alone(court->view, &rss))
		fine = fine && add_note(ret,
				       "memory (RSS) grew by %s, Python objects by %s: the rest is "
				       "not Python objects, but fragmentation, free blocks or "
				       "memory of C code",
				       bytes_text(rss), bytes_text(court->total_bytes));
	if (last->garbage_bytes >= SUSPECTS_HOLDER_BYTES_MIN)
		fine = fine &&
		       add_note(ret, "%s in %s unreachable objects wait for the cyclic collector",
			       bytes_text(last->garbage_bytes), count_text(last->garbage_objects));
	if (!fine)
		return error_enomem();
	ret->summary = ret->count > 0 ? mem_strdup(ret->items[0].summary)
				      : summarise_health(court, &ret->reason);
	return ret->summary ? NULL : error_enomem();
}
