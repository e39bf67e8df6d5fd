// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
//
// Frames, and line tables of each kind, written as CPython's Objects/locations.md and
// Objects/lnotab_notes.txt say.
#include "check.h"
#include "open_heap.h"

#include <stdlib.h>
#include <string.h>

#include "cpython/pycode.h"
#include "cpython/pyframe.h"
#include "cpython/pyruntime.h"
#include "cpython/pytext.h"

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

// Of an instruction of two bytes.
static uint32_t line_at(struct called *called, int64_t unit)
{
	heap_writer_set_instruction(called->heap.writer, called->frame.addr, unit * 2);
	return pyframe_line(&called->heap.context, &called->frame);
}

static uint32_t table_offset(void)
{
	return pylayout_has(layout->code.co_linetable) ? layout->code.co_linetable
						       : layout->code.co_lnotab;
}

static void put_pair(struct table *table, uint8_t bytes, int delta)
{
	table->bytes[table->size++] = bytes;
	table->bytes[table->size++] = (uint8_t)delta;
}

static void test_locations_each_form(void **state)
{
	struct table table = {.size = 0};
	struct called called;
	static const uint32_t expected[] = {
		100, 100, 101, 103, 103, 103, 103, 2103, 2103, 90, 90, 90, 90, 90, 90, 90, 90};

	(void)state;
	if (layout->traits.line_table != PYLINES_LOCATIONS)
		return;
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

static void test_locations_no_location_keeps_the_line(void **state)
{
	struct table table = {.size = 0};
	struct called called;

	(void)state;
	if (layout->traits.line_table != PYLINES_LOCATIONS)
		return;
	put_entry(&table, NO_COLUMN, 1, 5);
	put_entry(&table, NO_LOCATION, 8, 0);
	put_entry(&table, NO_COLUMN, 1, 1);
	call(&called, &table);
	assert_int_equal(line_at(&called, 0), 105);
	assert_int_equal(line_at(&called, 8), 105);
	assert_int_equal(line_at(&called, 9), 106);
	close_written_heap(&called.heap);
}

static void test_locations_broken_tables(void **state)
{
	struct table table = {.size = 0};
	struct called called;
	remote_addr bytes;

	(void)state;
	if (layout->traits.line_table != PYLINES_LOCATIONS)
		return;
	// Ten bytes that all say that more follow, again and again.
	for (unsigned i = 0; i < 40; i++) {
		table.bytes[table.size++] = 0x80 | NO_COLUMN << 3 | 7;
		for (unsigned j = 0; j < 10; j++)
			table.bytes[table.size++] = 0x7e;
	}
	call(&called, &table);
	assert_int_equal(line_at(&called, 300), 0);
	// An entry that ends with the table.
	bytes = heap_writer_get(called.heap.writer, called.code + table_offset());
	heap_writer_put(called.heap.writer, bytes + layout->object.ob_size, 1);
	assert_int_equal(line_at(&called, 0), 0);
	close_written_heap(&called.heap);
}

// PEP 626: bytes, and the change of line before them. -128 is a range without a line.
static void test_ranges(void **state)
{
	struct table table = {.size = 0};
	struct called called;

	(void)state;
	if (layout->traits.line_table != PYLINES_RANGES)
		return;
	put_pair(&table, 4, 0);     // units 0 and 1: line 100
	put_pair(&table, 2, -128);  // 2: none
	put_pair(&table, 0, 127);   // a change that one pair has no room for
	put_pair(&table, 254, 100); // 3 to 129: line 327
	put_pair(&table, 2, -127);  // 130: line 200
	put_pair(&table, 2, -128);  // 131
	call(&called, &table);
	assert_int_equal(line_at(&called, -1), 100);
	assert_int_equal(line_at(&called, 0), 100);
	assert_int_equal(line_at(&called, 1), 100);
	// What has no line of its own is given that of the range before.
	assert_int_equal(line_at(&called, 2), 100);
	assert_int_equal(line_at(&called, 3), 327);
	assert_int_equal(line_at(&called, 129), 327);
	assert_int_equal(line_at(&called, 130), 200);
	assert_int_equal(line_at(&called, 131), 200);
	assert_int_equal(line_at(&called, 132), 0);
	close_written_heap(&called.heap);
}

// co_lnotab: a change of line counts from the end of the bytes that come with it.
static void test_pairs(void **state)
{
	struct table table = {.size = 0};
	bool is_signed = layout->traits.line_table == PYLINES_SIGNED;
	struct called called;

	(void)state;
	if (layout->traits.line_table > PYLINES_SIGNED)
		return;
	put_pair(&table, 6, 1);   // from unit 3 on: line 101
	put_pair(&table, 0, 127); // and farther: 228
	put_pair(&table, 255, 0); // bytes that one pair has no room for
	put_pair(&table, 1, 200); // from unit 131 on: +200, or -56
	call(&called, &table);
	assert_int_equal(line_at(&called, -1), 100);
	assert_int_equal(line_at(&called, 0), 100);
	assert_int_equal(line_at(&called, 2), 100);
	assert_int_equal(line_at(&called, 3), 228);
	assert_int_equal(line_at(&called, 130), 228);
	assert_int_equal(line_at(&called, 131), is_signed ? 172 : 428);
	// The last line has no end.
	assert_int_equal(line_at(&called, 1 << 20), is_signed ? 172 : 428);
	close_written_heap(&called.heap);
}

// A function of one line has no pairs at all; in the other forms no table means no line.
static void test_empty_table(void **state)
{
	struct table table = {.size = 0};
	struct called called;

	(void)state;
	call(&called, &table);
	assert_int_equal(
		line_at(&called, 0), layout->traits.line_table <= PYLINES_SIGNED ? 100 : 0);
	close_written_heap(&called.heap);
}

// Lines below 0 and past an int's, half a pair, tables of no size, too large, nowhere.
static void test_hostile_tables(void **state)
{
	struct table table = {.size = 0};
	struct called called;
	struct heap_writer *writer;
	remote_addr bytes;

	(void)state;
	for (unsigned i = 0; i < 200; i++)
		put_pair(&table, (uint8_t)(i % 7),
			layout->traits.line_table == PYLINES_UNSIGNED ? 255 : -127);
	call(&called, &table);
	writer = called.heap.writer;
	assert_true(line_at(&called, 1 << 20) <= 100 + 200 * 255);
	if (layout->traits.line_table == PYLINES_SIGNED ||
		layout->traits.line_table == PYLINES_RANGES)
		assert_int_equal(line_at(&called, 60), 0);
	heap_writer_put_u32(writer, called.code + layout->code.co_firstlineno, INT32_MAX);
	line_at(&called, 60);
	heap_writer_put_u32(writer, called.code + layout->code.co_firstlineno, UINT32_MAX);
	line_at(&called, 60);
	bytes = heap_writer_get(writer, called.code + table_offset());
	heap_writer_put(writer, bytes + layout->object.ob_size, 1);
	line_at(&called, 60);
	heap_writer_put(writer, bytes + layout->object.ob_size, UINT64_MAX);
	assert_int_equal(line_at(&called, 0), 0);
	// As much as is believed, with nothing behind it after some megabytes: it ends.
	heap_writer_put(writer, bytes + layout->object.ob_size, 16 << 20);
	line_at(&called, 1 << 30);
	heap_writer_put(writer, called.code + table_offset(), 0);
	assert_int_equal(line_at(&called, 0), 0);
	heap_writer_put(writer, called.code + table_offset(), UINT64_MAX - 7);
	assert_int_equal(line_at(&called, 0), 0);
	close_written_heap(&called.heap);
}

// Any bytes: a line or none, and an end.
static void test_noise_in_tables(void **state)
{
	struct table table = {.size = sizeof(table.bytes)};
	struct called called;
	remote_addr text;

	(void)state;
	call(&called, &table);
	text = heap_writer_get(called.heap.writer, called.code + table_offset()) +
	       layout->bytes.ob_sval;
	srand(1);
	for (unsigned round = 0; round < 300; round++) {
		uint8_t *bytes = heap_writer_bytes(called.heap.writer, text);

		for (size_t i = 0; i < sizeof(table.bytes); i++)
			bytes[i] = (uint8_t)rand();
		for (int64_t unit = -1; unit < 2000; unit = unit * 3 + 4)
			assert_true(line_at(&called, unit) <= INT32_MAX);
	}
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
	heap_writer_set_globals(writer, inner, globals);
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
	assert_int_equal(frame.is_object, WRITER_HAS_OLD_FRAMES(layout));
	if (!WRITER_HAS_OLD_FRAMES(layout)) {
		*heap_writer_bytes(writer, outer + layout->iframe.owner) = 200;
		assert_true(pyframe_read(&heap.context, outer, &frame));
		assert_int_equal(frame.owner, PYFRAME_OTHER);
	}
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

// The frame of a generator says whose it is, and is found from the generator.
static void test_generator(void **state)
{
	struct heap_writer *writer = heap_writer_create(layout);
	remote_addr code = heap_writer_code(writer, "produce", 0, NULL, 2, 7, "", 0);
	remote_addr generator = heap_writer_generator(writer, code, 0, NULL, 0);
	remote_addr object = heap_writer_frame_object(writer, code, 0, NULL, 0);
	struct open_heap heap;
	struct pyframe frame;

	(void)state;
	open_written_heap(&heap, writer);
	assert_int_equal(pygenerator_code(&heap.context, generator), code);
	assert_true(pyframe_read_generator(&heap.context, generator, &frame));
	assert_int_equal(frame.addr, heap_writer_frame_of(writer, generator));
	assert_int_equal(frame.code, code);
	// Python 2's frames do not say whose they are.
	assert_int_equal(
		frame.owner, WRITER_IS_PYTHON_2(layout) ? PYFRAME_THREAD : PYFRAME_GENERATOR);
	assert_int_equal(
		pygenerator_has_frame(&heap.context, generator), !WRITER_HAS_OLD_FRAMES(layout));
	assert_true(pyframe_read_object(&heap.context, object, &frame));
	assert_int_equal(frame.code, code);
	// It has ended.
	if (WRITER_HAS_OLD_FRAMES(layout))
		heap_writer_put(writer, generator + layout->gen.gi_frame, 0);
	else
		*heap_writer_bytes(writer, generator + layout->gen.gi_frame_state) =
			(uint8_t)layout->traits.gen_cleared_state;
	assert_false(pyframe_read_generator(&heap.context, generator, &frame));
	close_written_heap(&heap);
}

// A tuple of free variables; or (3.11) kinds of all variables, in one tuple of names.
static void test_free_variables(void **state)
{
	static const char *const locals[] = {"a", "b", "c"};
	static const uint8_t kinds[] = {0x20, 0x80, 0x80};
	struct heap_writer *writer = heap_writer_create(layout);
	remote_addr code = heap_writer_code(writer, "f", 3, locals, 2, 1, "", 0);
	remote_addr names[2] = {heap_writer_str(writer, "b"), heap_writer_str(writer, "c")};
	struct pycode_slots slots;
	struct open_heap heap;
	char text[8];

	(void)state;
	if (WRITER_HAS_OLD_FRAMES(layout))
		heap_writer_put_ref(writer, code + layout->code.co_freevars,
			heap_writer_tuple(writer, 2, names));
	else
		heap_writer_put_ref(writer, code + layout->code.co_localspluskinds,
			heap_writer_bytes_object(writer, kinds, sizeof(kinds)));
	open_written_heap(&heap, writer);
	for (unsigned i = 0; i < 2; i++) {
		assert_true(pytext_str(&heap.context, pycode_free_name(&heap.context, code, i),
			text, sizeof(text)));
		assert_string_equal(text, i ? "c" : "b");
	}
	assert_int_equal(pycode_free_name(&heap.context, code, 2), 0);
	assert_int_equal(pycode_free_name(&heap.context, code, UINT64_MAX), 0);
	assert_int_equal(pycode_free_name(&heap.context, 0, 0), 0);
	// Cells and free variables are slots as well.
	assert_true(pycode_slots(&heap.context, code, &slots));
	assert_int_equal(slots.locals, WRITER_HAS_OLD_FRAMES(layout) ? 5 : 3);
	assert_int_equal(slots.stack, 2);
	assert_true(pytext_str(&heap.context,
		pycode_local_name(&heap.context, &slots, slots.locals - 1), text, sizeof(text)));
	assert_string_equal(text, "c");
	assert_int_equal(pycode_local_name(&heap.context, &slots, slots.locals), 0);
	// More than any function has.
	heap_writer_put_u32(writer, code + layout->code.co_stacksize, UINT32_MAX);
	assert_false(pycode_slots(&heap.context, code, &slots));
	close_written_heap(&heap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_locations_each_form),
		cmocka_unit_test(test_locations_no_location_keeps_the_line),
		cmocka_unit_test(test_locations_broken_tables),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_empty_table),
		cmocka_unit_test(test_hostile_tables),
		cmocka_unit_test(test_noise_in_tables),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_generator),
		cmocka_unit_test(test_free_variables),
	};

	return RUN_ON_EACH_ROW(tests);
}
