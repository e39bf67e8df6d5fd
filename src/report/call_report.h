// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * What became of a call in a process (gc, trim), as data, and as text for people.
 */
#pragma once

#include "report/hunt_report.h"

#include <stdbool.h>

enum call_kind {
	CALL_COLLECT,
	CALL_TRIM,
};

enum call_outcome {
	CALL_DONE,
	CALL_NOT_DONE, /* nothing was called, and nothing will be */
	CALL_LEFT,     /* time was up in the midst: it ends by itself */
};

/** Memory and objects before the call (0) and after it (1). */
struct call_moment {
	uint64_t rss_bytes, pss_bytes; /* pss_bytes 0: unknown */
	/** If objects were counted: */
	uint64_t objects, bytes;
	uint64_t garbage_objects,
		garbage_bytes; /* unreachable ones that the collector would free */
	double stopped_ms;     /* for counting */
};

/** Texts are owned. */
struct call_report {
	enum call_kind kind;
	pid_t pid;
	char *python;     /* "CPython 3.11.2" */
	char *executable; /* path */
	enum call_outcome outcome;
	char *way; /* where it was called, or why it was not */
	pid_t thread;
	unsigned tries;
	double waited_s, call_ms, away_ms, stopped_ms;
	bool has_objects;
	struct call_moment moments[2];
};

void call_report_deinit(struct call_report *report);

static inline void cleanup_call_report_deinit(struct call_report *report)
{
	call_report_deinit(report);
}

/** "gc.collect()", "malloc_trim(0)". */
const char *call_kind_name(enum call_kind kind);
/** "done", "not-done", "left". */
const char *call_outcome_name(enum call_outcome outcome);

/** UTF-8 without control characters but newlines (and colours). The caller owns it; NULL without
 *  memory. */
char *call_report_text(const struct call_report *report, const struct report_style *style);
