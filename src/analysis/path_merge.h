// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Several paths as one tree: what they have in common is written once.
 *
 *	app                                app.cache['a'].user and app.log.entries[…].user
 *	  .cache['a'].user                 as branches; each text goes on where that above it ends.
 *	  .log.entries[…].user
 */
#pragma once

#include "analysis/dominators.h"
#include "analysis/paths.h"
#include "analysis/why.h"
#include "base/vector.h"

/** Branches of one: of more, or of those that have less than this part of all, only the sum is there. */
#define PATH_MERGE_BRANCHES_MAX 10
#define PATH_MERGE_PARTS        200
/** Routes to one object. */
#define PATH_MERGE_ROUTES_MAX   12

struct path_branch {
	char *text;     /* NULL: the branches of that above which are left out, added up */
	unsigned depth; /* 0: begins at a root */
	uint32_t
		type; /* index in graph->types of the object that it leads to; UINT32_MAX: several */
	/** Of a type: objects that it leads to, and the bytes that would be freed with them. Of an object:
	 *  routes; 0. */
	uint64_t count, bytes;
	uint64_t branches;        /* without a text: how many */
	bool is_deeper;           /* the text may be repeated in part (a linked list) */
	enum why_verdict verdict; /* of an object: the worst of its references */
};
DEFINE_VECTOR(path_branch_vector, struct path_branch)

struct path_merge {
	struct path_branch_vector branches; /* in the order of a walk, the largest first */
	uint64_t total, looked_at;          /* of a type: objects */
	uint64_t garbage, garbage_bytes;    /* of a type: those of them that nothing holds */
};

/** The shortest paths of all objects whose type is called @p type, indices and keys left out
 *  (growth_signature()). */
struct error *path_merge_type(const struct heap_graph *graph, const struct dominators *dominators,
	const struct paths *paths, const char *type, struct path_merge *ret);
/** Several routes to one object, each with a verdict. */
struct error *path_merge_object(const struct heap_graph *graph, const struct paths *paths,
	node_id node, struct path_merge *ret);
void path_merge_deinit(struct path_merge *merge);

static inline void cleanup_path_merge_deinit(struct path_merge *merge)
{
	path_merge_deinit(merge);
}
