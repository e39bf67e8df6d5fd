// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * The door that front ends use: a process, a core file or a snapshot file in, object graphs out.
 *
 *	struct heap_source *source;
 *	err = heap_source_open("4242", NULL, &source); // who is it, which CPython; nothing is stopped
 *	err = heap_snapshot_take(source, &options, &snapshot); // one short stop; builds the graph
 *	... snapshot->graph ...
 *	heap_snapshot_destroy(snapshot); // the clone is killed and reaped
 *
 * What is kept in a file comes back through the same door, with everything but its memory:
 *
 *	err = heap_snapshot_save(snapshot, &facts_options, &figures, "a.shk", &bytes);
 *	err = heap_source_open("a.shk", NULL, &source);
 *	err = heap_snapshot_take(source, &options, &snapshot);
 *
 * A snapshot's graph can be asked for labels and names (struct heap_naming) until it is destroyed,
 * which must be before its source is. Captures use ptrace: all calls must be made from one thread.
 */
#pragma once

#include "heap/heap_graph.h"
#include "heap/heap_memory.h"
#include "heap/heap_threads.h"
#include "target/capture.h"
#include "target/core_file.h"

struct heap_source;
struct heap_addresses;
struct heap_facts;
struct heap_file;
struct heap_loaded;
struct python;

enum heap_source_kind {
	HEAP_SOURCE_PROCESS, /* as many snapshots as one likes */
	HEAP_SOURCE_CORE,    /* all snapshots are the same */
	HEAP_SOURCE_FILE,    /* likewise: a snapshot file */
};

/** "process", "core", "snapshot". */
const char *heap_source_kind_name(enum heap_source_kind kind);

/** Facts about the process, found when it was opened. Texts are owned by the source. */
struct heap_source_info {
	enum heap_source_kind kind;
	pid_t pid;              /* 0: a core that does not say it */
	const char *name;       /* "process 4242", "process 4242 in app.core" */
	const char *python;     /* "CPython 3.11.2" */
	uint32_t version_hex;   /* PY_VERSION_HEX: 0x030b02f0 */
	const char *executable; /* path in the target's mount namespace */
	const char *command_line;
	uint64_t
		start_ticks; /* when the process was started (proc(5)); 0: a core does not say it */
	double written_at_s; /* of a core or a snapshot file: seconds since 1970; else 0 */
	/** What a core lacks, a sentence each. */
	const char *const *notes;
	size_t note_count;
};

struct heap_source_options {
	struct core_options core;
};

/** A word that stands for a target: digits are the id of a process, all else is the name of a file, and
 *  *ret_pid 0. ERROR_USAGE if it is neither. */
struct error *heap_source_read_word(const char *word, pid_t *ret_pid);
/** Is there a snapshot file of this name, by its first bytes? */
bool heap_source_is_snapshot(const char *path);
/** Open the process or the file that @p word stands for: what a file is, it says itself. */
struct error *heap_source_open(
	const char *word, const struct heap_source_options *options, struct heap_source **ret);

/** Identify the process and its interpreter. Errors are those of process_open(), and
 *  ERROR_UNSUPPORTED: not a Python process, or a Python that is not supported yet. */
struct error *heap_source_open_process(pid_t pid, struct heap_source **ret);
/** The same for what a core file holds. Errors are those of core_file_open(). */
struct error *heap_source_open_core(
	const char *path, const struct core_options *options, struct heap_source **ret);
/** The same of a snapshot file, which is looked at no further: each snapshot is what was saved. Errors:
 *  ERROR_SYSTEM; ERROR_BAD_DATA, with what is wrong with the file; ERROR_UNSUPPORTED if it is of a newer
 *  version. */
struct error *heap_source_open_file(const char *path, struct heap_source **ret);
/** The same for bytes in memory, which are borrowed (tests, fuzzing). */
struct error *heap_source_open_bytes(
	const char *name, const void *bytes, size_t size, struct heap_source **ret);
void heap_source_destroy(struct heap_source *source);
DEFINE_CLEANUP(struct heap_source *, heap_source_destroy)

/** The file it is; NULL if it is none. */
const struct heap_file *heap_source_file(const struct heap_source *source);

const struct heap_source_info *heap_source_info(const struct heap_source *source);
/** The process behind it; NULL if it is none that runs. */
struct process *heap_source_process(struct heap_source *source);
/** Its interpreter, read live: what is read may change meanwhile. */
const struct python *heap_source_python(const struct heap_source *source);
/** Can another snapshot be taken? ERROR_GONE if the process ended or executed another program. */
struct error *heap_source_check(struct heap_source *source);
/** Are both files of one process? Their snapshots then are moments of the same heap. */
bool heap_source_is_same_process(const struct heap_source *left, const struct heap_source *right);

struct heap_snapshot_options {
	struct capture_options capture;
	/** Threads to use; 0: as many as there are cores. */
	unsigned workers;
	/** Keep the counts of each node for the audit (tests). */
	bool keep_audit;
	/** Note what is needed to say where the memory goes (snapshot->memory). */
	bool keep_memory;
};

/** What is known about the reading itself. */
struct heap_snapshot_stats {
	struct capture_report capture;
	/** CLOCK_MONOTONIC seconds at the moment of the stop; of a core or a
	 *  file, seconds since 1970. */
	double taken_at_s;
	/** The same moment in microseconds since 1970. */
	uint64_t taken_at_us;
	uint64_t objects, bytes; /* live objects, and the sum of their shallow sizes */
	uint64_t edges, inferred_edges;
	/** Objects that could not be read whole: torn, freed meanwhile, or in unreadable memory. */
	uint64_t unreadable;
	/** Reference counts: checked, equal to the exact edges found, equal with inferred ones. */
	uint64_t refcounts_checked, refcounts_exact, refcounts_inferred;
	uint64_t rss_bytes; /* of a core, the bytes of memory in it */
	uint64_t threads;   /* of the kernel */
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
	struct heap_source_info info; /* texts are the source's */
	const struct heap_addresses *addresses;
	struct heap_builder *builder; /* answers the graph's naming questions; NULL: the facts do */
	struct target *target;        /* owned; NULL: the source's own bytes are the picture */
	/** Owned; NULL unless asked for, and of a file that says nothing of memory. */
	struct heap_memory *memory;
	struct heap_facts *facts;   /* see heap_snapshot_facts() */
	struct heap_loaded *loaded; /* what belongs to one from a file; NULL otherwise */
};

struct error *heap_snapshot_take(struct heap_source *source,
	const struct heap_snapshot_options *options, struct heap_snapshot **ret);
/**
 * Of a file, without holding it all: a graph of types and roots, whose rows, types and sizes by node are visited
 * (heap_graph_visit_rows()) or brought (heap_graph_bring_rows()). Naming, without addresses, comes with add_names.
 */
struct error *heap_snapshot_take_parts(struct heap_source *source, struct heap_snapshot **ret);
struct error *heap_snapshot_add_names(struct heap_snapshot *snapshot);

/** The Python stacks of all threads. Texts are the graph's. */
struct error *heap_snapshot_threads(struct heap_snapshot *snapshot, struct heap_threads *ret);

struct heap_facts_options;

/** What is known besides the graph: as it is in the file or, of a target, found out by reading it once
 *  more when it is first asked for. Belongs to the snapshot. */
struct error *heap_snapshot_facts(struct heap_snapshot *snapshot,
	const struct heap_facts_options *options, const struct heap_facts **ret);

/** Write a snapshot file, mode 0600, all or nothing (store_writer.h). Its source must be there. @p memory:
 *  its figures, measured with the fates that the graph says (analysis/memory.h); or NULL. */
struct error *heap_snapshot_save(struct heap_snapshot *snapshot,
	const struct heap_facts_options *options, const struct heap_memory_figures *memory,
	const char *path, uint64_t *ret_bytes);

void heap_snapshot_destroy(struct heap_snapshot *snapshot);
DEFINE_CLEANUP(struct heap_snapshot *, heap_snapshot_destroy)
