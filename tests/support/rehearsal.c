// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/*
 * heap_open.h and watch.h without a heap: the real command on a play. Processes are opened for real;
 * their graphs are scenes, a list growing by the second, or what SHIKARI_REHEARSAL says: "healthy",
 * "odd" (names that are no UTF-8), "gone" (the process ends after the third snapshot), "polling"
 * (hardware watchpoints are refused). The list is filled by two functions, three times to one.
 */
#include "heap/heap_file.h"
#include "heap/heap_open.h"

#include "base/alloc.h"
#include "base/error.h"
#include "scene.h"
#include "watch/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct heap_source {
	struct process *process;
	struct heap_source_info info;
	unsigned taken;
};

struct heap_builder {
	struct scene *scene;
};

// Debian calls them python2.7-dbg and python3.9d.
static struct error *refuse_debug_build(const char *executable)
{
	const char *name = strrchr(executable, '/');
	unsigned major, minor;
	char end[8] = "";

	if (!name || sscanf(name, "/python%1u.%2u%7s", &major, &minor, end) != 3 ||
		(strcmp(end, "d") != 0 && strcmp(end, "-dbg") != 0))
		return NULL;
	return error_create(
		ERROR_UNSUPPORTED, "this is a debug build of CPython %u.%u", major, minor);
}

struct error *heap_source_open_process(pid_t pid, struct heap_source **ret)
{
	_cleanup_(process_destroy) struct process *process = NULL;
	struct error *err = process_open(pid, &process);
	struct heap_source *source;

	if (err)
		return err;
	err = refuse_debug_build(process_executable(process));
	if (err)
		return err;
	if (!strstr(process_executable(process), "python"))
		return error_create(ERROR_UNSUPPORTED, "process %d (%s) is not a Python process",
			pid, process_executable(process));
	source = mem_calloc(1, sizeof(*source));
	if (!source)
		return error_enomem();
	source->info = (struct heap_source_info){.pid = pid,
		.name = "process",
		.python = "CPython 3.11.2",
		.version_hex = 0x030b02f0,
		.executable = process_executable(process),
		.command_line = process_command_line(process)};
	source->process = take(process);
	*ret = source;
	return NULL;
}

struct error *heap_source_open_core(
	const char *path, const struct core_options *options, struct heap_source **ret)
{
	(void)options;
	(void)ret;
	return error_create(ERROR_UNSUPPORTED, "%s: no core files in a rehearsal", path);
}

struct error *heap_source_open(
	const char *word, const struct heap_source_options *options, struct heap_source **ret)
{
	pid_t pid;
	struct error *err = heap_source_read_word(word, &pid);

	if (err)
		return err;
	return pid ? heap_source_open_process(pid, ret)
		   : heap_source_open_core(word, &options->core, ret);
}

bool heap_source_is_snapshot(const char *path)
{
	(void)path;
	return false;
}

struct error *heap_source_open_file(const char *path, struct heap_source **ret)
{
	(void)ret;
	return error_create(ERROR_BAD_DATA, "%s: no snapshot file", path);
}

const struct heap_file *heap_source_file(const struct heap_source *source)
{
	(void)source;
	return NULL;
}

struct error *heap_snapshot_facts(struct heap_snapshot *snapshot,
	const struct heap_facts_options *options, const struct heap_facts **ret)
{
	(void)snapshot;
	(void)options;
	(void)ret;
	return error_create(ERROR_UNSUPPORTED, "a play has no facts");
}

struct error *heap_snapshot_save(struct heap_snapshot *snapshot,
	const struct heap_facts_options *options, const struct heap_memory_figures *memory,
	const char *path, uint64_t *ret_bytes)
{
	(void)snapshot;
	(void)options;
	(void)memory;
	(void)ret_bytes;
	return error_create(ERROR_UNSUPPORTED, "a play cannot be written to %s", path);
}

void heap_source_destroy(struct heap_source *source)
{
	if (!source)
		return;
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
	(void)source;
	return NULL;
}

struct error *heap_source_check(struct heap_source *source)
{
	return process_check_same(source->process);
}

bool heap_source_is_same_process(const struct heap_source *left, const struct heap_source *right)
{
	return left == right;
}

static const char *play(void)
{
	const char *name = getenv("SHIKARI_REHEARSAL");

	return name ? name : "";
}

static bool play_change(const struct watch_options *options, uint64_t number)
{
	const struct watch_frame frames[] = {
		{"Profiler.end", "/srv/app/metrics.py", number % 4 ? 65 : 71},
		{"wrapper", "/usr/lib/python3.11/functools.py", 80},
		{"get_json", "/srv/app/client.py", 41},
	};
	struct watch_change change = {
		.before = number,
		.after = number + 1,
		.is_record = true,
		.thread = "MainThread",
		.frames = frames,
		.frame_count = 3,
		.request = {"GET", "/app_metric/17", "secret=1"},
	};

	return options->on_change(options->context, &change) == WATCH_KEEP;
}

struct error *watch_run(struct process *process, const struct python *python,
	struct watch_object *objects, unsigned count, const struct watch_options *options,
	struct watch_report *ret)
{
	(void)process;
	(void)python;
	*ret = (struct watch_report){.seconds = 0.5};
	if (strcmp(play(), "polling") == 0) {
		ret->method = WATCH_POLLING;
		snprintf(ret->fallback_reason, sizeof(ret->fallback_reason), "no registers");
	}
	for (unsigned i = 0; i < count; i++) {
		objects[i].length_first = objects[i].length_lowest = 2000;
		objects[i].length_last = 2000 + options->rate_max;
		objects[i].changes = 1;
	}
	while (count && play_change(options, objects[0].changes++))
		continue;
	return NULL;
}

static struct scene *make_scene(unsigned moment)
{
	struct scene *scene = scene_create();
	node_id module = scene_module(scene, 0x1000, "metrics");
	node_id class = scene_object(scene, 0x2000, "type");
	node_id list = scene_object(scene, 0x3000, "list");
	unsigned length = strcmp(play(), "healthy") == 0 ? 1000 : 1000 + 500 * moment;

	scene_attribute(scene, module, class, "Profiler");
	scene_attribute(scene, class, list,
		strcmp(play(), "odd") == 0 ? "r\xed\xa0\x80\033[2J" : "results");
	scene_fill(scene, list, 0x100000, length, "float", 24);
	return scene;
}

// No snapshot of the play notes memory.
struct error *heap_memory_measure(
	struct heap_memory *memory, const uint8_t *fates, struct heap_memory_figures *ret)
{
	(void)memory;
	(void)fates;
	(void)ret;
	return error_create(ERROR_UNSUPPORTED, "there is no memory in a play");
}

struct error *heap_snapshot_take_parts(struct heap_source *source, struct heap_snapshot **ret)
{
	(void)source;
	(void)ret;
	return error_create(ERROR_UNSUPPORTED, "there is no file in a play");
}

struct error *heap_snapshot_take(struct heap_source *source,
	const struct heap_snapshot_options *options, struct heap_snapshot **ret)
{
	struct error *err = process_check_same(source->process);
	struct heap_snapshot *snapshot;
	struct timespec now;

	if (err)
		return err;
	if (strcmp(play(), "gone") == 0 && source->taken >= 3)
		return error_create(ERROR_GONE, "process %d has ended", source->info.pid);
	snapshot = mem_calloc(1, sizeof(*snapshot));
	if (!snapshot)
		return error_enomem();
	snapshot->builder = mem_calloc(1, sizeof(*snapshot->builder));
	if (!snapshot->builder) {
		mem_free(snapshot);
		return error_enomem();
	}
	snapshot->builder->scene = make_scene(source->taken++);
	snapshot->graph = scene_finish(snapshot->builder->scene);
	clock_gettime(CLOCK_MONOTONIC, &now);
	snapshot->stats = (struct heap_snapshot_stats){
		.capture = {.mode = options->capture.mode == CAPTURE_AUTO ? CAPTURE_CLONE
									  : options->capture.mode,
			.stopped_ms = 4.1},
		.taken_at_s = (double)now.tv_sec + (double)now.tv_nsec / 1e9,
		.objects = snapshot->graph->node_count - 1,
		.bytes = 24ull * snapshot->graph->node_count,
		.rss_bytes = process_rss_bytes(source->process),
		.threads = process_thread_count(source->process),
	};
	snapshot->info = source->info;
	*ret = snapshot;
	return NULL;
}

struct error *heap_snapshot_threads(struct heap_snapshot *snapshot, struct heap_threads *ret)
{
	(void)snapshot;
	*ret = (struct heap_threads){0};
	return NULL;
}

void heap_threads_deinit(struct heap_threads *threads)
{
	(void)threads;
}

void heap_snapshot_destroy(struct heap_snapshot *snapshot)
{
	if (!snapshot)
		return;
	scene_destroy(snapshot->builder->scene);
	mem_free(snapshot->builder);
	mem_free(snapshot);
}
