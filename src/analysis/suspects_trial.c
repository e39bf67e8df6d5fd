// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
// One candidate by itself: does it grow as a leak does?
#include "analysis/suspects_internal.h"

#include <string.h>

// Warm-up: the last interval's rate against the first one's.
#define SLOWING         0.25
#define SLOWING_LIBRARY 0.5

#define TYPE_STEADINESS_MIN 0.4

// So many modules imported in the last interval, and this share of all: the process is starting up,
// unless they come as steadily as requests do.
#define IMPORTED_MIN    8
#define IMPORTED_SHARE  0.02
#define IMPORTED_STEADY 0.5
#define IMPORTED_KEPT   0.25

#define GARBAGE_BYTES_MIN 65536

#define BOUND_TIMES_RSS 8

// References that C code keeps for good reasons come and go with other objects: a leak of them is most of
// what grows. C libraries' buffers and caches breathe by some hundreds of kilobytes.
#define REFERENCES_SHARE_MIN 0.5
#define NATIVE_BYTES_MIN     ((uint64_t)512 << 10)

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
		uint64_t step = suspects_grown(value_at(trial, i), value_at(trial, i + 1));

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
	uint64_t imported = suspects_grown(last[-1].modules, last->modules);

	return imported >= IMPORTED_MIN && imported >= last->modules * IMPORTED_SHARE;
}

// While modules are imported, what libraries keep about themselves grows as well: caches of
// patterns, of files, of classes. If imports are the leak, sys.modules tells: it grows as steadily as requests come,
// and alone keeps what was imported. A program's modules keep one another.
static bool is_start_up(const struct court *court, const struct trial *trial)
{
	if (trial->candidate->path.is_user_code || !suspects_is_importing(court))
		return false;
	return strcmp(trial->candidate->path.text, "sys.modules") != 0 ||
	       trial->steadiness < IMPORTED_STEADY || trial->share < IMPORTED_KEPT;
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

bool suspects_is_noise(const struct trial *trial)
{
	uint64_t length = suspects_grown(trial->length_first, trial->length_last);

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

void suspects_set_bytes(const struct court *court, struct trial *trial, uint64_t bytes)
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
	uint64_t own = suspects_grown(first->bytes, last->bytes), shared = candidate->shared_bytes;

	trial->length_first = first->length;
	trial->length_last = last->length;
	trial->rate = suspects_grown(first->length, last->length) / court->seconds;
	// Items that are held elsewhere too may have been there before: they cannot be more than
	// all objects have grown by.
	if (shared > suspects_grown(own, court->total_bytes))
		shared = suspects_grown(own, court->total_bytes);
	suspects_set_bytes(court, trial, own + shared);
}

// What it would take if it were filled with more of what it was filled with meanwhile.
static uint64_t bound_bytes(const struct trial *trial)
{
	uint64_t length = suspects_grown(trial->length_first, trial->length_last);
	double each = length ? (double)trial->bytes / length : 0;
	double bytes = each * suspects_grown(trial->length_last, trial->candidate->bound);

	return trial->candidate->bound == UINT64_MAX || bytes >= 0x1p63 ? UINT64_MAX
									: (uint64_t)bytes;
}

// A bound that is beyond the memory there is bounds nothing: the process is killed before. Nor does one that would
// make the process many times as large as it is: nobody sees that one reached.
static uint64_t memory_max(const struct court *court)
{
	const struct growth_memory *memory = court->view->memory;
	const struct growth_memory_moment *last;
	uint64_t times;

	if (!memory || !memory->moment_count)
		return UINT64_MAX;
	last = &memory->moments[memory->moment_count - 1];
	times = last->rss_bytes ? last->rss_bytes * BOUND_TIMES_RSS : UINT64_MAX;
	return last->headroom_bytes < times ? last->headroom_bytes : times;
}

void suspects_try(const struct court *court, struct trial *trial)
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
	else if (suspects_is_noise(trial))
		trial->fate = FATE_NOISE;
	else if (is_churning(court, trial))
		trial->fate = FATE_CHURNING;
}
