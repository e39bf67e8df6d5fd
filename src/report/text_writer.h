// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Lines with a margin: a label at the left, text wrapped beside it.
 *
 *	  held   sys.modules['metrics'] → Profiler →
 *	         results
 *
 * Text is cleaned of what a terminal could take for commands.
 */
#pragma once

#include "base/string_builder.h"
#include "report/hunt_report.h"

enum text_colour {
	TEXT_PLAIN,
	TEXT_BOLD,
	TEXT_DIM,
	TEXT_ALARM,
	TEXT_GOOD,
};

struct text_writer {
	struct string_builder out;
	struct report_style style;
};

/** Where text begins beside a label. */
#define TEXT_MARGIN 9

/** A line (or several) beside @p label, which may be ""; without margin if it is NULL. */
void text_writer_line(struct text_writer *writer, const char *label, enum text_colour label_colour,
	enum text_colour text_colour, const char *format, ...)
	__attribute__((__format__(__printf__, 5, 6)));
void text_writer_blank(struct text_writer *writer);
