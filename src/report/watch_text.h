// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Watched changes as text, a line each; who made them at the end.
 */
#pragma once

#include "report/added_text.h"
#include "report/watched.h"

/** Lines and paragraphs with a newline at the end, owned by the caller; NULL without memory. */
char *watch_text_start(const struct watched_report *report, const struct report_style *style);
char *watch_text_change(const struct watched_report *report, const struct watch_change *change,
	const struct report_style *style);
char *watch_text_end(const struct watched_report *report, const struct report_style *style);
