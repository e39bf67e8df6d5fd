// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * graph-dump PID|CORE [OUT]: take one snapshot and write the graph for tests/system/compare_truth.py.
 * graph-dump PID --repeat N: take N snapshots, check each graph, print the figures of each.
 *
 * Little-endian: "SHKDUMP1", then per node: u64 address, u64 address of its type, u64 size,
 * i64 reference count, u32 flags (1 tracked, 2 static, 4 unexplained), u32 number of edges, the edges
 * as u64 addresses (bit 63: inferred), u32 references found exactly, u32 found by inference.
 * Without OUT, only the figures are printed.
 */
#include "base/error.h"
#include "heap/heap_builder.h"
#include "heap/heap_open.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put(FILE *out, const void *bytes, size_t size)
{
	if (fwrite(bytes, size, 1, out) != 1) {
		perror("graph-dump");
		exit(1);
	}
}

static void put_u64(FILE *out, uint64_t value)
{
	put(out, &value, sizeof(value));
}

static void put_u32(FILE *out, uint32_t value)
{
	put(out, &value, sizeof(value));
}

static void put_node(FILE *out, const struct heap_snapshot *snapshot, node_id node)
{
	const struct heap_graph *graph = snapshot->graph;
	const struct heap_naming *naming = &graph->naming;
	const struct heap_audit *audit = snapshot->builder->audit;
	uint32_t count;
	const uint32_t *edges = heap_edges_of(graph, node, &count);
	uint32_t type = heap_type_of(graph, node);

	put_u64(out, naming->address(naming->context, node));
	put_u64(out, type ? snapshot->builder->python->types->list.items[type - 1].addr : 0);
	put_u64(out, heap_size_of(graph, node));
	put_u64(out, audit->refcnt[node]);
	put_u32(out, (uint32_t)(heap_has_flag(graph, node, HEAP_NODE_TRACKED) * 1 +
				heap_has_flag(graph, node, HEAP_NODE_STATIC) * 2 +
				heap_has_flag(graph, node, HEAP_NODE_UNEXPLAINED) * 4));
	put_u32(out, count);
	for (uint32_t i = 0; i < count; i++)
		put_u64(out, naming->address(naming->context, edges[i] & HEAP_EDGE_NODE) |
				     (edges[i] & HEAP_EDGE_INFERRED ? 1ull << 63 : 0));
	put_u32(out, audit->exact[node]);
	put_u32(out, audit->inferred[node]);
}

static void print_stats(const struct heap_snapshot_stats *stats)
{
	printf("objects %" PRIu64 "  bytes %" PRIu64 "  edges %" PRIu64 " (%" PRIu64
	       " inferred)  unreadable %" PRIu64 "\n",
		stats->objects, stats->bytes, stats->edges, stats->inferred_edges,
		stats->unreadable);
	printf("refcounts: %.3f %% exact, %.3f %% with inferred, of %" PRIu64 "\n",
		100.0 * (double)stats->refcounts_exact / (double)stats->refcounts_checked,
		100.0 * (double)stats->refcounts_inferred / (double)stats->refcounts_checked,
		stats->refcounts_checked);
	printf("mode %s, stopped %.3f ms, built in %.3f s\n",
		capture_mode_name(stats->capture.mode), stats->capture.stopped_ms, stats->build_s);
}

static struct error *write_dump(const struct heap_snapshot *snapshot, const char *path)
{
	FILE *out = fopen(path, "wb");

	if (!out)
		return error_create(ERROR_SYSTEM, "cannot write %s", path);
	put(out, "SHKDUMP1", 8);
	for (node_id node = 1; node < snapshot->graph->node_count; node++)
		put_node(out, snapshot, node);
	fclose(out);
	return NULL;
}

static struct error *dump(const char *target, const char *path, int repeat)
{
	_cleanup_(heap_source_destroy) struct heap_source *source = NULL;
	struct heap_snapshot_options options = {.keep_audit = path != NULL};
	struct error *err = heap_source_open(target, NULL, &source);

	for (int i = 0; !err && i < repeat; i++) {
		_cleanup_(heap_snapshot_destroy) struct heap_snapshot *snapshot = NULL;

		err = heap_snapshot_take(source, &options, &snapshot);
		if (!err)
			err = heap_graph_check(snapshot->graph);
		if (err)
			break;
		print_stats(&snapshot->stats);
		fflush(stdout);
		if (path)
			err = write_dump(snapshot, path);
	}
	return err;
}

int main(int argc, char **argv)
{
	bool repeats = argc == 4 && strcmp(argv[2], "--repeat") == 0;
	struct error *err;

	if (argc < 2 || (argc > 3 && !repeats)) {
		fprintf(stderr, "usage: graph-dump PID|CORE [OUT | --repeat N]\n");
		return 2;
	}
	err = dump(argv[1], repeats || argc < 3 ? NULL : argv[2], repeats ? atoi(argv[3]) : 1);
	if (err) {
		fprintf(stderr, "graph-dump: %s\n", error_message(err));
		error_destroy(err);
		return 1;
	}
	return 0;
}
