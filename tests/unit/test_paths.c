// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "analysis/paths.h"

#include "base/alloc.h"
#include "base/error.h"
#include "graph_from.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// sys.modules with the user's metrics, app and __main__, and the library's logging.
#define MODULES                                                                                    \
	"root:modules>modules modules/dict modules:'metrics'>metrics,'app'>app,'logging'>logging," \
	"'__main__'>main metrics/module app/module logging/module main/module "                    \
	"metrics@/srv/metrics.py app@/srv/app.py logging@/usr/lib/python3.11/logging.py "          \
	"metrics\"metrics\" app\"app\" logging\"logging\" main\"__main__\" "                       \
	"metrics:@md_dict>metrics_d app:@md_dict>app_d logging:@md_dict>logging_d "                \
	"main:@md_dict>main_d metrics_d/dict app_d/dict logging_d/dict main_d/dict "

static struct paths *paths_of(const struct graph_from *from)
{
	struct paths *paths = NULL;

	assert_null(paths_create(from->graph, &paths));
	return paths;
}

static struct path_description describe(const struct graph_from *from, const char *node)
{
	_cleanup_(paths_destroy) struct paths *paths = paths_of(from);
	struct path_description description = {0};

	assert_null(paths_describe(paths, graph_from_node(from, node), &description));
	return description;
}

static void check_text(const struct graph_from *from, const char *node, const char *expected)
{
	struct path_description description = describe(from, node);

	assert_string_equal(description.text, expected);
	path_description_deinit(&description);
}

/** The path to @p node is @p text, in @p steps, which are separated by " | ". */
static void check_path(const char *graph, const char *node, const char *text, const char *steps)
{
	_cleanup_(graph_from_destroy) struct graph_from *from = graph_from(graph);
	struct path_description description = describe(from, node);
	char joined[4096] = "";

	for (size_t i = 0; i < description.step_count; i++) {
		if (i)
			strcat(joined, " | ");
		strcat(joined, description.steps[i]);
	}
	assert_string_equal(description.text, text);
	assert_string_equal(joined, steps);
	path_description_deinit(&description);
}

static void test_class_attribute(void **state)
{
	const char *graph = MODULES "metrics_d:'Profiler'>class class/type class:@tp_dict>class_d "
				    "class_d/dict class_d:'results'>results results/list "
				    "results:[0]>float,[3]>other other:.x>deep";

	(void)state;
	check_path(graph, "results", "metrics.Profiler.results",
		"sys.modules['metrics'] | Profiler | results");
	check_path(graph, "other", "metrics.Profiler.results[3]",
		"sys.modules['metrics'] | Profiler | results | [3]");
	check_path(graph, "deep", "metrics.Profiler.results[3].x",
		"sys.modules['metrics'] | Profiler | results | [3] | x");
	check_path(graph, "modules", "sys.modules", "sys.modules");
	check_path(graph, "metrics", "metrics", "sys.modules['metrics']");
	check_path(graph, "metrics_d", "metrics.__dict__", "sys.modules['metrics'] | __dict__");
	check_path(graph, "class_d", "metrics.Profiler.__dict__",
		"sys.modules['metrics'] | Profiler | __dict__");
}

static void test_instances_dicts_and_containers(void **state)
{
	const char *graph = MODULES
		"app_d:'state'>state state/State state:@__dict__>state_d state_d/dict "
		"state_d:'cache'>cache,'slots'>slots cache/dict cache:'users'>users,'a_b'>ab "
		"users/set users:{}>member slots/Slots slots:~left>left left/deque "
		"left:[7]>seventh "
		"cache:^the_key>key";

	(void)state;
	check_path(graph, "users", "app.state.cache['users']",
		"sys.modules['app'] | state | cache | ['users']");
	check_path(graph, "ab", "app.state.cache['a b']",
		"sys.modules['app'] | state | cache | ['a b']");
	check_path(graph, "member", "app.state.cache['users']{…}",
		"sys.modules['app'] | state | cache | ['users'] | {…}");
	check_path(graph, "seventh", "app.state.slots.left[7]",
		"sys.modules['app'] | state | slots | left | [7]");
	check_path(graph, "key", "app.state.cache.keys()",
		"sys.modules['app'] | state | cache | keys()");
}

static void test_functions_and_methods(void **state)
{
	const char *graph = MODULES
		"metrics_d:'f'>f f/function f\"metrics.f\" f:@func_closure>closure,@func_defaults>"
		"defaults,@func_dict>f_d f_d/dict f_d:'calls'>calls closure/tuple closure:%x>cell,"
		"[1]>cell1 cell/cell cell:@cell_contents>value cell1/cell "
		"cell1:@cell_contents>value1 "
		"value:'k'>inner defaults/tuple defaults:[0]>default metrics_d:'bound'>bound "
		"bound/method bound:@im_self>self self/Self metrics_d:'cached'>lru "
		"lru/functools._lru_cache_wrapper lru:@cache>cache cache/dict cache:'k'>hit";

	(void)state;
	check_path(graph, "value", "metrics.f closure x",
		"sys.modules['metrics'] | f | closure variable x of f");
	check_path(graph, "inner", "metrics.f closure x['k']",
		"sys.modules['metrics'] | f | closure variable x of f | ['k']");
	check_path(graph, "value1", "metrics.f closure [1]",
		"sys.modules['metrics'] | f | closure variable [1] of f");
	check_path(graph, "cell", "metrics.f closure x",
		"sys.modules['metrics'] | f | closure variable x of f");
	check_path(graph, "closure", "metrics.f.__closure__",
		"sys.modules['metrics'] | f | __closure__");
	check_path(graph, "default", "metrics.f.__defaults__[0]",
		"sys.modules['metrics'] | f | __defaults__ | [0]");
	check_path(graph, "calls", "metrics.f.calls", "sys.modules['metrics'] | f | calls");
	check_path(graph, "self", "metrics.bound.__self__",
		"sys.modules['metrics'] | bound | __self__");
	check_path(graph, "hit", "metrics.cached.cache['k']",
		"sys.modules['metrics'] | cached | cache | ['k']");
}

static void test_generators(void **state)
{
	const char *graph = MODULES
		"app_d:'tasks'>tasks tasks/list tasks:[0]>gen,[1]>old gen/generator gen\"app.gen\" "
		"gen:$x>x,!>y old/coroutine old\"app.work\" old:@cr_frame>frame frame/frame "
		"frame:$rows>rows";

	(void)state;
	check_path(graph, "x", "app.tasks[0] <generator app.gen>.x",
		"sys.modules['app'] | tasks | [0] | local x of generator app.gen");
	check_path(graph, "y", "app.tasks[0] <generator app.gen> stack",
		"sys.modules['app'] | tasks | [0] | value stack of generator app.gen");
	check_path(graph, "rows", "app.tasks[1] <coroutine app.work>.rows",
		"sys.modules['app'] | tasks | [1] | local rows of coroutine app.work");
}

static void test_a_frame_that_is_an_object_and_runs(void **state)
{
	_cleanup_(graph_from_destroy) struct graph_from *from = graph_from(
		"f/frame f\"app.main\" f:$jobs>jobs jobs/list jobs:[0]>job f:$kept>kept "
		"kept/frame kept\"app.handle\" kept:$body>body g/generator g\"app.main\" g:$x>x");
	struct path_description path;

	(void)state;
	graph_from_root(
		from, "f", HEAP_ROOT_FRAME, "thread 'MainThread' app.main", "/srv/app.py:7");
	graph_from_root(
		from, "g", HEAP_ROOT_FRAME, "thread 'T' app.run local main", "/srv/app.py:9");
	// As from 3.11 on, where it is none.
	path = describe(from, "job");
	assert_string_equal(path.text, "thread 'MainThread' app.main local jobs[0]");
	assert_int_equal(path.step_count, 3);
	assert_string_equal(path.steps[0], "thread 'MainThread' app.main (app.py:7)");
	assert_string_equal(path.steps[1], "local jobs");
	path_description_deinit(&path);
	// A frame that somebody keeps is an object like others.
	check_text(from, "body", "thread 'MainThread' app.main local kept <frame app.handle>.body");
	check_text(from, "x", "thread 'T' app.run local main <generator app.main>.x");
}

static void test_what_has_no_name_in_python_is_not_written(void **state)
{
	const char *graph = MODULES
		"metrics_d:'encode'>encode,'local'>local "
		"encode:.registry>proxy proxy/object proxy:@>mapping mapping/dict mapping:'x'>x "
		"local:@dummies>dummies dummies/dict dummies:'<weakref>'>mine mine/dict "
		"mine:'trace'>trace trace/list";

	(void)state;
	// A mappingproxy is its mapping, also where the path ends there.
	check_path(graph, "mapping", "metrics.encode.registry",
		"sys.modules['metrics'] | encode | registry");
	check_path(graph, "x", "metrics.encode.registry['x']",
		"sys.modules['metrics'] | encode | registry | ['x']");
	// One thread's attributes of a threading.local.
	check_path(graph, "trace", "metrics.local.trace", "sys.modules['metrics'] | local | trace");
}

static void (*label_from_text)(void *context, node_id node, uint32_t edge, struct heap_label *ret);

/** The keys of a context, which no text of a graph can have. */
static void label_context(void *context, node_id node, uint32_t edge, struct heap_label *ret)
{
	label_from_text(context, node, edge, ret);
	if (strcmp(ret->text, "'trail'") == 0)
		snprintf(ret->text, sizeof(ret->text), "<ContextVar trail>");
}

static void test_a_coroutine_of_the_user_is_where_the_text_begins(void **state)
{
	_cleanup_(graph_from_destroy) struct graph_from *from = graph_from(
		MODULES "coro/coroutine coro\"app.main\" coro@/srv/app.py coro:$q>cell cell/cell "
			"cell:@cell_contents>queue queue:._queue>items items/deque "
			"lib/coroutine lib\"asyncio.f\" lib@/usr/lib/python3.11/asyncio/x.py "
			"lib:$q>there context/dict context:'trail'>trail trail/list "
			"app_d:'mine'>mine mine/list mine:[0]>hand hand/coroutine hand\"app.hand\" "
			"hand@/srv/app.py hand:$x>x");
	struct path_description path;

	(void)state;
	graph_from_root(from, "coro", HEAP_ROOT_FRAME, "thread 'M' asyncio.run local coro",
		"/usr/lib/python3.11/asyncio/runners.py");
	graph_from_root(from, "lib", HEAP_ROOT_FRAME, "thread 'M' asyncio.run local lib",
		"/usr/lib/python3.11/asyncio/runners.py");
	graph_from_root(from, "context", HEAP_ROOT_FRAME, "thread 'M' asyncio.run local context",
		"/usr/lib/python3.11/asyncio/runners.py");
	label_from_text = from->graph->naming.label;
	from->graph->naming.label = label_context;
	path = describe(from, "items");
	assert_string_equal(path.text, "coroutine app.main local q._queue");
	assert_true(path.is_user_code);
	assert_int_equal(path.step_count, 3);
	assert_string_equal(path.steps[0], "thread 'M' asyncio.run local coro (runners.py)");
	assert_string_equal(path.steps[1], "local q of coroutine app.main");
	path_description_deinit(&path);
	check_text(from, "there", "thread 'M' asyncio.run local lib <coroutine asyncio.f>.q");
	check_text(from, "trail", "context variable trail");
	// Where the user's code holds the coroutine, that says more.
	check_text(from, "x", "app.mine[0] <coroutine app.hand>.x");
}

static void test_public_names_of_modules(void **state)
{
	const char *graph = MODULES
		"modules:'_warnings'>_w _w/module _w\"_warnings\" _w@/usr/lib/python3.11/w "
		"_w:@md_dict>_w_d _w_d/dict modules:'warnings'>w w/module w\"warnings\" "
		"w@/usr/lib/python3.11/warnings.py w:@md_dict>w_d w_d/dict "
		"_w_d:'filters'>filters w_d:'filters'>filters filters/list "
		"modules:'builtins'>b b/module b\"builtins\" b@<frozen_b> b:@md_dict>b_d b_d/dict "
		"app_d:'__builtins__'>b_d b_d:'object'>o o/type o\"object\" "
		"o:@tp_subclasses>s s/dict";

	(void)state;
	check_path(graph, "filters", "warnings.filters", "sys.modules['warnings'] | filters");
	// Every module refers to the names of builtins.
	check_path(graph, "s", "builtins.object.__subclasses__",
		"sys.modules['builtins'] | object | __subclasses__");
}

static void test_main_is_user_code(void **state)
{
	_cleanup_(graph_from_destroy) struct graph_from *from =
		graph_from(MODULES "main_d:'data'>data data/list logging_d:'handlers'>handlers");
	struct path_description description = describe(from, "data");

	(void)state;
	assert_string_equal(description.text, "__main__.data");
	assert_true(description.is_user_code);
	assert_true(description.is_named);
	path_description_deinit(&description);

	description = describe(from, "handlers");
	assert_string_equal(description.text, "logging.handlers");
	assert_false(description.is_user_code);
	path_description_deinit(&description);
}

static void test_roots_other_than_modules(void **state)
{
	_cleanup_(graph_from_destroy) struct graph_from *from = graph_from(
		"queue:[0]>item queue/list cache:'k'>cached cache/dict held:.x>attribute held/Held "
		"static:@tp_dict>static_d static/type static\"int\" word/list bare/dict");
	struct path_description description;

	(void)state;
	graph_from_root(from, "queue", HEAP_ROOT_FRAME, "thread 'MainThread' app.main local queue",
		"/srv/app.py:42");
	graph_from_root(from, "cache", HEAP_ROOT_C_GLOBAL, "libfoo.so cache+8", NULL);
	graph_from_root(from, "held", HEAP_ROOT_UNEXPLAINED, NULL, NULL);
	graph_from_root(from, "static", HEAP_ROOT_STATIC, NULL, NULL);
	graph_from_root(from, "word", HEAP_ROOT_STACK, "thread 'MainThread' C stack", NULL);
	graph_from_root(from, "bare", HEAP_ROOT_C_GLOBAL, NULL, NULL);

	description = describe(from, "item");
	assert_string_equal(description.text, "thread 'MainThread' app.main local queue[0]");
	assert_int_equal(description.step_count, 2);
	assert_string_equal(
		description.steps[0], "thread 'MainThread' app.main local queue (app.py:42)");
	assert_true(description.is_user_code);
	assert_true(description.is_named);
	path_description_deinit(&description);

	description = describe(from, "cached");
	assert_string_equal(description.text, "libfoo.so cache+8 ['k']");
	assert_string_equal(description.steps[1], "['k']");
	assert_false(description.is_user_code);
	assert_true(description.is_named);
	path_description_deinit(&description);

	description = describe(from, "attribute");
	assert_string_equal(description.text, "held by C code: Held .x");
	assert_string_equal(description.steps[1], "x");
	assert_false(description.is_named);
	path_description_deinit(&description);

	description = describe(from, "word");
	assert_false(description.is_named);
	path_description_deinit(&description);

	check_text(from, "static_d", "static: int .__dict__");
	check_text(from, "bare", "C global: dict");
}

static void test_inferred_and_unlabelled_edges_have_no_name(void **state)
{
	_cleanup_(graph_from_destroy) struct graph_from *from =
		graph_from(MODULES "app_d:'conn'>conn conn/Conn conn:buffer?,rows buffer/list");
	struct path_description description = describe(from, "buffer");

	(void)state;
	assert_string_equal(description.text, "app.conn→list");
	assert_false(description.is_named);
	assert_true(description.is_user_code);
	path_description_deinit(&description);
}

static void test_garbage_is_unreachable(void **state)
{
	_cleanup_(graph_from_destroy) struct graph_from *from = graph_from("root:a x:y y:x");
	_cleanup_(paths_destroy) struct paths *paths = paths_of(from);
	struct path_description description = describe(from, "y");

	(void)state;
	assert_string_equal(description.text, "unreachable");
	assert_int_equal(description.step_count, 0);
	assert_int_equal(paths_parent(paths, graph_from_node(from, "x")), HEAP_NODE_NONE);
	assert_int_equal(paths_parent(paths, graph_from_node(from, "a")), HEAP_ROOT);
	path_description_deinit(&description);
}

// Which of several paths.

static void test_user_code_beats_libraries(void **state)
{
	// The logger is logging.root, and by some more steps app.state.logger.
	check_path(MODULES "logging_d:'root'>logger app_d:'state'>state state/State "
			   "state:@__dict__>state_d state_d/dict state_d:'logger'>logger",
		"logger", "app.state.logger", "sys.modules['app'] | state | logger");
	(void)state;
}

static void test_classes_are_found_at_home(void **state)
{
	const char *graph = MODULES "app_d:'Handler'>class class/type class\"logging.Handler\" "
				    "logging_d:'Handler'>class "
				    "class:@tp_dict>class_d class_d/dict class_d:'pool'>pool";

	(void)state;
	check_path(
		graph, "pool", "logging.Handler.pool", "sys.modules['logging'] | Handler | pool");
}

static void test_modules_are_found_in_sys_modules(void **state)
{
	// app imports logging: that is not how logging's things are called.
	check_path(MODULES "app_d:'logging'>logging logging_d:'handlers'>handlers", "handlers",
		"logging.handlers", "sys.modules['logging'] | handlers");
	(void)state;
}

static void test_internals_lose(void **state)
{
	// Each function leads to its module's dict, each instance to its class, each class to its
	// base and its __mro__.
	const char *graph = MODULES
		"app_d:'x'>x,'f'>f,'B'>derived x/object x:@ob_type>class f/function f\"app.f\" "
		"f:@func_globals>metrics_d derived/type derived\"app.B\" derived:@tp_mro>mro,"
		"@tp_base>class mro/tuple mro:[1]>class class/type class\"metrics.A\" "
		"metrics_d:'A'>class,'late'>late class:@tp_dict>class_d class_d/dict "
		"class_d:'log'>log";

	(void)state;
	check_path(graph, "log", "metrics.A.log", "sys.modules['metrics'] | A | log");
	check_path(graph, "late", "metrics.late", "sys.modules['metrics'] | late");
}

static void test_globals_are_not_reached_through_functions(void **state)
{
	// The user's list of hooks holds a function of logging, which refers to logging's globals.
	const char *graph =
		MODULES "app_d:'hooks'>hooks hooks/list hooks:[0]>f f/function f\"logging.f\" "
			"f:@func_globals>logging_d logging_d:'handlers'>handlers";

	(void)state;
	check_path(graph, "handlers", "logging.handlers", "sys.modules['logging'] | handlers");
}

static void test_owners_beat_frames(void **state)
{
	_cleanup_(graph_from_destroy) struct graph_from *from = graph_from(
		MODULES "app_d:'state'>state state/State state:@__dict__>state_d state_d/dict "
			"state_d:'cache'>cache cache/dict cache:'users'>users users/list own/list "
			"own:[0]>x");

	(void)state;
	graph_from_root(
		from, "users", HEAP_ROOT_FRAME, "thread 'T' app.main local users", "/srv/app.py");
	graph_from_root(
		from, "own", HEAP_ROOT_FRAME, "thread 'T' app.main local own", "/srv/app.py");
	graph_from_root(from, "own", HEAP_ROOT_FRAME, "thread 'T' threading.run local own",
		"/usr/lib/python3.11/threading.py");
	graph_from_root(from, "own", HEAP_ROOT_UNEXPLAINED, NULL, NULL);
	check_text(from, "users", "app.state.cache['users']");
	check_text(from, "x", "thread 'T' app.main local own[0]");
}

static void test_weak_roots_get_only_the_rest(void **state)
{
	// The far end of a long list is also on a stack.
	_cleanup_(graph_from_destroy) struct graph_from *from = NULL;
	char text[8192] = MODULES "app_d:'head'>n0 n0/Node root:stack>n150 ";

	(void)state;
	for (int i = 0; i < 150; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "n%d:.next>n%d ", i,
			i + 1);
	from = graph_from(text);
	check_text(from, "n150", "app.head….next ×150");
}

static void test_files_are_asked_once_per_module(void **state)
{
	_cleanup_(graph_from_destroy) struct graph_from *from = graph_from(
		MODULES "modules:'alias'>logging app_d:'l'>logging metrics_d:'l'>logging");
	_cleanup_(paths_destroy) struct paths *paths = paths_of(from);

	(void)state;
	assert_int_equal(from->file_calls, 4);
	assert_int_equal(from->label_calls, 0);
}

static void test_the_best_label_of_several_edges(void **state)
{
	check_path(MODULES "app_d:'x'>x x/X x:@slot>y,y?,.name>y,[3]>y", "y", "app.x.name",
		"sys.modules['app'] | x | name");
	(void)state;
}

// Long paths.

static void test_chains_are_folded(void **state)
{
	const char *graph = MODULES "app_d:'a'>a a/Node a:@__dict__>ad ad/dict ad:'next'>b b/Node "
				    "b:@__dict__>bd bd/dict "
				    "bd:'next'>c c/Node c:@__dict__>cd cd/dict cd:'next'>d d/Node "
				    "d:@__dict__>dd dd/dict "
				    "dd:'next'>e e/Node e:.next>f f:.value>value";

	(void)state;
	check_path(
		graph, "d", "app.a.next.next.next", "sys.modules['app'] | a | next | next | next");
	check_path(graph, "e", "app.a….next ×4", "sys.modules['app'] | a | next ×4");
	check_path(
		graph, "value", "app.a….next ×5.value", "sys.modules['app'] | a | next ×5 | value");
	check_path(MODULES
		"app_d:'t'>a a:.kids>b b/list b:[0]>c c:.kids>d d/list d:[0]>e e:.kids>f "
		"f/list f:[0]>g g:.kids>h h/list h:[0]>i i:.kids>j",
		"j", "app.t….kids[0] ×4.kids", "sys.modules['app'] | t | kids[0] ×4 | kids");
}

/** Labels of a chain whose every other node is a __dict__; node 1 is sys.modules, 2 the module. */
static void label_chain(void *context, node_id node, uint32_t edge, struct heap_label *ret)
{
	(void)edge;
	++*(unsigned *)context;
	ret->kind = node % 2 ? HEAP_LABEL_KEY : HEAP_LABEL_FIELD;
	snprintf(ret->text, sizeof(ret->text), "%s",
		node == 1       ? "'app'"
		: node % 2 == 0 ? "__dict__"
		: node == 3     ? "'head'"
				: "'next'");
}

static void test_a_very_long_chain(void **state)
{
	uint32_t length = 3000001; /* nodes 1 … length; odd ones are dicts */
	struct heap_graph *graph = NULL;
	_cleanup_(paths_destroy) struct paths *paths = NULL;
	struct path_description description;
	unsigned calls = 0;

	(void)state;
	for (uint32_t round = 0; round < 2; round++) {
		assert_null(heap_graph_create(length + 1, length - 1, 3, &graph));
		graph->types[1].role = HEAP_TYPE_INSTANCE;
		graph->types[2].role = HEAP_TYPE_DICT;
		for (node_id node = 1; node <= length; node++) {
			graph->node_word[node] = node % 2 ? 2 : 1;
			graph->first_edge[node + 1] = node < length ? node : length - 1;
			if (node < length)
				graph->edges[node - 1] = node + 1;
		}
		graph->node_word[2] |= HEAP_NODE_MODULE;
		graph->naming = (struct heap_naming){.context = &calls, .label = label_chain};
		assert_null(heap_graph_add_root(graph, 1, HEAP_ROOT_MODULES, "sys.modules", NULL));
		assert_null(heap_graph_finish(graph));
		assert_null(heap_graph_check(graph));
		assert_null(paths_create(graph, &paths));
		// 4 is app.head; each next is two nodes further. The gap's parity differs.
		assert_null(paths_describe(paths, length - 1 - 2 * round, &description));
		assert_string_equal(description.text,
			round ? "app.head….next ×1499997" : "app.head….next ×1499998");
		assert_int_equal(description.step_count, 3);
		path_description_deinit(&description);
		assert_null(paths_describe(paths, length, &description));
		assert_string_equal(description.text, "app.head….next ×1499998.__dict__");
		path_description_deinit(&description);
		assert_true(calls < 5000);
		paths_destroy(take(paths));
		heap_graph_destroy(graph);
	}
}

static void test_long_texts_lose_their_middle(void **state)
{
	_cleanup_(graph_from_destroy) struct graph_from *from = NULL;
	char text[16384] = MODULES "app_d:'first'>n0 ";
	struct path_description description;

	(void)state;
	for (int i = 0; i < 90; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "n%d:.attribute%d>n%d ",
			i, i, i + 1);
	from = graph_from(text);
	description = describe(from, "n90");
	assert_true(strlen(description.text) <= 200);
	assert_non_null(strstr(description.text, "app.first.attribute0.attribute1"));
	assert_non_null(strstr(description.text, "….attribute"));
	assert_non_null(strstr(description.text, ".attribute88.attribute89"));
	assert_true(description.step_count <= 41);
	assert_string_equal(description.steps[20], "… 52 steps …");
	assert_string_equal(description.steps[40], "attribute89");
	path_description_deinit(&description);
}

static void test_long_names_are_cut_between_characters(void **state)
{
	_cleanup_(graph_from_destroy) struct graph_from *from = graph_from("a/list a:[0]>b");
	char name[400] = "x";
	struct path_description description;

	(void)state;
	while (strlen(name) < 390)
		strcat(name, "é");
	graph_from_root(from, "a", HEAP_ROOT_FRAME, name, NULL);
	description = describe(from, "b");
	// "x" and 44 characters of two bytes: the ninetieth byte is in the middle of one.
	assert_int_equal(strlen(description.text), 89 + strlen("…[0]"));
	assert_string_equal(description.text + 89, "…[0]");
	path_description_deinit(&description);
}

static void test_library_files(void **state)
{
	static const struct {
		const char *file;
		bool is_library;
	} files[] = {
		{"/usr/lib/python3.11/threading.py", true},
		{"/usr/local/lib/python3.13t/threading.py", true},
		{"/usr/lib64/python2.7/threading.pyc", true},
		{"/opt/venv/lib/python3.11/site-packages/flask/app.py", true},
		{"/usr/lib/python3/dist-packages/yaml/__init__.py", true},
		{"C/site-packages/x.py", true},
		{"<frozen importlib._bootstrap>", true},
		{"/usr/lib/python311.zip/threading.py", true},
		{"/srv/app/views.py", false},
		{"/srv/lib/python/views.py", false},
		{"/srv/lib/python3.11.py", false},
		{"/srv/my-site-packages/x.py", false},
		{"/home/u/libs/python3.9/x.py", false},
		{"<string>", false},
		{"<stdin>", false},
		{"app.py", false},
		{"", false},
		{NULL, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		if (paths_is_library_file(files[i].file) != files[i].is_library)
			fail_msg("%s", files[i].file);
	}
}

static void test_running_out_of_memory_is_an_error(void **state)
{
	_cleanup_(graph_from_destroy) struct graph_from *from = graph_from(
		MODULES "app_d:'a'>a a:.next>b b:.next>c c:.next>d d:.next>e e/function "
			"e:@func_closure>f f:%x>g g:.cell>h x:y root:unexplained>x x/list");
	static const char *const nodes[] = {"h", "y", "modules"};
	uint64_t failures = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(nodes) / sizeof(*nodes); failures++) {
		struct path_description description = {0};
		struct paths *paths = NULL;
		struct error *error;

		alloc_fail_after(failures);
		error = paths_create(from->graph, &paths);
		if (!error)
			error = paths_describe(
				paths, graph_from_node(from, nodes[i]), &description);
		alloc_fail_after(UINT64_MAX);
		paths_destroy(paths);
		if (error) {
			assert_int_equal(error_kind(error), ERROR_MEMORY);
			assert_null(description.text);
			error_destroy(error);
			continue;
		}
		path_description_deinit(&description);
		assert_true(failures > 8);
		failures = UINT64_MAX;
		i++;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_class_attribute),
		cmocka_unit_test(test_instances_dicts_and_containers),
		cmocka_unit_test(test_functions_and_methods),
		cmocka_unit_test(test_generators),
		cmocka_unit_test(test_a_frame_that_is_an_object_and_runs),
		cmocka_unit_test(test_what_has_no_name_in_python_is_not_written),
		cmocka_unit_test(test_a_coroutine_of_the_user_is_where_the_text_begins),
		cmocka_unit_test(test_public_names_of_modules),
		cmocka_unit_test(test_main_is_user_code),
		cmocka_unit_test(test_roots_other_than_modules),
		cmocka_unit_test(test_inferred_and_unlabelled_edges_have_no_name),
		cmocka_unit_test(test_garbage_is_unreachable),
		cmocka_unit_test(test_user_code_beats_libraries),
		cmocka_unit_test(test_classes_are_found_at_home),
		cmocka_unit_test(test_modules_are_found_in_sys_modules),
		cmocka_unit_test(test_internals_lose),
		cmocka_unit_test(test_globals_are_not_reached_through_functions),
		cmocka_unit_test(test_owners_beat_frames),
		cmocka_unit_test(test_weak_roots_get_only_the_rest),
		cmocka_unit_test(test_files_are_asked_once_per_module),
		cmocka_unit_test(test_the_best_label_of_several_edges),
		cmocka_unit_test(test_chains_are_folded),
		cmocka_unit_test(test_a_very_long_chain),
		cmocka_unit_test(test_long_texts_lose_their_middle),
		cmocka_unit_test(test_long_names_are_cut_between_characters),
		cmocka_unit_test(test_library_files),
		cmocka_unit_test(test_running_out_of_memory_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
