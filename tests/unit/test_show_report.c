// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/** Views of a heap: their rows, as text, as JSON. */
#include "check.h"

#include "analysis/histogram.h"
#include "base/alloc.h"
#include "export/export_show.h"
#include "report/show_report.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

// Objects of these types: two strings, a list, three of a class that was made twice, and of another kind.
static struct heap_graph *make_graph(void)
{
	static const char *const names[] = {
		"<root>", "str", "list", "app.Row", "app.Row", "int", "\033[2J\xff"};
	static const uint32_t types[] = {0, 1, 1, 2, 3, 3, 4, 6};
	static const uint64_t sizes[] = {0, 100, 50, 200, 16, 16, 16, 400};
	struct heap_graph *graph;

	assert_success(heap_graph_create(8, 0, 7, &graph));
	for (uint32_t type = 0; type < 7; type++)
		graph->types[type].name = heap_graph_intern(graph, names[type]);
	for (node_id node = 1; node < 8; node++) {
		graph->node_word[node] = types[node];
		assert_success(heap_graph_set_size(graph, node, sizes[node]));
	}
	assert_success(heap_graph_finish(graph));
	return graph;
}

static void types_are_counted(void **state)
{
	_cleanup_(heap_graph_destroy) struct heap_graph *graph = make_graph();
	_cleanup_(histogram_deinit) struct histogram histogram = {0};

	(void)state;
	assert_success(histogram_create(graph, &histogram));
	assert_int_equal(histogram.count, 4);
	assert_int_equal(histogram.objects, 7);
	assert_int_equal(histogram.bytes, 798);
	assert_int_equal(histogram.rows[0].bytes, 400);
	assert_string_equal(histogram.rows[1].type, "list");
	assert_string_equal(histogram.rows[2].type, "str");
	assert_string_equal(histogram.rows[3].type, "app.Row");
	assert_int_equal(histogram.rows[3].objects, 3);
	assert_int_equal(histogram.rows[3].bytes, 48);
}

static void make_report(show_view view, const struct show_input *input, struct show_report *ret)
{
	static const char *const notes[] = {"the core is cut short"};

	*ret = (struct show_report){
		.view = "types",
		.target = {.kind = "core",
			.name = "process 42 in core",
			.python = "CPython 3.11.2",
			.executable = "/usr/bin/python3",
			.command_line = "python3",
			.rss_bytes = 1000000,
			.threads = 2,
			.objects = 7,
			.bytes = 798},
		.notes = notes,
		.note_count = 1,
	};
	assert_success(view(input, ret));
}

static void types_as_text(void **state)
{
	static const struct report_style style;
	_cleanup_(heap_graph_destroy) struct heap_graph *graph = make_graph();
	_cleanup_(show_report_deinit) struct show_report report = {0};
	_cleanup_(mem_free) char *text = NULL;

	(void)state;
	make_report(show_types, &(struct show_input){.graph = graph, .limit = 2}, &report);
	text = show_report_text(&report, &style);
	assert_string_equal(text,
		"shikari: python3, process 42 in core (CPython 3.11.2, 1.0 MB, 2 threads)\n"
		"7 objects, 798 B\n"
		"  notes  the core is cut short\n"
		"\n"
		"bytes   share  objects  type\n"
		"400 B  50.1 %        1  \\x1b[2J\\xff\n"
		"200 B  25.1 %        1  list\n"
		"198 B  24.8 %        5  (other)\n"
		"2 more rows (--limit)\n");
}

static void types_as_json(void **state)
{
	_cleanup_(heap_graph_destroy) struct heap_graph *graph = make_graph();
	_cleanup_(show_report_deinit) struct show_report report = {0};
	_cleanup_(mem_free) char *text = NULL;
	json_t *root, *other;

	(void)state;
	make_report(show_types, &(struct show_input){.graph = graph, .limit = SIZE_MAX}, &report);
	assert_success(export_show_json(&report, &text));
	root = json_loads(text, 0, NULL);
	assert_non_null(root);
	assert_string_equal(json_string_value(json_object_get(root, "schema")), "shikari.show/1");
	assert_int_equal(json_array_size(json_object_get(root, "rows")), 4);
	assert_true(json_is_null(json_object_get(root, "other")));
	other = json_array_get(json_object_get(root, "rows"), 3);
	assert_string_equal(json_string_value(json_object_get(other, "type")), "app.Row");
	assert_int_equal(json_integer_value(json_object_get(other, "count")), 3);
	assert_int_equal(json_integer_value(json_object_get(other, "bytes")), 48);
	json_decref(root);
}

static void threads_as_text(void **state)
{
	static const struct report_style style;
	struct heap_frame frames[] = {{"app.inner", "/srv/app.py", 1234}, {"app.<module>", "", 0}};
	struct heap_thread items[] = {{.name = "MainThread", .id = 4242, .frame_count = 2},
		{.name = "", .first_frame = 2}};
	const struct heap_threads threads = {
		.items = items, .count = 2, .frames = frames, .frame_count = 2};
	_cleanup_(show_report_deinit) struct show_report report = {0};
	_cleanup_(mem_free) char *text = NULL, *json = NULL;
	json_t *root, *last;

	(void)state;
	make_report(show_threads, &(struct show_input){.threads = &threads, .limit = SIZE_MAX},
		&report);
	text = show_report_text(&report, &style);
	assert_non_null(strstr(text, "\n1  thread MainThread  id 4242\n"
				     "app.inner     /srv/app.py  1234\n"
				     "app.<module>"));
	assert_non_null(strstr(text, "\n\n2\n"));
	assert_success(export_show_json(&report, &json));
	root = json_loads(json, 0, NULL);
	assert_int_equal(json_array_size(json_object_get(root, "rows")), 3);
	last = json_array_get(json_object_get(root, "rows"), 2);
	assert_true(json_is_null(json_object_get(last, "function")));
	assert_true(json_is_null(json_object_get(last, "id")));
	assert_int_equal(json_integer_value(json_object_get(last, "number")), 2);
	json_decref(root);
	show_report_deinit(&report);
	// Rows that are left out are counted.
	make_report(show_threads, &(struct show_input){.threads = &threads, .limit = 1}, &report);
	assert_int_equal(report.row_count, 1);
	assert_int_equal(report.other_rows, 2);
}

static void no_memory_is_an_error(void **state)
{
	_cleanup_(heap_graph_destroy) struct heap_graph *graph = make_graph();
	const struct show_input input = {.graph = graph, .limit = 2};

	(void)state;
	for (uint64_t countdown = 0; countdown < 2; countdown++) {
		_cleanup_(show_report_deinit) struct show_report report = {0};
		struct error *err;

		alloc_fail_after(countdown);
		err = show_types(&input, &report);
		alloc_fail_after(UINT64_MAX);
		assert_non_null(err);
		assert_int_equal(error_kind(err), ERROR_MEMORY);
		error_destroy(err);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types_are_counted),
		cmocka_unit_test(types_as_text),
		cmocka_unit_test(types_as_json),
		cmocka_unit_test(threads_as_text),
		cmocka_unit_test(no_memory_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
