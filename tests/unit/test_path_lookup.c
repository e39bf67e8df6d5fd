// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/* What a person means by a path. */
#include "analysis/path_lookup.h"

#include "base/error.h"
#include "graph_from.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// app.cache, a dict of a list and of an object with a slot; class Base above class Model; a.b beside a.
#define GRAPH                                                                                      \
	"root:modules>modules modules/dict modules:'app'>app,'a'>a,'a.b'>ab "                      \
	"app/module a/module ab/module app:@md_dict>names names/dict a:@md_dict>a_d "              \
	"a_d/dict a_d:'x'>x ab:@md_dict>ab_d ab_d/dict ab_d:'x'>y "                                \
	"names:'cache'>cache,'Model'>model,'f'>f,'view'>view cache/dict cache+container "          \
	"cache:'users'>list,'k'>item,'a[1]'>odd list/list list+container list:[0]>u0,[1]>u1 "      \
	"item/Item item:~slot>inside odd/list "                                                    \
	"model+type model:@tp_dict>model_d,@tp_base>base model_d/dict model_d:'own'>own "          \
	"base+type base:@tp_dict>base_d base_d/dict base_d:'results'>results results/list "        \
	"instance/Model names:'one'>instance instance:@__dict__>one_d one_d/dict one_d:'n'>n "     \
	"view/mappingproxy view:@mapping>model_d "

static node_id find(const char *text)
{
	_cleanup_(graph_from_destroy) struct graph_from *from = graph_from(GRAPH);
	_cleanup_(paths_destroy) struct paths *paths = NULL;
	node_id node = HEAP_NODE_NONE;
	struct error *err;

	from->graph->types[heap_type_of(from->graph, graph_from_node(from, "instance"))].node =
		graph_from_node(from, "model");
	assert_null(paths_create(from->graph, &paths));
	err = paths_find(from->graph, paths, text, &node);
	if (err) {
		assert_int_equal(error_kind(err), ERROR_NOT_FOUND);
		error_destroy(err);
		return HEAP_NODE_NONE;
	}
	return node;
}

static node_id node(const char *name)
{
	_cleanup_(graph_from_destroy) struct graph_from *from = graph_from(GRAPH);

	return graph_from_node(from, name);
}

static void test_attributes_of_modules(void **state)
{
	(void)state;
	assert_int_equal(find("app"), node("app"));
	assert_int_equal(find("app.cache"), node("cache"));
	assert_int_equal(find("a.x"), node("x"));
	// The longest module's name counts.
	assert_int_equal(find("a.b"), node("ab"));
	assert_int_equal(find("a.b.x"), node("y"));
}

static void test_keys_and_indices(void **state)
{
	(void)state;
	assert_int_equal(find("app.cache['users']"), node("list"));
	assert_int_equal(find("app.cache['users'][1]"), node("u1"));
	assert_int_equal(find("app.cache['k'].slot"), node("inside"));
	assert_int_equal(find("app.cache['a[1]']"), node("odd"));
}

static void test_what_an_instance_has_from_its_class(void **state)
{
	(void)state;
	assert_int_equal(find("app.one.n"), node("n"));
	assert_int_equal(find("app.one.own"), node("own"));
	assert_int_equal(find("app.one.results"), node("results"));
	assert_int_equal(find("app.Model.results"), node("results"));
	assert_int_equal(find("app.one.__class__.own"), HEAP_NODE_NONE);
}

static void test_what_is_not_there(void **state)
{
	static const char *const texts[] = {"", "nowhere", "app.", "app..cache", "app.cach",
		"app.cache['nobody']", "app.cache['users'][2]", "app.cache[", "app.cache['users",
		"app cache", "app.cache closure x", "application", "app.cache\xff"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_int_equal(find(texts[i]), HEAP_NODE_NONE);
}

// Says up to where the path leads.
static void test_message(void **state)
{
	_cleanup_(graph_from_destroy) struct graph_from *from = graph_from(GRAPH);
	_cleanup_(paths_destroy) struct paths *paths = NULL;
	struct error *err;
	node_id found;

	(void)state;
	assert_null(paths_create(from->graph, &paths));
	err = paths_find(from->graph, paths, "app.cache['users'].length", &found);
	assert_non_null(err);
	assert_string_equal(error_message(err), "app.cache['users'] (list) has no length");
	error_destroy(err);
}

// A path that begins elsewhere is looked up by what is said of each container.
static void test_described_as_it_is(void **state)
{
	_cleanup_(graph_from_destroy) struct graph_from *from =
		graph_from("root:frame>q q/list q+container p/list p+container");
	_cleanup_(paths_destroy) struct paths *paths = NULL;
	struct error *err;
	node_id found;

	(void)state;
	graph_from_root(from, "p", HEAP_ROOT_FRAME, "thread 'MainThread' app.main local queue",
		"/srv/app.py:3");
	assert_null(heap_graph_finish(from->graph));
	assert_null(paths_create(from->graph, &paths));
	err = paths_find(from->graph, paths, "thread 'MainThread' app.main local queue", &found);
	assert_null(err);
	assert_int_equal(found, graph_from_node(from, "p"));
}

// Below a root, also what is no container; through a __dict__, which is part of the path unwritten.
static void test_what_hangs_below_is_described_too(void **state)
{
	_cleanup_(graph_from_destroy) struct graph_from *from = graph_from(
		"root:frame>q q/list q+container p/list p+container p:[0]>o,[1]>r o/Owner "
		"r/Owner o:@__dict__>d d/dict d+container d:'name'>n r:@__dict__>e e/dict "
		"e:'name'>m m/Thing n/Thing");
	_cleanup_(paths_destroy) struct paths *paths = NULL;
	node_id found = HEAP_NODE_NONE;
	struct error *err;

	(void)state;
	graph_from_root(from, "p", HEAP_ROOT_FRAME, "thread 'MainThread' app.main local queue",
		"/srv/app.py:3");
	assert_null(heap_graph_finish(from->graph));
	assert_null(paths_create(from->graph, &paths));
	assert_null(paths_find(
		from->graph, paths, "thread 'MainThread' app.main local queue[1].name", &found));
	assert_int_equal(found, graph_from_node(from, "m"));
	err = paths_find(
		from->graph, paths, "thread 'MainThread' app.main local queue[1].none", &found);
	assert_int_equal(error_kind(err), ERROR_NOT_FOUND);
	error_destroy(err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attributes_of_modules),
		cmocka_unit_test(test_keys_and_indices),
		cmocka_unit_test(test_what_an_instance_has_from_its_class),
		cmocka_unit_test(test_what_is_not_there),
		cmocka_unit_test(test_message),
		cmocka_unit_test(test_described_as_it_is),
		cmocka_unit_test(test_what_hangs_below_is_described_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
