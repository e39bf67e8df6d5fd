// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "analysis/suspects_internal.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/human.h"
#include "base/string_builder.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// Notes of one sort; more would hide the others.
#define NOTES_OF_A_SORT 3

// RSS that grew by less is the allocator's breathing.
#define RSS_GROWTH_MIN (1 << 20)

// Objects that are let go: of all that there are, and of how far their number swings.
#define FALL_MIN       0.01
#define FALL_SHARE_MIN 0.1

#define count_text(count)     human_count(count).text
#define bytes_text(bytes)     human_bytes(bytes).text
#define seconds_text(seconds) human_seconds(seconds).text

static char *format_text(const char *format, va_list arguments)
{
	va_list again;
	char *text;
	int length;

	va_copy(again, arguments);
	length = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (length < 0)
		return NULL;
	text = mem_alloc((size_t)length + 1);
	if (text)
		vsnprintf(text, (size_t)length + 1, format, arguments);
	return text;
}

static char *text_of(const char *format, ...) __attribute__((__format__(__printf__, 1, 2)));
static char *text_of(const char *format, ...)
{
	va_list arguments;
	char *text;

	va_start(arguments, format);
	text = format_text(format, arguments);
	va_end(arguments);
	return text;
}

bool suspects_add_text(char ***texts, size_t *count, const char *format, ...)
{
	char **longer = mem_realloc_array(*texts, *count + 1, sizeof(*longer));
	va_list arguments;

	if (!longer)
		return false;
	*texts = longer;
	va_start(arguments, format);
	longer[*count] = format_text(format, arguments);
	va_end(arguments);
	if (!longer[*count])
		return false;
	++*count;
	return true;
}

#define add_evidence(suspect, ...)                                                                 \
	suspects_add_text(&(suspect)->evidence, &(suspect)->evidence_count, __VA_ARGS__)
#define add_note(suspects, ...)                                                                    \
	suspects_add_text(&(suspects)->notes, &(suspects)->note_count, __VA_ARGS__)

static const char *unit_of(enum suspect_kind kind)
{
	switch (kind) {
	case SUSPECT_CONTAINER:
		return "items";
	case SUSPECT_BUFFER:
		return "bytes";
	case SUSPECT_THREAD:
		return "threads";
	default:
		return "objects";
	}
}

static bool is_in_bytes(enum suspect_kind kind)
{
	return kind == SUSPECT_BUFFER || kind == SUSPECT_NATIVE;
}

// "a dict", "an OrderedDict".
static const char *article_of(const char *word)
{
	return strchr("aeiouAEIOU", word[0]) && word[0] ? "an" : "a";
}

static char *summary_of(const struct court *court, const struct trial *trial, const char *path)
{
	struct human first = human_count(trial->length_first);
	struct human last = human_count(trial->length_last);
	struct human bytes = human_bytes(trial->bytes);
	const char *at_most = trial->candidate->unseen ? "at most " : "";
	struct human seconds = human_seconds(court->seconds);
	const char *type = trial->candidate->type;

	switch (trial->kind) {
	case SUSPECT_CONTAINER:
		return text_of("%s, %s %s, grew from %s%s to %s items in %s and holds %s more.",
			path, article_of(type), type, at_most, first.text, last.text, seconds.text,
			bytes.text);
	case SUSPECT_BUFFER:
		return text_of("%s, %s %s, grew from %s to %s in %s.", path, article_of(type), type,
			bytes_text(trial->length_first), bytes_text(trial->length_last),
			seconds.text);
	case SUSPECT_CHAIN:
		return text_of("A chain of objects under %s grew by %s objects (%s) in %s.", path,
			count_text(trial->length_last - trial->length_first), bytes.text,
			seconds.text);
	case SUSPECT_HOLDER:
		if (trial->candidate->is_over_siblings)
			return text_of("%zu growing containers under %s hold %s more after %s.",
				trial->candidate->sibling_count, path, bytes.text, seconds.text);
		return text_of("Many small objects under %s grew by %s in %s.", path, bytes.text,
			seconds.text);
	case SUSPECT_TYPE:
		return text_of(
			"Objects of type %s grew from %s to %s in %s, without a single holder.",
			type, first.text, last.text, seconds.text);
	case SUSPECT_GARBAGE:
		return text_of(
			"Unreachable objects that the collector does not free grew from %s to "
			"%s in %s.",
			first.text, last.text, seconds.text);
	case SUSPECT_REFERENCES:
		return text_of("Objects that only unexplained references hold grew from %s to %s "
			       "in %s: C code "
			       "took references and did not give them back.",
			first.text, last.text, seconds.text);
	case SUSPECT_NATIVE:
		return text_of("Memory of C code grew by %s to %s in %s, Python objects by %s.",
			bytes.text, bytes_text(trial->length_last), seconds.text,
			bytes_text(court->total_bytes));
	case SUSPECT_THREAD:
		return text_of("The process went from %s to %s threads in %s.", first.text,
			last.text, seconds.text);
	}
	return NULL;
}

// "41,310 → 56,020 → 71,690 items"
static bool add_series(const struct court *court, const struct trial *trial, struct suspect *ret)
{
	_cleanup_(string_builder_deinit) struct string_builder series = {0};
	_cleanup_(mem_free) char *text = NULL;
	size_t count = court->view->moment_count;

	for (size_t i = 0; i < count; i++) {
		// Many snapshots: the first two and the last three.
		if (count > 6 && i >= 2 && i + 3 < count) {
			string_builder_add(&series, i == 2 ? " → …" : "");
			continue;
		}
		string_builder_add_format(&series, "%s%s%s", i ? " → " : "",
			i < trial->candidate->unseen ? "≤ " : "",
			is_in_bytes(trial->kind) ? bytes_text(trial->candidate->points[i].length)
						 : count_text(trial->candidate->points[i].length));
	}
	text = string_builder_finish(&series);
	if (!text)
		return false;
	if (is_in_bytes(trial->kind))
		return add_evidence(ret, "%s: grew in %u of %u intervals, never shrank", text,
			trial->growing_intervals, trial->intervals);
	return add_evidence(ret, "%s %s: grew in %u of %u intervals, never shrank; %s per second",
		text, unit_of(trial->kind), trial->growing_intervals, trial->intervals,
		human_rate(trial->rate).text);
}

static bool add_container_evidence(
	const struct growth_candidate *candidate, uint64_t bound_bytes, struct suspect *ret)
{
	bool fine = true;

	if (candidate->probed > 0)
		fine = fine && add_evidence(ret,
				       candidate->survived == candidate->probed
					       ? "old items stay: %u of %u looked at are still held"
					       : "old items leave: %u of %u looked at are still "
						 "held; a queue that is not "
						 "drained fast enough?",
				       candidate->survived, candidate->probed);
	if (candidate->shared_bytes > 0)
		fine = fine && add_evidence(ret, "new items of %s are held elsewhere too",
				       bytes_text(candidate->shared_bytes));
	else
		fine = fine &&
		       add_evidence(ret, "the new items die only with the %s", candidate->type);
	if (candidate->bound != UINT64_MAX)
		fine = fine &&
		       add_evidence(ret,
			       "its bound bounds nothing here: with %s items it would take %s "
			       "more",
			       count_text(candidate->bound), bytes_text(bound_bytes));
	else if (suspects_is_dict(candidate))
		fine = fine && add_evidence(ret, "no bound is known; a cache that is still filling "
						 "would look the same");
	return fine;
}

static bool add_garbage_evidence(const struct court *court, struct suspect *ret)
{
	const struct growth_memory *memory = court->view->memory;
	const struct growth_memory_moment *last;

	if (!memory || !memory->moment_count)
		return true;
	last = &memory->moments[memory->moment_count - 1];
	if (last->parts[HEAP_PART_LOST] > last->parts[HEAP_PART_GARBAGE] &&
		!add_evidence(ret,
			"most cannot be collected: legacy finalizers (__del__ in Python 2), or "
			"what the collector does not track"))
		return false;
	return !*memory->cycle || add_evidence(ret, "a cycle: %s", memory->cycle);
}

static bool add_native_evidence(
	const struct court *court, const struct trial *trial, struct suspect *ret)
{
	const struct growth_candidate *candidate = trial->candidate;
	struct growth_memory_row owners[GROWTH_MEMORY_ROWS_MAX];
	size_t count = growth_memory_grown(court->view->memory, GROWTH_MEMORY_OWNERS, owners);

	if (candidate->item_count &&
		!add_evidence(ret, "most: %s more of a %s", count_text(candidate->items[0].objects),
			candidate->items[0].type))
		return false;
	if (!count)
		return add_evidence(ret, "no library's data and no object leads to it");
	return add_evidence(
		ret, "%s leads to %s more", owners[0].name, bytes_text(owners[0].bytes));
}

static bool add_all_evidence(
	const struct court *court, const struct trial *trial, struct suspect *ret)
{
	const struct growth_candidate *candidate = trial->candidate;
	bool fine = add_series(court, trial, ret);

	if (trial->bytes > 0 && trial->kind != SUSPECT_GARBAGE && trial->kind != SUSPECT_NATIVE)
		fine = fine &&
		       add_evidence(ret, "retains %s more: %.0f %% of the growth of all objects",
			       bytes_text(trial->bytes), trial->share * 100);
	if (candidate->kind == GROWTH_CONTAINER && trial->kind == SUSPECT_CONTAINER)
		fine = fine && add_container_evidence(candidate, trial->bound_bytes, ret);
	if (candidate->siblings)
		fine = fine && add_evidence(ret, "%zu of them grow: %s", candidate->sibling_count,
				       candidate->siblings);
	if (candidate->is_replaced)
		fine = fine && add_evidence(ret, "a bigger one takes its place each time");
	if (trial->namesakes)
		fine = fine &&
		       add_evidence(ret,
			       "%u more of that name grow as well: their bytes are counted in",
			       trial->namesakes);
	if (trial->native_bytes)
		fine = fine &&
		       add_evidence(ret,
			       "memory of C code grew by %s meanwhile: that of these objects, or "
			       "a leak of its own",
			       bytes_text(trial->native_bytes));
	if (trial->in_step)
		fine = fine && add_evidence(ret, "%s (%s) grows in step with it, item by item",
				       trial->in_step->path.text, trial->in_step->type);
	if (trial->kind == SUSPECT_GARBAGE)
		fine = fine && add_evidence(ret, court->collector == SUSPECTS_COLLECTOR_DISABLED
							 ? "the cyclic collector is switched off"
							 : "more than a full collection waits for: "
							   "is the collector disabled, or are "
							   "objects frozen?");
	if (trial->kind == SUSPECT_GARBAGE)
		fine = fine && add_garbage_evidence(court, ret);
	if (trial->kind == SUSPECT_NATIVE)
		fine = fine && add_native_evidence(court, trial, ret);
	if (trial->kind == SUSPECT_REFERENCES)
		fine = fine && add_evidence(ret, "their reference counts are higher than the "
						 "references that were found, and no name leads to "
						 "them");
	return fine;
}

static bool copy_texts(char **from, size_t count, char ***ret, size_t *ret_count)
{
	for (size_t i = 0; i < count; i++) {
		if (!suspects_add_text(ret, ret_count, "%s", from[i]))
			return false;
	}
	return true;
}

static bool copy_items(const struct growth_candidate *candidate, struct suspect *ret)
{
	ret->items = mem_calloc(candidate->item_count, sizeof(*ret->items));
	if (!ret->items)
		return false;
	for (size_t i = 0; i < candidate->item_count; i++) {
		ret->items[i].type = mem_strdup(candidate->items[i].type);
		if (!ret->items[i].type)
			return false;
		ret->items[i].objects = candidate->items[i].objects;
		ret->items[i].bytes = candidate->items[i].bytes;
		ret->item_count++;
	}
	return true;
}

struct error *suspects_describe(
	const struct court *court, const struct trial *trial, struct suspect *ret)
{
	// Threads have no path of their own, but something may keep a list of them.
	const struct growth_candidate *named =
		trial->kind == SUSPECT_THREAD && trial->in_step ? trial->in_step : trial->candidate;

	memcpy(ret->growers, named->growers, sizeof(ret->growers));
	ret->grower_count = named->grower_count;
	ret->is_replaced = named->is_replaced;
	ret->lets_go = named->survived < named->probed;
	ret->owner = named->owner;
	ret->path = mem_strdup(named->path.text);
	ret->type = mem_strdup(named->type);
	if (!ret->path || !ret->type)
		return error_enomem();
	ret->summary = summary_of(court, trial, ret->path);
	if (!ret->summary || !copy_items(named, ret) ||
		!copy_texts(named->path.steps, named->path.step_count, &ret->held_by,
			&ret->held_by_count) ||
		!add_all_evidence(court, trial, ret))
		return error_enomem();
	return NULL;
}

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
		return text_of(
			"No leak of Python objects: memory grew by %s in %s, but all objects "
			"together by %s only.",
			bytes_text(rss), seconds_text(court->seconds),
			bytes_text(court->total_bytes));
	if (memory_part_cause(part) == MEMORY_KEPT)
		*ret_reason = "kept";
	else if (memory_part_cause(part) == MEMORY_NATIVE)
		*ret_reason = "native";
	return text_of(
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
		return text_of("No leak: %s (%s) is filling but bounded, at most %s items.",
			trial->candidate->path.text, trial->candidate->type,
			count_text(trial->candidate->bound));
	}
	if (comes_and_goes(court->view)) {
		*ret_reason = "comes-and-goes";
		return text_of(
			"No leak: objects come and go, %s at first and %s at last, and fewer "
			"at a moment between than before it.",
			bytes_text(first->bytes), bytes_text(last->bytes));
	}
	if (rss_grew_alone(court->view, &rss))
		return summarise_rss(court, rss, ret_reason);
	if (keeps_most(court)) {
		*ret_reason = "kept";
		return text_of("No leak: objects did not grow in %s; %s.",
			seconds_text(court->seconds), court->view->memory->verdict);
	}
	*ret_reason = "nothing-grew";
	if (court->total_bytes == 0)
		return text_of(
			"No leak: the objects of this process did not grow in %s (%s, then %s).",
			seconds_text(court->seconds), bytes_text(first->bytes),
			bytes_text(last->bytes));
	*ret_reason = find_fate(court, FATE_SLOWING) ? "slowing" : "not-steady";
	return text_of(
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
