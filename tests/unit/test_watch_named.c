// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/* Lengths of what has a name, on each row. */
#include "check.h"
#include "open_heap.h"

#include <stdlib.h>

#include "watch/watch_named.h"

static bool count_down(void *context)
{
	unsigned *left = context;

	return (*left)-- > 0;
}

static void test_attributes_and_keys(void **state)
{
	struct heap_writer *writer = heap_writer_create(layout);
	remote_addr names[2] = {heap_writer_str(writer, "lines"), heap_writer_str(writer, "other")};
	remote_addr items[3] = {names[0], names[1], names[0]}, values[2], cls, instance, dict;
	struct open_heap heap;
	uint64_t length = 0;

	(void)state;
	values[0] = heap_writer_list(writer, 3, items, 4);
	values[1] = heap_writer_tuple(writer, 2, items);
	cls = heap_writer_class_with(
		writer, "Log", "app", heap_writer_type(writer, WRITER_OBJECT), 2, names);
	instance = heap_writer_instance(writer, cls, values);
	dict = heap_writer_dict(writer, 1, 2, names, values);
	open_written_heap(&heap, writer);
	assert_true(watch_named_length(heap.python, instance, "lines", &length));
	assert_int_equal(length, 3);
	assert_true(watch_named_length(heap.python, dict, "lines", &length));
	assert_int_equal(length, 3);
	// It has no length that could grow, or is not there at all.
	assert_false(watch_named_length(heap.python, instance, "other", &length));
	assert_false(watch_named_length(heap.python, instance, "nothing", &length));
	assert_false(watch_named_length(heap.python, dict, "nothing", &length));
	assert_false(watch_named_length(heap.python, 0, "lines", &length));
	close_written_heap(&heap);
}

static void test_the_lowest(void **state)
{
	struct heap_writer *writer = heap_writer_create(layout);
	remote_addr name = heap_writer_str(writer, "lines");
	remote_addr list = heap_writer_list(writer, 1, &name, 4);
	remote_addr dict = heap_writer_dict(writer, 1, 1, &name, &list);
	struct open_heap heap;
	unsigned looks = 3;
	uint64_t lowest;

	(void)state;
	open_written_heap(&heap, writer);
	// Short enough once it was seen twice; until it is told to end; or never seen.
	assert_true(
		watch_named_lowest(heap.python, dict, "lines", 60, 2, count_down, &looks, &lowest));
	assert_int_equal(lowest, 1);
	assert_int_equal(looks, 1);
	looks = 3;
	assert_true(
		watch_named_lowest(heap.python, dict, "lines", 60, 1, count_down, &looks, &lowest));
	assert_int_equal(lowest, 1);
	looks = 2;
	assert_false(watch_named_lowest(
		heap.python, dict, "nothing", 60, 1, count_down, &looks, &lowest));
	close_written_heap(&heap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attributes_and_keys),
		cmocka_unit_test(test_the_lowest),
	};

	return RUN_ON_EACH_ROW(tests);
}
