// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Between suspects.c (the rules) and suspects_text.c (the words).
 */
#pragma once

#include "analysis/suspects.h"

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

/** Were modules still being imported, many at a time, when the hunt ended? */
bool suspects_is_importing(const struct court *court);
bool suspects_is_dict(const struct growth_candidate *candidate);

/** Fill the texts of a suspect whose figures are there. */
struct error *suspects_describe(
	const struct court *court, const struct trial *trial, struct suspect *ret);
/** Notes and the sentence above all. */
struct error *suspects_add_notes(const struct court *court, struct suspects *ret);
