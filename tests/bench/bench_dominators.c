// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * How fast, and how much memory, on a made-up heap.
 *
 *	bench_dominators [NODES [SHUFFLE]]
 *
 * The heap: lists of instances, each with a dict of nine entries: shared key strings, own values
 * (strings, numbers, a tuple, a list, a dict that refers back), one value shared with others; every
 * instance refers to its class. SHUFFLE percent of the objects change places with any other, so
 * that about twice as many are not next to what they belong to (default 10). Without NODES: 1, 5
 * and 25 million.
 */
#include "analysis/dominators.h"
#include "analysis/paths.h"
#include "base/alloc.h"
#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#define KEYS      64
#define CLASSES   32
#define SHARED    4096
#define LIST_SIZE 1000
#define ENTRIES   9

enum {
	TYPE_ROOT,
	TYPE_LIST,
	TYPE_DICT,
	TYPE_TUPLE,
	TYPE_INSTANCE,
	TYPE_STR,
	TYPE_INT,
	TYPE_TYPE,
	TYPES
};

static const struct heap_type types[TYPES] = {
	[TYPE_ROOT] = {.name = "<root>", .role = HEAP_TYPE_PLAIN},
	[TYPE_LIST] = {.name = "list", .role = HEAP_TYPE_LIST},
	[TYPE_DICT] = {.name = "dict", .role = HEAP_TYPE_DICT},
	[TYPE_TUPLE] = {.name = "tuple", .role = HEAP_TYPE_TUPLE},
	[TYPE_INSTANCE] = {.name = "app.Record", .role = HEAP_TYPE_INSTANCE},
	[TYPE_STR] = {.name = "str", .role = HEAP_TYPE_BUFFER},
	[TYPE_INT] = {.name = "int", .role = HEAP_TYPE_NUMBER},
	[TYPE_TYPE] = {.name = "type", .role = HEAP_TYPE_TYPE},
};

static uint64_t random_state = 42;

static uint32_t random_below(uint32_t limit)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(((random_state >> 32) * limit) >> 32);
}

/** The heap in the order of its making; edges are pairs. */
struct plan {
	uint32_t nodes, edges, node_limit;
	uint8_t *type;
	uint32_t *from, *to;
};

static uint32_t plan_node(struct plan *plan, uint8_t type)
{
	plan->type[plan->nodes] = type;
	return plan->nodes++;
}

static void plan_edge(struct plan *plan, uint32_t from, uint32_t to)
{
	plan->from[plan->edges] = from;
	plan->to[plan->edges++] = to;
}

static void plan_record(struct plan *plan, uint32_t list, uint32_t shared)
{
	uint32_t instance = plan_node(plan, TYPE_INSTANCE), dict = plan_node(plan, TYPE_DICT);
	uint32_t class = random_below(CLASSES);

	plan_edge(plan, list, instance);
	plan_edge(plan, instance, shared + KEYS + class);
	plan_edge(plan, instance, dict);
	for (uint32_t i = 0; i < ENTRIES; i++) {
		uint32_t value;

		plan_edge(plan, dict, shared + (class * 3 + i) % KEYS);
		if (i == 0) {
			value = shared + KEYS + CLASSES + random_below(SHARED);
		} else if (i == 1) {
			value = plan_node(plan, TYPE_TUPLE);
			plan_edge(plan, value, plan_node(plan, TYPE_INT));
			plan_edge(plan, value, plan_node(plan, TYPE_STR));
		} else if (i == 2) {
			value = plan_node(plan, TYPE_LIST);
			plan_edge(plan, value, shared + KEYS + CLASSES + random_below(SHARED));
		} else if (i == 3) {
			value = plan_node(plan, TYPE_DICT);
			plan_edge(plan, value, shared + 1);
			plan_edge(plan, value, instance); /* a cycle */
		} else {
			value = plan_node(plan, i & 1 ? TYPE_INT : TYPE_STR);
		}
		plan_edge(plan, dict, value);
	}
}

static void *must(void *block)
{
	if (!block) {
		fprintf(stderr, "no memory\n");
		exit(1);
	}
	return block;
}

static void check(struct error *error)
{
	if (error) {
		fprintf(stderr, "%s\n", error_message(error));
		exit(1);
	}
}

static struct heap_graph *make_graph(uint32_t nodes, uint32_t shuffle_percent)
{
	size_t node_room = (size_t)nodes + 32, edge_room = (size_t)nodes * 3;
	struct plan plan = {0};
	struct heap_graph *graph = NULL;
	uint32_t top, shared, list = 0, in_list = LIST_SIZE;
	uint32_t *place;

	plan.type = must(pages_alloc(node_room, 1));
	plan.from = must(pages_alloc(edge_room, 4));
	plan.to = must(pages_alloc(edge_room, 4));
	plan_node(&plan, TYPE_ROOT);
	top = plan_node(&plan, TYPE_DICT);
	shared = plan.nodes;
	for (uint32_t i = 0; i < KEYS + CLASSES + SHARED; i++)
		plan_node(&plan, i >= KEYS && i < KEYS + CLASSES ? TYPE_TYPE : TYPE_STR);
	for (uint32_t i = 0; i < CLASSES; i++) {
		plan_edge(&plan, top, shared + KEYS + i);
		plan_edge(&plan, shared + KEYS + i, shared + i);
	}
	while (plan.nodes + 16 < nodes) {
		if (in_list++ == LIST_SIZE) {
			list = plan_node(&plan, TYPE_LIST);
			plan_edge(&plan, top, list);
			in_list = 0;
		}
		plan_record(&plan, list, shared);
	}

	// Where each object lies: some change places with any other.
	place = must(pages_alloc(plan.nodes, 4));
	for (uint32_t i = 0; i < plan.nodes; i++)
		place[i] = i;
	for (uint32_t i = 1; i < plan.nodes; i++) {
		if (random_below(100) < shuffle_percent) {
			uint32_t j = 1 + random_below(plan.nodes - 1), other = place[i];

			place[i] = place[j];
			place[j] = other;
		}
	}
	check(heap_graph_create(plan.nodes, plan.edges, TYPES, &graph));
	memcpy(graph->types, types, sizeof(types));
	for (uint32_t i = 0; i < plan.nodes; i++) {
		uint32_t type = plan.type[i];

		graph->node_word[place[i]] = type | (type == TYPE_TYPE ? HEAP_NODE_TYPE : 0);
		graph->size[place[i]] = 48;
	}
	for (uint32_t i = 0; i < plan.edges; i++)
		graph->first_edge[place[plan.from[i]] + 1]++;
	for (uint32_t i = 0; i < plan.nodes; i++)
		graph->first_edge[i + 1] += graph->first_edge[i];
	for (uint32_t i = plan.edges; i-- > 0;)
		graph->edges[--graph->first_edge[place[plan.from[i]] + 1]] = place[plan.to[i]];
	// Rows were filled from their ends: each bound is now one row too early.
	for (uint32_t i = 0; i < plan.nodes; i++)
		graph->first_edge[i] = graph->first_edge[i + 1];
	graph->first_edge[plan.nodes] = plan.edges;
	check(heap_graph_add_root(graph, place[top], HEAP_ROOT_MODULES, "sys.modules", NULL));
	check(heap_graph_finish(graph));
	check(heap_graph_check(graph));
	pages_free(place, plan.nodes, 4);
	pages_free(plan.type, node_room, 1);
	pages_free(plan.from, edge_room, 4);
	pages_free(plan.to, edge_room, 4);
	return graph;
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/** Make the kernel forget the peak so far: what made the graph is not the analysis. */
static void reset_peak(void)
{
	FILE *file = fopen("/proc/self/clear_refs", "w");

	if (file) {
		fputs("5", file);
		fclose(file);
	}
}

static double peak_bytes(void)
{
	_cleanup_(fclose) FILE *file = fopen("/proc/self/status", "r");
	char line[256];
	double kib = 0;

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "VmHWM: %lf", &kib) == 1)
			break;
	}
	return kib * 1024;
}

static void run(uint32_t nodes, uint32_t shuffle_percent)
{
	struct heap_graph *graph = make_graph(nodes, shuffle_percent);
	struct dominators *dominators = NULL;
	struct paths *paths = NULL;
	double start, seconds, count = graph->node_count, inner = 0;

	for (node_id node = 1; node < graph->node_count; node++)
		inner += graph->first_edge[node] != graph->first_edge[node + 1];
	printf("%.1f M nodes, %.2f edges per node, %.0f %% leaves, %u %% shuffled\n", count / 1e6,
		graph->edge_count / count, 100 - 100 * inner / count, shuffle_percent);

	reset_peak();
	start = now();
	check(dominators_create(graph, &dominators));
	seconds = now() - start;
	printf("  dominators  %6.2f s  %5.1f M nodes/s  peak %5.1f bytes per node, graph (%.1f) "
	       "included\n",
		seconds, count / seconds / 1e6, peak_bytes() / count,
		12 + 4 * graph->edge_count / count);
	dominators_destroy(dominators);

	reset_peak();
	start = now();
	check(paths_create(graph, &paths));
	seconds = now() - start;
	printf("  paths       %6.2f s  %5.1f M nodes/s  peak %5.1f bytes per node\n", seconds,
		count / seconds / 1e6, peak_bytes() / count);
	paths_destroy(paths);
	heap_graph_destroy(graph);
}

int main(int argc, char **argv)
{
	static const uint32_t sizes[] = {1000000, 5000000, 25000000};
	uint32_t shuffle_percent = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 10;

	if (argc > 1) {
		run((uint32_t)strtoul(argv[1], NULL, 10), shuffle_percent);
		return 0;
	}
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		run(sizes[i], shuffle_percent);
	return 0;
}
