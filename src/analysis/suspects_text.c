// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "analysis/suspects_internal.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/string_builder.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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

char *suspects_text(const char *format, ...)
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
		return suspects_text(
			"%s, %s %s, grew from %s%s to %s items in %s and holds %s more.", path,
			article_of(type), type, at_most, first.text, last.text, seconds.text,
			bytes.text);
	case SUSPECT_BUFFER:
		return suspects_text("%s, %s %s, grew from %s to %s in %s.", path, article_of(type),
			type, bytes_text(trial->length_first), bytes_text(trial->length_last),
			seconds.text);
	case SUSPECT_CHAIN:
		return suspects_text("A chain of objects under %s grew by %s objects (%s) in %s.",
			path, count_text(trial->length_last - trial->length_first), bytes.text,
			seconds.text);
	case SUSPECT_HOLDER:
		if (trial->candidate->is_over_siblings)
			return suspects_text(
				"%zu growing containers under %s hold %s more after %s.",
				trial->candidate->sibling_count, path, bytes.text, seconds.text);
		return suspects_text("Many small objects under %s grew by %s in %s.", path,
			bytes.text, seconds.text);
	case SUSPECT_TYPE:
		return suspects_text(
			"Objects of type %s grew from %s to %s in %s, without a single holder.",
			type, first.text, last.text, seconds.text);
	case SUSPECT_GARBAGE:
		return suspects_text(
			"Unreachable objects that the collector does not free grew from %s to "
			"%s in %s.",
			first.text, last.text, seconds.text);
	case SUSPECT_REFERENCES:
		return suspects_text(
			"Objects that only unexplained references hold grew from %s to %s "
			"in %s: C code "
			"took references and did not give them back.",
			first.text, last.text, seconds.text);
	case SUSPECT_NATIVE:
		return suspects_text(
			"Memory of C code grew by %s to %s in %s, Python objects by %s.",
			bytes.text, bytes_text(trial->length_last), seconds.text,
			bytes_text(court->total_bytes));
	case SUSPECT_THREAD:
		return suspects_text("The process went from %s to %s threads in %s.", first.text,
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
