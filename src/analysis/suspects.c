// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "analysis/suspects.h"

#include "analysis/suspects_internal.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/sort.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

// Less than this against the first suspect is not worth a line.
#define AGAINST_FIRST 0.01

// Classes' lists of subclasses hold weak references: they follow the classes, which others hold.
#define SUBCLASSES  ".__subclasses__"
#define BOOKKEEPING 0.3

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

	return !candidate->is_mapping && suspects_holds_weakly(court, candidate) &&
	       (candidate->survived < candidate->probed ||
		       (trial->in_step && is_list_of_subclasses(trial->in_step)));
}

static double confidence_of(const struct court *court, const struct trial *trial)
{
	const struct growth_candidate *candidate = trial->candidate;
	uint64_t length = suspects_grown(trial->length_first, trial->length_last);
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

static struct error *open_court(struct court *court)
{
	const struct growth_view *view = court->view;
	const struct growth_moment *last = &view->moments[view->moment_count - 1];

	court->seconds = last->at_s - view->moments[0].at_s;
	if (court->seconds <= 0)
		court->seconds = 1;
	court->total_bytes = suspects_grown(view->moments[0].bytes, last->bytes);
	court->trials = mem_calloc(view->candidate_count + MADE_COUNT, sizeof(*court->trials));
	if (!court->trials)
		return error_enomem();
	for (size_t i = 0; i < view->candidate_count; i++)
		court->trials[court->count++] = (struct trial){
			.candidate = &view->candidates[i], .kind = kind_of(&view->candidates[i])};
	suspects_make(court);
	return NULL;
}

static void judge(struct court *court)
{
	double first = 0;
	bool has_type = false;

	for (size_t i = 0; i < court->count; i++)
		suspects_try(court, &court->trials[i]);
	suspects_weigh_parents(court);
	suspects_merge(court);
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
			.objects = suspects_grown(trial->length_first, trial->length_last),
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
