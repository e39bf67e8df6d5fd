// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * file-check PID FILE: take a snapshot, write it to FILE, read it back, and compare: everything that a
 * graph can be asked, how each object is held, and where the memory goes. Prints what was compared.
 * file-check --texts FILE: print every text that is in the file.
 */
#include "analysis/dominators.h"
#include "analysis/paths.h"
#include "base/alloc.h"
#include "base/error.h"
#include "export/export_mem.h"
#include "heap/heap_facts.h"
#include "heap/heap_facts_options.h"
#include "heap/heap_file.h"
#include "heap/heap_open.h"
#include "report/mem_report.h"
#include "same_graph.h"
#include "store/store_reader.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Objects whose paths are compared, spread evenly: each takes some 100 µs.
#define PATHS        1500
// Of so many objects one is asked for the names of its references: those of all take a minute.
#define LABEL_STRIDE 9

static struct error *compare_path(const struct paths *a, const struct paths *b, node_id node)
{
	struct path_description left = {0}, right = {0};
	struct error *err = paths_describe(a, node, &left);

	if (!err)
		err = paths_describe(b, node, &right);
	if (!err && (strcmp(left.text, right.text) != 0 || left.is_named != right.is_named ||
			    left.is_user_code != right.is_user_code))
		err = error_create(ERROR_BAD_DATA, "object %u: path '%s', then '%s'", node,
			left.text, right.text);
	path_description_deinit(&left);
	path_description_deinit(&right);
	return err;
}

static struct error *compare_paths(const struct heap_graph *a, const struct heap_graph *b)
{
	_cleanup_(paths_destroy) struct paths *left = NULL, *right = NULL;
	struct error *err = paths_create(a, &left);

	if (!err)
		err = paths_create(b, &right);
	for (uint64_t i = 0; !err && i < PATHS; i++)
		err = compare_path(left, right, 1 + (node_id)((a->node_count - 2) * i / PATHS));
	return err;
}

// All that shikari mem says.
static struct error *describe_memory(const struct heap_snapshot *snapshot, char **ret)
{
	_cleanup_(dominators_destroy) struct dominators *dominators = NULL;
	_cleanup_(paths_destroy) struct paths *paths = NULL;
	_cleanup_(mem_report_deinit) struct mem_report report = {.pid = 1,
		.python = "",
		.executable = "",
		.command_line = "",
		.source = "",
		.threads = snapshot->stats.threads,
		.mode = capture_mode_name(snapshot->stats.capture.mode),
		.objects = snapshot->stats.objects,
		.graph = snapshot->graph,
		.has_maps = true};
	struct error *err = dominators_create(snapshot->graph, &dominators);

	if (!err)
		err = paths_create(snapshot->graph, &paths);
	if (!err)
		err = memory_examine(snapshot->graph, dominators, paths, snapshot->memory,
			snapshot->stats.collector_is_enabled, &report.memory);
	return err ? err : export_mem_json(&report, ret);
}

// The first line that differs.
static struct error *compare_texts(const char *left, const char *right)
{
	while (*left || *right) {
		size_t a = strcspn(left, "\n"), b = strcspn(right, "\n");

		if (a != b || memcmp(left, right, a) != 0)
			return error_create(ERROR_BAD_DATA, "memory: '%.*s', then '%.*s'", (int)a,
				left, (int)b, right);
		left += a + (left[a] == '\n');
		right += b + (right[b] == '\n');
	}
	return NULL;
}

static struct error *compare_memory(
	const struct heap_snapshot *taken, const struct heap_snapshot *loaded, uint64_t *ret_rss)
{
	_cleanup_(heap_memory_figures_deinit) struct heap_memory_figures figures = {0};
	_cleanup_(mem_free) char *left = NULL, *right = NULL;
	struct error *err = describe_memory(taken, &left);

	if (!err)
		err = describe_memory(loaded, &right);
	if (!err)
		err = compare_texts(left, right);
	if (!err)
		err = memory_measure(loaded->graph, loaded->memory, &figures);
	*ret_rss = figures.rss_bytes;
	return err;
}

static struct error *save(struct heap_snapshot *snapshot, const char *path, uint64_t *ret_bytes)
{
	// Without, keys that are numbers have no names.
	const struct heap_facts_options options = {.with_content = true};
	_cleanup_(heap_memory_figures_deinit) struct heap_memory_figures figures = {0};
	struct error *err = memory_measure(snapshot->graph, snapshot->memory, &figures);

	return err ? err : heap_snapshot_save(snapshot, &options, &figures, path, ret_bytes);
}

static struct error *check(pid_t pid, const char *path)
{
	const struct heap_snapshot_options options = {.keep_memory = true};
	_cleanup_(heap_source_destroy) struct heap_source *source = NULL, *file = NULL;
	_cleanup_(heap_snapshot_destroy) struct heap_snapshot *taken = NULL, *loaded = NULL;
	struct same_graph_result same;
	uint64_t bytes, rss;
	struct error *err = heap_source_open_process(pid, &source);

	if (!err)
		err = heap_snapshot_take(source, &options, &taken);
	if (!err)
		err = save(taken, path, &bytes);
	if (!err)
		err = heap_source_open_file(path, &file);
	if (!err)
		err = heap_snapshot_take(file, &options, &loaded);
	if (!err)
		err = same_graph(taken->graph, loaded->graph, LABEL_STRIDE, &same);
	if (!err)
		err = compare_paths(taken->graph, loaded->graph);
	if (!err)
		err = compare_memory(taken, loaded, &rss);
	if (err)
		return err;
	printf("objects %" PRIu64 " references %" PRIu64 " labels %" PRIu64 " names %" PRIu64
	       " files %" PRIu64 " lengths %" PRIu64 " bounds %" PRIu64 " free_variables %" PRIu64
	       " roots %" PRIu64 " nameless %" PRIu64 " bytes %" PRIu64 " rss %" PRIu64 "\n",
		same.nodes, same.edges, same.labels, same.names, same.files, same.lengths,
		same.bounds, same.free_variables, same.roots, loaded->facts->nameless, bytes, rss);
	return NULL;
}

static struct error *print_texts(const char *path)
{
	_cleanup_(heap_file_close) struct heap_file *file = NULL;
	struct error *err = heap_file_open(path, &file);

	for (uint32_t number = 0; !err && number <= 255; number++) {
		const struct store_column *column =
			store_reader_find(heap_file_reader(file), number);
		char *texts;
		uint64_t count;

		if (!column || column->width != 1)
			continue;
		err = store_read(heap_file_reader(file), number, 1, &texts, &count);
		for (uint64_t i = 0; !err && i < count; i++)
			putchar(texts[i] ? texts[i] : '\n');
		if (!err)
			pages_free(texts, count, 1);
	}
	return err;
}

int main(int argc, char **argv)
{
	struct error *err;

	if (argc != 3) {
		fprintf(stderr, "usage: file-check PID FILE\n");
		return 2;
	}
	if (strcmp(argv[1], "--texts") == 0)
		err = print_texts(argv[2]);
	else
		err = check(atoi(argv[1]), argv[2]);
	if (err) {
		fprintf(stderr, "file-check: %s\n", error_message(err));
		error_destroy(err);
		return 1;
	}
	return 0;
}
