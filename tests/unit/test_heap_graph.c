// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "heap/heap_rows.h"

#include "base/alloc.h"
#include "base/error.h"
#include "graph_from.h"
#include "rows_apart.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_rows_and_flags(void **state)
{
	_cleanup_(graph_from_destroy) struct graph_from *from =
		graph_from("root:a a:b,c? a/list b/type b+static c=7");
	const struct heap_graph *graph = from->graph;
	node_id a = graph_from_node(from, "a"), b = graph_from_node(from, "b");
	node_id c = graph_from_node(from, "c");
	uint32_t count;
	const uint32_t *edges = heap_edges_of(graph, a, &count);

	(void)state;
	assert_int_equal(count, 2);
	assert_int_equal(edges[0], b);
	assert_int_equal(edges[1], c | HEAP_EDGE_INFERRED);
	assert_int_equal(graph->types[heap_type_of(graph, a)].role, HEAP_TYPE_LIST);
	assert_true(heap_has_flag(graph, a, HEAP_NODE_CONTAINER));
	assert_true(heap_has_flag(graph, b, HEAP_NODE_TYPE));
	assert_true(heap_has_flag(graph, b, HEAP_NODE_STATIC));
	assert_false(heap_has_flag(graph, c, HEAP_NODE_STATIC));
	assert_int_equal(heap_size_of(graph, c), 7);
	edges = heap_edges_of(graph, HEAP_ROOT, &count);
	assert_int_equal(count, 1);
	assert_int_equal(edges[0], a);
	heap_edges_of(graph, c, &count);
	assert_int_equal(count, 0);
}

static void test_sizes_past_32_bits(void **state)
{
	static const uint64_t sizes[] = {
		0, 1, 0xfffffffe, 0xffffffff, 0x100000000, (uint64_t)1 << 50};
	struct heap_graph *graph = NULL;

	(void)state;
	assert_null(heap_graph_create(7, 0, 1, &graph));
	// Not in order of nodes.
	for (node_id node = 6; node >= 1; node--)
		assert_null(heap_graph_set_size(graph, node, sizes[node - 1]));
	for (node_id node = 1; node <= 6; node++)
		assert_int_equal(heap_size_of(graph, node), sizes[node - 1]);
	heap_graph_destroy(graph);
}

static void test_roots_are_sorted_and_root_edges_unique(void **state)
{
	_cleanup_(graph_from_destroy) struct graph_from *from = graph_from("a:b b:c c:a");
	struct heap_graph *graph = from->graph;
	node_id a = graph_from_node(from, "a"), c = graph_from_node(from, "c");
	size_t first, end;
	uint32_t count;

	(void)state;
	graph_from_root(from, "c", HEAP_ROOT_STACK, NULL, NULL);
	graph_from_root(from, "a", HEAP_ROOT_FRAME, "local x", "/srv/app.py");
	graph_from_root(from, "c", HEAP_ROOT_MODULES, "sys.modules", NULL);
	assert_null(heap_graph_check(graph));
	assert_int_equal(heap_edges_of(graph, HEAP_ROOT, &count)[1], c);
	assert_int_equal(count, 2);
	end = heap_graph_roots_of(graph, c, &first);
	assert_int_equal(end - first, 2);
	assert_int_equal(graph->roots[first].kind, HEAP_ROOT_MODULES);
	assert_string_equal(graph->roots[first].name, "sys.modules");
	assert_int_equal(graph->roots[first + 1].kind, HEAP_ROOT_STACK);
	end = heap_graph_roots_of(graph, a, &first);
	assert_int_equal(end - first, 1);
	assert_string_equal(graph->roots[first].file, "/srv/app.py");
	end = heap_graph_roots_of(graph, graph_from_node(from, "b"), &first);
	assert_int_equal(end, first);
}

static void test_equal_texts_are_kept_once(void **state)
{
	struct heap_graph *graph = NULL;
	const char *first;

	(void)state;
	assert_null(heap_graph_create(1, 0, 1, &graph));
	first = heap_graph_intern(graph, "text 0");
	for (int i = 0; i < 2000; i++) {
		char text[32];

		snprintf(text, sizeof(text), "text %d", i);
		assert_string_equal(heap_graph_intern(graph, text), text);
	}
	assert_ptr_equal(heap_graph_intern(graph, "text 0"), first);
	heap_graph_destroy(graph);
}

static void check_fails(struct heap_graph *graph)
{
	struct error *error = heap_graph_check(graph);

	assert_non_null(error);
	assert_int_equal(error_kind(error), ERROR_BAD_DATA);
	error_destroy(error);
}

static void test_check_finds_broken_graphs(void **state)
{
	_cleanup_(graph_from_destroy) struct graph_from *from = graph_from("root:a a:b,c b:c");
	struct heap_graph *graph = from->graph;
	uint32_t saved;

	(void)state;
	assert_null(heap_graph_check(graph));

	saved = graph->edges[1];
	graph->edges[1] = graph->node_count;
	check_fails(graph);
	graph->edges[1] = HEAP_ROOT;
	check_fails(graph);
	graph->edges[1] = saved;

	saved = graph->first_edge[2];
	graph->first_edge[2] = 100;
	check_fails(graph);
	graph->first_edge[2] = saved;

	saved = graph->node_word[1];
	graph->node_word[1] = graph->type_count;
	check_fails(graph);
	graph->node_word[1] = saved;

	graph->roots[0].node = graph->node_count;
	check_fails(graph);
	graph->roots[0].node = 1;
	assert_null(heap_graph_check(graph));
}

static struct error *build(struct heap_graph **ret)
{
	_cleanup_(heap_graph_destroy) struct heap_graph *graph = NULL;
	struct error *error = heap_graph_create(3, 1, 2, &graph);

	if (error)
		return error;
	graph->edges[0] = 2;
	graph->first_edge[2] = graph->first_edge[3] = 1;
	if ((error = heap_graph_set_size(graph, 1, (uint64_t)1 << 33)) ||
		(error = heap_graph_add_root(graph, 1, HEAP_ROOT_FRAME, "name", "file")) ||
		(error = heap_graph_finish(graph)) || (error = heap_graph_check(graph)))
		return error;
	*ret = take(graph);
	return NULL;
}

static void expect_row(const struct heap_graph *graph, node_id node, uint32_t length)
{
	uint32_t count;
	const uint32_t *edges = heap_edges_of(graph, node, &count);

	assert_int_equal(count, length);
	for (uint32_t i = 0; i < count; i++)
		assert_int_equal(edges[i], (node + i) % 99 + 1);
}

// Rows of none to three references, each with its own.
static void test_rows_that_are_elsewhere_can_be_brought(void **state)
{
	enum { NODES = 100 };
	_cleanup_(heap_graph_destroy) struct heap_graph *whole = NULL;
	_cleanup_(rows_apart_destroy) struct rows_apart *apart = NULL;
	const uint64_t rows[] = {0x2 | 1ull << 31 | 1ull << 32, 1ull << 35};
	const uint64_t lengths[] = {0x8, 0};
	struct heap_graph *graph;
	uint32_t edges = 0;

	(void)state;
	assert_null(heap_graph_create(NODES, NODES * 3, NODES, &whole));
	for (node_id node = 1; node < NODES; node++) {
		whole->node_word[node] = node;
		whole->first_edge[node] = edges;
		for (uint32_t i = 0; i < node % 4; i++)
			whole->edges[edges++] = (node + i) % 99 + 1;
	}
	whole->first_edge[NODES] = whole->edge_count = edges;
	apart = rows_apart_create(whole, 8, &graph);
	assert_null(heap_graph_bring_rows(graph, rows, lengths));
	// Blocks of rows, of the referents 1 to 3 and 32 to 34, and of a length.
	assert_int_equal(rows_apart_shown(apart), 4 + 2 + 1);
	expect_row(graph, 1, 1);
	expect_row(graph, 31, 3);
	expect_row(graph, 32, 0);
	expect_row(graph, 99, 3);
	assert_int_equal(heap_row_length(graph, 3), 3);
	assert_int_equal(heap_type_of(graph, 3), 3);
	assert_int_equal(heap_type_of(graph, 31), 31);
	assert_int_equal(heap_type_of(graph, 34), 34);
	assert_int_equal(heap_type_of(graph, 2), 2);
	assert_int_equal(heap_type_of(graph, 50), 0);
}

static void test_running_out_of_memory_is_an_error(void **state)
{
	uint64_t failures = 0;

	(void)state;
	for (;; failures++) {
		struct heap_graph *graph = NULL;
		struct error *error;

		alloc_fail_after(failures);
		error = build(&graph);
		alloc_fail_after(UINT64_MAX);
		if (!error) {
			heap_graph_destroy(graph);
			break;
		}
		assert_int_equal(error_kind(error), ERROR_MEMORY);
		error_destroy(error);
	}
	assert_true(failures >= 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_and_flags),
		cmocka_unit_test(test_sizes_past_32_bits),
		cmocka_unit_test(test_roots_are_sorted_and_root_edges_unique),
		cmocka_unit_test(test_equal_texts_are_kept_once),
		cmocka_unit_test(test_check_finds_broken_graphs),
		cmocka_unit_test(test_rows_that_are_elsewhere_can_be_brought),
		cmocka_unit_test(test_running_out_of_memory_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
