// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/* The rules one by one, on views written down as data. */
#include "analysis/suspects.h"
#include "base/alloc.h"

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

static bool has_text(char **texts, size_t count, const char *part)
{
	for (size_t i = 0; i < count; i++) {
		if (strstr(texts[i], part))
			return true;
	}
	return false;
}

static void test_a_cache_that_is_full(void **state)
{
	_cleanup_(suspects_deinit) struct suspects suspects = {0};
	struct play play;

	(void)state;
	play_init(&play);
	add(&play, GROWTH_CONTAINER, "app.recent", 1000, 2000, 3000)->bound = 3000;
	add(&play, GROWTH_CONTAINER, "app.recent.cache", 1000, 2000, 3000)->bound = 3000;
	suspects = judge(&play, SUSPECTS_COLLECTOR_UNKNOWN);
	assert_int_equal(suspects.count, 0);
	// What is above and what is below are one.
	assert_int_equal(suspects.note_count, 1);
	assert_non_null(strstr(suspects.notes[0], "full now with 3,000 items"));
}

// jinja2's LRUCache has a dict and a deque, and both have the keys: those belong to the cache.
static void test_what_comes_with_items_of_a_cache(void **state)
{
	struct growth_candidate *cache, *holder, *type;
	struct play play;

	(void)state;
	play_init(&play);
	holder = add(&play, GROWTH_HOLDER, "app.env.cache", 100, 700, 1300);
	cache = add(&play, GROWTH_CONTAINER, "app.env.cache._mapping", 50, 350, 650);
	for (unsigned i = 0; i < 4; i++)
		play.points[1][i].bytes *= 50;
	play.moments[1].bytes += 49 * 100 * 300;
	play.moments[2].bytes += 49 * 100 * 600;
	cache->bound = 5000;
	cache->parent = 0;
	holder->items[0] = (struct growth_item){"tuple", 540, 30000};
	holder->items[1] = (struct growth_item){"str", 660, 30000};
	holder->item_count = 2;
	// Their parts are held by several.
	type = add(&play, GROWTH_TYPE, "type attribute cache", 10000, 15000, 20000);
	type->type = "str";
	assert_paths(&play, NULL, NULL);
	// More than comes with items is the holder's own.
	holder->items[1].objects = 6000;
	assert_paths(&play, "app.env.cache", NULL);
}

static void test_what_reads_the_same_is_one(void **state)
{
	_cleanup_(suspects_deinit) struct suspects suspects = {0};
	struct play play;

	(void)state;
	play_init(&play);
	add(&play, GROWTH_CONTAINER, "app.local.queries", 100, 200, 320);
	add(&play, GROWTH_CONTAINER, "app.local.queries", 500, 900, 1300);
	add(&play, GROWTH_CONTAINER, "app.local.queries", 1, 201, 450);
	suspects = judge(&play, SUSPECTS_COLLECTOR_UNKNOWN);
	assert_int_equal(suspects.count, 1);
	assert_int_equal(suspects.items[0].length_last, 1300);
	assert_int_equal(suspects.items[0].bytes, 100 * (220 + 800 + 449));
	assert_true(has_text(suspects.items[0].evidence, suspects.items[0].evidence_count,
		"2 more of that name"));
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

static void test_two_siblings_stand_out_only_against_each_other(void **state)
{
	struct play play;

	(void)state;
	// Of two, one has half of it at least: that says nothing.
	play_init(&play);
	add(&play, GROWTH_HOLDER, "app.by_route", 1000, 2000, 3000)->is_over_siblings = true;
	play.candidates[0].sibling_count = 2;
	add(&play, GROWTH_CONTAINER, "app.by_route[<str>]", 600, 1200, 1800)->parent = 0;
	add(&play, GROWTH_CONTAINER, "app.by_route[<str>]", 400, 800, 1200)->parent = 0;
	assert_paths(&play, "app.by_route", NULL);
}

static void test_an_index_is_told_with_what_it_indexes(void **state)
{
	_cleanup_(suspects_deinit) struct suspects suspects = {0};
	struct play play;

	(void)state;
	// loggers: {name: logger, 'req': placeholder}; the placeholder lists the loggers again.
	play_init(&play);
	add(&play, GROWTH_CONTAINER, "log.loggers", 1000, 2001, 3000);
	add(&play, GROWTH_CONTAINER, "log.loggers['req'].map", 999, 2000, 2999)->parent = 0;
	play.candidates[1].shared_bytes = 1000000;
	suspects = judge(&play, SUSPECTS_COLLECTOR_UNKNOWN);
	assert_int_equal(suspects.count, 1);
	assert_string_equal(suspects.items[0].path, "log.loggers");
}

static void test_what_two_have_in_common_is_told_with_them(void **state)
{
	struct play play;

	(void)state;
	// Session.live and Session.registry hold the same sessions; their numbers belong to
	// Session.
	play_init(&play);
	add(&play, GROWTH_HOLDER, "app.Session.__dict__", 100, 800, 1700);
	add(&play, GROWTH_CONTAINER, "app.Session.live", 1000, 2000, 3000)->holder = 1;
	assert_paths(&play, "app.Session.live", "app.Session.__dict__");
	add(&play, GROWTH_CONTAINER, "app.Session.registry.data", 1000, 2000, 3000)->holder = 1;
	assert_paths(&play, "app.Session.live", NULL);
}

static void test_weak_references_follow_what_others_hold(void **state)
{
	struct growth_candidate *weak;
	struct play play;

	(void)state;
	play_init(&play);
	weak = add(&play, GROWTH_CONTAINER, "app.by_number.data", 100, 300, 500);
	weak->items[0] = (struct growth_item){"weakref.KeyedRef", 400, 90000};
	weak->item_count = 1;
	add(&play, GROWTH_CONTAINER, "app.live", 100, 300, 500);
	play.points[0][2].bytes *= 3;
	assert_paths(&play, "app.live", NULL);
	// Without anything that holds more, it is what is known.
	play.view.candidate_count = 1;
	assert_paths(&play, "app.by_number.data", NULL);
}

static void test_names_of_attributes_follow_what_is_called_so(void **state)
{
	struct growth_candidate *names;
	struct play play;

	(void)state;
	play_init(&play);
	add(&play, GROWTH_CONTAINER, "app.settings.__dict__", 100, 300, 500);
	names = add(&play, GROWTH_HOLDER, "app.Settings", 43, 227, 454);
	names->items[0] = (struct growth_item){"str", 411, 41100};
	names->item_count = 1;
	play.points[1][2].bytes *= 2;
	assert_paths(&play, "app.Settings", "app.settings.__dict__");
	names->is_class = true;
	assert_paths(&play, "app.settings.__dict__", NULL);
	// Whatever else a class holds it holds by itself.
	names->items[1] = (struct growth_item){"tuple", 411, 41100};
	names->item_count = 2;
	assert_paths(&play, "app.Settings", "app.settings.__dict__");
}

static void test_in_step_but_for_a_few(void **state)
{
	struct play play;

	(void)state;
	// asyncio's list of all tasks has one or two of the process's own besides.
	play_init(&play);
	add(&play, GROWTH_CONTAINER, "app.tasks", 1000, 2000, 3000);
	add(&play, GROWTH_CONTAINER, "asyncio.tasks._all_tasks.data", 1002, 2003, 3002)
		->path.is_user_code = false;
	assert_paths(&play, "app.tasks", NULL);
	// Five percent off is another thing.
	play_init(&play);
	add(&play, GROWTH_CONTAINER, "app.tasks", 1000, 2000, 3000);
	add(&play, GROWTH_CONTAINER, "app.events", 1000, 1950, 2900);
	assert_paths(&play, "app.tasks", "app.events");
}

static void test_another_object_at_the_same_address(void **state)
{
	struct growth_candidate *candidate;
	struct play play;

	(void)state;
	play_init(&play);
	candidate = add(&play, GROWTH_CONTAINER, "thread 'T' app.run local buffer", 50, 140, 220);
	candidate->survived = 0;
	candidate->is_moved = true;
	assert_paths(&play, NULL, NULL);
	// What it gained others lost.
	candidate->is_moved = false;
	candidate->survived = 2;
	for (unsigned i = 0; i < 4; i++)
		play.moments[i].bytes = 1000000;
	assert_paths(&play, NULL, NULL);
}

static void test_libraries_are_not_judged_while_modules_are_imported(void **state)
{
	_cleanup_(suspects_deinit) struct suspects suspects = {0};
	struct play play;

	(void)state;
	play_init(&play);
	for (unsigned i = 0; i < 4; i++)
		play.moments[i].modules = 100 + 100 * i;
	add(&play, GROWTH_CONTAINER, "re._cache", 1000, 2000, 3000)->path.is_user_code = false;
	suspects = judge(&play, SUSPECTS_COLLECTOR_UNKNOWN);
	assert_int_equal(suspects.count, 0);
	assert_non_null(strstr(suspects.notes[suspects.note_count - 1], "still being imported"));
	// The user's own code is; and so are modules that come as steadily as requests.
	play.candidates[0].path.is_user_code = true;
	assert_paths(&play, "re._cache", NULL);
	play.candidates[0].path.is_user_code = false;
	play.candidates[0].path.text = (char *)"sys.modules";
	assert_paths(&play, "sys.modules", NULL);
	play.points[0][1].length = 1100;
	assert_paths(&play, NULL, NULL);
	// Nor are they a leak if the program keeps most of what they bring.
	play.points[0][1].length = 2000;
	play.moments[1].bytes += 1000000;
	play.moments[2].bytes += 2000000;
	assert_paths(&play, NULL, NULL);
}

static void test_lists_of_subclasses_follow_the_classes(void **state)
{
	struct play play;

	(void)state;
	play_init(&play);
	add(&play, GROWTH_CONTAINER, "builtins.object.__subclasses__", 1000, 2000, 3000)
		->path.is_user_code = false;
	assert_paths(&play, NULL, NULL);
}

static void test_mappings_by_another_name_may_be_caches(void **state)
{
	_cleanup_(suspects_deinit) struct suspects suspects = {0};
	struct play play;

	(void)state;
	play_init(&play);
	add(&play, GROWTH_CONTAINER, "app.recent", 1000, 2000, 3000)->type = "app.LRU";
	play.candidates[0].is_mapping = true;
	suspects = judge(&play, SUSPECTS_COLLECTOR_UNKNOWN);
	assert_int_equal(suspects.count, 1);
	assert_int_equal(suspects.note_count, 1);
	assert_non_null(strstr(suspects.notes[0], "a cache that is still filling"));
}

static void test_the_bound_of_a_holder_is_not_compared_with_its_objects(void **state)
{
	_cleanup_(suspects_deinit) struct suspects suspects = {0};
	struct play play;

	(void)state;
	play_init(&play);
	add(&play, GROWTH_HOLDER, "app.load", 1000, 2000, 3000)->bound = 128;
	suspects = judge(&play, SUSPECTS_COLLECTOR_UNKNOWN);
	assert_int_equal(suspects.note_count, 1);
	assert_non_null(strstr(suspects.notes[0], "at most 128 items"));
	assert_null(strstr(suspects.notes[0], "3,000"));
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

static void test_threads_are_named_by_what_holds_them(void **state)
{
	_cleanup_(suspects_deinit) struct suspects suspects = {0};
	struct growth_candidate *weak;
	struct play play;

	(void)state;
	play_init(&play);
	for (unsigned i = 0; i < 4; i++)
		play.moments[i].threads = 9 + 15 * i;
	weak = add(&play, GROWTH_CONTAINER, "threading._dangling.data", 16, 24, 39);
	weak->items[0] = (struct growth_item){"weakref.ReferenceType", 23, 1800};
	weak->item_count = weak->unseen = 1;
	weak->path.is_user_code = false;
	add(&play, GROWTH_CONTAINER, "threading._active", 16, 24, 39)->unseen = 1;
	play.candidates[1].path.is_user_code = false;
	// Of the first moment only the threads are known.
	suspects = judge(&play, SUSPECTS_COLLECTOR_UNKNOWN);
	assert_int_equal(suspects.count, 1);
	assert_int_equal(suspects.items[0].kind, SUSPECT_THREAD);
	assert_string_equal(suspects.items[0].path, "threading._active");
}

static void test_threads_and_a_register_that_was_short_at_first(void **state)
{
	_cleanup_(suspects_deinit) struct suspects suspects = {0};
	struct play play;

	(void)state;
	play_init(&play);
	play.view.moment_count = 4;
	for (unsigned i = 0; i < 4; i++)
		play.moments[i].threads = 9 + 15 * i;
	// At most 16, in truth 9.
	add(&play, GROWTH_CONTAINER, "threading._active", 16, 24, 39)->unseen = 1;
	play.points[0][3].length = 54;
	play.candidates[0].path.is_user_code = false;
	suspects = judge(&play, SUSPECTS_COLLECTOR_UNKNOWN);
	assert_int_equal(suspects.count, 1);
	assert_int_equal(suspects.items[0].kind, SUSPECT_THREAD);
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
	// Nor is this: it waits for a full collection, which is rare.
	for (unsigned i = 0; i < 4; i++)
		play.moments[i].garbage_tracked = 20000 * i;
	suspects = judge(&play, SUSPECTS_COLLECTOR_ENABLED);
	assert_int_equal(suspects.count, 0);
	assert_int_equal(suspects.note_count, 1);
	suspects_deinit(&suspects);
	// It will not come.
	suspects = judge(&play, SUSPECTS_COLLECTOR_DISABLED);
	assert_int_equal(suspects.count, 1);
	suspects_deinit(&suspects);
	// It should have come.
	for (unsigned i = 0; i < 4; i++)
		play.moments[i].garbage_tracked = 150000 * i;
	suspects = judge(&play, SUSPECTS_COLLECTOR_UNKNOWN);
	assert_int_equal(suspects.count, 1);
	assert_int_equal(suspects.items[0].kind, SUSPECT_GARBAGE);
}

static const char *reason_of(const struct play *play)
{
	_cleanup_(suspects_deinit) struct suspects suspects =
		judge(play, SUSPECTS_COLLECTOR_ENABLED);

	return suspects.reason ? suspects.reason : "leak";
}

// What they wait in has a few less at each moment: those are on their way.
static void test_threads_and_what_they_wait_in(void **state)
{
	_cleanup_(suspects_deinit) struct suspects suspects = {0};
	struct play play;

	(void)state;
	play_init(&play);
	for (unsigned i = 0; i < 4; i++)
		play.moments[i].threads = 20 + 80 * i;
	add(&play, GROWTH_CONTAINER, "app.stop._waiters", 16, 91, 168)->unseen = 1;
	suspects = judge(&play, SUSPECTS_COLLECTOR_UNKNOWN);
	assert_int_equal(suspects.count, 1);
	assert_int_equal(suspects.items[0].kind, SUSPECT_THREAD);
	assert_string_equal(suspects.items[0].path, "app.stop._waiters");
}

static struct growth_memory *add_memory(struct play *play)
{
	struct growth_memory *memory = mem_calloc(1, sizeof(*memory));

	assert_non_null(memory);
	memory->moment_count = play->view.moment_count;
	memory->verdict = mem_strdup("most is free");
	memory->cycle = mem_strdup("Node → dict → Node");
	play->view.memory = memory;
	return memory;
}

// Sizes of C code's blocks: 100 of 3000 bytes more each time, and some that come and go.
static void add_classes(struct growth_memory *memory)
{
	for (size_t i = 0; i < memory->moment_count; i++) {
		struct growth_memory_rows *rows = &memory->moments[i].tables[GROWTH_MEMORY_CLASSES];

		rows->items = mem_calloc(2, sizeof(*rows->items));
		assert_non_null(rows->items);
		rows->count = 2;
		rows->items[0] = (struct growth_memory_row){
			.size = 64, .count = 10 + (i & 1) * 90, .bytes = 6400};
		rows->items[1] = (struct growth_memory_row){
			.size = 3000, .count = 100 * (i + 1), .bytes = 300000 * (i + 1)};
		memory->moments[i].parts[HEAP_PART_C_OTHER] = 1000000 + 300000 * i;
	}
}

static void drop_memory(struct growth_memory *memory)
{
	growth_memory_deinit(memory);
	mem_free(memory);
}

static void test_memory_of_c_code(void **state)
{
	_cleanup_(suspects_deinit) struct suspects suspects = {0};
	struct growth_memory *memory;
	struct play play;

	(void)state;
	play_init(&play);
	memory = add_memory(&play);
	add_classes(memory);
	suspects = judge(&play, SUSPECTS_COLLECTOR_ENABLED);
	assert_int_equal(suspects.count, 1);
	assert_int_equal(suspects.items[0].kind, SUSPECT_NATIVE);
	assert_string_equal(suspect_kind_name(suspects.items[0].kind), "native");
	assert_int_equal(suspects.items[0].item_count, 1);
	assert_string_equal(suspects.items[0].items[0].type, "block of 3000 bytes");
	assert_int_equal(suspects.items[0].items[0].objects, 200);
	drop_memory(memory);
}

// What objects lead to grows with them: they are the leak.
static void test_memory_of_c_code_that_objects_bring(void **state)
{
	_cleanup_(suspects_deinit) struct suspects suspects = {0};
	struct growth_memory *memory;
	struct play play;

	(void)state;
	play_init(&play);
	memory = add_memory(&play);
	add_classes(memory);
	add(&play, GROWTH_CONTAINER, "app.documents", 100, 200, 300);
	suspects = judge(&play, SUSPECTS_COLLECTOR_UNKNOWN);
	assert_int_equal(suspects.count, 1);
	assert_string_equal(suspects.items[0].path, "app.documents");
	assert_true(has_text(suspects.items[0].evidence, suspects.items[0].evidence_count,
		"memory of C code grew by 600 kB"));
	drop_memory(memory);
}

// 20 MB now: 100 MB are a cache, 1 GB nobody ever sees.
static void test_a_bound_far_beyond_the_process(void **state)
{
	struct growth_memory *memory;
	struct play play;

	(void)state;
	play_init(&play);
	memory = add_memory(&play);
	memory->moments[2].headroom_bytes = UINT64_MAX;
	memory->moments[2].rss_bytes = 20000000;
	add(&play, GROWTH_CONTAINER, "app.recent", 1000, 2000, 3000)->bound = 1000000;
	assert_paths(&play, NULL, NULL);
	play.candidates[0].bound = 10000000;
	assert_paths(&play, "app.recent", NULL);
	drop_memory(memory);
}

static void test_references_that_nobody_explains(void **state)
{
	_cleanup_(suspects_deinit) struct suspects suspects = {0};
	struct growth_memory *memory;
	struct growth_candidate *type;
	struct play play;

	(void)state;
	play_init(&play);
	memory = add_memory(&play);
	// The type grows, and it is C code that holds it.
	type = add(&play, GROWTH_TYPE, "held by C code: list", 2000, 4000, 6000);
	type->path.is_user_code = false;
	for (size_t i = 0; i < memory->moment_count; i++) {
		memory->moments[i].unexplained_objects = 2000 * (i + 1);
		memory->moments[i].parts[HEAP_PART_UNEXPLAINED_REFERENCES] = 200000 * (i + 1);
	}
	suspects = judge(&play, SUSPECTS_COLLECTOR_ENABLED);
	assert_int_equal(suspects.count, 1);
	assert_int_equal(suspects.items[0].kind, SUSPECT_REFERENCES);
	suspects_deinit(&suspects);
	// A tenth of what grows is no more than C code's own business.
	for (size_t i = 0; i < memory->moment_count; i++)
		memory->moments[i].parts[HEAP_PART_UNEXPLAINED_REFERENCES] = 20000 * (i + 1);
	suspects = judge(&play, SUSPECTS_COLLECTOR_ENABLED);
	assert_int_equal(suspects.count, 1);
	assert_int_equal(suspects.items[0].kind, SUSPECT_TYPE);
	drop_memory(memory);
}

static void test_why_it_is_no_leak(void **state)
{
	struct growth_memory *memory;
	struct growth_candidate *cache;
	struct play play;

	(void)state;
	play_init(&play);
	assert_string_equal(reason_of(&play), "nothing-grew");
	memory = add_memory(&play);
	memory->cause = MEMORY_KEPT;
	assert_string_equal(reason_of(&play), "kept");
	play.moments[1].bytes *= 2;
	assert_string_equal(reason_of(&play), "comes-and-goes");
	// However much there is besides: what came is what counts, if it is no noise.
	play_init(&play);
	for (unsigned i = 0; i < 4; i++)
		play.moments[i].bytes = 100000000;
	play.moments[1].bytes += 10000000;
	play.moments[2].bytes += 7000000;
	assert_string_equal(reason_of(&play), "comes-and-goes");
	play.moments[2].bytes += 2500000;
	assert_string_equal(reason_of(&play), "not-steady");
	play_init(&play);
	cache = add(&play, GROWTH_CONTAINER, "app.cache", 1000, 2000, 3000);
	assert_string_equal(reason_of(&play), "leak");
	cache->bound = 10000;
	assert_string_equal(reason_of(&play), "bounded");
	drop_memory(memory);
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
		cmocka_unit_test(test_a_bound_far_beyond_the_process),
		cmocka_unit_test(test_a_cache_that_is_full),
		cmocka_unit_test(test_what_comes_with_items_of_a_cache),
		cmocka_unit_test(test_what_reads_the_same_is_one),
		cmocka_unit_test(test_a_queue_that_lags_is_told_with_doubt),
		cmocka_unit_test(test_parents_are_not_told_twice),
		cmocka_unit_test(test_what_children_leave_is_told),
		cmocka_unit_test(test_siblings_are_told_by_their_holder),
		cmocka_unit_test(test_a_sibling_that_stands_out_is_told_itself),
		cmocka_unit_test(test_two_siblings_stand_out_only_against_each_other),
		cmocka_unit_test(test_an_index_is_told_with_what_it_indexes),
		cmocka_unit_test(test_what_two_have_in_common_is_told_with_them),
		cmocka_unit_test(test_weak_references_follow_what_others_hold),
		cmocka_unit_test(test_names_of_attributes_follow_what_is_called_so),
		cmocka_unit_test(test_in_step_but_for_a_few),
		cmocka_unit_test(test_another_object_at_the_same_address),
		cmocka_unit_test(test_libraries_are_not_judged_while_modules_are_imported),
		cmocka_unit_test(test_lists_of_subclasses_follow_the_classes),
		cmocka_unit_test(test_mappings_by_another_name_may_be_caches),
		cmocka_unit_test(test_the_bound_of_a_holder_is_not_compared_with_its_objects),
		cmocka_unit_test(test_a_type_is_told_only_without_holder),
		cmocka_unit_test(test_threads_take_their_register_along),
		cmocka_unit_test(test_threads_are_named_by_what_holds_them),
		cmocka_unit_test(test_threads_and_a_register_that_was_short_at_first),
		cmocka_unit_test(test_threads_and_what_they_wait_in),
		cmocka_unit_test(test_garbage_that_the_collector_leaves),
		cmocka_unit_test(test_memory_of_c_code),
		cmocka_unit_test(test_memory_of_c_code_that_objects_bring),
		cmocka_unit_test(test_references_that_nobody_explains),
		cmocka_unit_test(test_why_it_is_no_leak),
		cmocka_unit_test(test_memory_that_is_no_object),
		cmocka_unit_test(test_steady_is_never_shrinking),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
