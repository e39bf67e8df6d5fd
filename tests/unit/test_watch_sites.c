// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/* Changes gathered by place; lengths without stacks; memory that runs out. */
#include "watch/watch_sites.h"

#include "base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool add(struct watch_sites *sites, uint32_t line, uint32_t caller, const char *thread,
	const char *path)
{
	const struct watch_frame frames[] = {{"f", "/srv/a.py", line}, {"g", "/srv/b.py", caller}};
	struct watch_change change = {
		.thread = thread, .frames = frames, .frame_count = line ? 2 : 0};

	if (*path) {
		snprintf(change.request.method, sizeof(change.request.method), "GET");
		snprintf(change.request.path, sizeof(change.request.path), "%s", path);
	}
	return watch_sites_add(sites, &change);
}

static void test_most_first(void **state)
{
	_cleanup_(watch_sites_deinit) struct watch_sites sites = {0};

	(void)state;
	assert_true(add(&sites, 10, 1, "one", "/rare"));
	for (unsigned i = 0; i < 5; i++) {
		assert_true(add(&sites, 20, i == 0 ? 7 : 8, i < 2 ? "one" : "two", "/often"));
		assert_true(add(&sites, 20, 8, "two", ""));
	}
	watch_sites_finish(&sites);
	assert_int_equal(sites.hits, 11);
	assert_int_equal(sites.count, 2);
	assert_int_equal(sites.items[0].hits, 10);
	assert_int_equal(sites.items[0].stacks[0].frames[0].line, 20);
	assert_int_equal(sites.items[0].stacks[0].frames[1].line, 8);
	assert_int_equal(sites.items[0].stacks[0].hits, 9);
	assert_int_equal(sites.items[0].stack_count, 2);
	assert_string_equal(sites.items[0].threads[0].name, "two");
	assert_int_equal(sites.items[0].threads[0].hits, 8);
	assert_int_equal(sites.items[0].request_count, 1);
	assert_int_equal(sites.items[0].requests[0].hits, 5);
	assert_string_equal(sites.items[1].requests[0].path, "/rare");
}

// Nothing grows without end, and nothing is forgotten in the sum.
static void test_limits(void **state)
{
	_cleanup_(watch_sites_deinit) struct watch_sites sites = {0};
	uint64_t told = 0;
	char text[32];

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "%u", i);
		assert_true(add(&sites, 1 + i % 100, i, text, text));
		assert_true(add(&sites, 1, i, text, text));
	}
	assert_true(add(&sites, 0, 0, "", ""));
	watch_sites_finish(&sites);
	assert_int_equal(sites.count, WATCH_SITES_MAX);
	for (size_t i = 0; i < sites.count; i++) {
		told += sites.items[i].hits;
		assert_true(sites.items[i].stack_count <= WATCH_STACKS_MAX);
		assert_true(sites.items[i].thread_count <= WATCH_THREADS_MAX);
		assert_true(sites.items[i].request_count <= WATCH_REQUESTS_MAX);
	}
	assert_int_equal(sites.hits, 2001);
	assert_int_equal(sites.unknown_hits, 1);
	assert_int_equal(told + sites.other_hits + sites.unknown_hits, sites.hits);
}

static void test_without_memory(void **state)
{
	bool failed = true;

	(void)state;
	for (unsigned allowed = 0; failed; allowed++) {
		_cleanup_(watch_sites_deinit) struct watch_sites sites = {0};

		assert_true(allowed < 100);
		alloc_fail_after(allowed);
		failed = !add(&sites, 1, 2, "one", "/a") || !add(&sites, 1, 3, "two", "/b");
		alloc_fail_after(UINT64_MAX);
		watch_sites_finish(&sites);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_most_first),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
