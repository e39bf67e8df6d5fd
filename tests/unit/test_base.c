// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
//
// What everything stands on: errors, memory, text, vectors, workers.
#include "check.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/parallel.h"
#include "base/string_builder.h"
#include "base/vector.h"

DEFINE_VECTOR(number_vector, int)

static void test_errors(void **state)
{
	struct error *err = error_create(ERROR_BAD_DATA, "%d bytes", 5);

	(void)state;
	err = error_wrap(err, "in dict at 0x%x", 16);
	assert_string_equal(error_message(err), "in dict at 0x10: 5 bytes");
	assert_int_equal(error_kind(err), ERROR_BAD_DATA);
	assert_int_equal(error_number(err), 0);
	error_destroy(err);
	error_destroy(NULL);
	assert_null(error_wrap(NULL, "nothing"));

	err = error_system(EACCES, "open %s", "x");
	assert_int_equal(error_kind(err), ERROR_DENIED);
	assert_int_equal(error_number(err), EACCES);
	assert_non_null(strstr(error_message(err), "open x: "));
	error_destroy(err);
	assert_failure(error_system(ESRCH, "x"), ERROR_GONE);
	assert_failure(error_system(ENOMEM, "x"), ERROR_MEMORY);
	assert_failure(error_system(EIO, "x"), ERROR_SYSTEM);

	err = error_enomem();
	assert_ptr_equal(error_wrap(err, "context"), err);
	assert_int_equal(error_kind(err), ERROR_MEMORY);
	assert_string_equal(error_message(err), "out of memory");
	error_destroy(err);
	error_destroy(err);
}

static void test_failing_allocations(void **state)
{
	void *block, *pages;

	(void)state;
	alloc_fail_after(1);
	block = mem_alloc(10);
	assert_non_null(block);
	assert_null(mem_calloc(1, 1));
	mem_free(block);
	block = mem_strdup("again");
	assert_non_null(block);
	mem_free(block);
	alloc_fail_after(UINT64_MAX);

	assert_null(mem_calloc(SIZE_MAX / 2, 4));
	assert_null(mem_realloc_array(NULL, SIZE_MAX / 2, 4));
	assert_null(pages_alloc(SIZE_MAX / 2, 4));
	pages = pages_alloc(0, 8);
	assert_non_null(pages);
	assert_null(pages_realloc(pages, 0, SIZE_MAX / 2, 4));
	pages_free(pages, 0, 8);
	pages_free(NULL, 5, 8);
	block = mem_strndup("abcdef", 3);
	assert_string_equal(block, "abc");
	mem_free(block);
}

static void test_pages_grow_and_shrink(void **state)
{
	const size_t count = 300000;
	uint64_t *pages = pages_alloc(10, 8);

	(void)state;
	assert_non_null(pages);
	pages[9] = 9;
	pages = pages_realloc(pages, 10, count, 8);
	assert_non_null(pages);
	assert_int_equal(pages[9], 9);
	assert_int_equal(pages[count - 1], 0);
	pages[count - 1] = 1;
	// The page that the first lost byte is in stays.
	pages[1000] = 1000;
	pages_discard_tail(pages, 1001 * 8, count * 8);
	assert_int_equal(pages[1000], 1000);
	assert_int_equal(pages[count - 1], 0);
	pages = pages_realloc(pages, count, 10, 8);
	assert_int_equal(pages[9], 9);
	pages_free(pages, 10, 8);
}

static void test_arrays_grow_all_or_none(void **state)
{
	(void)state;
	for (uint64_t n = 0; n < 4; n++) {
		uint32_t *first = pages_alloc(10, 4), *second = NULL, *third = pages_alloc(10, 4);
		void **const arrays[] = {(void **)&first, (void **)&second, (void **)&third};
		bool is_done;

		assert_true(first && third);
		first[9] = 1;
		third[9] = 3;
		second = pages_alloc(10, 4);
		assert_non_null(second);
		alloc_fail_after(n);
		is_done = pages_realloc_all(arrays, 3, 10, 1000000, 4);
		alloc_fail_after(UINT64_MAX);
		assert_int_equal(is_done, n == 3);
		assert_true(first[9] == 1 && second[9] == 0 && third[9] == 3);
		if (is_done)
			first[999999] = second[999999] = third[999999] = 1;
		for (unsigned i = 0; i < 3; i++)
			pages_free(*arrays[i], is_done ? 1000000 : 10, 4);
	}
}

static void test_vector(void **state)
{
	_cleanup_(number_vector_deinit) struct number_vector vector = {0};

	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_true(number_vector_push(&vector, i));
	assert_int_equal(vector.count, 1000);
	assert_int_equal(vector.items[999], 999);
	while (vector.count < vector.capacity)
		assert_true(number_vector_push(&vector, 0));
	alloc_fail_after(0);
	assert_false(number_vector_push(&vector, 1));
	assert_int_equal(vector.count, vector.capacity);
	assert_int_equal(vector.items[999], 999);
	assert_true(number_vector_push(&vector, 1));
	alloc_fail_after(UINT64_MAX);
}

static void test_string_builder(void **state)
{
	struct string_builder builder = {0};
	char *text = string_builder_finish(&builder);

	(void)state;
	assert_string_equal(text, "");
	mem_free(text);
	for (int i = 0; i < 100; i++)
		string_builder_add_format(&builder, "%d,", i);
	string_builder_add(&builder, "end");
	string_builder_add_bytes(&builder, "-x", 1);
	text = string_builder_finish(&builder);
	assert_int_equal(strlen(text), 10 * 2 + 90 * 3 + 4);
	assert_string_equal(text + strlen(text) - 7, "99,end-");
	mem_free(text);

	// Once it failed it stays so, until it is finished.
	string_builder_add(&builder, "something");
	alloc_fail_after(0);
	string_builder_add_format(&builder, "%0200d", 1);
	alloc_fail_after(UINT64_MAX);
	assert_true(builder.failed);
	string_builder_add(&builder, "more");
	assert_null(string_builder_finish(&builder));
	assert_false(builder.failed);
	// More than there can be.
	string_builder_add_bytes(&builder, "", SIZE_MAX);
	assert_true(builder.failed);
	string_builder_deinit(&builder);
	string_builder_add_bytes(&builder, "", SIZE_MAX - 10);
	assert_true(builder.failed);
	string_builder_deinit(&builder);
}

struct work {
	_Atomic uint32_t done;
	uint32_t failing; /* workers that fail */
};

static struct error *do_work(void *context, unsigned worker)
{
	struct work *work = context;

	atomic_fetch_or(&work->done, 1u << worker);
	return work->failing >> worker & 1 ? error_create(ERROR_USAGE, "worker %u", worker) : NULL;
}

static void test_parallel(void **state)
{
	struct error *err;

	(void)state;
	assert_in_range(parallel_workers(), 1, LIMIT_WORKERS);
	for (unsigned workers = 0; workers <= LIMIT_WORKERS + 1; workers++) {
		struct work work = {0};
		unsigned count = workers > LIMIT_WORKERS ? LIMIT_WORKERS : workers;

		assert_success(parallel_run(workers, do_work, &work));
		assert_int_equal(work.done, (1u << count) - 1);
	}
	// The lowest-numbered failure is told; all others did their work.
	err = parallel_run(8, do_work, &(struct work){.failing = 0xf4});
	assert_string_equal(error_message(err), "worker 2");
	error_destroy(err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_failing_allocations),
		cmocka_unit_test(test_pages_grow_and_shrink),
		cmocka_unit_test(test_arrays_grow_all_or_none),
		cmocka_unit_test(test_vector),
		cmocka_unit_test(test_string_builder),
		cmocka_unit_test(test_parallel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
