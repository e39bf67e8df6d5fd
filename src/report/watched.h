// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Objects that are watched by a person's wish, as data: for text and JSON.
 */
#pragma once

#include "watch/watch_sites.h"

#include <sys/types.h>

/** Texts are owned. */
struct watched {
	char *path;               /* or the address of a word */
	char *type;               /* NULL for a word */
	uint64_t length;          /* when the watch began */
	struct watch_sites sites; /* who adds to it */
};

struct watched_report {
	pid_t pid;
	const char *python; /* borrowed */
	struct watched items[WATCH_OBJECTS_MAX];
	struct watch_object objects[WATCH_OBJECTS_MAX]; /* of each: how its watch goes */
	unsigned count;
	struct watch_report watch;
	uint64_t lost_lines; /* changes that could not be printed in time */
	/** Query strings may be shown. */
	bool with_values;
};

void watched_report_deinit(struct watched_report *report);
