// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Watched changes as JSON: the fields of docs/json.md.
 */
#pragma once

#include "export/json_object.h"
#include "report/hunt_report.h"

/** "added_by" of a suspect: an array. */
json_t *export_sites_json(const struct watch_sites *sites, bool with_values);
/** "watch" of a hunt: an object. */
json_t *export_watch_json(const struct watch_report *report);

/** The object that is watched by watch-object, as its first line tells it. */
struct export_watched {
	pid_t pid;
	const char *python, *path, *type;
	uint64_t addr, length;
};

/** Lines of watch-object --json, each one JSON object and a newline, owned by the caller; NULL without
 * memory. */
char *export_watch_start(const struct export_watched *watched);
char *export_watch_change(const struct watch_change *change, bool with_values);
char *export_watch_end(const struct watch_report *report, const struct watch_object *object,
	const struct watch_sites *sites, uint64_t lost_lines, bool with_values);
