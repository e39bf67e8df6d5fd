// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Snapshot files: a graph with its facts as columns (store/store_format.h draws the file).
 *
 *	column  items
 *	1       figures: enum heap_figure, as u64
 *	2       texts of the columns 3, 19 to 23, and 96 on (u8)
 *	3       by type: its name (u32, a text)
 *	4       its own node (u32)
 *	5       enum heap_type_role (u8)
 *	6, 7    its objects and their bytes (u64)
 *	8       pools: address in units of a pool's size (u64, delta)
 *	9       in each pool, where an object starts: bits (u64)
 *	10      objects outside pools: address (u64, delta)
 *	11      words: the different values of heap_graph.node_word (u32)
 *	12      by node: number of its word (u8, u16 or u32)
 *	13      by node: shallow size, 65535 if it is in the next two (u16)
 *	14, 15  the sizes beyond: node, bytes
 *	16      by node: number of references (u32)
 *	17      references (heap_edges.h), a block for the nodes of each block of 12 (u32)
 *	18      which of them are inferred (u32, delta)
 *	19-22   roots: node, kind, name, file (u32, u8, u32, u32; texts of 2; UINT32_MAX for none)
 *	23      what the source of the heap lacked: sentences (u32, texts of 2)
 *	32 …    facts (heap_facts.c)
 *	96 …    figures of memory (heap_file_memory.h)
 *
 * Opening reads figures and types only: a histogram needs no more.
 */
#pragma once

#include "heap/heap_facts.h"
#include "heap/heap_rows.h"

struct error;
struct heap_file;
struct heap_memory_figures;
struct heap_snapshot;
struct heap_snapshot_stats;
struct store_reader;

enum heap_column_number {
	HEAP_COLUMN_FIGURES = 1,
	HEAP_COLUMN_TEXTS,
	HEAP_COLUMN_TYPE_NAME,
	HEAP_COLUMN_TYPE_NODE,
	HEAP_COLUMN_TYPE_ROLE,
	HEAP_COLUMN_TYPE_OBJECTS,
	HEAP_COLUMN_TYPE_BYTES,
	HEAP_COLUMN_POOLS,
	HEAP_COLUMN_STARTS,
	HEAP_COLUMN_OTHERS,
	HEAP_COLUMN_WORDS,
	HEAP_COLUMN_NODE_WORD,
	HEAP_COLUMN_SIZE,
	HEAP_COLUMN_BIG_NODE,
	HEAP_COLUMN_BIG_SIZE,
	HEAP_COLUMN_EDGE_COUNT,
	HEAP_COLUMN_EDGES,
	HEAP_COLUMN_INFERRED,
	HEAP_COLUMN_ROOT_NODE,
	HEAP_COLUMN_ROOT_KIND,
	HEAP_COLUMN_ROOT_NAME,
	HEAP_COLUMN_ROOT_FILE,
	HEAP_COLUMN_NOTES,
};

/** Figures: new ones are appended. Texts are numbers in column 2. */
enum heap_figure {
	HEAP_FIGURE_NODES, /* the root included */
	HEAP_FIGURE_EDGES,
	HEAP_FIGURE_TAKEN_AT, /* microseconds since 1970 */
	HEAP_FIGURE_START_TICKS,
	HEAP_FIGURE_PID,
	HEAP_FIGURE_VERSION_HEX,
	HEAP_FIGURE_PYTHON,       /* text */
	HEAP_FIGURE_EXECUTABLE,   /* text */
	HEAP_FIGURE_COMMAND_LINE, /* text */
	HEAP_FIGURE_THREADS,
	HEAP_FIGURE_RSS_BYTES,
	HEAP_FIGURE_MODE, /* enum capture_mode */
	HEAP_FIGURE_STOPPED_US,
	HEAP_FIGURE_FALLBACK_REASON, /* text */
	HEAP_FIGURE_RETRIES,
	HEAP_FIGURE_FLAGS, /* collecting 1, GIL held 2, collector enabled 4 */
	HEAP_FIGURE_OBJECTS,
	HEAP_FIGURE_BYTES,
	HEAP_FIGURE_INFERRED_EDGES,
	HEAP_FIGURE_UNREADABLE,
	HEAP_FIGURE_REFCOUNTS_CHECKED,
	HEAP_FIGURE_REFCOUNTS_EXACT,
	HEAP_FIGURE_REFCOUNTS_INFERRED,
	HEAP_FIGURE_POOL_BYTES,
	HEAP_FIGURE_GRANULE_BYTES,
	HEAP_FIGURE_NAMELESS, /* heap_facts.nameless */
	HEAP_FIGURE_COUNT,
};

/** Write a snapshot that was taken from a target, or loaded. @p facts must be those of its graph, as must
 *  @p memory; that may be NULL: then the file says nothing of memory. */
struct error *heap_file_save(const struct heap_snapshot *snapshot, const struct heap_facts *facts,
	const struct heap_memory_figures *memory, const char *path, uint64_t *ret_bytes);

/** A file that is open, of which nothing but the figures and the types has been unpacked. */
struct heap_file_type {
	const char *name;
	node_id node;
	enum heap_type_role role;
	uint64_t objects, bytes;
};

/** Errors: those of store_reader_open(). */
struct error *heap_file_open(const char *path, struct heap_file **ret);
struct error *heap_file_open_bytes(
	const char *name, const void *bytes, size_t size, struct heap_file **ret);
void heap_file_close(struct heap_file *file);
DEFINE_CLEANUP(struct heap_file *, heap_file_close)

uint64_t heap_file_figure(const struct heap_file *file, enum heap_figure figure);
const char *heap_file_text(const struct heap_file *file, uint64_t number);
const struct heap_file_type *heap_file_types(const struct heap_file *file, uint32_t *ret_count);
/** The figures of a snapshot, as heap_snapshot_take() gives them. */
void heap_file_stats(const struct heap_file *file, struct heap_snapshot_stats *ret);
/** Sentences, of the file. */
const char *const *heap_file_notes(const struct heap_file *file, size_t *ret_count);
/** "process 4242 in a.shk". */
const char *heap_file_name(const struct heap_file *file);
const struct store_reader *heap_file_reader(const struct heap_file *file);

/** Addresses of the objects. */
struct error *heap_file_load_addresses(const struct heap_file *file, struct heap_addresses *ret);
/** Words (type and flags) of all nodes: pages_alloc(nodes, 4), the caller's. */
struct error *heap_file_load_words(const struct heap_file *file, uint32_t **ret);
/** Shallow sizes of all nodes, HEAP_SIZE_ELSEWHERE for those past 16 bits: pages_alloc(nodes, 2), the
 *  caller's. */
struct error *heap_file_load_sizes(const struct heap_file *file, uint16_t **ret);
/** A graph of types, words and sizes, without a reference or a root: what a scan of objects needs. */
struct error *heap_file_load_nodes(const struct heap_file *file, struct heap_graph **ret);
/** The whole graph, checked, without its naming. */
struct error *heap_file_load_graph(const struct heap_file *file, struct heap_graph **ret);
/** Types, roots and sizes past 16 bits only: all that is by node stays in the file (heap_file_rows_create()), and
 *  the arrays for it take no memory until pages of them are written to. */
struct error *heap_file_load_parts(const struct heap_file *file, struct heap_graph **ret);
/** The rest of such a graph, a block at a time: to be its row_source. Both must outlive it. What the file has of no
 *  sense is an error of the visit. */
struct error *heap_file_rows_create(
	const struct heap_file *file, const struct heap_graph *graph, struct heap_row_source **ret);
void heap_file_rows_destroy(struct heap_row_source *rows);
/** All facts, or those that heap_fact_is_for_naming(). */
struct error *heap_file_load_facts(const struct heap_file *file, const struct heap_graph *graph,
	bool for_naming_only, struct heap_facts **ret);
