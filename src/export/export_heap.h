// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * A heap in the formats of other tools: docs/export.md says what becomes what.
 *
 * All writers write as they go, and keep no more in memory than the different texts and a few bytes per
 * object. Errors of the stream are left to the caller, who asks ferror() at the end; a writer only
 * stops early.
 */
#pragma once

#include "analysis/dominators.h"
#include "analysis/paths.h"
#include "heap/heap_graph.h"

#include <stdio.h>

struct error;

struct export_input {
	/** Its labels should be cheap: answered by facts (heap_facts_name()). */
	const struct heap_graph *graph;
	const struct dominators *dominators; /* dot, ndjson */
	const struct paths *paths;           /* dot, stacks */
	const char *name;                    /* "process 4242" */
	uint64_t taken_at_us;                /* since 1970; 0: unknown */
	size_t limit;                        /* dot: nodes at most */
	/** Should it be given up? May be NULL. */
	bool (*is_interrupted)(void);
};

/** V8's heap snapshot, for Chromium's DevTools and memlab. ERROR_UNSUPPORTED: more objects or
 *  references than its readers count. */
struct error *export_heapsnapshot(const struct export_input *input, FILE *out);
/** A line of JSON per object. */
struct error *export_ndjson(const struct export_input *input, FILE *out);
/** The top of the dominator tree as a graph for Graphviz. */
struct error *export_dot(const struct export_input *input, FILE *out);
/** Stacks (stack_profile.h) with their bytes: flamegraph.pl's lines, speedscope's JSON, pprof's protobuf. */
struct error *export_collapsed(const struct export_input *input, FILE *out);
struct error *export_speedscope(const struct export_input *input, FILE *out);
struct error *export_pprof(const struct export_input *input, FILE *out);

/** Has writing become pointless? To be asked once per object. */
static inline bool export_is_over(const struct export_input *input, FILE *out, node_id node)
{
	// Neither question costs much, but there are many objects.
	return node % 4096 == 0 &&
	       (ferror(out) || (input->is_interrupted && input->is_interrupted()));
}
