// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Watched changes as JSON: the fields of docs/json.md.
 */
#pragma once

#include "export/json_object.h"
#include "report/watched.h"

/** "added_by" of a suspect: an array. */
json_t *export_sites_json(const struct watch_sites *sites, bool with_values);
/** "watch" of a hunt: an object. */
json_t *export_watch_json(const struct watch_report *report);

/** Lines of watch-object --json, each one JSON object and a newline, owned by the caller; NULL without
 * memory. */
char *export_watch_start(const struct watched_report *report);
char *export_watch_change(const struct watched_report *report, const struct watch_change *change);
char *export_watch_end(const struct watched_report *report);
