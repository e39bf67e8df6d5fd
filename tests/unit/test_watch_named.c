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
	assert_true(
		watch_named_length(heap.python, &(struct watch_named){instance, "lines"}, &length));
	assert_int_equal(length, 3);
	assert_true(watch_named_length(heap.python, &(struct watch_named){dict, "lines"}, &length));
	assert_int_equal(length, 3);
	// It has no length that could grow, or is not there at all.
	assert_false(
		watch_named_length(heap.python, &(struct watch_named){instance, "other"}, &length));
	assert_false(watch_named_length(
		heap.python, &(struct watch_named){instance, "nothing"}, &length));
	assert_false(
		watch_named_length(heap.python, &(struct watch_named){dict, "nothing"}, &length));
	assert_false(watch_named_length(heap.python, &(struct watch_named){0, "lines"}, &length));
	assert_true(
		watch_named_length(heap.python, &(struct watch_named){dict, "['lines']"}, &length));
	assert_true(watch_named_length(heap.python, &(struct watch_named){values[0]}, &length));
	assert_int_equal(length, 3);
	close_written_heap(&heap);
}

// The word that refers to it is where a debugger would find it.
static void expect_slot(
	struct open_heap *heap, remote_addr owner, const char *name, remote_addr value)
{
	uint64_t slot, word = 0;

	assert_int_equal(
		watch_named_object(heap->python, &(struct watch_named){owner, name}, &slot), value);
	assert_int_equal(slot != 0, value != 0);
	if (!slot)
		return;
	assert_null(target_read(heap->python->target, slot, &word, sizeof(word)));
	assert_int_equal(word, value);
}

static void test_slots(void **state)
{
	struct heap_writer *writer = heap_writer_create(layout);
	remote_addr names[2] = {heap_writer_str(writer, "lines"), heap_writer_str(writer, "other")};
	remote_addr values[2] = {heap_writer_list(writer, 2, names, 4), names[0]};
	remote_addr cls = heap_writer_class_with(
		writer, "Log", "app", heap_writer_type(writer, WRITER_OBJECT), 2, names);
	remote_addr instance = heap_writer_instance(writer, cls, values);
	remote_addr dict = heap_writer_dict(writer, 1, 2, names, values);
	struct open_heap heap;

	(void)state;
	open_written_heap(&heap, writer);
	for (size_t i = 0; i < 2; i++) {
		expect_slot(&heap, instance, i ? "other" : "lines", values[i]);
		expect_slot(&heap, dict, i ? "other" : "lines", values[i]);
	}
	expect_slot(&heap, instance, "nothing", 0);
	expect_slot(&heap, dict, "['nothing']", 0);
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
	assert_true(watch_named_lowest(heap.python, &(struct watch_named){dict, "lines"}, 60, 2,
		count_down, &looks, &lowest));
	assert_int_equal(lowest, 1);
	assert_int_equal(looks, 1);
	looks = 3;
	assert_true(watch_named_lowest(heap.python, &(struct watch_named){dict, "lines"}, 60, 1,
		count_down, &looks, &lowest));
	assert_int_equal(lowest, 1);
	looks = 2;
	assert_false(watch_named_lowest(heap.python, &(struct watch_named){dict, "nothing"}, 60, 1,
		count_down, &looks, &lowest));
	close_written_heap(&heap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attributes_and_keys),
		cmocka_unit_test(test_slots),
		cmocka_unit_test(test_the_lowest),
	};

	return RUN_ON_EACH_ROW(tests);
}
