// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "check.h"

#include "analysis/path_groups.h"
#include "analysis/path_merge.h"
#include "analysis/path_routes.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/string_builder.h"
#include "graph_from.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

// A module and its names.
#define APP                                                                                        \
	"mods/dict mods+container mods:'app'>app app/module app+module app\"app\" "                \
	"app@/srv/app.py "                                                                         \
	"app:@__dict__>names names/dict names+container "

struct asked {
	struct graph_from *from;
	struct dominators *dominators;
	struct paths *paths;
	struct path_merge merge;
};

static struct asked begin(const char *text)
{
	struct asked it = {.from = graph_from(text)};

	assert_success(dominators_create(it.from->graph, &it.dominators));
	assert_success(paths_create(it.from->graph, &it.paths));
	return it;
}

static void end(struct asked *it)
{
	path_merge_deinit(&it->merge);
	paths_destroy(it->paths);
	dominators_destroy(it->dominators);
	graph_from_destroy(it->from);
}

static void add_line(
	const struct asked *it, const struct path_branch *branch, struct string_builder *out)
{
	string_builder_add_format(out, "%*s", (int)(2 * branch->depth), "");
	if (branch->text)
		string_builder_add_format(
			out, "%s%s", branch->text, branch->is_deeper ? " and further down" : "");
	else
		string_builder_add_format(out, "%" PRIu64 " more", branch->branches);
	string_builder_add_format(out, " | %s | %" PRIu64 " | %" PRIu64 " | %s\n",
		branch->type == UINT32_MAX ? "-" : it->from->graph->types[branch->type].name,
		branch->count, branch->bytes, why_verdict_name(branch->verdict));
}

static void check_tree(const struct asked *it, const char *expected)
{
	struct string_builder out = {0};
	char *text;

	for (size_t i = 0; i < it->merge.branches.count; i++)
		add_line(it, &it->merge.branches.items[i], &out);
	text = string_builder_finish(&out);
	assert_string_equal(text, expected);
	mem_free(text);
}

static void check_object(struct asked *it, const char *node, const char *expected)
{
	path_merge_deinit(&it->merge);
	it->merge = (struct path_merge){0};
	assert_success(path_merge_object(
		it->from->graph, it->paths, graph_from_node(it->from, node), &it->merge));
	check_tree(it, expected);
}

static void check_type(struct asked *it, const char *type, const char *expected)
{
	path_merge_deinit(&it->merge);
	it->merge = (struct path_merge){0};
	assert_success(
		path_merge_type(it->from->graph, it->dominators, it->paths, type, &it->merge));
	check_tree(it, expected);
}

static void test_two_containers_and_a_frame_hold_one_object(void **state)
{
	struct asked it = begin("root:modules>mods,frame>x " APP "names:'cache'>cache,'log'>log "
				"cache/dict cache+container cache#100 cache:'a'>x "
				"log/list log+container log#2 log:[0]>y,[1]>x x/Thing y/Thing");

	(void)state;
	graph_from_root(
		it.from, "x", HEAP_ROOT_FRAME, "thread 'M' app.main local x", "/srv/app.py:3");
	check_object(&it, "x",
		"app | module | 2 | 0 | expected\n"
		"  .cache['a'] | Thing | 1 | 0 | suspicious\n"
		"  .log[1] | Thing | 1 | 0 | unknown\n"
		"thread 'M' app.main local x | Thing | 1 | 0 | expected\n");
	// What only one thing holds has one line.
	check_object(&it, "y", "app.log[0] | Thing | 1 | 0 | unknown\n");
	end(&it);
}

static void test_ways_that_part_further_up_are_found(void **state)
{
	// x hangs from a box alone, which two hold; and the box refers back to one of those.
	struct asked it = begin("root:modules>mods " APP "names:'left'>left,'right'>right "
				"left/Owner right/Owner left:.box>box right:.own>box box/Box "
				"box:.value>x,.owner>right x/Thing x:.box>box");

	(void)state;
	check_object(&it, "x",
		"app | module | 2 | 0 | expected\n"
		"  .left.box.value | Thing | 1 | 0 | unknown\n"
		"  .right.own.value | Thing | 1 | 0 | unknown\n");
	end(&it);
}

static void test_a_frame_runs_whoever_refers_to_it(void **state)
{
	struct asked it =
		begin("root:modules>mods,frame>f,frame>g " APP "names:'x'>x x/Thing "
		      "f/frame g/frame g:@f_back>f f:$held>x f\"app.main\" f@/srv/app.py");

	(void)state;
	graph_from_root(it.from, "f", HEAP_ROOT_FRAME, "thread 'M' app.main", "/srv/app.py:3");
	check_object(&it, "x",
		"app.x | Thing | 1 | 0 | expected\n"
		"thread 'M' app.main local held | Thing | 1 | 0 | expected\n");
	end(&it);
}

static void test_instances_say_nothing_of_their_class(void **state)
{
	struct asked it = begin("root:modules>mods " APP "names:'C'>c,'all'>all c/type c+type "
				"all/list all+container all:[0]>x,[1]>y x/C y/C x:@ob_type>c "
				"y:@ob_type>c");

	(void)state;
	check_object(&it, "c", "app.C | type | 1 | 0 | expected\n");
	end(&it);
}

static void test_objects_of_a_type_hang_under_two_containers(void **state)
{
	struct asked it = begin(
		"root:modules>mods " APP "names:'cache'>cache,'log'>log cache/dict "
		"cache+container cache:'3'>a,'7'>b,'k1'>c,'users'>u log/list log+container "
		"log:[0]>e,[1]>f e/Entry f/Entry e:.request>d f:.request>g a/Thing b/Thing c/Thing "
		"u/Thing d/Thing g/Thing a=10 b=20 c=30 u=40 d=50 g=60 g:.own>o o=5");

	(void)state;
	check_type(&it, "Thing",
		"app | module | 6 | 215 | expected\n"
		"  .cache | dict | 4 | 100 | expected\n"
		"    […] | Thing | 3 | 60 | expected\n"
		"    ['users'] | Thing | 1 | 40 | expected\n"
		"  .log[…].request | Thing | 2 | 115 | expected\n");
	assert_int_equal(it.merge.total, 6);
	assert_int_equal(it.merge.garbage, 0);
	end(&it);
}

static void test_what_is_within_another_is_counted_there(void **state)
{
	struct asked it = begin("root:modules>mods " APP "names:'top'>a a/Thing b/Thing c/Thing "
				"a:.next>b b:.next>c a=1 b=2 c=4 g/Thing g=8 g:.x>h h=16");

	(void)state;
	check_type(&it, "Thing",
		"app.top | Thing | 3 | 7 | expected\n"
		"  .next | Thing | 2 | 0 | expected\n"
		"    .next | Thing | 1 | 0 | expected\n");
	assert_int_equal(it.merge.garbage, 1);
	assert_int_equal(it.merge.garbage_bytes, 8);
	end(&it);
}

static void test_a_long_list_is_gone_into_as_deep_as_it_repeats_itself(void **state)
{
	char text[60000] = "root:modules>mods " APP "names:'head'>n0";
	struct asked it;

	(void)state;
	for (int i = 0; i < 1000; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			" n%d/Node n%d:.next>n%d,.value>v%d v%d/Value", i, i, i + 1, i, i);
	it = begin(text);
	check_type(&it, "Value",
		"app.head | Node | 1000 | 1000 | expected\n"
		"  .next | Node | 999 | 999 | expected\n"
		"    .next | Node | 998 | 998 | expected\n"
		"      .next.value and further down | Value | 997 | 997 | expected\n"
		"      .value | Value | 1 | 1 | expected\n"
		"    .value | Value | 1 | 1 | expected\n"
		"  .value | Value | 1 | 1 | expected\n");
	end(&it);
}

static void test_many_ways_are_the_largest_and_a_sum(void **state)
{
	char text[60000] = "root:modules>mods " APP "names:'many'>m m/Owner";
	struct string_builder expected = {0};
	struct asked it;
	char *tree;

	(void)state;
	for (int i = 0; i < 14; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			" m:.a%c>x%d x%d/Thing x%d=%d", 'a' + i, i, i, i, 100 - i);
	it = begin(text);
	string_builder_add(&expected, "app.many | Owner | 14 | 1309 | expected\n");
	for (int i = 0; i < PATH_MERGE_BRANCHES_MAX; i++)
		string_builder_add_format(
			&expected, "  .a%c | Thing | 1 | %d | expected\n", 'a' + i, 100 - i);
	string_builder_add(&expected, "  4 more | - | 4 | 354 | expected\n");
	tree = string_builder_finish(&expected);
	check_type(&it, "Thing", tree);
	mem_free(tree);
	end(&it);
}

// Below as many roots, each called otherwise.
static struct heap_graph *make_roots(uint32_t count)
{
	struct heap_graph *graph;
	char name[32];

	assert_success(heap_graph_create(count + 2, 0, 2, &graph));
	graph->types[1].name = heap_graph_intern(graph, "Thing");
	for (node_id node = 1; node < count + 2; node++) {
		graph->node_word[node] = 1;
		assert_success(heap_graph_set_size(graph, node, 8));
		snprintf(name, sizeof(name), "root %c%c%c%c", 'a' + node / 17576 % 26,
			'a' + node / 676 % 26, 'a' + node / 26 % 26, 'a' + node % 26);
		// The last is garbage.
		if (node <= count)
			assert_success(
				heap_graph_add_root(graph, node, HEAP_ROOT_C_GLOBAL, name, NULL));
	}
	assert_success(heap_graph_finish(graph));
	return graph;
}

static void check_all_counted(uint32_t roots)
{
	_cleanup_(heap_graph_destroy) struct heap_graph *graph = make_roots(roots);
	_cleanup_(dominators_destroy) struct dominators *dominators = NULL;
	_cleanup_(paths_destroy) struct paths *paths = NULL;
	_cleanup_(path_merge_deinit) struct path_merge merge = {0};
	uint64_t count = 0, bytes = 0;

	assert_success(dominators_create(graph, &dominators));
	assert_success(paths_create(graph, &paths));
	assert_success(path_merge_type(graph, dominators, paths, "Thing", &merge));
	for (size_t i = 0; i < merge.branches.count; i++) {
		count += merge.branches.items[i].count;
		bytes += merge.branches.items[i].bytes;
	}
	assert_int_equal(merge.total, roots + 1);
	assert_int_equal(count, roots);
	assert_int_equal(bytes, 8 * roots);
	assert_int_equal(merge.garbage, 1);
	// One sum, of all that has no line.
	assert_in_range(merge.branches.count, 2, PATH_MERGE_BRANCHES_MAX + 1);
	assert_null(merge.branches.items[merge.branches.count - 1].text);
}

// More than are written, and more than are kept apart.
static void test_of_very_many_ways_all_are_counted(void **state)
{
	(void)state;
	check_all_counted(3000);
	check_all_counted(150000);
}

static void test_no_more_routes_than_asked_for_and_the_cheapest_first(void **state)
{
	struct asked it = begin("root:modules>mods " APP "names:'x'>x,'l'>l,'s'>s l/list "
				"l+container l:[0]>x s/set s+container s:{}>x x/Thing");
	_cleanup_(path_routes_deinit) struct path_route_vector routes = {0};
	node_id x = graph_from_node(it.from, "x");

	(void)state;
	assert_success(path_routes_find(it.from->graph, it.paths, x, 2, &routes));
	assert_int_equal(routes.count, 2);
	assert_int_equal(routes.items[0].count, 4);
	assert_int_equal(routes.items[0].nodes[2], paths_parent(it.paths, x));
	assert_int_equal(routes.items[1].count, 5);
	assert_int_equal(routes.items[1].nodes[3], graph_from_node(it.from, "l"));
	assert_int_equal(routes.items[1].nodes[4], x);
	end(&it);
}

static void test_memory_may_run_out(void **state)
{
	struct asked it =
		begin("root:modules>mods,frame>x " APP "names:'cache'>c,'log'>l c/dict "
		      "c+container c:'a'>x l/list l+container l:[0]>y,[1]>x x/Thing y/Thing");
	node_id x = graph_from_node(it.from, "x");
	uint64_t failures = 0;
	bool is_of_type = false;

	(void)state;
	while (failures != UINT64_MAX) {
		struct path_merge merge = {0};
		struct error *err;

		alloc_fail_after(failures);
		if (is_of_type)
			err = path_merge_type(
				it.from->graph, it.dominators, it.paths, "Thing", &merge);
		else
			err = path_merge_object(it.from->graph, it.paths, x, &merge);
		alloc_fail_after(UINT64_MAX);
		if (err) {
			assert_int_equal(error_kind(err), ERROR_MEMORY);
			error_destroy(err);
			failures++;
			continue;
		}
		path_merge_deinit(&merge);
		assert_true(failures > 20);
		failures = is_of_type ? UINT64_MAX : 0;
		is_of_type = true;
	}
	end(&it);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_containers_and_a_frame_hold_one_object),
		cmocka_unit_test(test_ways_that_part_further_up_are_found),
		cmocka_unit_test(test_a_frame_runs_whoever_refers_to_it),
		cmocka_unit_test(test_instances_say_nothing_of_their_class),
		cmocka_unit_test(test_objects_of_a_type_hang_under_two_containers),
		cmocka_unit_test(test_what_is_within_another_is_counted_there),
		cmocka_unit_test(test_a_long_list_is_gone_into_as_deep_as_it_repeats_itself),
		cmocka_unit_test(test_many_ways_are_the_largest_and_a_sum),
		cmocka_unit_test(test_of_very_many_ways_all_are_counted),
		cmocka_unit_test(test_no_more_routes_than_asked_for_and_the_cheapest_first),
		cmocka_unit_test(test_memory_may_run_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
