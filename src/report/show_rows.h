// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Making the rows of a view (show_report.h).
 */
#pragma once

#include "report/show_report.h"

static inline struct show_cell cell_text(const char *text)
{
	return (struct show_cell){.is_known = text && *text, .text = text};
}

static inline struct show_cell cell_count(uint64_t count)
{
	return (struct show_cell){.is_known = true, .count = count};
}

/** A count that is unknown if it is 0. */
static inline struct show_cell cell_count_or_none(uint64_t count)
{
	return (struct show_cell){.is_known = count > 0, .count = count};
}

static inline struct show_cell cell_share(uint64_t part, uint64_t whole)
{
	return (struct show_cell){
		.is_known = true, .share = whole ? (double)part / (double)whole : 0};
}

/** Append a row, or count it among those that are left out. */
struct error *show_add_row(
	const struct show_input *input, const struct show_row *row, struct show_report *ret);
/** Let the report have a text of its own: for cells that borrow from nobody else. Takes @p text, which
 *  may be NULL: then memory was short. */
struct error *show_own_text(struct show_report *report, char *text, const char **ret);
/** How a node is held, as a text of the report's. */
struct error *show_path(
	const struct show_input *input, node_id node, struct show_report *report, const char **ret);
