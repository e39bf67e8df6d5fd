// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * After the last snapshot of a hunt: watching what grows, to see who makes it.
 */
#pragma once

#include "heap/heap_open.h"
#include "report/hunt_report.h"

struct watch_suspects_options {
	double seconds; /* how long at most */
	unsigned hits;  /* insertions per suspect */
	unsigned rate_max;
};

/**
 * Watch the containers of the first suspects, as many as the processor can, and put who adds to them
 * into report->additions and report->watch. Ends when each suspect has its hits. That the process ends
 * meanwhile, or may not be watched, is said there, and no error.
 */
struct error *watch_suspects(struct heap_source *source,
	const struct watch_suspects_options *options, struct hunt_report *report);
