// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
//
// Labels of references from the runs of a shape: which run an edge is in, and where in it.
#include "check.h"
#include "graph_from.h"

#include "base/alloc.h"
#include "heap/heap_facts.h"

#include <string.h>

#define RUNS_MAX  5
#define EDGES_MAX 12

// An object "a" whose references lead to "b", so many of them, and the runs of its shape. Items count on from
// 10 times the number of their run.
struct shaped {
	struct graph_from *from;
	struct heap_facts *facts;
	struct heap_facts_names names;
};

static struct shaped begin(uint32_t edge_count, const uint32_t *runs, size_t run_count)
{
	struct shaped it = {.facts = mem_calloc(1, sizeof(*it.facts))};
	char text[200] = "root:a a/T b/T a:";

	assert_non_null(it.facts);
	for (uint32_t i = 0; i < edge_count; i++)
		strcat(text, i ? ",b" : "b");
	it.from = graph_from(edge_count ? text : "root:a a/T b/T");
	for (size_t i = 0; i < run_count; i++) {
		assert_true(heap_facts_push(it.facts, HEAP_FACT_RUN_KIND, HEAP_LABEL_INDEX));
		assert_true(heap_facts_push(it.facts, HEAP_FACT_RUN_EDGES, runs[i]));
		assert_true(heap_facts_push(it.facts, HEAP_FACT_RUN_VALUE, 10 * i));
	}
	// An empty shape comes first, so that the runs do not begin where the column does.
	assert_true(heap_facts_push(it.facts, HEAP_FACT_SHAPE_END, 0));
	assert_true(heap_facts_push(it.facts, HEAP_FACT_SHAPE_END, run_count));
	for (node_id node = 0; node < 3; node++)
		assert_true(heap_facts_push(it.facts, HEAP_FACT_SHAPE_OF, node == 1 ? 2 : 0));
	return it;
}

static void end(struct shaped *it)
{
	heap_facts_destroy(it->facts);
	graph_from_destroy(it->from);
}

static void name(struct shaped *it)
{
	assert_success(heap_facts_check(it->facts, 3));
	assert_success(heap_facts_index(it->facts));
	it->names = (struct heap_facts_names){.graph = it->from->graph, .facts = it->facts};
	heap_facts_name(it->from->graph, &it->names);
}

// The index of an edge; -1: no label.
static int label_of(const struct shaped *it, uint32_t edge)
{
	const struct heap_naming *naming = &it->from->graph->naming;
	struct heap_label label;

	naming->label(naming->context, 1, edge, &label);
	return label.kind == HEAP_LABEL_INDEX ? (int)label.index : -1;
}

static void test_each_edge_is_in_its_run(void **state)
{
	static const struct {
		uint32_t edge_count, runs[RUNS_MAX];
		size_t run_count;
		int labels[EDGES_MAX];
	} examples[] = {
		{3, {3}, 1, {0, 1, 2}},
		{5, {2, 3}, 2, {0, 1, 10, 11, 12}},
		{3, {HEAP_RUN_REST}, 1, {0, 1, 2}},
		{6, {1, HEAP_RUN_REST, 2}, 3, {0, 10, 11, 12, 20, 21}},
		// Nothing is left.
		{3, {1, HEAP_RUN_REST, 2}, 3, {0, 20, 21}},
		{4, {HEAP_RUN_REST, 1, 1}, 3, {0, 1, 10, 20}},
		{4, {1, 1, HEAP_RUN_REST}, 3, {0, 10, 20, 21}},
		// Runs of no edges.
		{4, {0, 2, 0, 2, 0}, 5, {10, 11, 30, 31}},
		// More than the runs say, and less: then none is sure.
		{3, {1, 1}, 2, {0, 10, -1}},
		{2, {2, 1}, 2, {-1, -1}},
		{2, {UINT32_MAX - 1, UINT32_MAX - 1, UINT32_MAX - 1}, 3, {-1, -1}},
		{2, {1, UINT32_MAX - 1, HEAP_RUN_REST}, 3, {-1, -1}},
		{2, {0}, 0, {-1, -1}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
		struct shaped it =
			begin(examples[i].edge_count, examples[i].runs, examples[i].run_count);

		name(&it);
		for (uint32_t edge = 0; edge < examples[i].edge_count; edge++)
			assert_int_equal(label_of(&it, edge), examples[i].labels[edge]);
		assert_int_equal(label_of(&it, examples[i].edge_count), -1);
		end(&it);
	}
}

static void test_a_shape_may_be_elsewhere(void **state)
{
	static const uint32_t runs[] = {1, 1};
	struct shaped it = begin(2, runs, 2);

	(void)state;
	((uint16_t *)it.facts->columns[HEAP_FACT_SHAPE_OF].items)[1] = HEAP_SHAPE_ELSEWHERE;
	name(&it);
	assert_int_equal(label_of(&it, 1), -1); // nowhere
	assert_true(heap_facts_push(it.facts, HEAP_FACT_SHAPE, 1));
	assert_true(heap_facts_push(it.facts, HEAP_FACT_SHAPE_VALUE, 2));
	assert_int_equal(label_of(&it, 1), 10);
	*(uint64_t *)it.facts->columns[HEAP_FACT_SHAPE_VALUE].items = 3;
	assert_failure(heap_facts_check(it.facts, 3), ERROR_BAD_DATA);
	end(&it);
}

static void test_one_run_only_takes_what_is_left(void **state)
{
	static const uint32_t runs[] = {HEAP_RUN_REST, 1, HEAP_RUN_REST};
	struct shaped it = begin(2, runs, 3);

	(void)state;
	assert_success(heap_facts_check(it.facts, 3));
	assert_failure(heap_facts_index(it.facts), ERROR_BAD_DATA);
	end(&it);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_edge_is_in_its_run),
		cmocka_unit_test(test_a_shape_may_be_elsewhere),
		cmocka_unit_test(test_one_run_only_takes_what_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
