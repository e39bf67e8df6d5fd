// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * The door that front ends use: a process in, object graphs out.
 *
 *	struct heap_source *source;
 *	err = heap_source_open_process(pid, &source);   // who is it, which CPython; nothing is
 *stopped err = heap_snapshot_take(source, &options, &snapshot);   // one short stop; builds the
 *graph
 *	... snapshot->graph ...
 *	heap_snapshot_destroy(snapshot);                // the clone is killed and reaped
 *
 * A snapshot's graph can be asked for labels and names (struct heap_naming) until it is destroyed.
 * Captures use ptrace: all calls must be made from one thread.
 */
#pragma once

#include "heap/heap_graph.h"
#include "target/capture.h"

struct heap_source;
struct python;

/** Facts about the process, found when it was opened. Texts are owned by the source. */
struct heap_source_info {
	pid_t pid;
	const char *python;     /* "CPython 3.11.2" */
	uint32_t version_hex;   /* PY_VERSION_HEX: 0x030b02f0 */
	const char *executable; /* path in the target's mount namespace */
	const char *command_line;
};

/** Identify the process and its interpreter. Errors are those of process_open(), and
 *  ERROR_UNSUPPORTED: not a Python process, or a Python that is not supported yet. */
struct error *heap_source_open_process(pid_t pid, struct heap_source **ret);
void heap_source_destroy(struct heap_source *source);
DEFINE_CLEANUP(struct heap_source *, heap_source_destroy)

const struct heap_source_info *heap_source_info(const struct heap_source *source);
/** The process behind it: for its current RSS and threads. */
struct process *heap_source_process(struct heap_source *source);
/** Its interpreter, read live: what is read may change meanwhile. */
const struct python *heap_source_python(const struct heap_source *source);

struct heap_snapshot_options {
	struct capture_options capture;
	/** Threads to use; 0: as many as there are cores. */
	unsigned workers;
	/** Keep the counts of each node for the audit (tests). */
	bool keep_audit;
};

/** What is known about the reading itself. */
struct heap_snapshot_stats {
	struct capture_report capture;
	/** CLOCK_MONOTONIC seconds at the moment of the stop. */
	double taken_at_s;
	uint64_t objects, bytes; /* live objects, and the sum of their shallow sizes */
	uint64_t edges, inferred_edges;
	/** Objects that could not be read whole: torn, freed meanwhile, or in unreadable memory. */
	uint64_t unreadable;
	/** Reference counts: checked, equal to the exact edges found, equal with inferred ones. */
	uint64_t refcounts_checked, refcounts_exact, refcounts_inferred;
	uint64_t rss_bytes;
	double build_s;
	/** The interpreter was in the middle of a collection, or a thread held the GIL. */
	bool was_collecting, gil_was_held;
	/** gc.isenabled() of the main interpreter. */
	bool collector_is_enabled;
	/** Times the picture was taken again because the first was taken at a bad moment. */
	unsigned retries;
};

struct heap_snapshot {
	struct heap_graph *graph;
	struct heap_snapshot_stats stats;
	struct heap_builder *builder; /* answers the graph's naming questions */
	struct target *target;        /* owned */
};

struct error *heap_snapshot_take(struct heap_source *source,
	const struct heap_snapshot_options *options, struct heap_snapshot **ret);
void heap_snapshot_destroy(struct heap_snapshot *snapshot);
DEFINE_CLEANUP(struct heap_snapshot *, heap_snapshot_destroy)
