// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/* A report as text and as JSON, and what they are made with. */
#include "export/export_hunt.h"
#include "report/hunt_report.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/human.h"
#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

static const char hostile[] = "a\xff\xed\xa0\x80\033[2J\xe2\x80\xae\xc3\xa9";

static void make_report(struct hunt_report *report, size_t suspects, const char *path)
{
	*report = (struct hunt_report){.pid = 42, .rss_bytes = 212000000, .threads = 5};
	report->python = mem_strdup("CPython 3.11.2");
	report->executable = mem_strdup("/usr/bin/uwsgi");
	report->command_line = mem_strdup(hostile);
	report->ended_early = mem_strdup("");
	report->snapshot_count = 3;
	report->snapshots = mem_calloc(3, sizeof(*report->snapshots));
	for (unsigned i = 0; i < 3; i++)
		report->snapshots[i] = (struct hunt_snapshot){.at_s = 30 * i,
			.stopped_ms = 4.1,
			.mode = mem_strdup("clone"),
			.fallback_reason = mem_strdup("")};
	report->suspects.summary = mem_strdup(suspects ? "It leaks." : "No leak: all is well.");
	report->suspects.items = mem_calloc(suspects, sizeof(*report->suspects.items));
	report->suspects.count = suspects;
	for (size_t i = 0; i < suspects; i++) {
		struct suspect *suspect = &report->suspects.items[i];

		*suspect = (struct suspect){.kind = SUSPECT_CONTAINER,
			.confidence = 0.85,
			.length_first = 41310,
			.length_last = 71690,
			.objects = 30380,
			.bytes = 2600000,
			.bytes_per_minute = 2600000,
			.share = 0.97};
		suspect->path = mem_strdup(path);
		suspect->type = mem_strdup("list");
		suspect->summary = mem_strdup("It leaks.");
		suspects_add_text(&suspect->evidence, &suspect->evidence_count,
			"a sentence that is long enough to be wrapped on a narrow terminal");
	}
}

static char *text_of(size_t suspects, const char *path, unsigned width, bool colour)
{
	_cleanup_(hunt_report_deinit) struct hunt_report report;
	const struct report_style style = {.width = width, .has_colour = colour};
	char *text;

	make_report(&report, suspects, path);
	text = hunt_report_text(&report, &style);
	assert_non_null(text);
	return text;
}

static void test_text_names_the_leak(void **state)
{
	_cleanup_(mem_free) char *text = text_of(1, "metrics.Profiler.results", 0, false);

	(void)state;
	assert_non_null(strstr(text, "uwsgi 42 (CPython 3.11.2, 212 MB, 5 threads)"));
	assert_non_null(strstr(text, "stopped 3 × 4.1 ms"));
	assert_non_null(
		strstr(text, "▶ LEAK   metrics.Profiler.results   list, 41,310 → 71,690 items"));
	assert_null(strchr(text, '\033'));
}

static void test_text_fits_the_terminal(void **state)
{
	_cleanup_(mem_free) char *text = text_of(6, "metrics.Profiler.results", 60, false);
	size_t lines = 0;

	(void)state;
	for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1, lines++) {
		*end = '\0';
		assert_in_range(utf8_count(line), 0, 60);
	}
	assert_in_range(lines, 1, 30);
}

static void test_text_steers_no_terminal(void **state)
{
	_cleanup_(mem_free) char *plain = text_of(1, hostile, 0, false);
	_cleanup_(mem_free) char *coloured = text_of(1, hostile, 0, true);

	(void)state;
	assert_null(strchr(plain, '\033'));
	assert_non_null(strstr(plain, "a\\xff\\xed\\xa0\\x80\\x1b[2J\\xe2\\x80\\xaeé"));
	assert_null(strstr(coloured, "\033[2J"));
	assert_non_null(strstr(coloured, "\033[1;31m▶ LEAK\033[0m"));
}

static void test_health_has_a_reason(void **state)
{
	_cleanup_(mem_free) char *text = text_of(0, "", 0, false);

	(void)state;
	assert_non_null(strstr(text, "● No leak: all is well."));
}

static void test_json_is_valid_whatever_the_names(void **state)
{
	_cleanup_(hunt_report_deinit) struct hunt_report report;
	_cleanup_(mem_free) char *text = NULL;
	json_t *root, *suspect;

	(void)state;
	make_report(&report, 2, hostile);
	assert_null(export_hunt_json(&report, &text));
	root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(root);
	assert_string_equal(json_string_value(json_object_get(root, "verdict")), "leak");
	suspect = json_array_get(json_object_get(root, "suspects"), 1);
	assert_int_equal(json_integer_value(json_object_get(suspect, "rank")), 2);
	assert_string_equal(json_string_value(json_object_get(suspect, "path")),
		"a\\xff\\xed\\xa0\\x80\033[2J\xe2\x80\xae\xc3\xa9");
	assert_non_null(strstr(text, "\"confidence\": 0.85,"));
	json_decref(root);
}

// Two functions fill it, one of them three times as often, in two threads.
static void add_additions(struct hunt_report *report)
{
	const struct watch_frame frames[] = {
		{"Profiler.end", "/srv/app/metrics.py", 65},
		{"wrapper", "/usr/lib/python3.11/functools.py", 80},
		{"get_json", "/srv/app/client.py", 41},
	};
	struct watch_change change = {
		.frames = frames,
		.frame_count = 3,
		.thread = "MainThread",
		.request = {"GET", "/app_metric/17", "secret=1"},
	};

	report->additions = mem_calloc(report->suspects.count, sizeof(*report->additions));
	for (size_t i = 0; i < report->suspects.count; i++)
		report->additions[i].not_watched = mem_strdup(i ? "too many" : "");
	report->watch.is_done = true;
	for (unsigned i = 0; i < 4; i++) {
		if (i == 3)
			change.frame_count = 0;
		assert_true(watch_sites_add(&report->additions[0].sites, &change));
	}
	watch_sites_finish(&report->additions[0].sites);
}

static char *text_of_additions(enum watch_method method, bool with_values)
{
	_cleanup_(hunt_report_deinit) struct hunt_report report;
	const struct report_style style = {.width = 0};

	make_report(&report, 2, "metrics.Profiler.results");
	add_additions(&report);
	report.watch.report.method = method;
	report.with_values = with_values;
	if (method == WATCH_POLLING)
		strcpy(report.watch.report.fallback_reason, "no registers");
	return hunt_report_text(&report, &style);
}

static void test_text_says_who_adds(void **state)
{
	_cleanup_(mem_free) char *text = text_of_additions(WATCH_HARDWARE, false);

	(void)state;
	assert_non_null(strstr(text, "  added  /srv/app/metrics.py:65 in Profiler.end   ← 3 of 4 "
				     "insertions watched\n"));
	// Callers in the user's own code.
	assert_non_null(strstr(text, "called from client.py:41 in get_json\n"));
	assert_non_null(strstr(text, "requests: GET /app_metric/17 ×3\n"));
	assert_non_null(strstr(text, "1 of 4 insertions elsewhere"));
	assert_non_null(strstr(text, "not watched: too many"));
	assert_null(strstr(text, "secret"));
	assert_null(strstr(text, "near"));
}

static void test_text_of_what_is_approximate(void **state)
{
	_cleanup_(mem_free) char *text = text_of_additions(WATCH_POLLING, true);

	(void)state;
	assert_non_null(strstr(text, "near /srv/app/metrics.py:65"));
	assert_non_null(strstr(text, "approximate: no hardware watchpoints (no registers)"));
	assert_non_null(strstr(text, "GET /app_metric/17?secret=1"));
}

static void test_json_says_who_adds(void **state)
{
	_cleanup_(hunt_report_deinit) struct hunt_report report;
	_cleanup_(mem_free) char *text = NULL;
	json_t *root, *first, *site;

	(void)state;
	make_report(&report, 2, "metrics.Profiler.results");
	add_additions(&report);
	assert_null(export_hunt_json(&report, &text));
	assert_null(strstr(text, "secret"));
	root = json_loads(text, 0, NULL);
	first = json_array_get(json_object_get(root, "suspects"), 0);
	assert_int_equal(json_integer_value(json_object_get(first, "hits_watched")), 4);
	assert_int_equal(json_array_size(json_object_get(first, "added_by")), 1);
	site = json_array_get(json_object_get(first, "added_by"), 0);
	assert_string_equal(
		json_string_value(json_object_get(site, "file")), "/srv/app/metrics.py");
	assert_int_equal(json_integer_value(json_object_get(site, "line")), 65);
	assert_string_equal(json_string_value(json_object_get(site, "function")), "Profiler.end");
	assert_int_equal(json_integer_value(json_object_get(site, "hits")), 3);
	assert_int_equal(json_array_size(json_object_get(site, "stack")), 3);
	assert_int_equal(json_array_size(json_object_get(site, "requests")), 1);
	json_decref(root);
}

static void test_numbers_for_people(void **state)
{
	(void)state;
	assert_string_equal(human_bytes(0).text, "0 B");
	assert_string_equal(human_bytes(999).text, "999 B");
	assert_string_equal(human_bytes(999.7).text, "1.0 kB");
	assert_string_equal(human_bytes(14200).text, "14.2 kB");
	assert_string_equal(human_bytes(212e6).text, "212 MB");
	assert_string_equal(human_bytes(1.6e9).text, "1.6 GB");
	assert_string_equal(human_count(0).text, "0");
	assert_string_equal(human_count(999).text, "999");
	assert_string_equal(human_count(30380).text, "30,380");
	assert_string_equal(human_count(UINT64_MAX).text, "18,446,744,073,709,551,615");
	assert_string_equal(human_seconds(0.0041).text, "4.1 ms");
	assert_string_equal(human_seconds(60.02).text, "60 s");
	assert_string_equal(human_seconds(2.5).text, "2.5 s");
	assert_string_equal(human_seconds(1800).text, "30 min");
	assert_string_equal(human_rate(30.12).text, "30.1");
	assert_string_equal(human_rate(1009).text, "1,009");
	assert_string_equal(human_rate(0.254).text, "0.25");
}

static void test_utf8(void **state)
{
	(void)state;
	assert_int_equal(utf8_character_length("é"), 2);
	assert_int_equal(utf8_character_length("→"), 3);
	assert_int_equal(utf8_character_length("\xf0\x9f\x90\x8d"), 4);
	assert_int_equal(utf8_character_length("\xc0\x80"), 0);     // overlong
	assert_int_equal(utf8_character_length("\xe0\x80\x80"), 0); // overlong
	assert_int_equal(utf8_character_length("\xed\xa0\x80"), 0); // surrogate
	assert_int_equal(utf8_character_length("\xf4\x90\x80\x80"), 0);
	assert_int_equal(utf8_character_length("\xe2\x80"), 0); // cut
	assert_int_equal(utf8_count("a→b"), 3);
}

// Of 1000 items at the last snapshot.
static void test_what_a_watch_contradicts(void **state)
{
	static const struct {
		uint64_t first, last, lowest, changes;
		double expected;
		bool is_gone, is_contradicted;
	} cases[] = {
		{1100, 1130, 1100, 30, 30, .is_contradicted = false},
		{1100, 1100, 1100, 0, 30, .is_contradicted = false},
		{1100, 1130, 1100, 30, 30, .is_gone = true, .is_contradicted = true},
		{900, 950, 900, 50, 30, .is_contradicted = true},
		{1100, 1130, 500, 700, 30, .is_contradicted = true},
		// It is full, and each new item drives out an old one.
		{1100, 1100, 1099, 60, 30, .is_contradicted = true},
		{1100, 1100, 1099, 4, 2, .is_contradicted = false},
		// It swings by more than it grows in that time.
		{1400, 1380, 1100, 900, 30, .is_contradicted = false},
		{1400, 1380, 1100, 900, 400, .is_contradicted = true},
	};
	const struct suspect suspect = {.kind = SUSPECT_CONTAINER, .length_last = 1000};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct watch_object object = {.length_first = cases[i].first,
			.length_last = cases[i].last,
			.length_lowest = cases[i].lowest,
			.changes = cases[i].changes,
			.is_gone = cases[i].is_gone};

		print_message("case %zu\n", i);
		assert_int_equal(hunt_report_is_contradicted(&suspect, &object, cases[i].expected),
			cases[i].is_contradicted);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_names_the_leak),
		cmocka_unit_test(test_text_fits_the_terminal),
		cmocka_unit_test(test_text_steers_no_terminal),
		cmocka_unit_test(test_health_has_a_reason),
		cmocka_unit_test(test_json_is_valid_whatever_the_names),
		cmocka_unit_test(test_text_says_who_adds),
		cmocka_unit_test(test_text_of_what_is_approximate),
		cmocka_unit_test(test_json_says_who_adds),
		cmocka_unit_test(test_numbers_for_people),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_what_a_watch_contradicts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
