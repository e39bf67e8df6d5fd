// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Why an object is alive: its path reference by reference, each with a verdict; all that refers to it; and
 * what would go with it.
 *
 * A verdict is about one reference, as in LeakCanary. It follows from what the referrer is:
 *
 *	expected    code and names that stay for as long as the program does (sys.modules, a module's or a
 *	            class's names, a function's parts); a variable of a running function; a container that
 *	            has a bound of its own
 *	suspicious  an item of a container without a bound that lives as long as the program: what is put
 *	            in stays until somebody takes it out
 *	unknown     all else: an attribute of an instance, an item of a short container; an inferred
 *	            reference; what C code holds
 */
#pragma once

#include "analysis/dominators.h"
#include "analysis/paths.h"
#include "base/vector.h"

/** From so many items on a container that lives for ever is more than a structure that somebody wrote
 *  down. */
#define WHY_ITEMS_MIN 64
/** References of a path that are looked at; of a longer one the first and the last. */
#define WHY_STEPS_MAX 64

enum why_verdict {
	WHY_EXPECTED,
	WHY_SUSPICIOUS,
	WHY_UNKNOWN,
};

/** "expected", "suspicious", "unknown". */
const char *why_verdict_name(enum why_verdict verdict);

struct why_step {
	node_id node;
	/** The reference that leads here, of the node before; of the first, `root` says what it is. */
	struct heap_label label;
	const struct heap_root *root;
	uint64_t skipped; /* references between the step before and this one that are left out */
	enum why_verdict verdict;
	char reason[128];
};

/** The path of a node, from its root on; empty if it has none. The caller releases *ret_steps with
 *  mem_free(). */
struct error *why_path(const struct heap_graph *graph, const struct paths *paths, node_id node,
	struct why_step **ret_steps, size_t *ret_count);

/** The verdicts on the references along any path, whose nodes these are from the root's on: ret[i] is on the one
 *  that leads to nodes[i]. Of a longer path than WHY_STEPS_MAX what is between the ends is unknown. */
void why_judge(const struct heap_graph *graph, const struct heap_root *root, const node_id *nodes,
	uint64_t count, enum why_verdict *ret);

/** A reference in words: ".name", "['key']", "[3]", "{…}", "local x". */
void why_label_text(const struct heap_label *label, char *ret, size_t size);

struct why_referrer {
	node_id node;
	uint32_t edge; /* number of the reference in its row */
};
DEFINE_VECTOR(why_referrer_vector, struct why_referrer)

/** All nodes that refer to one, each once, in the order of their numbers; *ret_total says how many there
 *  are, also past @p limit. */
struct error *why_referrers(const struct heap_graph *graph, node_id node, size_t limit,
	struct why_referrer_vector *ret, uint64_t *ret_total);

struct why_type {
	uint32_t type; /* index in graph->types */
	uint64_t objects, bytes;
};
DEFINE_VECTOR(why_type_vector, struct why_type)

/** What would be freed with a node, itself included: by type, most bytes first. */
struct error *why_freed(const struct heap_graph *graph, const struct dominators *dominators,
	node_id node, struct why_type_vector *ret);
/** What a node refers to, by type, with what each retains if the node alone holds it. */
struct error *why_holds(const struct heap_graph *graph, const struct dominators *dominators,
	node_id node, struct why_type_vector *ret);
