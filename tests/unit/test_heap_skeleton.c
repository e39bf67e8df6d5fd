// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "analysis/heap_skeleton.h"

#include "analysis/paths.h"
#include "base/alloc.h"
#include "base/error.h"
#include "heap/heap_rows.h"
#include "rows_apart.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NODES 150
#define WORDS 3

static uint64_t random_state;

static uint32_t random_below(uint32_t limit)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((random_state >> 33) % limit);
}

// Says which edge it was asked for, and of which node.
static void label_of(void *context, node_id node, uint32_t edge, struct heap_label *ret)
{
	(void)context;
	*ret = (struct heap_label){.kind = HEAP_LABEL_INDEX, .index = node * 1000u + edge};
}

static uint64_t length_of(void *context, node_id node)
{
	uint32_t count;

	heap_edges_of(*(struct heap_graph **)context, node, &count);
	return node * 1000u + count;
}

static struct heap_graph *random_graph(uint32_t leaves_per_cent)
{
	static const enum heap_type_role roles[] = {HEAP_TYPE_PLAIN, HEAP_TYPE_LIST, HEAP_TYPE_DICT,
		HEAP_TYPE_INSTANCE, HEAP_TYPE_FUNCTION, HEAP_TYPE_TUPLE};
	struct heap_graph *graph;
	uint32_t edge = 0, count;

	assert_null(heap_graph_create(NODES, NODES * 4, 6, &graph));
	for (uint32_t i = 0; i < 6; i++)
		graph->types[i] = (struct heap_type){"type", HEAP_NODE_NONE, roles[i]};
	graph->types[1].node = 1 + random_below(NODES - 1);
	for (node_id node = 1; node < NODES; node++) {
		graph->first_edge[node] = edge;
		graph->node_word[node] = random_below(6);
		assert_null(heap_graph_set_size(graph, node,
			random_below(30) ? random_below(5000) : 60000 + random_below(20000)));
		count = random_below(100) < leaves_per_cent ? 0 : 1 + random_below(4);
		for (uint32_t i = 0; i < count; i++)
			graph->edges[edge++] = (1 + random_below(NODES - 1)) |
					       (random_below(9) ? 0 : HEAP_EDGE_INFERRED);
	}
	graph->first_edge[NODES] = graph->edge_count = edge;
	for (uint32_t i = 0; i < 3; i++)
		assert_null(heap_graph_add_root(graph, 1 + random_below(NODES - 1),
			(enum heap_root_kind)random_below(HEAP_ROOT_UNEXPLAINED + 1), "name",
			NULL));
	assert_null(heap_graph_finish(graph));
	assert_null(heap_graph_check(graph));
	return graph;
}

static node_id number_of(const struct heap_skeleton *skeleton, node_id whole)
{
	if (whole == HEAP_NODE_NONE)
		return HEAP_NODE_NONE;
	assert_true(inner_nodes_has(&skeleton->nodes, whole));
	return inner_nodes_number(&skeleton->nodes, whole);
}

static void check_node(const struct heap_skeleton *skeleton, const struct heap_graph *whole,
	const struct dominators *dominators, node_id node)
{
	node_id number = number_of(skeleton, node);
	uint64_t bytes = heap_size_of(whole, node), objects = 1;

	for (node_id leaf = 1; leaf < NODES; leaf++) {
		if (inner_nodes_has(&skeleton->nodes, leaf) || dominators->idom[leaf] != node)
			continue;
		bytes += heap_size_of(whole, leaf);
		objects++;
	}
	assert_int_equal(inner_nodes_at(&skeleton->nodes, number), node);
	assert_int_equal(
		skeleton->dominators->idom[number], number_of(skeleton, dominators->idom[node]));
	assert_int_equal(dominators_retained(skeleton->dominators, number),
		dominators_retained(dominators, node));
	assert_int_equal(heap_size_of(skeleton->graph, number), bytes);
	assert_int_equal(skeleton->objects[number], objects);
	assert_int_equal(heap_row_length(skeleton->graph, number), heap_row_length(whole, node));
	assert_int_equal(heap_type_of(skeleton->graph, number), heap_type_of(whole, node));
}

static void check_paths(const struct heap_skeleton *skeleton, const struct heap_graph *whole)
{
	_cleanup_(paths_destroy) struct paths *few = NULL, *all = NULL;

	assert_null(paths_create(whole, &all));
	assert_null(paths_create(skeleton->graph, &few));
	for (node_id node = 1; node < NODES; node++) {
		if (inner_nodes_has(&skeleton->nodes, node))
			assert_int_equal(paths_parent(few, number_of(skeleton, node)),
				number_of(skeleton, paths_parent(all, node)));
	}
}

// A skeleton of rows that are elsewhere has the dominators, sizes and paths of the whole.
static void test_what_a_skeleton_has_is_so_of_the_whole(void **state)
{
	static const uint32_t leaves[] = {0, 50, 70, 95, 100};

	(void)state;
	for (uint32_t round = 0; round < 1000; round++) {
		_cleanup_(heap_graph_destroy) struct heap_graph *whole = NULL;
		_cleanup_(dominators_destroy) struct dominators *dominators = NULL;
		_cleanup_(rows_apart_destroy) struct rows_apart *apart = NULL;
		_cleanup_(heap_skeleton_destroy) struct heap_skeleton *skeleton = NULL;
		struct heap_graph *graph;

		random_state = round;
		whole = random_graph(leaves[round % 5]);
		assert_null(dominators_create(whole, &dominators));
		apart = rows_apart_create(whole, 1 + round % 70, &graph);
		assert_null(heap_skeleton_create(graph, &skeleton));
		assert_null(heap_graph_check(skeleton->graph));
		for (node_id node = 0; node < NODES; node++) {
			if (inner_nodes_has(&skeleton->nodes, node))
				check_node(skeleton, whole, dominators, node);
		}
		check_paths(skeleton, whole);
	}
}

// Dominators of rows that are elsewhere, without a skeleton: all but the sizes of leaves, which are there, too.
static void test_dominators_of_rows_that_are_elsewhere(void **state)
{
	(void)state;
	for (uint32_t round = 0; round < 200; round++) {
		_cleanup_(heap_graph_destroy) struct heap_graph *whole = NULL;
		_cleanup_(dominators_destroy) struct dominators *dominators = NULL, *same = NULL;
		_cleanup_(rows_apart_destroy) struct rows_apart *apart = NULL;
		struct heap_graph *graph;

		random_state = round;
		whole = random_graph(60);
		apart = rows_apart_create(whole, 1 + round % 70, &graph);
		assert_null(dominators_create(whole, &dominators));
		assert_null(dominators_create(graph, &same));
		for (node_id node = 0; node < NODES; node++) {
			assert_int_equal(dominators->idom[node], same->idom[node]);
			if (inner_nodes_has(&same->inner, node))
				assert_int_equal(dominators_retained(dominators, node),
					dominators_retained(same, node));
		}
	}
}

/** Each edge of the skeleton's row is the whole's of the number that its label says. */
static void check_labels(
	const struct heap_skeleton *skeleton, const struct heap_graph *whole, node_id node)
{
	node_id number = number_of(skeleton, node);
	const uint32_t *edges, *all;
	uint32_t count, all_count, last = 0;

	edges = heap_edges_of(skeleton->graph, number, &count);
	all = heap_edges_of(whole, node, &all_count);
	for (uint32_t i = 0; i < count; i++) {
		struct heap_label label;
		uint32_t edge;

		heap_label_of(skeleton->graph, number, i, &label);
		assert_int_equal(label.kind, HEAP_LABEL_INDEX);
		assert_int_equal(label.index / 1000, node);
		edge = (uint32_t)(label.index % 1000);
		assert_true(edge < all_count && (!i || edge > last));
		assert_int_equal(
			number_of(skeleton, all[edge] & HEAP_EDGE_NODE), edges[i] & HEAP_EDGE_NODE);
		assert_int_equal(all[edge] & HEAP_EDGE_INFERRED, edges[i] & HEAP_EDGE_INFERRED);
		last = edge;
	}
}

static void test_labels_and_lengths_are_known_where_rows_were_brought(void **state)
{
	_cleanup_(heap_graph_destroy) struct heap_graph *whole = NULL;
	_cleanup_(rows_apart_destroy) struct rows_apart *apart = NULL;
	_cleanup_(heap_skeleton_destroy) struct heap_skeleton *skeleton = NULL;
	uint64_t rows[WORDS] = {0}, lengths[WORDS] = {0};
	const struct heap_naming *naming;
	struct heap_graph *graph;
	struct heap_label label;

	(void)state;
	random_state = 1;
	whole = random_graph(50);
	apart = rows_apart_create(whole, 16, &graph);
	graph->naming =
		(struct heap_naming){.context = &graph, .label = label_of, .length = length_of};
	assert_null(heap_skeleton_create(graph, &skeleton));
	naming = &skeleton->graph->naming;
	assert_null(naming->address);
	for (uint32_t number = 1; number < skeleton->nodes.count; number += 3) {
		rows[number / 64] |= (uint64_t)1 << number % 64;
		lengths[(number + 1) / 64] |= (uint64_t)1 << (number + 1) % 64;
	}
	lengths[skeleton->nodes.count / 64] &= ((uint64_t)1 << skeleton->nodes.count % 64) - 1;
	// In two parts.
	rows[0] &= ~(uint64_t)2;
	assert_null(heap_skeleton_bring(skeleton, rows, NULL));
	heap_label_of(skeleton->graph, 1, 0, &label);
	assert_int_equal(label.kind, HEAP_LABEL_NONE);
	rows[0] |= 2;
	assert_null(heap_skeleton_bring(skeleton, rows, lengths));
	for (uint32_t number = 1; number < skeleton->nodes.count; number++) {
		node_id node = inner_nodes_at(&skeleton->nodes, number);
		uint32_t length = heap_row_length(whole, node);

		if (number % 3 == 1)
			check_labels(skeleton, whole, node);
		else
			heap_label_of(skeleton->graph, number, 0, &label);
		assert_int_equal(naming->length(naming->context, number),
			number % 3 ? node * 1000 + length : length);
		if (number % 3 != 1)
			assert_int_equal(label.kind, HEAP_LABEL_NONE);
	}
}

static void test_running_out_of_memory_is_an_error(void **state)
{
	_cleanup_(heap_graph_destroy) struct heap_graph *whole = NULL;
	_cleanup_(rows_apart_destroy) struct rows_apart *apart = NULL;
	const uint64_t wanted[WORDS] = {2};
	struct heap_graph *graph;
	uint64_t failures = 0;

	(void)state;
	random_state = 1;
	whole = random_graph(50);
	apart = rows_apart_create(whole, 16, &graph);
	for (;; failures++) {
		struct heap_skeleton *skeleton = NULL;
		struct error *err;

		alloc_fail_after(failures);
		err = heap_skeleton_create(graph, &skeleton);
		if (!err)
			err = heap_skeleton_bring(skeleton, wanted, wanted);
		alloc_fail_after(UINT64_MAX);
		heap_skeleton_destroy(skeleton);
		if (!err)
			break;
		assert_int_equal(error_kind(err), ERROR_MEMORY);
		error_destroy(err);
	}
	assert_true(failures > 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_a_skeleton_has_is_so_of_the_whole),
		cmocka_unit_test(test_dominators_of_rows_that_are_elsewhere),
		cmocka_unit_test(test_labels_and_lengths_are_known_where_rows_were_brought),
		cmocka_unit_test(test_running_out_of_memory_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
