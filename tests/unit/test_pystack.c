// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/* Stacks of threads, locals of their frames, and the words that say lengths, on each row. */
#include "check.h"
#include "open_heap.h"

#include <stdlib.h>
#include <string.h>

#include "cpython/pycode.h"
#include "cpython/pyruntime.h"
#include "cpython/pystack.h"
#include "cpython/pytext.h"

#define DEPTH 5

// An instruction that Python shows (3.11: behind what prepares a frame).
#define SHOWN 8

static remote_addr only_thread(struct open_heap *heap)
{
	struct addr_vector threads = {0};
	remote_addr thread;

	assert_success(
		pyruntime_threads(&heap->context, heap->python->interpreters.items[0], &threads));
	assert_int_equal(threads.count, 1);
	thread = threads.items[0];
	addr_vector_deinit(&threads);
	return thread;
}

static remote_addr call(struct heap_writer *writer, const char *name, int64_t instruction)
{
	remote_addr code = heap_writer_code(writer, name, 0, NULL, 2, 100, "", 0);
	remote_addr frame = heap_writer_call(writer, code, 0, NULL, -1);

	heap_writer_set_instruction(writer, frame, instruction);
	return code;
}

static void test_frames(void **state)
{
	struct heap_writer *writer = heap_writer_create(layout);
	struct pystack_frame frames[DEPTH + 1];
	remote_addr codes[DEPTH];
	struct open_heap heap;
	bool is_cut;

	(void)state;
	for (unsigned i = 0; i < DEPTH; i++)
		codes[i] = call(writer, "f", SHOWN + 2 * i);
	open_written_heap(&heap, writer);
	assert_int_equal(
		pystack_read(&heap.context, only_thread(&heap), frames, DEPTH + 1, &is_cut), DEPTH);
	assert_false(is_cut);
	for (unsigned i = 0; i < DEPTH; i++) {
		assert_int_equal(frames[i].frame.code, codes[DEPTH - 1 - i]);
		assert_int_equal(frames[i].instruction, SHOWN + 2 * (DEPTH - 1 - i));
	}
	// The outermost ones are left out.
	assert_int_equal(pystack_read(&heap.context, only_thread(&heap), frames, 2, &is_cut), 2);
	assert_true(is_cut);
	assert_int_equal(frames[0].frame.code, codes[DEPTH - 1]);
	assert_int_equal(pystack_read(&heap.context, 0, frames, 2, &is_cut), 0);
	close_written_heap(&heap);
}

static void test_frames_that_python_does_not_show(void **state)
{
	struct heap_writer *writer = heap_writer_create(layout);
	struct pystack_frame frames[DEPTH];
	remote_addr code, inner;
	struct open_heap heap;
	bool is_cut;

	(void)state;
	code = call(writer, "f", SHOWN);
	inner = call(writer, "g", SHOWN);
	if (pylayout_has(layout->code.co_firsttraceable))
		heap_writer_put_u32(writer, inner + layout->code.co_firsttraceable, SHOWN);
	open_written_heap(&heap, writer);
	if (pylayout_has(layout->code.co_firsttraceable)) {
		assert_int_equal(
			pystack_read(&heap.context, only_thread(&heap), frames, DEPTH, &is_cut), 1);
		assert_int_equal(frames[0].frame.code, code);
	} else {
		assert_int_equal(
			pystack_read(&heap.context, only_thread(&heap), frames, DEPTH, &is_cut), 2);
	}
	close_written_heap(&heap);
}

// A chain of frames that leads in a circle ends.
static void test_a_circle_of_frames(void **state)
{
	struct heap_writer *writer = heap_writer_create(layout);
	static struct pystack_frame frames[1000];
	struct pystack_frame innermost;
	struct open_heap heap;
	bool is_cut;
	remote_addr outer;

	(void)state;
	call(writer, "f", SHOWN);
	call(writer, "g", SHOWN);
	open_written_heap(&heap, writer);
	assert_int_equal(
		pystack_read(&heap.context, only_thread(&heap), &innermost, 1, &is_cut), 1);
	outer = innermost.frame.previous;
	heap_writer_put(writer,
		outer + (WRITER_HAS_OLD_FRAMES(layout) ? layout->frame.f_back
						       : layout->iframe.previous),
		innermost.frame.addr);
	pystack_read(&heap.context, only_thread(&heap), frames, 1000, &is_cut);
	close_written_heap(&heap);
}

// A byte within a word that has others.
static void set_owner(struct heap_writer *writer, remote_addr frame, uint8_t owner)
{
	remote_addr at = frame + layout->iframe.owner, word = at & ~3ull;
	unsigned shift = (unsigned)(at % 4) * 8;
	uint32_t others = heap_writer_get_u32(writer, word) & ~(0xffu << shift);

	heap_writer_put_u32(writer, word, others | (uint32_t)owner << shift);
}

// The evaluation function's own frame on the C stack: named by the interpreter, or the one that Python's frames
// are entered by.
static void test_where_the_evaluation_is(void **state)
{
	struct heap_writer *writer = heap_writer_create(layout);
	remote_addr code = heap_writer_code(writer, "f", 0, NULL, 2, 100, "", 0), entry,
		    expected = 0;
	struct open_heap heap;

	(void)state;
	heap_writer_call(writer, code, 0, NULL, -1);
	entry = heap_writer_call(writer, code, 0, NULL, -1);
	heap_writer_call(writer, code, 0, NULL, -1);
	open_written_heap(&heap, writer);
	if (pylayout_has(layout->tstate.cframe))
		expected = heap_writer_get(writer, only_thread(&heap) + layout->tstate.cframe);
	else
		assert_int_equal(pystack_evaluation(&heap.context, only_thread(&heap)), 0);
	if (pylayout_has(layout->tstate.current_frame)) {
		set_owner(writer, entry, PYFRAME_OTHER);
		expected = entry;
		pyreader_forget(&heap.context.reader);
	}
	assert_int_equal(pystack_evaluation(&heap.context, only_thread(&heap)), expected);
	assert_int_equal(pystack_evaluation(&heap.context, 0), 0);
	close_written_heap(&heap);
}

static void test_whose_thread_it_is(void **state)
{
	struct heap_writer *writer = heap_writer_create(layout);
	struct open_heap heap;
	remote_addr thread;

	(void)state;
	open_written_heap(&heap, writer);
	thread = only_thread(&heap);
	heap_writer_put(writer, thread + layout->tstate.thread_id, 0x7f0000001740);
	assert_int_equal(pystack_find_thread(&heap.context, 0x7f0000001740), thread);
	assert_int_equal(pystack_find_thread(&heap.context, 0x7f0000002740), 0);
	assert_int_equal(pystack_find_thread(&heap.context, 0), 0);
	close_written_heap(&heap);
}

static void test_locals(void **state)
{
	static const char *const names[] = {"self", "environ"};
	struct heap_writer *writer = heap_writer_create(layout);
	remote_addr values[2] = {heap_writer_str(writer, "x"), heap_writer_str(writer, "y")};
	remote_addr code = heap_writer_code(writer, "f", 2, names, 2, 100, "", 0);
	struct pystack_frame frame;
	struct open_heap heap;
	bool is_cut;
	uint32_t slot;

	(void)state;
	heap_writer_set_instruction(writer, heap_writer_call(writer, code, 2, values, 2), SHOWN);
	open_written_heap(&heap, writer);
	assert_int_equal(pystack_read(&heap.context, only_thread(&heap), &frame, 1, &is_cut), 1);
	slot = pycode_find_local(&heap.context, code, "environ");
	assert_int_equal(slot, 1);
	assert_int_equal(pyframe_local(&heap.context, &frame.frame, slot), values[1]);
	assert_int_equal(pycode_find_local(&heap.context, code, "scope"), PYCODE_NO_LOCAL);
	assert_int_equal(pycode_find_local(&heap.context, 0, "scope"), PYCODE_NO_LOCAL);
	close_written_heap(&heap);
}

static void test_words_of_lengths(void **state)
{
	struct heap_writer *writer = heap_writer_create(layout);
	remote_addr item = heap_writer_str(writer, "x"), object;
	remote_addr list = heap_writer_list(writer, 1, &item, 4);
	remote_addr dict = heap_writer_dict(writer, 1, 1, &item, &item);
	remote_addr set = heap_writer_set(writer, 1, &item, 0);
	remote_addr deque = heap_writer_deque(writer, 1, &item, 0, UINT64_MAX);
	remote_addr tuple = heap_writer_tuple(writer, 1, &item);
	remote_addr cls = heap_writer_class_with(
		writer, "C", "m", heap_writer_type(writer, WRITER_OBJECT), 1, &item);
	remote_addr instance = heap_writer_instance_of_dict(writer, cls, dict);
	remote_addr all[] = {list, dict, set, deque};
	struct open_heap heap;

	(void)state;
	open_written_heap(&heap, writer);
	for (unsigned i = 0; i < sizeof(all) / sizeof(*all); i++) {
		remote_addr word = pyobject_length_word(&heap.context, all[i], &object);

		assert_int_not_equal(word, 0);
		assert_int_equal(object, all[i]);
		assert_int_equal(heap_writer_get(writer, word), 1);
		heap_writer_put(writer, word, 7);
		pyreader_forget(&heap.context.reader);
		assert_int_equal(pyobject_length(&heap.context, all[i]), 7);
	}
	assert_int_equal(pyobject_length_word(&heap.context, instance, &object),
		dict + layout->dict.ma_used);
	assert_int_equal(object, dict);
	// What cannot grow has none.
	assert_int_equal(pyobject_length_word(&heap.context, tuple, &object), 0);
	assert_int_equal(pyobject_length_word(&heap.context, item, &object), 0);
	assert_int_equal(pyobject_length_word(&heap.context, 0, &object), 0);
	assert_int_equal(pyobject_length_word(&heap.context, 0x10, &object), 0);
	close_written_heap(&heap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_frames_that_python_does_not_show),
		cmocka_unit_test(test_a_circle_of_frames),
		cmocka_unit_test(test_where_the_evaluation_is),
		cmocka_unit_test(test_whose_thread_it_is),
		cmocka_unit_test(test_locals),
		cmocka_unit_test(test_words_of_lengths),
	};

	return RUN_ON_EACH_ROW(tests);
}
