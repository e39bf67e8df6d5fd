// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * The answer of a hunt as data, the same for every front end; and as text for people.
 */
#pragma once

#include "analysis/suspects.h"
#include "watch/watch_sites.h"

#include <sys/types.h>

/** One snapshot of the hunt. Texts are owned. */
struct hunt_snapshot {
	double at_s; /* since the first one */
	double stopped_ms;
	char *mode;            /* "clone", "freeze", "live"; "core" */
	char *fallback_reason; /* why not clone; "" otherwise */
	uint64_t objects, bytes;
	uint64_t unreadable;
	uint64_t refcounts_checked, refcounts_exact, refcounts_inferred;
	uint64_t rss_bytes;
	uint64_t garbage_objects, garbage_bytes;
	unsigned retries;
};

/** Who adds to a suspect. */
struct hunt_additions {
	struct watch_sites sites;
	/** Why nothing of it was watched, a half sentence; "" if something was. Owned. */
	char *not_watched;
};

/** How suspects were watched after the last snapshot. */
struct hunt_watch {
	bool is_done;
	struct watch_report report;
};

/** Texts are owned. */
struct hunt_report {
	pid_t pid;
	char *python;     /* "CPython 3.11.2" */
	char *executable; /* path */
	char *command_line;
	uint64_t rss_bytes;
	uint64_t threads;
	struct hunt_snapshot *snapshots;
	size_t snapshot_count;
	/** What core files lack, a sentence each. Borrowed. */
	const char *const *notes;
	size_t note_count;
	/** Why it ended before its time: "interrupted", "the process ended"; "" if it did not. */
	char *ended_early;
	struct suspects suspects;
	/** One for each suspect, or NULL: nobody was to be watched. */
	struct hunt_additions *additions;
	struct hunt_watch watch;
	/** Query strings may be shown. */
	bool with_values;
	struct growth_memory memory; /* owned; empty if it was not looked at */
};

void hunt_report_deinit(struct hunt_report *report);

static inline void cleanup_hunt_report_deinit(struct hunt_report *report)
{
	hunt_report_deinit(report);
}

static inline bool hunt_report_is_leak(const struct hunt_report *report)
{
	return report->suspects.count > 0;
}

/**
 * Does what a container did while it was watched, after the last snapshot, contradict that it leaks? It was freed.
 * It is shorter than it was then, or lost more than half of what it had for a while. Or it is no longer than before,
 * although at the pace of the snapshots it should have grown by @p expected items, as much as makes a suspect and
 * more than it goes up and down: of a heap of timers, which each come back, some are always gone.
 */
bool hunt_report_is_contradicted(
	const struct suspect *suspect, const struct watch_object *object, double expected);

/** How text is to look. */
struct report_style {
	/** Columns to wrap at; 0: lines as long as they come. */
	unsigned width;
	bool has_colour;
};

/** The report on one screen, in UTF-8 without control characters but newlines (and colours). The
 *  caller owns it; NULL without memory. */
char *hunt_report_text(const struct hunt_report *report, const struct report_style *style);
