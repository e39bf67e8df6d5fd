// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * graph-text PID|CORE [--exe FILE] [--sysroot DIR]: one snapshot as text, to be compared line by line
 * with another of the same moment. A line for each object: address, type, size, flags, its edges' addresses
 * ("~" before an inferred one), and of each sixteenth its path from a root; one for each root; one for each
 * frame of a thread.
 */
#include "analysis/paths.h"
#include "base/error.h"
#include "heap/heap_open.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static uint64_t address_of(const struct heap_graph *graph, node_id node)
{
	return graph->naming.address(graph->naming.context, node);
}

static struct error *print_node(
	const struct heap_graph *graph, const struct paths *paths, node_id node)
{
	struct path_description path = {0};
	bool has_path = address_of(graph, node) / 16 % 16 == 0;
	uint32_t count;
	const uint32_t *edges = heap_edges_of(graph, node, &count);
	struct error *err = has_path ? paths_describe(paths, node, &path) : NULL;

	if (err)
		return err;
	printf("object %" PRIx64 " %s %" PRIu64 " %x:", address_of(graph, node),
		graph->types[heap_type_of(graph, node)].name, heap_size_of(graph, node),
		graph->node_word[node] & ~HEAP_NODE_TYPE_MASK);
	for (uint32_t i = 0; i < count; i++)
		printf(" %s%" PRIx64, edges[i] & HEAP_EDGE_INFERRED ? "~" : "",
			address_of(graph, edges[i] & HEAP_EDGE_NODE));
	printf(" | %s\n", has_path ? path.text : "");
	path_description_deinit(&path);
	return NULL;
}

static void print_roots(const struct heap_graph *graph)
{
	for (size_t i = 0; i < graph->root_count; i++) {
		const struct heap_root *root = &graph->roots[i];

		printf("root %" PRIx64 " %d %s %s\n", address_of(graph, root->node),
			(int)root->kind, root->name ? root->name : "-",
			root->file ? root->file : "-");
	}
}

static void print_threads(const struct heap_threads *threads)
{
	for (size_t i = 0; i < threads->count; i++) {
		const struct heap_thread *thread = &threads->items[i];

		printf("thread %s %" PRIu64 "\n", thread->name, thread->id);
		for (size_t k = 0; k < thread->frame_count; k++) {
			const struct heap_frame *frame = &threads->frames[thread->first_frame + k];

			printf("frame %s %s %u\n", frame->function, frame->file, frame->line);
		}
	}
}

static struct error *print_snapshot(struct heap_snapshot *snapshot)
{
	_cleanup_(heap_threads_deinit) struct heap_threads threads = {0};
	_cleanup_(paths_destroy) struct paths *paths = NULL;
	struct error *err = heap_graph_check(snapshot->graph);

	if (!err)
		err = paths_create(snapshot->graph, &paths);
	for (node_id node = 1; !err && node < snapshot->graph->node_count; node++)
		err = print_node(snapshot->graph, paths, node);
	if (!err)
		err = heap_snapshot_threads(snapshot, &threads);
	if (err)
		return err;
	print_roots(snapshot->graph);
	print_threads(&threads);
	return NULL;
}

int main(int argc, char **argv)
{
	_cleanup_(heap_source_destroy) struct heap_source *source = NULL;
	_cleanup_(heap_snapshot_destroy) struct heap_snapshot *snapshot = NULL;
	// With one worker, objects are met in the same order each time, and of paths that are equally good
	// the same is chosen.
	const struct heap_snapshot_options options = {.workers = 1};
	struct heap_source_options places = {0};
	struct error *err;

	for (int i = 2; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--exe") == 0)
			places.core.executable = argv[i + 1];
		else if (strcmp(argv[i], "--sysroot") == 0)
			places.core.sysroot = argv[i + 1];
	}
	if (argc < 2) {
		fprintf(stderr, "usage: graph-text PID|CORE [--exe FILE] [--sysroot DIR]\n");
		return 2;
	}
	err = heap_source_open(argv[1], &places, &source);
	if (!err)
		err = heap_snapshot_take(source, &options, &snapshot);
	if (!err)
		err = print_snapshot(snapshot);
	if (err) {
		fprintf(stderr, "graph-text: %s\n", error_message(err));
		error_destroy(err);
		return 1;
	}
	return 0;
}
