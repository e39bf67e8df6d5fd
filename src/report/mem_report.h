// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Where the memory of one process goes, as data for every front end; and as text for people.
 */
#pragma once

#include "analysis/memory.h"
#include "report/hunt_report.h"

/** Texts are borrowed: of the source and of the snapshot that the memory was examined in. */
struct mem_report {
	pid_t pid;
	/** "process", "core", "snapshot"; and of the latter two, "process 4242 in app.core". */
	const char *source, *name;
	/** What a core lacks, a sentence each. */
	const char *const *notes;
	size_t note_count;
	const char *python, *executable, *command_line;
	uint64_t threads;
	const char *mode; /* NULL: not of a running process */
	double stopped_ms;
	uint64_t objects;
	const struct heap_graph *graph;
	struct memory_report memory; /* owned */
	bool has_maps;               /* a line for each mapping is wanted */
};

static inline void cleanup_mem_report_deinit(struct mem_report *report)
{
	memory_report_deinit(&report->memory);
}

/** Parts that are there, most bytes first. Returns their number. */
size_t mem_report_parts(
	const struct mem_report *report, enum heap_memory_part ret[HEAP_PART_COUNT]);

/** What a type's objects have, most bytes first: indexes of the graph's types. Returns their number, at
 *  most @p count. */
size_t mem_report_types(const struct mem_report *report, uint32_t *ret, size_t count);

/** One screen (and the mappings, if they are wanted). The caller owns it; NULL without memory. */
char *mem_report_text(const struct mem_report *report, const struct report_style *style);
