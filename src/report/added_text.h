// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Who adds to a container, as text: places in code, callers, requests.
 */
#pragma once

#include "report/text_writer.h"
#include "watch/watch_sites.h"

struct string_builder;

/** "/srv/app/metrics.py:65 in Profiler.end". */
void added_place(struct string_builder *out, const char *file, uint32_t line, const char *function);

/** The callers that a person asks for: those in the user's own code, a few; if there are none, the nearest:
 * "client.py:41 in get_json ← views.py:20 in get_metric". Nothing if there are no callers. */
void added_callers(struct string_builder *out, const struct watch_frame *frames, size_t count);

/** Lines for the places that add to a suspect or a watched object: the label "added", each place with its
 * callers, requests. */
void added_write(struct text_writer *writer, const struct watch_sites *sites, bool is_approximate,
	bool with_values);
