// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "heap/heap_open.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "cpython/pyruntime.h"
#include "cpython/python_open.h"
#include "heap/heap_builder.h"
#include "heap/heap_facts_collect.h"
#include "heap/heap_file_memory.h"
#include "heap/heap_loaded.h"
#include "store/store_reader.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// How long to wait for a moment when no thread holds the GIL and no collection runs: a stop then
// finds every structure whole. Busy processes never have one; they are taken as they are.
#define QUIET_TRIES    40
#define QUIET_PAUSE_US 500
// Pictures taken again because a collection was running in them: its objects are on lists that only
// the collector's stack knows, with links in use for something else.
#define RETRIES_MAX    3
#define RETRY_PAUSE_US 20000

#define QUIET_CACHE_SLOTS 16

// Tries to make sense of a process that runs meanwhile.
#define OPEN_TRIES    10
#define OPEN_PAUSE_US 20000

struct heap_source {
	struct process *process; /* NULL: a core or a file */
	struct heap_file *file;  /* NULL: a process or a core */
	struct pyruntime_place place;
	struct heap_source_info info;
	char python[48];
	struct target *live;        /* the running process's memory, or the core's */
	struct python *live_python; /* for looking at the GIL before a stop */
};

// A dict that the layout is checked by may be growing at this moment, or Python just starting.
static struct error *open_python(struct heap_source *source)
{
	struct error *err;

	for (unsigned i = 0;; i++) {
		err = python_open(source->live, &source->place, &source->live_python);
		if (!err || error_kind(err) != ERROR_BAD_DATA || i == OPEN_TRIES ||
			!source->process)
			break;
		error_destroy(err);
		usleep(OPEN_PAUSE_US);
	}
	if (!err)
		source->place.known = source->live_python;
	return err;
}

static struct error *explain(const struct heap_source *source, struct error *err)
{
	if (source->process)
		return process_explain(source->process, err);
	return source->live ? core_file_explain(source->live, err) : err;
}

// Who it is, and which Python, once its bytes can be read.
static struct error *identify(struct heap_source *source)
{
	char version[32];
	struct error *err = pyruntime_find(source->live, &source->place);

	if (!err)
		err = open_python(source);
	if (err)
		return err;
	pyruntime_version_text(source->live_python->version_hex, version, sizeof(version));
	snprintf(source->python, sizeof(source->python), "CPython %s", version);
	source->info = (struct heap_source_info){
		.kind = source->process ? HEAP_SOURCE_PROCESS : HEAP_SOURCE_CORE,
		.name = target_name(source->live),
		.python = source->python,
		.version_hex = source->live_python->version_hex,
		.executable = target_executable(source->live),
	};
	return NULL;
}

struct error *heap_source_open_process(pid_t pid, struct heap_source **ret)
{
	_cleanup_(heap_source_destroy) struct heap_source *source = mem_calloc(1, sizeof(*source));
	struct error *err;

	if (!source)
		return error_enomem();
	err = process_open(pid, &source->process);
	if (!err)
		err = process_target_live(source->process, &source->live);
	if (!err)
		err = identify(source);
	if (err)
		return explain(source, err);
	source->info.pid = pid;
	source->info.start_ticks = process_start_ticks(source->process);
	source->info.command_line = process_command_line(source->process);
	*ret = take(source);
	return NULL;
}

struct error *heap_source_open_core(
	const char *path, const struct core_options *options, struct heap_source **ret)
{
	_cleanup_(heap_source_destroy) struct heap_source *source = mem_calloc(1, sizeof(*source));
	const struct core_info *core;
	struct error *err;

	if (!source)
		return error_enomem();
	err = core_file_open(path, options, &source->live);
	if (!err)
		err = identify(source);
	if (err)
		return explain(source, err);
	core = core_file_info(source->live);
	source->info.pid = core->pid;
	source->info.command_line = core->command_line;
	source->info.written_at_s = core->written_at_s;
	source->info.notes = core->notes;
	source->info.note_count = core->note_count;
	*ret = take(source);
	return NULL;
}

static struct error *open_file(struct heap_file *file, struct heap_source **ret)
{
	struct heap_source *source = mem_calloc(1, sizeof(*source));

	if (!source) {
		heap_file_close(file);
		return error_enomem();
	}
	source->file = file;
	source->info = heap_file_info(file);
	*ret = source;
	return NULL;
}

struct error *heap_source_open_file(const char *path, struct heap_source **ret)
{
	struct heap_file *file;
	struct error *err = heap_file_open(path, &file);

	return err ? err : open_file(file, ret);
}

struct error *heap_source_open_bytes(
	const char *name, const void *bytes, size_t size, struct heap_source **ret)
{
	struct heap_file *file;
	struct error *err = heap_file_open_bytes(name, bytes, size, &file);

	return err ? err : open_file(file, ret);
}

bool heap_source_is_snapshot(const char *path)
{
	return store_is_file(path);
}

struct error *heap_source_open(
	const char *word, const struct heap_source_options *options, struct heap_source **ret)
{
	pid_t pid;
	struct error *err = heap_source_read_word(word, &pid);

	if (err)
		return err;
	if (pid)
		return heap_source_open_process(pid, ret);
	return heap_source_is_snapshot(word)
		       ? heap_source_open_file(word, ret)
		       : heap_source_open_core(word, options ? &options->core : NULL, ret);
}

void heap_source_destroy(struct heap_source *source)
{
	if (!source)
		return;
	heap_file_close(source->file);
	python_close(source->live_python);
	target_destroy(source->live);
	pyruntime_place_deinit(&source->place);
	process_destroy(source->process);
	mem_free(source);
}

const struct heap_source_info *heap_source_info(const struct heap_source *source)
{
	return &source->info;
}

struct process *heap_source_process(struct heap_source *source)
{
	return source->process;
}

const struct python *heap_source_python(const struct heap_source *source)
{
	return source->live_python;
}

struct error *heap_source_check(struct heap_source *source)
{
	return source->process ? process_check_same(source->process) : NULL;
}

bool heap_source_is_same_process(const struct heap_source *left, const struct heap_source *right)
{
	if (left->file || right->file)
		return left->info.pid == right->info.pid &&
		       left->info.version_hex == right->info.version_hex &&
		       strcmp(left->info.executable, right->info.executable) == 0 &&
		       (!left->info.start_ticks || !right->info.start_ticks ||
			       left->info.start_ticks == right->info.start_ticks);
	if (left->process || right->process)
		return left->process && right->process && left->info.pid == right->info.pid;
	return core_file_is_same_process(left->live, right->live);
}

const struct heap_file *heap_source_file(const struct heap_source *source)
{
	return source->file;
}

struct moment {
	bool is_collecting, gil_is_held, collector_is_enabled;
};

static struct moment look(const struct python *python)
{
	struct pycontext context;
	struct moment moment = {0};
	struct error *err = pycontext_init(&context, python, QUIET_CACHE_SLOTS);

	if (err) {
		error_destroy(err);
		return moment;
	}
	moment.is_collecting = pyruntime_is_collecting(&context);
	moment.gil_is_held = pyruntime_gil_is_held(&context);
	moment.collector_is_enabled = pyruntime_collector_is_enabled(&context);
	pycontext_deinit(&context);
	return moment;
}

static void wait_for_quiet(const struct heap_source *source)
{
	for (unsigned i = 0; i < QUIET_TRIES; i++) {
		struct moment moment = look(source->live_python);

		if (!moment.is_collecting && !moment.gil_is_held)
			return;
		usleep(QUIET_PAUSE_US);
	}
}

static struct target *picture_of(
	const struct heap_source *source, const struct heap_snapshot *snapshot)
{
	return snapshot->target ? snapshot->target : source->live;
}

// What a picture caught is told by a few words of it, before the work of a graph.
static void note_moment(const struct heap_source *source, struct heap_snapshot *snapshot)
{
	struct heap_snapshot_stats *stats = &snapshot->stats;
	struct python python = *source->live_python;
	struct moment moment;

	python.target = picture_of(source, snapshot);
	moment = look(&python);
	stats->was_collecting = moment.is_collecting;
	stats->gil_was_held = moment.gil_is_held;
	stats->collector_is_enabled = moment.collector_is_enabled;
}

static struct error *take_once(struct heap_source *source,
	const struct heap_snapshot_options *options, struct heap_snapshot *snapshot)
{
	struct heap_snapshot_stats *stats = &snapshot->stats;
	struct error *err;

	if (options->keep_memory) {
		err = heap_memory_create(source->process, &snapshot->memory);
		if (err)
			return err;
	}
	wait_for_quiet(source);
	stats->taken_at_s = monotonic_seconds();
	stats->taken_at_us = microseconds_since_1970();
	err = capture_take(source->process, &options->capture, &snapshot->target, &stats->capture);
	if (!err && snapshot->memory)
		err = heap_memory_note_pages(snapshot->memory, snapshot->target);
	if (!err)
		note_moment(source, snapshot);
	return err;
}

static struct error *build(struct heap_source *source, const struct heap_snapshot_options *options,
	struct heap_snapshot *snapshot)
{
	struct heap_builder_options build_options = {.workers = options->workers,
		.keep_audit = options->keep_audit,
		.keep_parts = options->keep_memory};
	double started = monotonic_seconds();
	struct error *err = heap_build(
		picture_of(source, snapshot), &source->place, &build_options, &snapshot->builder);

	snapshot->stats.build_s = monotonic_seconds() - started;
	if (!err && snapshot->memory)
		heap_memory_set_builder(snapshot->memory, snapshot->builder);
	return err;
}

static void drop(struct heap_snapshot *snapshot)
{
	heap_facts_destroy(take(snapshot->facts));
	heap_builder_destroy(take(snapshot->builder));
	target_destroy(take(snapshot->target));
	heap_memory_destroy(take(snapshot->memory));
}

static void fill_stats(struct heap_source *source, struct heap_snapshot *snapshot)
{
	struct heap_snapshot_stats *stats = &snapshot->stats;
	const struct heap_builder_stats *built = &snapshot->builder->stats;

	snapshot->graph = snapshot->builder->graph;
	snapshot->info = source->info;
	snapshot->addresses = &snapshot->builder->addresses;
	stats->objects = built->objects;
	stats->bytes = built->bytes;
	stats->edges = snapshot->graph->edge_count;
	stats->inferred_edges = built->inferred_edges;
	stats->unreadable = built->torn + built->torn_pools;
	stats->refcounts_checked = built->refcounts_checked;
	stats->refcounts_exact = built->refcounts_exact;
	stats->refcounts_inferred = built->refcounts_inferred;
	if (source->process) {
		stats->rss_bytes = process_rss_bytes(source->process);
		stats->threads = process_thread_count(source->process);
	} else {
		size_t count;

		target_threads(source->live, &count);
		stats->rss_bytes = core_file_info(source->live)->bytes;
		stats->threads = count;
	}
}

static struct error *take_of_process(struct heap_source *source,
	const struct heap_snapshot_options *options, struct heap_snapshot *snapshot)
{
	struct error *err = take_once(source, options, snapshot);

	while (!err && snapshot->stats.was_collecting && snapshot->stats.retries < RETRIES_MAX) {
		drop(snapshot);
		usleep(RETRY_PAUSE_US);
		snapshot->stats.retries++;
		err = take_once(source, options, snapshot);
	}
	return err;
}

static struct error *take_of_core(struct heap_source *source,
	const struct heap_snapshot_options *options, struct heap_snapshot *snapshot)
{
	snapshot->stats.taken_at_s = core_file_info(source->live)->written_at_s;
	snapshot->stats.taken_at_us = (uint64_t)(snapshot->stats.taken_at_s * 1e6);
	note_moment(source, snapshot);
	return options->keep_memory ? heap_memory_create_of_core(source->live, &snapshot->memory)
				    : NULL;
}

static struct error *take_of_file(struct heap_source *source,
	const struct heap_snapshot_options *options, struct heap_snapshot *snapshot)
{
	struct error *err = heap_snapshot_load(source->file, snapshot);

	snapshot->info = source->info;
	if (!err && options->keep_memory && heap_file_has_memory(source->file))
		err = heap_memory_create_of_file(source->file, &snapshot->memory);
	return err;
}

struct error *heap_snapshot_take(struct heap_source *source,
	const struct heap_snapshot_options *options, struct heap_snapshot **ret)
{
	_cleanup_(heap_snapshot_destroy) struct heap_snapshot *snapshot =
		mem_calloc(1, sizeof(*snapshot));
	struct error *err = NULL;

	if (!snapshot)
		return error_enomem();
	if (source->file) {
		err = take_of_file(source, options, snapshot);
		if (!err)
			*ret = take(snapshot);
		return err;
	}
	if (source->process)
		err = take_of_process(source, options, snapshot);
	else
		err = take_of_core(source, options, snapshot);
	if (!err)
		err = build(source, options, snapshot);
	if (err)
		return explain(source, err);
	fill_stats(source, snapshot);
	*ret = take(snapshot);
	return NULL;
}

struct error *heap_snapshot_take_parts(struct heap_source *source, struct heap_snapshot **ret)
{
	_cleanup_(heap_snapshot_destroy) struct heap_snapshot *snapshot =
		mem_calloc(1, sizeof(*snapshot));
	struct error *err =
		snapshot ? heap_snapshot_load_parts(source->file, snapshot) : error_enomem();

	if (err)
		return err;
	snapshot->info = source->info;
	*ret = take(snapshot);
	return NULL;
}

struct error *heap_snapshot_threads(struct heap_snapshot *snapshot, struct heap_threads *ret)
{
	return snapshot->builder ? heap_threads_read(snapshot->builder, ret)
				 : heap_facts_threads(snapshot->facts, ret);
}

void heap_snapshot_destroy(struct heap_snapshot *snapshot)
{
	if (!snapshot)
		return;
	drop(snapshot);
	heap_loaded_destroy(snapshot->loaded);
	mem_free(snapshot);
}

struct error *heap_snapshot_facts(struct heap_snapshot *snapshot,
	const struct heap_facts_options *options, const struct heap_facts **ret)
{
	struct error *err = NULL;

	if (!snapshot->facts)
		err = heap_facts_collect(snapshot->builder, options, &snapshot->facts);
	if (!err)
		*ret = snapshot->facts;
	return err;
}

struct error *heap_snapshot_save(struct heap_snapshot *snapshot,
	const struct heap_facts_options *options, const struct heap_memory_figures *memory,
	const char *path, uint64_t *ret_bytes)
{
	const struct heap_facts *facts;
	struct error *err = heap_snapshot_facts(snapshot, options, &facts);

	return err ? err : heap_file_save(snapshot, facts, memory, path, ret_bytes);
}
