// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * A path turned into pieces of text (".cache", "['users']"), one for each hop that a person would
 * write. Private to path_text.c, which folds, shortens and joins them.
 */
#pragma once

#include "analysis/paths.h"
#include "base/error.h"
#include "base/vector.h"

/** What is written for one hop, or for several. */
struct piece {
	char *text; /* as it follows the text before: ".cache" */
	char *step; /* on its own: "cache"; NULL: text without a leading dot */
	uint64_t hops;
	bool is_gap; /* hops that were not looked at */
};

DEFINE_VECTOR(piece_vector, struct piece)

struct path_pieces {
	struct piece_vector pieces; /* the first is the root or the module */
	bool is_user_code, is_named;
	bool is_root_apart; /* an attribute would look like part of the root's name */
};

/** The pieces of @p node's path, which it must have. Empty on failure. */
struct error *path_pieces_read(const struct paths *paths, node_id node, struct path_pieces *ret);
void path_pieces_deinit(struct path_pieces *pieces);

static inline void cleanup_path_pieces_deinit(struct path_pieces *pieces)
{
	path_pieces_deinit(pieces);
}
