// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "analysis/garbage.h"

#include "base/alloc.h"
#include "base/error.h"
#include "graph_from.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void cleanup_garbage_deinit(struct garbage *garbage)
{
	garbage_deinit(garbage);
}

static struct garbage garbage_of(const struct heap_graph *graph)
{
	_cleanup_(dominators_destroy) struct dominators *dominators = NULL;
	struct garbage garbage;

	assert_null(dominators_create(graph, &dominators));
	assert_null(garbage_compute(graph, dominators, &garbage));
	return garbage;
}

static void test_no_garbage(void **state)
{
	_cleanup_(graph_from_destroy) struct graph_from *from = graph_from("root:a a:b b:a");
	_cleanup_(garbage_deinit) struct garbage garbage = garbage_of(from->graph);

	(void)state;
	assert_int_equal(garbage.unreachable_objects, 0);
	assert_int_equal(garbage.type_count, 0);
}

static void test_a_cycle_dies_with_what_only_it_holds(void **state)
{
	// a and b hold each other; s dies with them, shared does not.
	_cleanup_(graph_from_destroy) struct graph_from *from =
		graph_from("root:live live:shared a:b,s b:a,shared,live a/list "
			   "b/list s/str a+tracked b+tracked "
			   "live+tracked a=10 b=20 s=100 shared=1000 live=5000");
	_cleanup_(garbage_deinit) struct garbage garbage = garbage_of(from->graph);

	(void)state;
	assert_int_equal(garbage.unreachable_objects, 3);
	assert_int_equal(garbage.unreachable_bytes, 130);
	assert_int_equal(garbage.collectable_tracked_objects, 2);
	assert_int_equal(garbage.collectable_objects, 3);
	assert_int_equal(garbage.collectable_bytes, 130);
	assert_int_equal(garbage.uncollectable_objects, 0);
	assert_int_equal(garbage.type_count, 2);
	assert_string_equal(from->graph->types[garbage.types[0].type].name, "str");
	assert_int_equal(garbage.types[0].bytes, 100);
	assert_int_equal(garbage.types[1].objects, 2);
	assert_int_equal(garbage.types[1].bytes, 30);
}

static void test_a_legacy_finalizer_keeps_what_it_reaches(void **state)
{
	// c holds the finalizer's cycle, but is not reached by it: it dies.
	_cleanup_(graph_from_destroy) struct graph_from *from = graph_from(
		"f:g,x g:f x:y c:d,f d:c f+tracked f+uncollectable g+tracked x+tracked c+tracked "
		"d+tracked f=1 g=2 x=4 y=8 c=16 d=32");
	_cleanup_(garbage_deinit) struct garbage garbage = garbage_of(from->graph);

	(void)state;
	assert_int_equal(garbage.unreachable_objects, 6);
	assert_int_equal(garbage.uncollectable_objects, 4);
	assert_int_equal(garbage.uncollectable_bytes, 1 + 2 + 4 + 8);
	assert_int_equal(garbage.collectable_objects, 2);
	assert_int_equal(garbage.collectable_tracked_objects, 2);
	assert_int_equal(garbage.collectable_bytes, 16 + 32);
}

static void test_the_collector_does_not_see_untracked_cycles(void **state)
{
	// u and v hold each other and s; t is tracked and holds s as well.
	_cleanup_(graph_from_destroy) struct graph_from *from =
		graph_from("u:v,s v:u t:t,s,r t+tracked u=1 v=2 s=4 t=8 r=16");
	_cleanup_(garbage_deinit) struct garbage garbage = garbage_of(from->graph);

	(void)state;
	assert_int_equal(garbage.collectable_bytes, 8 + 16);
	assert_int_equal(garbage.collectable_tracked_objects, 1);
	assert_int_equal(garbage.uncollectable_bytes, 1 + 2 + 4);
}

// p and q were frozen and hold each other, and y. c and d are a cycle that was made since.
static void test_what_is_frozen_stays(void **state)
{
	_cleanup_(graph_from_destroy) struct graph_from *from = graph_from(
		"p:q,y q:p c:d d:c p+tracked p+permanent q+tracked q+permanent y+tracked "
		"c+tracked d+tracked p=1 q=2 y=4 c=8 d=16 root:l l+tracked l+permanent");
	_cleanup_(garbage_deinit) struct garbage garbage = garbage_of(from->graph);

	(void)state;
	assert_int_equal(garbage.unreachable_objects, 5);
	assert_int_equal(garbage.frozen_objects, 3);
	assert_int_equal(garbage.frozen_bytes, 1 + 2 + 4);
	assert_int_equal(garbage.uncollectable_objects, 3);
	assert_int_equal(garbage.collectable_tracked_objects, 2);
	assert_int_equal(garbage.collectable_bytes, 8 + 16);
}

// f was frozen, but only the cycle of c and d holds it: it goes with them, and g with it. The cycle of x and
// y is led to by f: one collection does not free it, the next one would.
static void test_what_was_frozen_may_go_by_counting(void **state)
{
	_cleanup_(graph_from_destroy) struct graph_from *from = graph_from(
		"c:d d:c,f f:g,x x:y y:x c+tracked d+tracked f+tracked f+permanent g+tracked "
		"x+tracked y+tracked c=1 d=2 f=4 g=8 x=16 y=32");
	_cleanup_(garbage_deinit) struct garbage garbage = garbage_of(from->graph);

	(void)state;
	assert_int_equal(garbage.collectable_bytes, 1 + 2 + 4 + 8);
	assert_int_equal(garbage.collectable_tracked_objects, 2);
	assert_int_equal(garbage.frozen_bytes, 16 + 32);
}

// A cycle through a frozen object and another: the collector sees a reference from outside.
static void test_a_cycle_with_a_frozen_object_stays(void **state)
{
	_cleanup_(graph_from_destroy) struct graph_from *from = graph_from(
		"a:b b:a a+tracked a+permanent b+tracked f:f f+tracked f+uncollectable f=4");
	_cleanup_(garbage_deinit) struct garbage garbage = garbage_of(from->graph);

	(void)state;
	assert_int_equal(garbage.frozen_objects, 2);
	assert_int_equal(garbage.uncollectable_objects, 3);
	assert_int_equal(garbage.collectable_objects, 0);
}

static void test_a_finalizer_that_is_reached_is_no_garbage(void **state)
{
	_cleanup_(graph_from_destroy) struct graph_from *from =
		graph_from("root:f f:a f+tracked f+uncollectable b:b,a b+tracked b=3");
	_cleanup_(garbage_deinit) struct garbage garbage = garbage_of(from->graph);

	(void)state;
	assert_int_equal(garbage.unreachable_objects, 1);
	assert_int_equal(garbage.collectable_bytes, 3);
	assert_int_equal(garbage.uncollectable_objects, 0);
}

static void test_a_long_list_of_garbage(void **state)
{
	uint32_t length = 2000000;
	struct heap_graph *graph = NULL;
	struct garbage garbage;

	(void)state;
	assert_null(heap_graph_create(length + 1, length, 2, &graph));
	for (node_id node = 1; node <= length; node++) {
		graph->node_word[node] = 1 | HEAP_NODE_TRACKED;
		graph->size[node] = 8;
		graph->edges[node - 1] = node < length ? node + 1 : 1;
		graph->first_edge[node + 1] = node;
	}
	assert_null(heap_graph_finish(graph));
	assert_null(heap_graph_check(graph));
	garbage = garbage_of(graph);
	assert_int_equal(garbage.collectable_tracked_objects, length);
	assert_int_equal(garbage.collectable_bytes, 8 * length);
	garbage_deinit(&garbage);
	heap_graph_destroy(graph);
}

static void test_running_out_of_memory_is_an_error(void **state)
{
	_cleanup_(graph_from_destroy) struct graph_from *from =
		graph_from("f:g f+tracked f+uncollectable a:b b:a,p a+tracked u:v "
			   "p:q q:q,r p+tracked p+permanent q+tracked");
	_cleanup_(dominators_destroy) struct dominators *dominators = NULL;
	uint64_t failures = 0;

	(void)state;
	assert_null(dominators_create(from->graph, &dominators));
	for (;; failures++) {
		struct garbage garbage = {.type_count = 77};
		struct error *error;

		alloc_fail_after(failures);
		error = garbage_compute(from->graph, dominators, &garbage);
		alloc_fail_after(UINT64_MAX);
		if (!error) {
			garbage_deinit(&garbage);
			break;
		}
		assert_int_equal(error_kind(error), ERROR_MEMORY);
		assert_int_equal(garbage.type_count, 77);
		error_destroy(error);
	}
	assert_true(failures >= 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_garbage),
		cmocka_unit_test(test_a_cycle_dies_with_what_only_it_holds),
		cmocka_unit_test(test_a_legacy_finalizer_keeps_what_it_reaches),
		cmocka_unit_test(test_the_collector_does_not_see_untracked_cycles),
		cmocka_unit_test(test_what_is_frozen_stays),
		cmocka_unit_test(test_what_was_frozen_may_go_by_counting),
		cmocka_unit_test(test_a_cycle_with_a_frozen_object_stays),
		cmocka_unit_test(test_a_finalizer_that_is_reached_is_no_garbage),
		cmocka_unit_test(test_a_long_list_of_garbage),
		cmocka_unit_test(test_running_out_of_memory_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
