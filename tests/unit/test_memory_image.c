// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "check.h"

#include "base/alloc.h"
#include "target/memory_image.h"

#include <string.h>

#define PAGE 4096

static unsigned char low[2 * PAGE], high[PAGE];

// Two pages at 0x10000, a hole of two, one page at 0x14000, and one at the very end of what there
// is.
static struct target *image(void)
{
	const struct memory_image_segment segments[] = {
		{0x10000, low, sizeof(low), true, "[heap]"},
		{0x14000, high, sizeof(high), false, "/usr/lib/x.so"},
		{(remote_addr)-2 * PAGE, high, sizeof(high), false, NULL},
	};
	struct target *target = NULL;

	memset(low, 1, sizeof(low));
	memset(high, 2, sizeof(high));
	assert_success(memory_image_create(segments, 3, &target));
	return target;
}

static void bytes_are_read(void **state)
{
	_cleanup_(target_destroy) struct target *target = image();
	unsigned char bytes[PAGE];

	(void)state;
	assert_success(target_read(target, 0x10ffe, bytes, 4));
	assert_memory_equal(bytes, "\1\1\1\1", 4);
	assert_success(target_read(target, 0x14000, bytes, PAGE));
	assert_int_equal(bytes[PAGE - 1], 2);
	assert_success(target_read(target, (remote_addr)-2 * PAGE, bytes, PAGE));
	assert_success(target_read(target, 0, bytes, 0));
}

static void reading_past_the_edge_fails(void **state)
{
	_cleanup_(target_destroy) struct target *target = image();
	unsigned char bytes[16];

	(void)state;
	assert_failure(target_read(target, 0x11ff8, bytes, 16), ERROR_FAULT);
	assert_failure(target_read(target, 0xffff, bytes, 1), ERROR_FAULT);
	assert_failure(target_read(target, UINT64_MAX, bytes, 16), ERROR_FAULT);
	assert_failure(target_read(target, (remote_addr)-PAGE, bytes, 1), ERROR_FAULT);
}

static void holes_read_as_zeros_where_asked_for(void **state)
{
	_cleanup_(target_destroy) struct target *target = image();
	static unsigned char bytes[6 * PAGE];

	(void)state;
	memset(bytes, 0xff, sizeof(bytes));
	assert_int_equal(target_read_some(target, 0x10000, bytes, sizeof(bytes)), 3 * PAGE);
	assert_int_equal(bytes[2 * PAGE - 1], 1);
	assert_int_equal(bytes[2 * PAGE], 0);
	assert_int_equal(bytes[4 * PAGE - 1], 0);
	assert_int_equal(bytes[4 * PAGE], 2);
	assert_int_equal(bytes[5 * PAGE], 0);
	assert_int_equal(bytes[6 * PAGE - 1], 0);
	assert_int_equal(target_read_some(target, 0x20000, bytes, PAGE), 0);
	// Across the end of the address space, and a request that would wrap around it.
	memset(bytes, 0xff, sizeof(bytes));
	assert_int_equal(target_read_some(target, (remote_addr)-2 * PAGE, bytes, 4 * PAGE), PAGE);
	assert_int_equal(bytes[PAGE], 0);
	assert_int_equal(bytes[4 * PAGE - 1], 0);
}

static void bytes_can_be_borrowed(void **state)
{
	_cleanup_(target_destroy) struct target *target = image();
	size_t size = 0;

	(void)state;
	assert_ptr_equal(target_borrow(target, 0x10010, &size), low + 16);
	assert_int_equal(size, sizeof(low) - 16);
	assert_null(target_borrow(target, 0x12000, &size));
	assert_null(target_borrow(target, 0, &size));
}

static void it_looks_like_a_process(void **state)
{
	_cleanup_(target_destroy) struct target *target = image();
	const struct mapping *mapping = mappings_find(target_mappings(target), 0x14000);
	size_t count = 1;

	(void)state;
	assert_string_equal(mapping->path, "/usr/lib/x.so");
	assert_true(mapping->readable && !mapping->writable);
	assert_true(mappings_find(target_mappings(target), 0x10000)->writable);
	target_threads(target, &count);
	assert_int_equal(count, 0);
}

static void misplaced_segments_are_refused(void **state)
{
	static const struct memory_image_segment pairs[][2] = {
		{{0x2000, low, PAGE, true, ""}, {0x1000, high, PAGE, true, ""}},
		{{0x1000, low, 2 * PAGE, true, ""}, {0x2000, high, PAGE, true, ""}},
		{{0x1000, low, PAGE, true, ""}, {0x2001, high, PAGE, true, ""}},
		{{0x1000, low, 100, true, ""}, {0x4000, high, PAGE, true, ""}},
		{{0x1000, low, 0, true, ""}, {0x4000, high, PAGE, true, ""}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct target *target;

		assert_failure(memory_image_create(pairs[i], 2, &target), ERROR_BAD_DATA);
	}
}

static void an_empty_image_has_nothing(void **state)
{
	_cleanup_(target_destroy) struct target *target = NULL;
	char bytes[8] = {1};

	(void)state;
	assert_success(memory_image_create(NULL, 0, &target));
	assert_int_equal(target_read_some(target, 0, bytes, sizeof(bytes)), 0);
	assert_int_equal(bytes[0], 0);
}

static void short_memory_is_told(void **state)
{
	const struct memory_image_segment segment = {0x1000, low, PAGE, true, ""};

	(void)state;
	for (uint64_t i = 0; i < 4; i++) {
		struct target *target;

		alloc_fail_after(i);
		assert_failure(memory_image_create(&segment, 1, &target), ERROR_MEMORY);
		alloc_fail_after(UINT64_MAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_are_read),
		cmocka_unit_test(reading_past_the_edge_fails),
		cmocka_unit_test(holes_read_as_zeros_where_asked_for),
		cmocka_unit_test(bytes_can_be_borrowed),
		cmocka_unit_test(it_looks_like_a_process),
		cmocka_unit_test(misplaced_segments_are_refused),
		cmocka_unit_test(an_empty_image_has_nothing),
		cmocka_unit_test(short_memory_is_told),
	};

	return cmocka_run_group_tests_name("memory_image", tests, NULL, NULL);
}
