// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/* The rules one by one, on views written down as data. */
#include "analysis/suspects.h"

#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CANDIDATES 8

/** Three moments, 30 s apart, of a process of 1 MB. Tests change what they are about. */
struct play {
	struct growth_moment moments[4];
	struct growth_candidate candidates[CANDIDATES];
	struct growth_point points[CANDIDATES][4];
	struct growth_view view;
};

static void play_init(struct play *play)
{
	*play = (struct play){0};
	for (unsigned i = 0; i < 4; i++)
		play->moments[i] = (struct growth_moment){.at_s = 30 * i,
			.objects = 10000,
			.bytes = 1000000,
			.tracked = 5000,
			.rss_bytes = 20000000,
			.threads = 2};
	play->view = (struct growth_view){
		.moments = play->moments, .moment_count = 3, .candidates = play->candidates};
}

/** Lengths at the moments; 100 bytes each. All objects grow by as much. */
static struct growth_candidate *add(struct play *play, enum growth_kind kind, const char *path,
	uint64_t first, uint64_t second, uint64_t third)
{
	struct growth_candidate *candidate = &play->candidates[play->view.candidate_count];
	struct growth_point *points = play->points[play->view.candidate_count++];
	const uint64_t lengths[] = {first, second, third, third};

	for (unsigned i = 0; i < 4; i++) {
		points[i] = (struct growth_point){lengths[i], lengths[i] * 100};
		play->moments[i].bytes += lengths[i] * 100;
	}
	*candidate = (struct growth_candidate){
		.kind = kind,
		.type = "list",
		.path = {.text = (char *)path, .is_user_code = true, .is_named = true},
		.points = points,
		.parent = GROWTH_NO_CANDIDATE,
		.reached_through = GROWTH_NO_CANDIDATE,
		.bound = UINT64_MAX,
		.probed = kind == GROWTH_CONTAINER ? 6 : 0,
		.survived = kind == GROWTH_CONTAINER ? 6 : 0,
	};
	return candidate;
}

static struct suspects judge(const struct play *play, enum suspects_collector collector)
{
	struct suspects suspects = {0};

	assert_null(suspects_find(&play->view, collector, &suspects));
	for (size_t i = 0; i < suspects.count; i++)
		print_message("%s: %s\n", suspect_kind_name(suspects.items[i].kind),
			suspects.items[i].summary);
	for (size_t i = 0; i < suspects.note_count; i++)
		print_message("note: %s\n", suspects.notes[i]);
	return suspects;
}

static void assert_paths(const struct play *play, const char *first, const char *second)
{
	_cleanup_(suspects_deinit) struct suspects suspects =
		judge(play, SUSPECTS_COLLECTOR_UNKNOWN);
	size_t count = (first != NULL) + (second != NULL);

	assert_int_equal(suspects.count, count);
	if (first)
		assert_string_equal(suspects.items[0].path, first);
	if (second)
		assert_string_equal(suspects.items[1].path, second);
}

static void test_a_process_at_rest(void **state)
{
	struct play play;

	(void)state;
	play_init(&play);
	assert_paths(&play, NULL, NULL);
}

static void test_below_the_smallest_that_matters(void **state)
{
	struct play play;

	(void)state;
	play_init(&play);
	add(&play, GROWTH_CONTAINER, "app.few", 100, 107, 115);
	add(&play, GROWTH_HOLDER, "app.some", 100, 130, 160);
	add(&play, GROWTH_BUFFER, "app.text", 5000, 5010, 5020);
	assert_paths(&play, NULL, NULL);
}

static void test_growth_that_comes_to_rest(void **state)
{
	struct play play;

	(void)state;
	play_init(&play);
	add(&play, GROWTH_CONTAINER, "app.warm", 1000, 9000, 10000);
	assert_paths(&play, NULL, NULL);
}

static void test_a_library_must_be_steadier(void **state)
{
	struct play play;

	(void)state;
	play_init(&play);
	// The second half is at 40 % of the first: enough for the user's own code only.
	add(&play, GROWTH_CONTAINER, "linecache.cache", 1000, 2000, 2400)->path.is_user_code =
		false;
	assert_paths(&play, NULL, NULL);
	play.candidates[0].path.is_user_code = true;
	assert_paths(&play, "linecache.cache", NULL);
	// But it is told if it keeps growing.
	play_init(&play);
	add(&play, GROWTH_CONTAINER, "linecache.cache", 1000, 2000, 2900)->path.is_user_code =
		false;
	assert_paths(&play, "linecache.cache", NULL);
}

static void test_a_bound_clears(void **state)
{
	struct play play;

	(void)state;
	play_init(&play);
	add(&play, GROWTH_CONTAINER, "app.recent", 1000, 2000, 3000)->bound = 100000;
	assert_paths(&play, NULL, NULL);
}

static void test_a_queue_that_lags_is_told_with_doubt(void **state)
{
	_cleanup_(suspects_deinit) struct suspects suspects = {0};
	struct play play;

	(void)state;
	play_init(&play);
	add(&play, GROWTH_CONTAINER, "app.queue", 1000, 2000, 3000)->survived = 0;
	suspects = judge(&play, SUSPECTS_COLLECTOR_UNKNOWN);
	assert_int_equal(suspects.count, 1);
	assert_true(suspects.items[0].confidence < 0.5);
}

static void test_parents_are_not_told_twice(void **state)
{
	struct play play;

	(void)state;
	play_init(&play);
	add(&play, GROWTH_HOLDER, "app.service", 1000, 2000, 3000);
	add(&play, GROWTH_CONTAINER, "app.service.jobs", 900, 1850, 2800)->parent = 0;
	assert_paths(&play, "app.service.jobs", NULL);
}

static void test_what_children_leave_is_told(void **state)
{
	struct play play;

	(void)state;
	play_init(&play);
	add(&play, GROWTH_HOLDER, "app.service", 1000, 2000, 3000);
	add(&play, GROWTH_CONTAINER, "app.service.jobs", 100, 400, 700)->parent = 0;
	assert_paths(&play, "app.service", "app.service.jobs");
}

static void test_siblings_are_told_by_their_holder(void **state)
{
	struct play play;

	(void)state;
	play_init(&play);
	add(&play, GROWTH_HOLDER, "bus.topics", 400, 800, 1200)->is_over_siblings = true;
	for (unsigned i = 0; i < 4; i++)
		add(&play, GROWTH_CONTAINER, "bus.topics['a']", 100, 200, 300)->parent = 0;
	assert_paths(&play, "bus.topics", NULL);
}

static void test_a_sibling_that_stands_out_is_told_itself(void **state)
{
	struct play play;

	(void)state;
	play_init(&play);
	add(&play, GROWTH_HOLDER, "bus.topics", 1030, 2060, 3090)->is_over_siblings = true;
	add(&play, GROWTH_CONTAINER, "bus.topics['a']", 1000, 2000, 3000)->parent = 0;
	assert_paths(&play, "bus.topics['a']", NULL);
}

static void test_a_type_is_told_only_without_holder(void **state)
{
	struct play play;

	(void)state;
	play_init(&play);
	add(&play, GROWTH_TYPE, "somewhere", 5000, 6000, 7000);
	assert_paths(&play, "somewhere", NULL);
	add(&play, GROWTH_CONTAINER, "app.jobs", 1000, 9000, 17000);
	assert_paths(&play, "app.jobs", NULL);
}

static void test_threads_take_their_register_along(void **state)
{
	_cleanup_(suspects_deinit) struct suspects suspects = {0};
	struct play play;

	(void)state;
	play_init(&play);
	for (unsigned i = 0; i < 4; i++)
		play.moments[i].threads = 20 + 10 * i;
	add(&play, GROWTH_CONTAINER, "threading._active", 20, 30, 40)->path.is_user_code = false;
	suspects = judge(&play, SUSPECTS_COLLECTOR_UNKNOWN);
	assert_int_equal(suspects.count, 1);
	assert_int_equal(suspects.items[0].kind, SUSPECT_THREAD);
	assert_string_equal(suspects.items[0].path, "threading._active");
}

static void test_garbage_that_the_collector_leaves(void **state)
{
	_cleanup_(suspects_deinit) struct suspects suspects = {0};
	struct play play;

	(void)state;
	play_init(&play);
	for (unsigned i = 0; i < 4; i++) {
		play.moments[i].garbage_tracked = play.moments[i].garbage_objects = 500 * i;
		play.moments[i].garbage_bytes = 50000 * i;
	}
	// No more than the collector leaves until it comes.
	suspects = judge(&play, SUSPECTS_COLLECTOR_UNKNOWN);
	assert_int_equal(suspects.count, 0);
	assert_int_equal(suspects.note_count, 1);
	suspects_deinit(&suspects);
	// It will not come.
	suspects = judge(&play, SUSPECTS_COLLECTOR_DISABLED);
	assert_int_equal(suspects.count, 1);
	suspects_deinit(&suspects);
	// It should have come.
	for (unsigned i = 0; i < 4; i++)
		play.moments[i].garbage_tracked = 2000 * i;
	suspects = judge(&play, SUSPECTS_COLLECTOR_UNKNOWN);
	assert_int_equal(suspects.count, 1);
	assert_int_equal(suspects.items[0].kind, SUSPECT_GARBAGE);
}

static void test_memory_that_is_no_object(void **state)
{
	_cleanup_(suspects_deinit) struct suspects suspects = {0};
	struct play play;

	(void)state;
	play_init(&play);
	for (unsigned i = 0; i < 4; i++)
		play.moments[i].rss_bytes += 10000000 * i;
	suspects = judge(&play, SUSPECTS_COLLECTOR_UNKNOWN);
	assert_int_equal(suspects.count, 0);
	assert_non_null(strstr(suspects.summary, "No leak of Python objects"));
	assert_non_null(strstr(suspects.notes[0], "20.0 MB"));
}

static void test_steady_is_never_shrinking(void **state)
{
	(void)state;
	assert_true(growth_is_steady((uint64_t[]){1, 2, 3}, 3));
	assert_false(growth_is_steady((uint64_t[]){1, 2, 2}, 3));
	assert_false(growth_is_steady((uint64_t[]){1, 1, 2}, 3));
	assert_false(growth_is_steady((uint64_t[]){3, 2, 5}, 3));
	assert_true(growth_is_steady((uint64_t[]){1, 1, 2, 3}, 4));
	assert_false(growth_is_steady((uint64_t[]){1}, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_process_at_rest),
		cmocka_unit_test(test_below_the_smallest_that_matters),
		cmocka_unit_test(test_growth_that_comes_to_rest),
		cmocka_unit_test(test_a_library_must_be_steadier),
		cmocka_unit_test(test_a_bound_clears),
		cmocka_unit_test(test_a_queue_that_lags_is_told_with_doubt),
		cmocka_unit_test(test_parents_are_not_told_twice),
		cmocka_unit_test(test_what_children_leave_is_told),
		cmocka_unit_test(test_siblings_are_told_by_their_holder),
		cmocka_unit_test(test_a_sibling_that_stands_out_is_told_itself),
		cmocka_unit_test(test_a_type_is_told_only_without_holder),
		cmocka_unit_test(test_threads_take_their_register_along),
		cmocka_unit_test(test_garbage_that_the_collector_leaves),
		cmocka_unit_test(test_memory_that_is_no_object),
		cmocka_unit_test(test_steady_is_never_shrinking),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
