// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * snapshot-tool PID MODE COUNT CONTAINER ITEM: snapshots of a restless process, one JSON line each.
 *
 * Checks each graph's invariants, and follows the part of the heap that does not change: of all
 * objects of a type named CONTAINER, the edges to objects of the type named ITEM ("held"), of these
 * how many a root reaches ("reached"), and all objects of the type ("items").
 */
#include "analysis/dominators.h"
#include "base/error.h"
#include "heap/heap_builder.h"
#include "heap/heap_open.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct arguments {
	struct heap_snapshot_options options;
	unsigned count;
	const char *container, *item;
};

/** What was found of the part that does not change. */
struct kept {
	uint64_t containers, items, held, reached;
};

static uint32_t find_type(const struct heap_graph *graph, const char *name)
{
	for (uint32_t type = 1; type < graph->type_count; type++) {
		if (strcmp(graph->types[type].name, name) == 0)
			return type;
	}
	return UINT32_MAX;
}

static void count_kept(const struct heap_graph *graph, const struct dominators *dominators,
	const struct arguments *arguments, struct kept *ret)
{
	uint32_t container = find_type(graph, arguments->container);
	uint32_t item = find_type(graph, arguments->item);

	*ret = (struct kept){0};
	for (node_id node = 1; node < graph->node_count; node++) {
		uint32_t count;
		const uint32_t *edges = heap_edges_of(graph, node, &count);

		ret->items += heap_type_of(graph, node) == item;
		if (heap_type_of(graph, node) != container)
			continue;
		ret->containers++;
		for (uint32_t i = 0; i < count; i++) {
			node_id referent = edges[i] & HEAP_EDGE_NODE;

			if (heap_type_of(graph, referent) != item)
				continue;
			ret->held++;
			ret->reached += dominators_is_reachable(dominators, referent);
		}
	}
}

static struct error *take_one(struct heap_source *source, const struct arguments *arguments)
{
	_cleanup_(heap_snapshot_destroy) struct heap_snapshot *snapshot = NULL;
	_cleanup_(dominators_destroy) struct dominators *dominators = NULL;
	struct error *err = heap_snapshot_take(source, &arguments->options, &snapshot);
	struct kept kept;

	if (!err)
		err = heap_graph_check(snapshot->graph);
	if (!err)
		err = dominators_create(snapshot->graph, &dominators);
	if (err)
		return err;
	count_kept(snapshot->graph, dominators, arguments, &kept);
	printf("{\"mode\": \"%s\", \"objects\": %" PRIu64 ", \"unreadable\": %" PRIu64
	       ", \"torn_pools\": %" PRIu64 ", \"retries\": %u, \"was_collecting\": %s"
	       ", \"gil_was_held\": %s, \"containers\": %" PRIu64 ", \"items\": %" PRIu64
	       ", \"held\": %" PRIu64 ", \"reached\": %" PRIu64 "}\n",
		capture_mode_name(snapshot->stats.capture.mode), snapshot->stats.objects,
		snapshot->stats.unreadable, snapshot->builder->stats.torn_pools,
		snapshot->stats.retries, snapshot->stats.was_collecting ? "true" : "false",
		snapshot->stats.gil_was_held ? "true" : "false", kept.containers, kept.items,
		kept.held, kept.reached);
	return NULL;
}

int main(int argc, char **argv)
{
	_cleanup_(heap_source_destroy) struct heap_source *source = NULL;
	struct arguments arguments = {0};
	struct error *err;

	if (argc != 6 || !capture_mode_parse(argv[2], &arguments.options.capture.mode)) {
		fprintf(stderr, "usage: snapshot-tool PID MODE COUNT CONTAINER ITEM\n");
		return 2;
	}
	arguments.count = (unsigned)strtoul(argv[3], NULL, 0);
	arguments.container = argv[4];
	arguments.item = argv[5];
	err = heap_source_open_process(atoi(argv[1]), &source);
	for (unsigned i = 0; !err && i < arguments.count; i++)
		err = take_one(source, &arguments);
	if (err) {
		fprintf(stderr, "snapshot-tool: %s\n", error_message(err));
		error_destroy(err);
		return 1;
	}
	return 0;
}
