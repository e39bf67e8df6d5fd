// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Watched changes as text, a line each; who made them at the end.
 */
#pragma once

#include "report/added_text.h"

/** Lines and paragraphs with a newline at the end, owned by the caller; NULL without memory. @p type is
 * NULL, @p is_word true, for a word of unknown meaning. */
char *watch_text_start(
	const char *path, const char *type, uint64_t length, const struct report_style *style);
char *watch_text_change(const struct watch_change *change, bool is_word, bool with_values,
	const struct report_style *style);
char *watch_text_end(const struct watch_report *report, const struct watch_object *object,
	const struct watch_sites *sites, uint64_t lost_lines, bool with_values,
	const struct report_style *style);
