// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Parts of the view that show_path_of() makes. Private to show_path.c and show_path_tree.c.
 */
#pragma once

#include "report/show_report.h"

/** Its columns. */
enum { SECTION, VERDICT, DEPTH, WHAT, TYPE, OBJECTS, BYTES, REASON, PATH_COLUMNS };

/** Why the objects of a type are alive: their paths as a tree. */
struct error *show_path_type(
	const struct show_input *input, const char *type, struct show_report *ret);
/** All that keeps an object alive, as a tree; nothing if there is no more than its path. */
struct error *show_path_ways(const struct show_input *input, node_id node, struct show_report *ret);
