// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "heap/heap_loaded.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"

#include <stdio.h>

void heap_loaded_destroy(struct heap_loaded *loaded)
{
	if (!loaded)
		return;
	heap_file_rows_destroy(loaded->rows);
	heap_graph_destroy(loaded->graph);
	heap_addresses_deinit(&loaded->addresses);
	mem_free(loaded);
}

void heap_file_stats(const struct heap_file *file, struct heap_snapshot_stats *stats)
{
	uint64_t flags = heap_file_figure(file, HEAP_FIGURE_FLAGS);
	uint64_t mode = heap_file_figure(file, HEAP_FIGURE_MODE);

	*stats = (struct heap_snapshot_stats){
		.capture.mode = mode <= CAPTURE_LIVE ? (enum capture_mode)mode : CAPTURE_AUTO,
		.capture.stopped_ms = (double)heap_file_figure(file, HEAP_FIGURE_STOPPED_US) / 1000,
		.taken_at_s = (double)heap_file_figure(file, HEAP_FIGURE_TAKEN_AT) / 1e6,
		.taken_at_us = heap_file_figure(file, HEAP_FIGURE_TAKEN_AT),
		.threads = heap_file_figure(file, HEAP_FIGURE_THREADS),
		.objects = heap_file_figure(file, HEAP_FIGURE_OBJECTS),
		.bytes = heap_file_figure(file, HEAP_FIGURE_BYTES),
		.edges = heap_file_figure(file, HEAP_FIGURE_EDGES),
		.inferred_edges = heap_file_figure(file, HEAP_FIGURE_INFERRED_EDGES),
		.unreadable = heap_file_figure(file, HEAP_FIGURE_UNREADABLE),
		.refcounts_checked = heap_file_figure(file, HEAP_FIGURE_REFCOUNTS_CHECKED),
		.refcounts_exact = heap_file_figure(file, HEAP_FIGURE_REFCOUNTS_EXACT),
		.refcounts_inferred = heap_file_figure(file, HEAP_FIGURE_REFCOUNTS_INFERRED),
		.rss_bytes = heap_file_figure(file, HEAP_FIGURE_RSS_BYTES),
		.was_collecting = flags & 1,
		.gil_was_held = flags & 2,
		.collector_is_enabled = flags & 4,
		.retries = (unsigned)heap_file_figure(file, HEAP_FIGURE_RETRIES),
	};
	snprintf(stats->capture.fallback_reason, sizeof(stats->capture.fallback_reason), "%s",
		heap_file_text(file, heap_file_figure(file, HEAP_FIGURE_FALLBACK_REASON)));
}

struct heap_source_info heap_file_info(const struct heap_file *file)
{
	struct heap_source_info info = {
		.kind = HEAP_SOURCE_FILE,
		.pid = (pid_t)heap_file_figure(file, HEAP_FIGURE_PID),
		.python = heap_file_text(file, heap_file_figure(file, HEAP_FIGURE_PYTHON)),
		.version_hex = (uint32_t)heap_file_figure(file, HEAP_FIGURE_VERSION_HEX),
		.executable = heap_file_text(file, heap_file_figure(file, HEAP_FIGURE_EXECUTABLE)),
		.command_line =
			heap_file_text(file, heap_file_figure(file, HEAP_FIGURE_COMMAND_LINE)),
		.name = heap_file_name(file),
		.start_ticks = heap_file_figure(file, HEAP_FIGURE_START_TICKS),
		.written_at_s = (double)heap_file_figure(file, HEAP_FIGURE_TAKEN_AT) / 1e6,
	};

	info.notes = heap_file_notes(file, &info.note_count);
	return info;
}

static struct error *load(const struct heap_file *file,
	struct error *(*load_graph)(const struct heap_file *file, struct heap_graph **ret),
	struct heap_snapshot *ret)
{
	_cleanup_(heap_loaded_destroy) struct heap_loaded *loaded = mem_calloc(1, sizeof(*loaded));
	struct error *err;

	if (!loaded)
		return error_enomem();
	loaded->file = file;
	err = load_graph(file, &loaded->graph);
	if (err)
		return err;
	heap_file_stats(file, &ret->stats);
	ret->graph = loaded->graph;
	ret->loaded = take(loaded);
	return NULL;
}

struct error *heap_snapshot_load_parts(const struct heap_file *file, struct heap_snapshot *ret)
{
	struct error *err = load(file, heap_file_load_parts, ret);

	if (!err)
		err = heap_file_rows_create(file, ret->graph, &ret->loaded->rows);
	if (err)
		return err;
	ret->graph->row_source = ret->loaded->rows;
	return NULL;
}

static struct error *add_names(struct heap_snapshot *snapshot, bool for_naming_only)
{
	struct heap_loaded *loaded = snapshot->loaded;
	struct error *err = heap_file_load_facts(
		loaded->file, loaded->graph, for_naming_only, &snapshot->facts);

	if (err)
		return err;
	loaded->names =
		(struct heap_facts_names){loaded->graph, snapshot->facts, &loaded->addresses};
	heap_facts_name(loaded->graph, &loaded->names);
	return NULL;
}

struct error *heap_snapshot_add_names(struct heap_snapshot *snapshot)
{
	struct error *err = add_names(snapshot, true);

	if (err)
		return err;
	// These were left out.
	snapshot->graph->naming.address = NULL;
	snapshot->graph->naming.node_at = NULL;
	return NULL;
}

struct error *heap_snapshot_load(const struct heap_file *file, struct heap_snapshot *ret)
{
	double started = monotonic_seconds();
	struct error *err = load(file, heap_file_load_graph, ret);

	if (!err)
		err = heap_file_load_addresses(file, &ret->loaded->addresses);
	if (!err)
		err = add_names(ret, false);
	if (!err)
		ret->addresses = &ret->loaded->addresses;
	ret->stats.build_s = monotonic_seconds() - started;
	return err;
}
