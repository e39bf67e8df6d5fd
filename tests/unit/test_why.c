// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "check.h"

#include "analysis/why.h"
#include "base/alloc.h"
#include "graph_from.h"

#include <stdio.h>
#include <string.h>

// A module's long list, a short one beside it, and a frame.
#define APP                                                                                        \
	"root:modules>mods,frame>local mods/dict mods+container mods:'app'>app app/module "        \
	"app+module "                                                                              \
	"app:@__dict__>names names/dict names+container names:'all'>all,'few'>few,'cls'>cls "      \
	"all/list all+container all#1000 all:[0]>x few/list few+container few#3 few:[0]>y "        \
	"cls/type cls+type "                                                                       \
	"cls:@tp_dict>attrs attrs/dict attrs+container attrs:'f'>f local/list local+container "    \
	"local#1000 "                                                                              \
	"local:[0]>z x=10 x:.own>xo,.shared>s xo=5 y:.shared>s"

struct explained {
	struct graph_from *from;
	struct paths *paths;
	struct why_step *steps;
	size_t count;
};

static struct explained explain(const char *node)
{
	struct explained it = {.from = graph_from(APP)};

	assert_success(paths_create(it.from->graph, &it.paths));
	assert_success(why_path(
		it.from->graph, it.paths, graph_from_node(it.from, node), &it.steps, &it.count));
	return it;
}

static void forget(struct explained *it)
{
	mem_free(it->steps);
	paths_destroy(it->paths);
	graph_from_destroy(it->from);
}

static void test_an_item_of_a_long_container_that_stays_is_suspicious(void **state)
{
	struct explained it = explain("x");

	(void)state;
	assert_int_equal(it.count, 5);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(it.steps[i].verdict, WHY_EXPECTED);
	assert_int_equal(it.steps[4].verdict, WHY_SUSPICIOUS);
	assert_non_null(strstr(it.steps[4].reason, "1,000 items"));
	forget(&it);
}

static void test_what_hangs_from_it_is_not_accused_again(void **state)
{
	struct explained it = explain("xo");

	(void)state;
	assert_int_equal(it.count, 6);
	assert_int_equal(it.steps[5].verdict, WHY_UNKNOWN);
	forget(&it);
}

static void test_a_short_container_and_a_running_function_are_not(void **state)
{
	struct explained few = explain("y"), local = explain("z");

	(void)state;
	assert_int_equal(few.steps[few.count - 1].verdict, WHY_UNKNOWN);
	assert_int_equal(local.count, 2);
	assert_int_equal(local.steps[0].verdict, WHY_EXPECTED);
	assert_int_equal(local.steps[1].verdict, WHY_UNKNOWN);
	forget(&few);
	forget(&local);
}

static void test_a_class_keeps_its_names(void **state)
{
	struct explained it = explain("f");

	(void)state;
	assert_int_equal(it.steps[it.count - 1].verdict, WHY_EXPECTED);
	forget(&it);
}

static void test_garbage_has_no_path(void **state)
{
	_cleanup_(graph_from_destroy) struct graph_from *from = graph_from("root:a x:y y:x");
	_cleanup_(paths_destroy) struct paths *paths = NULL;
	_cleanup_(mem_free) struct why_step *steps = NULL;
	size_t count = 7;

	(void)state;
	assert_success(paths_create(from->graph, &paths));
	assert_success(why_path(from->graph, paths, graph_from_node(from, "x"), &steps, &count));
	assert_int_equal(count, 0);
}

static void test_a_long_path_has_its_ends(void **state)
{
	_cleanup_(graph_from_destroy) struct graph_from *from = NULL;
	_cleanup_(paths_destroy) struct paths *paths = NULL;
	_cleanup_(mem_free) struct why_step *steps = NULL;
	char text[8000] = "root:n0";
	size_t count, skipped = 0;

	(void)state;
	for (int i = 0; i < 300; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), " n%d:.next>n%d", i,
			i + 1);
	from = graph_from(text);
	assert_success(paths_create(from->graph, &paths));
	assert_success(why_path(from->graph, paths, graph_from_node(from, "n300"), &steps, &count));
	assert_int_equal(count, WHY_STEPS_MAX);
	assert_int_equal(steps[0].node, graph_from_node(from, "n0"));
	assert_int_equal(steps[count - 1].node, graph_from_node(from, "n300"));
	for (size_t i = 0; i < count; i++)
		skipped += steps[i].skipped;
	assert_int_equal(skipped + count, 301);
}

static void test_all_referrers_are_found_each_once(void **state)
{
	_cleanup_(graph_from_destroy) struct graph_from *from =
		graph_from("root:a,b,c a:x,x,y b:x x:x c:y");
	_cleanup_(why_referrer_vector_deinit) struct why_referrer_vector referrers = {0};
	uint64_t total;

	(void)state;
	assert_success(
		why_referrers(from->graph, graph_from_node(from, "x"), 1, &referrers, &total));
	assert_int_equal(total, 2);
	assert_int_equal(referrers.count, 1);
	assert_int_equal(referrers.items[0].node, graph_from_node(from, "a"));
}

static void test_what_would_be_freed_is_what_is_dominated(void **state)
{
	_cleanup_(graph_from_destroy) struct graph_from *from =
		graph_from("root:a,b a:x,s b:s a=1 x=10 x:d,e d=100 e=1000 d:x s=7 g:d");
	_cleanup_(dominators_destroy) struct dominators *dominators = NULL;
	_cleanup_(why_type_vector_deinit) struct why_type_vector freed = {0}, holds = {0};
	uint64_t objects = 0, bytes = 0;

	(void)state;
	assert_success(dominators_create(from->graph, &dominators));
	assert_success(why_freed(from->graph, dominators, graph_from_node(from, "a"), &freed));
	for (size_t i = 0; i < freed.count; i++) {
		objects += freed.items[i].objects;
		bytes += freed.items[i].bytes;
	}
	assert_int_equal(objects, 4);
	assert_int_equal(bytes, 1111);
	assert_int_equal(bytes, dominators_retained(dominators, graph_from_node(from, "a")));
	assert_success(why_holds(from->graph, dominators, graph_from_node(from, "a"), &holds));
	objects = bytes = 0;
	for (size_t i = 0; i < holds.count; i++) {
		objects += holds.items[i].objects;
		bytes += holds.items[i].bytes;
	}
	assert_int_equal(objects, 2);
	// What another holds as well is nobody's alone.
	assert_int_equal(bytes, 1110);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_item_of_a_long_container_that_stays_is_suspicious),
		cmocka_unit_test(test_what_hangs_from_it_is_not_accused_again),
		cmocka_unit_test(test_a_short_container_and_a_running_function_are_not),
		cmocka_unit_test(test_a_class_keeps_its_names),
		cmocka_unit_test(test_garbage_has_no_path),
		cmocka_unit_test(test_a_long_path_has_its_ends),
		cmocka_unit_test(test_all_referrers_are_found_each_once),
		cmocka_unit_test(test_what_would_be_freed_is_what_is_dominated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
