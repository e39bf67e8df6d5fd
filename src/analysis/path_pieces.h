// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * A path turned into pieces of text (".cache", "['users']"), one for each hop that a person would
 * write. Private to path_text.c, which folds, shortens and joins them, and to path_merge.c, which
 * merges those of several paths.
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

/** Any path, not that of the tree. */
struct path_route {
	const struct heap_root *root; /* of the first node */
	node_id *nodes;               /* from the root's on; the last is whose path it is */
	uint64_t count;               /* at least 1 */
};
struct error *path_pieces_of_route(
	const struct heap_graph *graph, const struct path_route *route, struct path_pieces *ret);

/** Fold repetitions, and put a blank after a root that needs one. False without memory. */
bool path_pieces_fold(struct path_pieces *pieces);
/** Pieces as one text, the middle left out if need be; the caller's, NULL without memory. */
char *path_pieces_join(const struct piece_vector *pieces);

static inline void cleanup_path_pieces_deinit(struct path_pieces *pieces)
{
	path_pieces_deinit(pieces);
}
