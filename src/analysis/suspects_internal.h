// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Between the rules of suspects.h and the words for them:
 *
 *	suspects_made.c     candidates that are no object
 *	suspects_trial.c    a candidate by itself
 *	suspects_parents.c  what is above and below
 *	suspects_merge.c    what is one leak in several places
 *	suspects.c          confidence, rank, and all of these in order
 *	suspects_text.c     summary and evidence of a suspect
 *	suspects_notes.c    notes, and the sentence above all
 */
#pragma once

#include "analysis/suspects.h"
#include "base/human.h"

enum fate {
	FATE_SUSPECT,
	FATE_BOUNDED,
	FATE_SLOWING,
	FATE_CHURNING,
	FATE_NOISE,
	FATE_EXPLAINED, /* by another suspect */
};

/** A candidate on trial. */
struct trial {
	const struct growth_candidate *candidate;
	enum suspect_kind kind;
	enum fate fate;
	uint64_t length_first, length_last;
	uint64_t bytes;    /* newly held, shared ones included, what others explain taken off */
	double rate;       /* items per second over the whole time */
	double steadiness; /* slowest interval over fastest */
	double bytes_per_minute, share, confidence;
	uint64_t bound_bytes; /* until it is full; UINT64_MAX if it has no bound */
	bool is_by_bytes;     /* its pace is that of its bytes, not of its length */
	unsigned intervals, growing_intervals;
	/** The container that grows in step with this one and is told with it; NULL if there is
	 * none. */
	const struct growth_candidate *in_step;
	/** So many more read the same, and grow too. */
	unsigned namesakes;
	/** Memory of C code that grew as steadily, and by more: it may be that of what is held here. */
	uint64_t native_bytes;
};

enum made { MADE_THREADS, MADE_GARBAGE, MADE_REFERENCES, MADE_NATIVE, MADE_COUNT };

struct court {
	const struct growth_view *view;
	enum suspects_collector collector;
	double seconds;
	uint64_t total_bytes; /* growth of all objects */
	struct trial *trials;
	size_t count;
	/** Candidates made here. */
	struct growth_candidate made[MADE_COUNT];
	struct growth_point made_points[MADE_COUNT][GROWTH_MOMENTS_MAX];
	char class_names[GROWTH_MEMORY_ROWS_MAX][32]; /* "block of 3000 bytes" */
};

// A single child that accounts for this much of its parent's growth is where it accumulates.
#define EXPLAINS 0.7

// Groups of objects wander more than one container does.
#define HOLDER_STEADINESS_MIN 0.2

// In the expression at hand.
#define count_text(count)     human_count(count).text
#define bytes_text(bytes)     human_bytes(bytes).text
#define seconds_text(seconds) human_seconds(seconds).text

#define HELD_BY_C_CODE "held by C code"

static inline uint64_t suspects_grown(uint64_t first, uint64_t last)
{
	return last > first ? last - first : 0;
}

/** Add the candidates that are no object. */
void suspects_make(struct court *court);
/** Fill the figures of a trial, and say what is known of it by itself. */
void suspects_try(const struct court *court, struct trial *trial);
/** Too little, or too unsteady, for its kind. */
bool suspects_is_noise(const struct trial *trial);
/** It holds so many bytes more, others' taken off. */
void suspects_set_bytes(const struct court *court, struct trial *trial, uint64_t bytes);
/** Of those above each other, leave the one where it accumulates. */
void suspects_weigh_parents(struct court *court);
/** Of those that are one leak in several places, leave the one that tells most. */
void suspects_merge(struct court *court);
/** Do two containers get longer by the same at the same time? */
bool suspects_are_in_step(const struct court *court, const struct trial *a, const struct trial *b);
/** Weak references, most of them. */
bool suspects_holds_weakly(const struct court *court, const struct growth_candidate *candidate);

/** Were modules still being imported, many at a time, when the hunt ended? */
bool suspects_is_importing(const struct court *court);
bool suspects_is_dict(const struct growth_candidate *candidate);

/** A text, owned; NULL without memory. */
char *suspects_text(const char *format, ...) __attribute__((__format__(__printf__, 1, 2)));
/** Fill the texts of a suspect whose figures are there. */
struct error *suspects_describe(
	const struct court *court, const struct trial *trial, struct suspect *ret);
/** Notes and the sentence above all. */
struct error *suspects_add_notes(const struct court *court, struct suspects *ret);
