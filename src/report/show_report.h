// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * A view of one heap as a table: columns, rows, and what was left out of it.
 *
 * A view is a function from a heap to rows (show_types.h, show_threads.h, …); text and JSON are made
 * of any table by the same code.
 */
#pragma once

#include "analysis/dominators.h"
#include "analysis/paths.h"
#include "heap/heap_graph.h"
#include "heap/heap_threads.h"
#include "report/hunt_report.h"

#include <sys/types.h>

struct error;
struct heap_facts;
struct heap_file;

enum show_kind {
	SHOW_TEXT,        /* a text of the target */
	SHOW_COUNT,       /* a number */
	SHOW_NUMBER,      /* a number that is a name: of a line, of a thread */
	SHOW_BYTES,       /* bytes */
	SHOW_DELTA_BYTES, /* more or less bytes: count is an int64_t */
	SHOW_DELTA,       /* more or less of something: likewise */
	SHOW_SHARE,       /* 0 to 1 */
	SHOW_DEPTH, /* in a tree, from 0 on: as text the column that follows is indented by it */
};

struct show_column {
	const char *name;  /* in JSON: "bytes" */
	const char *title; /* for people */
	enum show_kind kind;
	/** Rows with the same value follow each other. As text: a line above them, when it changes. */
	bool is_heading;
};

/** At most so many columns. */
#define SHOW_COLUMNS_MAX 8

/** A cell: which member, its column's kind says. */
struct show_cell {
	bool is_known;    /* false: null in JSON, nothing as text */
	const char *text; /* borrowed from the heap, or static */
	uint64_t count;   /* or bytes */
	double share;
};

struct show_row {
	struct show_cell cells[SHOW_COLUMNS_MAX];
};

/** Where the heap is from. Texts are borrowed. */
struct show_target {
	const char *kind; /* "process", "core", … */
	const char *name; /* "process 4242 in app.core" */
	pid_t pid;        /* 0: unknown */
	const char *python, *executable, *command_line;
	uint64_t rss_bytes, threads; /* 0: unknown */
	uint64_t objects, bytes;     /* of the heap */
	double stopped_ms;           /* for a snapshot of a process */
	uint64_t edges, inferred_edges, unreadable;
	uint64_t refcounts_checked, refcounts_exact, refcounts_inferred;
};

struct show_report {
	struct show_target target;
	const char *view; /* "types" */
	const struct show_column *columns;
	size_t column_count;
	struct show_row *rows; /* owned */
	size_t row_count, row_capacity;
	char **texts; /* of cells that borrow from nobody else. Owned */
	size_t text_count, text_capacity;
	/** All rows that --limit left out, added up; of no meaning if there are none. */
	struct show_row other;
	uint64_t other_rows;
	const char *const *notes; /* what the heap's source lacks. Borrowed */
	size_t note_count;
};

/** What views may ask of a heap; what one does not ask for may be NULL. */
struct show_input {
	const struct heap_graph *graph;
	const struct heap_file *file; /* the heap is one, and its graph was not read */
	const struct heap_threads *threads;
	const struct dominators *dominators;
	const struct paths *paths;
	const struct heap_facts *facts;
	size_t limit;     /* of rows */
	size_t depth;     /* of trees */
	const char *what; /* show_path_of(): an address, a type, a path */
};

/** Trees are not shown deeper. */
#define SHOW_DEPTH_MAX 64

/** A view: fills columns, rows and other of a report whose target is there. The rows borrow from
 *  @p input. */
typedef struct error *(*show_view)(const struct show_input *input, struct show_report *ret);

void show_report_deinit(struct show_report *report);

static inline void cleanup_show_report_deinit(struct show_report *report)
{
	show_report_deinit(report);
}

/** The report as text, like hunt_report_text(). */
char *show_report_text(const struct show_report *report, const struct report_style *style);

/** The views. By type: objects and their own bytes, most bytes first. */
struct error *show_types(const struct show_input *input, struct show_report *ret);
/** The Python stack of each thread, the innermost frame first, with what its variables alone hold.
 *  Needs input->threads and dominators. */
struct error *show_threads(const struct show_input *input, struct show_report *ret);
/** The same by module. */
struct error *show_modules(const struct show_input *input, struct show_report *ret);
/** The figures of the snapshot. Needs only the report's target. */
struct error *show_summary(const struct show_input *input, struct show_report *ret);
/** Roots by kind and name, and what each alone keeps alive. Needs dominators. */
struct error *show_roots(const struct show_input *input, struct show_report *ret);
/** The dominator tree to input->depth, its branches from half a per cent of all on. Needs dominators and
 *  paths. */
struct error *show_dominators(const struct show_input *input, struct show_report *ret);
/** What no root reaches. Needs dominators. */
struct error *show_garbage(const struct show_input *input, struct show_report *ret);
/** Containers by type and fill, most waste first. Needs facts. */
struct error *show_collections(const struct show_input *input, struct show_report *ret);
/** Strings that are there several times, most waste first. Needs facts and paths. */
struct error *show_strings(const struct show_input *input, struct show_report *ret);
/** Why input->what is alive: an object by its address or path, or all objects of a type. Needs dominators
 *  and paths. ERROR_NOT_FOUND: there is no such thing. */
struct error *show_path_of(const struct show_input *input, struct show_report *ret);
