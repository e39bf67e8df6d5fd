// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
//
// Frames and their line tables, written as CPython's Objects/locations.md says.
#include "check.h"
#include "open_heap.h"

#include <string.h>

#include "cpython/pyframe.h"

static const struct pylayout *layout; /* of the row being tested */

enum { ONE_LINE_0 = 10, NO_COLUMN = 13, LONG_FORM = 14, NO_LOCATION = 15 };

struct table {
	uint8_t bytes[512];
	size_t size;
};

static void put_varint(struct table *table, uint32_t value)
{
	for (; value > 63; value >>= 6)
		table->bytes[table->size++] = (uint8_t)(0x40 | (value & 63));
	table->bytes[table->size++] = (uint8_t)value;
}

static void put_signed(struct table *table, int32_t value)
{
	put_varint(table, value < 0 ? (uint32_t)-value << 1 | 1 : (uint32_t)value << 1);
}

// An entry for @p units code units whose line is @p delta away from the entry's before.
static void put_entry(struct table *table, unsigned code, unsigned units, int32_t delta)
{
	table->bytes[table->size++] = (uint8_t)(0x80 | code << 3 | (units - 1));
	switch (code) {
	case NO_LOCATION:
		break;
	case LONG_FORM:
		put_signed(table, delta);
		put_varint(table, 2);   // end line
		put_varint(table, 100); // columns
		put_varint(table, 63);
		break;
	case NO_COLUMN:
		put_signed(table, delta);
		break;
	case ONE_LINE_0:
	case ONE_LINE_0 + 1:
	case ONE_LINE_0 + 2:
		table->bytes[table->size++] = 0x7f; // columns
		table->bytes[table->size++] = 0x7f;
		break;
	default:
		table->bytes[table->size++] = 0x7f;
	}
}

struct called {
	struct open_heap heap;
	struct pyframe frame;
	remote_addr code;
};

static void call(struct called *called, const struct table *table)
{
	struct heap_writer *writer = heap_writer_create(layout);
	remote_addr addr;

	called->code =
		heap_writer_code(writer, "Worker.run", 0, NULL, 2, 100, table->bytes, table->size);
	addr = heap_writer_call(writer, called->code, 0, NULL, -1);
	open_written_heap(&called->heap, writer);
	assert_true(pyframe_read(&called->heap.context, addr, &called->frame));
}

static uint32_t line_at(struct called *called, int64_t unit)
{
	heap_writer_put(called->heap.writer, called->frame.addr + layout->iframe.prev_instr,
		called->code + layout->code.co_code_adaptive + (uint64_t)(unit * 2));
	return pyframe_line(&called->heap.context, &called->frame);
}

static void test_each_form(void **state)
{
	struct table table = {.size = 0};
	struct called called;
	static const uint32_t expected[] = {
		100, 100, 101, 103, 103, 103, 103, 2103, 2103, 90, 90, 90, 90, 90, 90, 90, 90};

	(void)state;
	put_entry(&table, 3, 2, 0);              // short form: units 0 and 1
	put_entry(&table, ONE_LINE_0 + 1, 1, 0); // 2
	put_entry(&table, ONE_LINE_0 + 2, 1, 0); // 3
	put_entry(&table, ONE_LINE_0, 3, 0);     // 4 to 6
	put_entry(&table, LONG_FORM, 2, 2000);   // 7, 8
	put_entry(&table, NO_COLUMN, 8, -2013);  // 9 to 16
	call(&called, &table);
	for (int64_t i = 0; i < 17; i++)
		assert_int_equal(line_at(&called, i), expected[i]);
	// Before the first instruction, and past the last.
	assert_int_equal(line_at(&called, -1), 100);
	assert_int_equal(line_at(&called, 17), 0);
	assert_int_equal(line_at(&called, 1 << 20), 0);
	close_written_heap(&called.heap);
}

static void test_no_location_keeps_the_line(void **state)
{
	struct table table = {.size = 0};
	struct called called;

	(void)state;
	put_entry(&table, NO_COLUMN, 1, 5);
	put_entry(&table, NO_LOCATION, 8, 0);
	put_entry(&table, NO_COLUMN, 1, 1);
	call(&called, &table);
	assert_int_equal(line_at(&called, 0), 105);
	assert_int_equal(line_at(&called, 8), 105);
	assert_int_equal(line_at(&called, 9), 106);
	close_written_heap(&called.heap);
}

static void test_broken_tables(void **state)
{
	struct table table = {.size = 0};
	struct called called;
	remote_addr bytes;

	(void)state;
	// Ten bytes that all say that more follow, again and again.
	for (unsigned i = 0; i < 40; i++) {
		table.bytes[table.size++] = 0x80 | NO_COLUMN << 3 | 7;
		for (unsigned j = 0; j < 10; j++)
			table.bytes[table.size++] = 0x7e;
	}
	call(&called, &table);
	assert_int_equal(line_at(&called, 300), 0);
	bytes = heap_writer_get(called.heap.writer, called.code + layout->code.co_linetable);
	// An entry that ends with the table, no table, one of no size, one too large, one nowhere.
	heap_writer_put(called.heap.writer, bytes + layout->object.ob_size, 1);
	assert_int_equal(line_at(&called, 0), 0);
	heap_writer_put(called.heap.writer, bytes + layout->object.ob_size, 0);
	assert_int_equal(line_at(&called, 0), 0);
	heap_writer_put(called.heap.writer, bytes + layout->object.ob_size, UINT64_MAX);
	assert_int_equal(line_at(&called, 0), 0);
	heap_writer_put(called.heap.writer, called.code + layout->code.co_linetable, 0);
	assert_int_equal(line_at(&called, 0), 0);
	heap_writer_put(
		called.heap.writer, called.code + layout->code.co_linetable, UINT64_MAX - 7);
	assert_int_equal(line_at(&called, 0), 0);
	close_written_heap(&called.heap);
}

static void test_names(void **state)
{
	struct heap_writer *writer = heap_writer_create(layout);
	remote_addr key = heap_writer_str(writer, "__name__"),
		    value = heap_writer_str(writer, "app");
	remote_addr globals = heap_writer_dict(writer, 1, 1, &key, &value);
	remote_addr code = heap_writer_code(writer, "Worker.run", 0, NULL, 2, 1, "", 0);
	remote_addr outer = heap_writer_call(writer, code, 0, NULL, 0);
	remote_addr inner = heap_writer_call(writer, code, 0, NULL, -1);
	struct addr_vector interpreters = {0}, threads = {0};
	struct open_heap heap;
	struct pyframe frame;
	char text[64];

	(void)state;
	heap_writer_put(writer, inner + layout->iframe.f_globals, globals);
	open_written_heap(&heap, writer);
	assert_success(pyruntime_interpreters(&heap.context, &interpreters));
	assert_int_equal(interpreters.count, 1);
	assert_success(pyruntime_threads(&heap.context, interpreters.items[0], &threads));
	assert_int_equal(threads.count, 1);
	assert_int_equal(pyframe_innermost(&heap.context, threads.items[0]), inner);
	assert_true(pyframe_read(&heap.context, inner, &frame));
	assert_int_equal(frame.previous, outer);
	assert_int_equal(frame.owner, PYFRAME_THREAD);
	pyframe_function(&heap.context, &frame, text, sizeof(text));
	assert_string_equal(text, "app.Worker.run");
	pyframe_file(&heap.context, &frame, text, sizeof(text));
	assert_string_equal(text, "/app/main.py");
	assert_true(pyframe_read(&heap.context, outer, &frame));
	pyframe_function(&heap.context, &frame, text, sizeof(text));
	assert_string_equal(text, "Worker.run");
	*heap_writer_bytes(writer, outer + layout->iframe.owner) = 200;
	assert_true(pyframe_read(&heap.context, outer, &frame));
	assert_int_equal(frame.owner, PYFRAME_OTHER);
	assert_false(pyframe_read(&heap.context, 0, &frame));
	// Threads and interpreters in a circle.
	heap_writer_put(writer, threads.items[0] + layout->tstate.next, threads.items[0]);
	threads.count = 0;
	assert_success(pyruntime_threads(&heap.context, interpreters.items[0], &threads));
	assert_int_equal(threads.count, 1);
	addr_vector_deinit(&threads);
	addr_vector_deinit(&interpreters);
	close_written_heap(&heap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_form),
		cmocka_unit_test(test_no_location_keeps_the_line),
		cmocka_unit_test(test_broken_tables),
		cmocka_unit_test(test_names),
	};
	int failed = 0;

	for (size_t i = 0; (layout = pylayout_row(i)); i++)
		failed += cmocka_run_group_tests_name(layout->name, tests, NULL, NULL);
	return failed;
}
