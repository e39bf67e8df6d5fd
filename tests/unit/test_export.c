// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/** Heaps in the formats of other tools, byte by byte or read back. */
#include "check.h"

#include "base/alloc.h"
#include "base/text_table.h"
#include "export/export_heap.h"
#include "graph_from.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

struct heap {
	struct graph_from *from;
	struct dominators *dominators;
	struct paths *paths;
	struct export_input input;
};

// An address is the node's number, times 16.
static uint64_t address_of(void *context, node_id node)
{
	(void)context;
	return node * 16ull;
}

static void heap_init(struct heap *ret, const char *text)
{
	*ret = (struct heap){.from = graph_from(text)};
	graph_from_root(ret->from, "held", HEAP_ROOT_FRAME, "thread 'T' f local x", "/a.py:3");
	assert_success(dominators_create(ret->from->graph, &ret->dominators));
	assert_success(paths_create(ret->from->graph, &ret->paths));
	ret->from->graph->naming.address = address_of;
	ret->input = (struct export_input){.graph = ret->from->graph,
		.dominators = ret->dominators,
		.paths = ret->paths,
		.name = "process \"42\"",
		.limit = 3};
}

static void heap_deinit(struct heap *heap)
{
	paths_destroy(heap->paths);
	dominators_destroy(heap->dominators);
	graph_from_destroy(heap->from);
}

// A list that a local variable holds, an object in it, and garbage that refers to that.
static const char small[] =
	"held/list held:[0]>row,row? row/app.Row row:.name>text,'k'>text text/str "
	"lost/set lost:{}>row held=100 row=48 text=50 lost=216";

typedef struct error *(*export_writer)(const struct export_input *input, FILE *out);

/** What a writer writes; the caller frees it. */
static char *written(export_writer write, const struct export_input *input, size_t *ret_size)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_success(write(input, out));
	assert_int_equal(fclose(out), 0);
	if (ret_size)
		*ret_size = size;
	return text;
}

static void texts_are_numbered_once(void **state)
{
	_cleanup_(text_table_deinit) struct text_table table = {0};
	char text[32];

	(void)state;
	for (int round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < 5000; i++) {
			snprintf(text, sizeof(text), "text %u", i);
			assert_int_equal(text_table_add(&table, text), i);
		}
	}
	assert_int_equal(table.count, 5000);
	assert_string_equal(text_table_get(&table, 4321), "text 4321");
}

static void ndjson_has_a_line_per_object(void **state)
{
	struct heap heap;
	char *text;

	(void)state;
	heap_init(&heap, small);
	text = written(export_ndjson, &heap.input, NULL);
	assert_string_equal(text,
		"{\"id\":1,\"address\":\"0x10\",\"type\":\"list\",\"size\":100,"
		"\"retained\":198,\"reachable\":true,\"dominator\":0,\"roots\":[{\"kind\":"
		"\"frame\",\"name\":\"thread 'T' f local x\"}],\"edges\":[{\"to\":2,\"kind\":"
		"\"index\",\"index\":0},{\"to\":2,\"kind\":\"unknown\",\"inferred\":true}]}\n"
		"{\"id\":2,\"address\":\"0x20\",\"type\":\"app.Row\",\"size\":48,"
		"\"retained\":98,\"reachable\":true,\"dominator\":1,\"roots\":[],\"edges\":["
		"{\"to\":3,\"kind\":\"attribute\",\"name\":\"name\"},{\"to\":3,\"kind\":"
		"\"key\",\"name\":\"'k'\"}]}\n"
		"{\"id\":3,\"address\":\"0x30\",\"type\":\"str\",\"size\":50,"
		"\"retained\":50,\"reachable\":true,\"dominator\":2,\"roots\":[],"
		"\"edges\":[]}\n"
		"{\"id\":4,\"address\":\"0x40\",\"type\":\"set\",\"size\":216,"
		"\"retained\":216,\"reachable\":false,\"roots\":[],\"edges\":[{\"to\":2,"
		"\"kind\":\"item\"}]}\n");
	free(text);
	heap_deinit(&heap);
}

static void dot_quotes_and_draws(void **state)
{
	struct heap heap;
	char *text;

	(void)state;
	heap_init(&heap, small);
	text = written(export_dot, &heap.input, NULL);
	assert_string_equal(text,
		"digraph dominators {\n"
		"\trankdir=LR;\n"
		"\tnode [shape=box, fontname=\"sans-serif\"];\n"
		"\tn0 [label=\"process \\\"42\\\"\\n198 B\"];\n"
		"\tn1 [label=\"thread 'T' f local x\\nlist, 198 B (100.0 %)\"];\n"
		"\tn0 -> n1;\n"
		"\tn2 [label=\"thread 'T' f local x[0]\\napp.Row, 98 B (49.5 %)\"];\n"
		"\tn1 -> n2;\n"
		"\tn3 [label=\"thread 'T' f local x[0].name\\nstr, 50 B (25.3 %)\"];\n"
		"\tn2 -> n3;\n"
		"}\n");
	free(text);
	heap.input.limit = 1;
	text = written(export_dot, &heap.input, NULL);
	assert_null(strstr(text, "n2"));
	free(text);
	heap_deinit(&heap);
}

// A chain is one box, and what is at its end hangs on it.
static void dot_folds_chains(void **state)
{
	struct heap heap;
	char *text;

	(void)state;
	heap_init(
		&heap, "held/app.N held:.next>b b/app.N b:.next>c c/app.N c:.data>d d/list d=1000");
	text = written(export_dot, &heap.input, NULL);
	assert_null(strstr(text, "n2"));
	assert_null(strstr(text, "n3"));
	assert_non_null(strstr(text, "\tn1 -> n4;"));
	free(text);
	heap_deinit(&heap);
}

static json_t *heapsnapshot_of(const struct heap *heap)
{
	char *text = written(export_heapsnapshot, &heap->input, NULL);
	json_t *json = json_loads(text, 0, NULL);

	free(text);
	assert_non_null(json);
	return json;
}

static json_int_t number_in(const json_t *root, const char *array, size_t index)
{
	json_t *number = json_array_get(json_object_get(root, array), index);

	assert_non_null(number);
	return json_integer_value(number);
}

static const char *string_of(const json_t *root, json_int_t number)
{
	return json_string_value(json_array_get(json_object_get(root, "strings"), (size_t)number));
}

// Root, (GC roots), nine groups; then the objects.
static void heapsnapshot_counts_and_sizes(void **state)
{
	static const struct {
		json_int_t type;
		const char *name;
		json_int_t size, edges;
	} nodes[] = {
		{3, "list", 100, 2}, {3, "app.Row", 48, 2}, {3, "str", 50, 0}, {3, "set", 216, 1}};
	struct heap heap;
	json_t *root, *snapshot;

	(void)state;
	heap_init(&heap, small);
	root = heapsnapshot_of(&heap);
	snapshot = json_object_get(root, "snapshot");
	assert_int_equal(json_integer_value(json_object_get(snapshot, "node_count")), 15);
	assert_int_equal(json_array_size(json_object_get(root, "nodes")), 15 * 7);
	// Root, groups, the frame, the garbage, and five of objects.
	assert_int_equal(
		json_integer_value(json_object_get(snapshot, "edge_count")), 1 + 9 + 1 + 1 + 5);
	assert_int_equal(json_array_size(json_object_get(root, "edges")), 17 * 3);
	assert_string_equal(string_of(root, number_in(root, "nodes", 1)), "");
	assert_string_equal(string_of(root, number_in(root, "nodes", 8)), "(GC roots)");
	for (size_t i = 0; i < 4; i++) {
		size_t at = (11 + i) * 7;

		assert_int_equal(number_in(root, "nodes", at), nodes[i].type);
		assert_string_equal(
			string_of(root, number_in(root, "nodes", at + 1)), nodes[i].name);
		assert_int_equal(number_in(root, "nodes", at + 2), 2 * (11 + i) + 1);
		assert_int_equal(number_in(root, "nodes", at + 3), nodes[i].size);
		assert_int_equal(number_in(root, "nodes", at + 4), nodes[i].edges);
	}
	json_decref(root);
	heap_deinit(&heap);
}

static void heapsnapshot_names_references(void **state)
{
	// Types are indices into the words of edge_types; objects have the ordinals 11 to 14.
	static const struct {
		json_int_t type;
		const char *name; /* NULL: the index is zero, or the edge's own */
		json_int_t index, to;
	} edges[] = {
		{3, "thread 'T' f local x", 0, 11},
		{6, "unreachable", 0, 14},
		{1, NULL, 0, 12},
		{4, NULL, 1, 12},
		{2, "name", 0, 13},
		{2, "['k']", 0, 13},
		{1, NULL, 0, 12},
	};
	struct heap heap;
	json_t *root;

	(void)state;
	heap_init(&heap, small);
	root = heapsnapshot_of(&heap);
	for (size_t i = 0; i < 7; i++) {
		size_t at = (10 + i) * 3;

		assert_int_equal(number_in(root, "edges", at), edges[i].type);
		if (edges[i].name)
			assert_string_equal(
				string_of(root, number_in(root, "edges", at + 1)), edges[i].name);
		else
			assert_int_equal(number_in(root, "edges", at + 1), edges[i].index);
		assert_int_equal(number_in(root, "edges", at + 2), edges[i].to * 7);
	}
	json_decref(root);
	heap_deinit(&heap);
}

// Readers keep sizes in 32 bits: what does not fit says so in its name.
static void heapsnapshot_sizes_fit_readers(void **state)
{
	struct heap heap;
	json_t *root;

	(void)state;
	heap_init(&heap, "held/bytearray held=6442450944");
	root = heapsnapshot_of(&heap);
	assert_int_equal(number_in(root, "nodes", 11 * 7 + 3), UINT32_MAX);
	assert_string_equal(string_of(root, number_in(root, "nodes", 11 * 7 + 1)),
		"bytearray (6442450944 bytes)");
	json_decref(root);
	heap_deinit(&heap);
}

static void heapsnapshot_refuses_what_is_too_large(void **state)
{
	struct heap heap;
	uint32_t edges;
	FILE *out = fopen("/dev/null", "w");

	(void)state;
	assert_non_null(out);
	heap_init(&heap, small);
	// Nothing is read of them before they are counted.
	edges = heap.from->graph->edge_count;
	heap.from->graph->edge_count = UINT32_MAX / 3;
	assert_failure(export_heapsnapshot(&heap.input, out), ERROR_UNSUPPORTED);
	heap.from->graph->edge_count = edges;
	assert_success(export_heapsnapshot(&heap.input, out));
	fclose(out);
	heap_deinit(&heap);
}

static void texts_of_targets_become_json(void **state)
{
	struct heap heap;
	char *text;

	(void)state;
	heap_init(&heap, "held/\033[2J\"\xff\xc3\xa9");
	text = written(export_ndjson, &heap.input, NULL);
	assert_non_null(strstr(text, "\"type\":\"\\u001b[2J\\\"\\\\xff\xc3\xa9\","));
	free(text);
	heap_deinit(&heap);
}

// Keys that are names are kept, items are all one, and a chain counts where it begins.
static const char stacks[] =
	"held/list held:[0]>row,[1]>other row/app.Row row:.next>below below/app.Row other/dict "
	"other:'k;1'>text,number? text/str number/int lost/set held=100 row=48 below=48 other=64 "
	"text=50 number=28 lost=216";

static void stacks_collapsed(void **state)
{
	struct heap heap;
	char *text;

	(void)state;
	heap_init(&heap, stacks);
	text = written(export_collapsed, &heap.input, NULL);
	assert_string_equal(text, "thread 'T' f local x (list) 100\n"
				  "thread 'T' f local x (list);[] (app.Row) 48\n"
				  "thread 'T' f local x (list);[] (dict) 64\n"
				  "thread 'T' f local x (list);[] (app.Row);.next (app.Row) 48\n"
				  "thread 'T' f local x (list);[] (dict);['k:1'] (str) 50\n"
				  "thread 'T' f local x (list);[] (dict);? (int) 28\n"
				  "unreachable;set 216\n");
	free(text);
	heap_deinit(&heap);
}

static void stacks_fold_chains(void **state)
{
	struct heap heap;
	char *text;

	(void)state;
	heap_init(&heap, "held/app.N held:.next>a a/app.N a:.next>b b/app.N b:.next>c c/app.N "
			 "c:.d>d d/dict d:.next>e e/app.N e=5");
	text = written(export_collapsed, &heap.input, NULL);
	assert_string_equal(text, "thread 'T' f local x (app.N) 1\n"
				  "thread 'T' f local x (app.N);.next (app.N) 8\n"
				  "thread 'T' f local x (app.N);.next (app.N);.d (dict) 1\n");
	free(text);
	heap_deinit(&heap);
}

static void speedscope_has_bytes_and_objects(void **state)
{
	static const char *const names[] = {"bytes", "objects"};
	static const json_int_t sums[] = {554, 7};
	struct heap heap;
	json_t *root, *frames;
	char *text;

	(void)state;
	heap_init(&heap, stacks);
	text = written(export_speedscope, &heap.input, NULL);
	root = json_loads(text, 0, NULL);
	assert_non_null(root);
	frames = json_object_get(json_object_get(root, "shared"), "frames");
	for (size_t i = 0; i < 2; i++) {
		json_t *profile = json_array_get(json_object_get(root, "profiles"), i);
		json_t *samples = json_object_get(profile, "samples"), *second;
		json_int_t sum = 0;

		assert_string_equal(json_string_value(json_object_get(profile, "name")), names[i]);
		assert_int_equal(json_integer_value(json_object_get(profile, "endValue")), sums[i]);
		assert_int_equal(json_array_size(samples), 7);
		for (size_t j = 0; j < 7; j++)
			sum += json_integer_value(
				json_array_get(json_object_get(profile, "weights"), j));
		assert_int_equal(sum, sums[i]);
		second = json_array_get(samples, 1);
		assert_int_equal(json_array_size(second), 2);
		assert_string_equal(
			json_string_value(json_object_get(
				json_array_get(frames,
					(size_t)json_integer_value(json_array_get(second, 1))),
				"name")),
			"[] (app.Row)");
	}
	json_decref(root);
	free(text);
	heap_deinit(&heap);
}

// Of one object: two types, the default, a sample, a location, a function, strings, the time.
static void pprof_byte_by_byte(void **state)
{
	static const char expected[] = "\x0a\x04\x08\x02\x10\x03"
				       "\x0a\x04\x08\x04\x10\x05"
				       "\x70\x04"
				       "\x12\x07\x08\x01\x10\x01\x10\xc8\x01"
				       "\x22\x06\x08\x01\x22\x02\x08\x01"
				       "\x2a\x04\x08\x01\x10\x01"
				       "\x32\x00"
				       "\x32\x1cthread 'T' f local x (bytes)"
				       "\x32\x0dinuse_objects"
				       "\x32\x05"
				       "count"
				       "\x32\x0binuse_space"
				       "\x32\x05"
				       "bytes"
				       "\x48\xb8\x17";
	struct heap heap;
	size_t size;
	char *text;

	(void)state;
	heap_init(&heap, "held/bytes held=200");
	heap.input.taken_at_us = 3;
	text = written(export_pprof, &heap.input, &size);
	assert_int_equal(size, sizeof(expected) - 1);
	assert_memory_equal(text, expected, size);
	free(text);
	heap_deinit(&heap);
}

// Without memory it is an error, and nothing is left behind.
static void memory_may_be_short(void **state)
{
	static const export_writer writers[] = {
		export_heapsnapshot, export_dot, export_collapsed, export_speedscope, export_pprof};
	FILE *out = fopen("/dev/null", "w");
	struct heap heap;

	(void)state;
	assert_non_null(out);
	heap_init(&heap, stacks);
	for (size_t i = 0; i < sizeof(writers) / sizeof(*writers); i++) {
		bool failed = true;

		for (uint64_t countdown = 0; failed; countdown++) {
			struct error *err;

			assert_true(countdown < 1000);
			alloc_fail_after(countdown);
			err = writers[i](&heap.input, out);
			alloc_fail_after(UINT64_MAX);
			failed = err != NULL;
			assert_true(countdown > 0 || failed);
			assert_true(!failed || error_kind(err) == ERROR_MEMORY);
			error_destroy(err);
		}
	}
	fclose(out);
	heap_deinit(&heap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_numbered_once),
		cmocka_unit_test(ndjson_has_a_line_per_object),
		cmocka_unit_test(dot_quotes_and_draws),
		cmocka_unit_test(dot_folds_chains),
		cmocka_unit_test(heapsnapshot_counts_and_sizes),
		cmocka_unit_test(heapsnapshot_names_references),
		cmocka_unit_test(heapsnapshot_sizes_fit_readers),
		cmocka_unit_test(heapsnapshot_refuses_what_is_too_large),
		cmocka_unit_test(texts_of_targets_become_json),
		cmocka_unit_test(stacks_collapsed),
		cmocka_unit_test(stacks_fold_chains),
		cmocka_unit_test(speedscope_has_bytes_and_objects),
		cmocka_unit_test(pprof_byte_by_byte),
		cmocka_unit_test(memory_may_be_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
