// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "analysis/dominators.h"

#include "base/alloc.h"
#include "base/error.h"
#include "graph_from.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define assert_idom(from, dominators, node, expected)                                              \
	assert_int_equal(                                                                          \
		dominators->idom[graph_from_node(from, node)], graph_from_node(from, expected))
#define assert_retained(from, dominators, node, expected)                                          \
	assert_int_equal(dominators_retained(dominators, graph_from_node(from, node)), expected)

static struct dominators *dominators_of(const struct heap_graph *graph)
{
	struct dominators *dominators = NULL;

	assert_null(dominators_create(graph, &dominators));
	return dominators;
}

static void test_diamond_is_dominated_by_its_top(void **state)
{
	// a -> b, a -> c, b -> d, c -> d: d hangs from a, not from b or c.
	_cleanup_(graph_from_destroy) struct graph_from *from =
		graph_from("root:a a:b,c b:d c:d a=1 b=10 c=100 d=1000");
	_cleanup_(dominators_destroy) struct dominators *dominators = dominators_of(from->graph);

	(void)state;
	assert_idom(from, dominators, "a", "root");
	assert_idom(from, dominators, "b", "a");
	assert_idom(from, dominators, "c", "a");
	assert_idom(from, dominators, "d", "a");
	assert_retained(from, dominators, "a", 1111);
	assert_retained(from, dominators, "b", 10);
	assert_retained(from, dominators, "d", 1000);
	assert_retained(from, dominators, "root", 1111);
}

static void test_inferred_edges_count_like_others(void **state)
{
	_cleanup_(graph_from_destroy) struct graph_from *from =
		graph_from("root:a a:b?,c? b:d?,e c:d e:e?");
	_cleanup_(dominators_destroy) struct dominators *dominators = dominators_of(from->graph);

	(void)state;
	assert_idom(from, dominators, "d", "a");
	assert_idom(from, dominators, "e", "b");
}

static void test_what_the_root_does_not_reach_has_no_dominator(void **state)
{
	_cleanup_(graph_from_destroy) struct graph_from *from =
		graph_from("root:a x:y,a,z y:x z=7 x=5 a=3 lone=9");
	_cleanup_(dominators_destroy) struct dominators *dominators = dominators_of(from->graph);

	(void)state;
	assert_idom(from, dominators, "a", "root");
	for (const char *name = "xyz"; *name; name++) {
		char node[2] = {*name, '\0'};

		assert_false(dominators_is_reachable(dominators, graph_from_node(from, node)));
	}
	assert_false(dominators_is_reachable(dominators, graph_from_node(from, "lone")));
	assert_true(dominators_is_reachable(dominators, HEAP_ROOT));
	assert_retained(from, dominators, "x", 5);
	assert_retained(from, dominators, "z", 7);
	assert_retained(from, dominators, "lone", 9);
	assert_retained(from, dominators, "root", 3);
}

static void test_a_rooted_node_hangs_from_the_root(void **state)
{
	// b is held by a as well, and a by b's child.
	_cleanup_(graph_from_destroy) struct graph_from *from =
		graph_from("root:a,b,leaf a:b,leaf b:c c:a,d d:c");
	_cleanup_(dominators_destroy) struct dominators *dominators = dominators_of(from->graph);

	(void)state;
	assert_idom(from, dominators, "a", "root");
	assert_idom(from, dominators, "b", "root");
	assert_idom(from, dominators, "leaf", "root");
	assert_idom(from, dominators, "c", "b");
	assert_idom(from, dominators, "d", "c");
}

static void test_empty_graphs(void **state)
{
	_cleanup_(graph_from_destroy) struct graph_from *nothing = graph_from("");
	_cleanup_(graph_from_destroy) struct graph_from *unrooted = graph_from("a:b b=3");
	_cleanup_(dominators_destroy) struct dominators *none = dominators_of(nothing->graph);
	_cleanup_(dominators_destroy) struct dominators *unreached = dominators_of(unrooted->graph);

	(void)state;
	assert_int_equal(none->idom[0], HEAP_NODE_NONE);
	assert_int_equal(dominators_retained(none, HEAP_ROOT), 0);
	assert_retained(unrooted, unreached, "b", 3);
	assert_false(dominators_is_reachable(unreached, graph_from_node(unrooted, "a")));
}

static void test_sizes_past_32_bits(void **state)
{
	_cleanup_(graph_from_destroy) struct graph_from *from = graph_from(
		"root:a a:b,c b=5000000000 c=4294967295 a=1 root:huge huge:x,y x=1099511627000 "
		"y=1099511627000 garbage=2000000000000");
	_cleanup_(dominators_destroy) struct dominators *dominators = dominators_of(from->graph);

	(void)state;
	assert_retained(from, dominators, "b", 5000000000);
	assert_retained(from, dominators, "a", 9294967296);
	assert_retained(from, dominators, "huge", ((uint64_t)1 << 40) - 1);
	assert_retained(from, dominators, "root", ((uint64_t)1 << 40) - 1);
	assert_retained(from, dominators, "garbage", ((uint64_t)1 << 40) - 1);
}

// Against the definition: d dominates n if n is not reached without d.

struct shape {
	const char *name;
	uint32_t nodes, edges, roots;
	uint32_t span;     /* edges go at most that far; 0: anywhere */
	bool are_leaves;   /* the upper half has no edges */
	bool is_ascending; /* no cycles */
};

static const struct shape shapes[] = {
	{"sparse", 24, 24, 2, 0, false, false},
	{"ordinary", 24, 48, 2, 0, false, false},
	{"dense", 12, 80, 1, 0, false, false},
	{"leaves", 40, 60, 2, 0, true, false},
	{"no cycles", 24, 50, 1, 0, false, true},
	{"no cycles, leaves", 40, 70, 3, 0, true, true},
	{"long", 40, 80, 1, 3, false, false},
	{"long, leaves", 40, 90, 1, 25, true, false},
	{"many roots", 24, 40, 9, 0, false, false},
	{"nearly empty", 6, 5, 1, 0, false, false},
	{"tiny", 4, 7, 1, 0, false, false},
};

static uint64_t random_state;

static uint32_t random_below(uint32_t limit)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((random_state >> 33) % limit);
}

static int compare_numbers(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

static struct heap_graph *random_graph(const struct shape *shape)
{
	struct heap_graph *graph = NULL;
	uint64_t edges[128];
	uint32_t sources = shape->are_leaves ? shape->nodes / 2 : shape->nodes;

	for (uint32_t i = 0; i < shape->edges; i++) {
		uint32_t source = 1 + random_below(sources), target;

		if (shape->span)
			target = source + random_below(shape->span + 2) - (i % 2);
		else
			target = 1 + random_below(shape->nodes);
		if (target < 1 || target > shape->nodes)
			target = 1;
		if (shape->is_ascending && target <= source)
			target = source < shape->nodes ? source + 1 : shape->nodes;
		// Now and then a self loop and a duplicate.
		if (random_below(20) == 0 && !shape->is_ascending)
			target = source;
		edges[i] = (uint64_t)source << 32 | target |
			   (random_below(5) == 0 ? HEAP_EDGE_INFERRED : 0);
		if (i && random_below(15) == 0)
			edges[i] = edges[i - 1];
	}
	qsort(edges, shape->edges, sizeof(*edges), compare_numbers);
	assert_null(heap_graph_create(shape->nodes + 1, shape->edges, 1, &graph));
	for (uint32_t i = 0; i < shape->edges; i++) {
		graph->edges[i] = (uint32_t)edges[i];
		graph->first_edge[(edges[i] >> 32) + 1]++;
	}
	for (node_id node = 1; node <= shape->nodes; node++) {
		graph->first_edge[node + 1] += graph->first_edge[node];
		graph->size[node] = 1 + random_below(1000);
	}
	for (uint32_t i = 0; i < shape->roots; i++) {
		node_id node = 1 + random_below(shape->nodes);

		assert_null(heap_graph_add_root(graph, node, HEAP_ROOT_C_GLOBAL, NULL, NULL));
	}
	assert_null(heap_graph_finish(graph));
	assert_null(heap_graph_check(graph));
	return graph;
}

/** Which nodes the root reaches without @p removed; one bit per node. */
static uint64_t reach_without(const struct heap_graph *graph, node_id removed)
{
	uint64_t reached = 1, done = 0;

	while (reached != done) {
		node_id node = (node_id)__builtin_ctzll(reached & ~done);
		uint32_t count;
		const uint32_t *edges = heap_edges_of(graph, node, &count);

		done |= (uint64_t)1 << node;
		for (uint32_t i = 0; i < count; i++) {
			if ((edges[i] & HEAP_EDGE_NODE) != removed)
				reached |= (uint64_t)1 << (edges[i] & HEAP_EDGE_NODE);
		}
	}
	return reached;
}

static void check_against_definition(const struct heap_graph *graph)
{
	_cleanup_(dominators_destroy) struct dominators *dominators = dominators_of(graph);
	uint64_t reached = reach_without(graph, HEAP_NODE_NONE);
	uint64_t dominated[64]; /* by each node, itself included */

	for (node_id node = 0; node < graph->node_count; node++) {
		uint64_t retained = 0;

		dominated[node] = (reached >> node & 1) && node != HEAP_ROOT
					  ? reached & ~reach_without(graph, node)
					  : reached;
		for (node_id other = 0; other < graph->node_count; other++)
			retained += (dominated[node] >> other & 1) ? graph->size[other] : 0;
		if (!(reached >> node & 1))
			retained = graph->size[node];
		assert_int_equal(dominators_retained(dominators, node), retained);
	}
	for (node_id node = 1; node < graph->node_count; node++) {
		node_id nearest = HEAP_NODE_NONE;

		if (!(reached >> node & 1)) {
			assert_int_equal(dominators->idom[node], HEAP_NODE_NONE);
			continue;
		}
		// The immediate dominator is the one that dominates least.
		for (node_id other = 0; other < graph->node_count; other++) {
			if (other == node || !(reached >> other & 1) ||
				!(dominated[other] >> node & 1))
				continue;
			if (nearest == HEAP_NODE_NONE || !(dominated[other] & ~dominated[nearest]))
				nearest = other;
		}
		assert_int_equal(dominators->idom[node], nearest);
	}
}

static void test_random_graphs_agree_with_the_definition(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
		random_state = i + 1;
		for (int round = 0; round < 2000; round++) {
			_cleanup_(heap_graph_destroy) struct heap_graph *graph =
				random_graph(&shapes[i]);

			check_against_definition(graph);
		}
	}
}

// Large shapes. All must take time in proportion to their size: the test's own time limit would
// end a quadratic one.

/** A graph whose edges are written row by row. */
struct rows {
	struct heap_graph *graph;
	uint32_t edge;
};

static struct rows rows_start(uint32_t nodes, uint32_t edges)
{
	struct rows rows = {0};

	assert_null(heap_graph_create(nodes, edges, 1, &rows.graph));
	for (node_id node = 1; node < nodes; node++)
		rows.graph->size[node] = 1;
	return rows;
}

static void rows_add(struct rows *rows, node_id to)
{
	rows->graph->edges[rows->edge++] = to;
}

static void rows_end(struct rows *rows, node_id node)
{
	rows->graph->first_edge[node + 1] = rows->edge;
}

static struct heap_graph *rows_finish(struct rows *rows, node_id root)
{
	assert_null(heap_graph_add_root(rows->graph, root, HEAP_ROOT_C_GLOBAL, NULL, NULL));
	assert_null(heap_graph_finish(rows->graph));
	assert_null(heap_graph_check(rows->graph));
	return rows->graph;
}

#define LENGTH 5000000u

static void test_deep_chain(void **state)
{
	struct rows rows = rows_start(LENGTH + 1, LENGTH - 1);
	_cleanup_(heap_graph_destroy) struct heap_graph *graph = NULL;
	_cleanup_(dominators_destroy) struct dominators *dominators = NULL;

	(void)state;
	for (node_id node = 1; node <= LENGTH; node++) {
		if (node < LENGTH)
			rows_add(&rows, node + 1);
		rows_end(&rows, node);
	}
	graph = rows_finish(&rows, 1);
	dominators = dominators_of(graph);
	for (node_id node = 1; node <= LENGTH; node++) {
		assert_true(dominators->idom[node] == node - 1);
		assert_true(dominators_retained(dominators, node) == LENGTH + 1 - node);
	}
}

static void test_wide_fan_out(void **state)
{
	// A list of instances with a dict each, all dicts with the same leaf.
	uint32_t count = LENGTH / 2;
	struct rows rows = rows_start(2 * count + 3, 3 * count);
	_cleanup_(heap_graph_destroy) struct heap_graph *graph = NULL;
	_cleanup_(dominators_destroy) struct dominators *dominators = NULL;
	node_id leaf = 2 * count + 2;

	(void)state;
	for (uint32_t i = 0; i < count; i++)
		rows_add(&rows, 2 + 2 * i);
	rows_end(&rows, 1);
	for (uint32_t i = 0; i < count; i++) {
		rows_add(&rows, 3 + 2 * i);
		rows_end(&rows, 2 + 2 * i);
		rows_add(&rows, leaf);
		rows_end(&rows, 3 + 2 * i);
	}
	rows_end(&rows, leaf);
	graph = rows_finish(&rows, 1);
	dominators = dominators_of(graph);
	assert_int_equal(dominators->idom[leaf], 1);
	for (uint32_t i = 0; i < count; i++) {
		assert_true(dominators->idom[2 + 2 * i] == 1);
		assert_true(dominators->idom[3 + 2 * i] == 2 + 2 * i);
		assert_true(dominators_retained(dominators, 2 + 2 * i) == 2);
	}
	assert_int_equal(dominators_retained(dominators, 1), 2 * count + 2);
}

static void test_chain_with_shared_leaves(void **state)
{
	// Every node of a chain refers to one of 1000 leaves in turn, and to one of 1000 tuples;
	// the last leaf is referred to by all.
	uint32_t length = LENGTH / 5, shared = 1000;
	node_id first_leaf = length + 1, first_tuple = first_leaf + shared;
	node_id all = first_tuple + shared;
	struct rows rows = rows_start(all + 1, 4 * length - 1 + shared);
	_cleanup_(heap_graph_destroy) struct heap_graph *graph = NULL;
	_cleanup_(dominators_destroy) struct dominators *dominators = NULL;

	(void)state;
	for (node_id node = 1; node <= length; node++) {
		rows_add(&rows, first_leaf + node % shared);
		if (node < length)
			rows_add(&rows, node + 1);
		rows_add(&rows, first_tuple + node % shared);
		rows_add(&rows, all);
		rows_end(&rows, node);
	}
	for (node_id node = first_leaf; node < first_tuple; node++)
		rows_end(&rows, node);
	for (node_id node = first_tuple; node < all; node++) {
		rows_add(&rows, all);
		rows_end(&rows, node);
	}
	rows_end(&rows, all);
	graph = rows_finish(&rows, 1);
	dominators = dominators_of(graph);
	assert_int_equal(dominators->idom[all], 1);
	for (uint32_t i = 0; i < shared; i++) {
		assert_int_equal(dominators->idom[first_leaf + i], i ? i : shared);
		assert_int_equal(dominators->idom[first_tuple + i], i ? i : shared);
	}
}

static void test_chain_whose_values_are_also_in_a_dict(void **state)
{
	// 1 -> list head 3 and dict 2; the walk may go down the chain first. Each chain node's
	// value is also in the dict, which a climb from the chain's depth would have to find step
	// by step.
	uint32_t length = LENGTH / 5;
	node_id first_node = 3, first_value = first_node + length;
	node_id end = first_value + length;
	struct rows rows = rows_start(end + length, 2 + length + (2 * length - 1) + length);
	_cleanup_(heap_graph_destroy) struct heap_graph *graph = NULL;
	_cleanup_(dominators_destroy) struct dominators *dominators = NULL;

	(void)state;
	rows_add(&rows, first_node);
	rows_add(&rows, 2);
	rows_end(&rows, 1);
	for (uint32_t i = 0; i < length; i++)
		rows_add(&rows, first_value + i);
	rows_end(&rows, 2);
	for (uint32_t i = 0; i < length; i++) {
		if (i + 1 < length)
			rows_add(&rows, first_node + i + 1);
		rows_add(&rows, first_value + i);
		rows_end(&rows, first_node + i);
	}
	for (uint32_t i = 0; i < length; i++) {
		rows_add(&rows, end + i);
		rows_end(&rows, first_value + i);
	}
	for (uint32_t i = 0; i < length; i++)
		rows_end(&rows, end + i);
	graph = rows_finish(&rows, 1);
	dominators = dominators_of(graph);
	for (uint32_t i = 0; i < length; i++) {
		assert_true(dominators->idom[first_value + i] == 1);
		assert_true(dominators->idom[end + i] == first_value + i);
		assert_true(dominators->idom[first_node + i] == (i ? first_node + i - 1 : 1));
	}
}

static void test_doubly_linked_list(void **state)
{
	// 1 holds both ends: from there every node can be come by from either side.
	uint32_t length = LENGTH / 2;
	node_id last = length + 1;
	struct rows rows = rows_start(length + 2, 2 * length);
	_cleanup_(heap_graph_destroy) struct heap_graph *graph = NULL;
	_cleanup_(dominators_destroy) struct dominators *dominators = NULL;

	(void)state;
	rows_add(&rows, 2);
	rows_add(&rows, last);
	rows_end(&rows, 1);
	for (node_id node = 2; node <= last; node++) {
		if (node > 2)
			rows_add(&rows, node - 1);
		if (node < last)
			rows_add(&rows, node + 1);
		rows_end(&rows, node);
	}
	graph = rows_finish(&rows, 1);
	dominators = dominators_of(graph);
	for (node_id node = 2; node <= last; node++)
		assert_true(dominators->idom[node] == 1);
}

static void test_running_out_of_memory_is_an_error(void **state)
{
	_cleanup_(graph_from_destroy) struct graph_from *from =
		graph_from("root:a a:b,c b:d,l c:d,l d:e,a e:l");
	uint64_t failures = 0;

	(void)state;
	for (;; failures++) {
		struct dominators *dominators = NULL;
		struct error *error;

		alloc_fail_after(failures);
		error = dominators_create(from->graph, &dominators);
		alloc_fail_after(UINT64_MAX);
		if (!error) {
			dominators_destroy(dominators);
			break;
		}
		assert_int_equal(error_kind(error), ERROR_MEMORY);
		assert_null(dominators);
		error_destroy(error);
	}
	assert_true(failures > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_diamond_is_dominated_by_its_top),
		cmocka_unit_test(test_inferred_edges_count_like_others),
		cmocka_unit_test(test_what_the_root_does_not_reach_has_no_dominator),
		cmocka_unit_test(test_a_rooted_node_hangs_from_the_root),
		cmocka_unit_test(test_empty_graphs),
		cmocka_unit_test(test_sizes_past_32_bits),
		cmocka_unit_test(test_random_graphs_agree_with_the_definition),
		cmocka_unit_test(test_deep_chain),
		cmocka_unit_test(test_wide_fan_out),
		cmocka_unit_test(test_chain_with_shared_leaves),
		cmocka_unit_test(test_chain_whose_values_are_also_in_a_dict),
		cmocka_unit_test(test_doubly_linked_list),
		cmocka_unit_test(test_running_out_of_memory_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
