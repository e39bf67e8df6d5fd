// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Snapshot files with any contents (file_trial.h). What opens must be a graph: all that a front end may ask of
 * it is asked.
 */
#include "analysis/dominators.h"
#include "analysis/garbage.h"
#include "analysis/heap_diff.h"
#include "analysis/memory.h"
#include "analysis/path_lookup.h"
#include "analysis/path_merge.h"
#include "analysis/paths.h"
#include "analysis/why.h"
#include "base/alloc.h"
#include "base/error.h"
#include "file_trial.h"
#include "heap/heap_open.h"

#include <stdlib.h>

#define PATHS 24

static void ask(const struct heap_graph *graph, node_id node)
{
	const struct heap_naming *naming = &graph->naming;
	struct heap_label label;
	char text[200];
	uint32_t count;

	heap_edges_of(graph, node, &count);
	naming->length(naming->context, node);
	naming->bound(naming->context, node);
	naming->name(naming->context, node, text, sizeof(text));
	naming->file(naming->context, node, text, sizeof(text));
	naming->free_variable(naming->context, node, 1, text, sizeof(text));
	naming->node_at(naming->context, naming->address(naming->context, node));
	for (uint32_t i = 0; i < count && i < 8; i++)
		naming->label(naming->context, node, i, &label);
}

// Why it is alive, and what would go with it.
static void explain(const struct heap_graph *graph, const struct dominators *dominators,
	const struct paths *paths, node_id node)
{
	struct why_type_vector freed = {0};
	struct why_step *steps;
	size_t count;

	file_trial_must(why_path(graph, paths, node, &steps, &count), "a path's steps");
	mem_free(steps);
	file_trial_must(why_freed(graph, dominators, node, &freed), "what would be freed");
	why_type_vector_deinit(&freed);
}

// Figures of memory, if they make sense.
static void account(const struct heap_snapshot *snapshot, const struct dominators *dominators,
	const struct paths *paths)
{
	struct memory_report report = {0};
	struct error *err = snapshot->memory ? memory_examine(snapshot->graph, dominators, paths,
						       snapshot->memory, true, &report)
					     : NULL;

	if (err && error_kind(err) != ERROR_BAD_DATA && error_kind(err) != ERROR_UNSUPPORTED)
		file_trial_must(err, "the account");
	error_destroy(err);
	if (report.explained_bytes > report.figures.rss_bytes)
		file_trial_must(error_create(ERROR_BAD_DATA, "more is explained than there is"),
			"the account");
	memory_report_deinit(&report);
}

// All that holds it, and those of its type; and what is called as it is.
static void merge(const struct heap_graph *graph, const struct dominators *dominators,
	const struct paths *paths, node_id node)
{
	struct path_merge tree;
	struct path_description description;
	struct error *err;

	file_trial_must(path_merge_object(graph, paths, node, &tree), "ways to it");
	path_merge_deinit(&tree);
	file_trial_must(path_merge_type(graph, dominators, paths,
				graph->types[heap_type_of(graph, node)].name, &tree),
		"paths of a type");
	if (tree.looked_at < 1 || tree.looked_at > tree.total)
		abort();
	path_merge_deinit(&tree);
	file_trial_must(paths_describe(paths, node, &description), "a path");
	err = paths_find(graph, paths, description.text, &node);
	if (err && error_kind(err) == ERROR_MEMORY)
		file_trial_must(err, "a path's end");
	error_destroy(err);
	path_description_deinit(&description);
}

static void examine(struct heap_snapshot *snapshot)
{
	const struct heap_graph *graph = snapshot->graph;
	struct dominators *dominators = NULL;
	struct paths *paths = NULL;
	struct heap_threads threads;
	struct garbage garbage;

	file_trial_must(heap_graph_check(graph), "the graph");
	file_trial_must(dominators_create(graph, &dominators), "dominators");
	file_trial_must(garbage_compute(graph, dominators, &garbage), "garbage");
	file_trial_must(paths_create(graph, &paths), "paths");
	file_trial_must(heap_snapshot_threads(snapshot, &threads), "threads");
	for (uint64_t i = 0; i < PATHS && graph->node_count > 1; i++) {
		node_id node = 1 + (node_id)((graph->node_count - 1) * i / PATHS);
		struct path_description description;

		file_trial_must(paths_describe(paths, node, &description), "a path");
		path_description_deinit(&description);
		ask(graph, node);
		if (i % 8 == 0) {
			explain(graph, dominators, paths, node);
			merge(graph, dominators, paths, node);
		}
	}
	account(snapshot, dominators, paths);
	heap_threads_deinit(&threads);
	paths_destroy(paths);
	garbage_deinit(&garbage);
	dominators_destroy(dominators);
}

// No file differs from itself. Its pools are of the sizes of Python, or the graph was none.
static struct error *compare_with_itself(struct heap_source *source)
{
	struct heap_file *file = (struct heap_file *)heap_source_file(source);
	struct heap_file *const files[] = {file, file};
	struct heap_diff diff = {0};
	struct error *err = heap_diff_types(files, 2, &diff);

	for (size_t i = 0; !err && i < diff.rows.count; i++) {
		if (diff.rows.items[i].added || diff.rows.items[i].gone)
			abort();
	}
	heap_diff_deinit(&diff);
	return err;
}

// As `diff --by` does it.
static struct error *list_places(enum heap_diff_by by, struct heap_skeleton *skeleton)
{
	struct heap_diff diff = {.by = by, .file_count = 1};
	struct heap_diff_place_vector places = {0};
	struct paths *paths = NULL;
	struct error *err = heap_diff_list_places(by, skeleton, &places);

	if (!err)
		err = paths_create(skeleton->graph, &paths);
	if (!err)
		err = heap_diff_add_places(&diff, 0, skeleton, paths, &places);
	paths_destroy(paths);
	heap_diff_place_vector_deinit(&places);
	heap_diff_deinit(&diff);
	return err;
}

// The same file without being held whole.
static struct error *examine_parts(struct heap_source *source)
{
	struct heap_snapshot *snapshot = NULL;
	struct heap_skeleton *skeleton = NULL;
	struct error *err = heap_snapshot_take_parts(source, &snapshot);

	if (!err)
		err = heap_skeleton_create(snapshot->graph, &skeleton);
	if (!err)
		file_trial_must(heap_graph_check(skeleton->graph), "the skeleton");
	if (!err)
		err = heap_snapshot_add_names(snapshot);
	if (!err)
		err = list_places(HEAP_DIFF_HOLDER, skeleton);
	if (!err)
		err = list_places(HEAP_DIFF_CONTAINER, skeleton);
	heap_skeleton_destroy(skeleton);
	heap_snapshot_destroy(snapshot);
	return err;
}

// Parts say less than all of it, and are refused for less: only what crashes is wrong.
static void try_parts(struct heap_source *source)
{
	struct error *err = examine_parts(source);

	if (err && error_kind(err) == ERROR_MEMORY)
		file_trial_must(err, "parts");
	error_destroy(err);
}

// Takes both.
static void try_source(struct error *err, struct heap_source *source)
{
	const struct heap_snapshot_options options = {.keep_memory = true};
	struct heap_snapshot *snapshot = NULL;

	if (!err)
		try_parts(source);
	if (!err)
		err = heap_snapshot_take(source, &options, &snapshot);
	if (!err)
		examine(snapshot);
	if (!err)
		err = compare_with_itself(source);
	// An error is an honest answer, but for want of memory: there was enough.
	if (err && error_kind(err) == ERROR_MEMORY)
		file_trial_must(err, "open");
	error_destroy(err);
	heap_snapshot_destroy(snapshot);
	heap_source_destroy(source);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct heap_source *source = NULL;
	struct error *err;

	if (!size)
		return 0;
	err = heap_source_open_file(file_trial_write(data, size), &source);
	try_source(err, source);
	file_trial_remove();
	return 0;
}
