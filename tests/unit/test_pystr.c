// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
//
// Text in each of its forms: where it is, and what becomes of it when its bytes are hostile.
#include "check.h"
#include "open_heap.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/utf8.h"
#include "cpython/pytext.h"

// Python 2's str and unicode, or PEP 393's of each width.
#define STRS 4

struct subject {
	struct heap_writer *writer;
	remote_addr strs[STRS];
	struct open_heap heap;
};

static const uint32_t characters[8] = {'a', 'b', 0xe9, 'd', 'e', 'f', 'g', 'h'};

static void begin(struct subject *subject)
{
	struct heap_writer *writer = heap_writer_create(layout);

	subject->writer = writer;
	subject->strs[0] = heap_writer_str(writer, "abcdefgh");
	subject->strs[1] = heap_writer_str_of(writer, characters, 8, 1);
	subject->strs[2] = heap_writer_str_of(writer, characters, 8, 2);
	subject->strs[3] = heap_writer_str_of(writer, characters, 8, 4);
	open_written_heap(&subject->heap, writer);
}

static enum pystr_form form_of(unsigned index)
{
	return WRITER_IS_PYTHON_2(layout) && index ? PYSTR_OLD : pystr_native_form(layout);
}

static bool view(struct subject *subject, unsigned index, struct pystr *ret)
{
	return pystr_view(&subject->heap.context.reader, layout, subject->strs[index],
		form_of(index), 4, ret);
}

static void test_forms(void **state)
{
	static const unsigned widths[2][STRS] = {{1, 1, 2, 4}, {1, 4, 4, 4}};
	struct subject subject;
	struct pystr it;

	(void)state;
	begin(&subject);
	assert_int_equal(pystr_native_form(layout),
		WRITER_IS_PYTHON_2(layout) ? PYSTR_BYTES : PYSTR_COMPACT);
	for (unsigned i = 0; i < STRS; i++) {
		assert_true(view(&subject, i, &it));
		assert_int_equal(it.length, 8);
		assert_int_equal(it.width, widths[WRITER_IS_PYTHON_2(layout)][i]);
		assert_int_equal(it.is_bytes, WRITER_IS_PYTHON_2(layout) && !i);
		assert_int_equal(pystr_equals(&subject.heap.context.reader, &it, "abcdefgh"), !i);
		assert_false(pystr_equals(&subject.heap.context.reader, &it, "abcdefg"));
		assert_false(pystr_equals(&subject.heap.context.reader, &it, ""));
	}
	close_written_heap(&subject.heap);
}

// The text of what is not compact is elsewhere.
static void test_not_compact(void **state)
{
	uint32_t bit = layout->str.compact_bit - layout->str.state * 8;
	struct subject subject;
	remote_addr state_at;
	struct pystr it;

	(void)state;
	if (WRITER_IS_PYTHON_2(layout))
		return;
	begin(&subject);
	state_at = subject.strs[1] + layout->str.state;
	heap_writer_put_u32(subject.writer, state_at,
		heap_writer_get_u32(subject.writer, state_at) & ~(1u << bit));
	heap_writer_put(subject.writer, subject.strs[1] + layout->str.data, subject.strs[3]);
	assert_true(view(&subject, 1, &it));
	assert_int_equal(it.text, subject.strs[3]);
	heap_writer_put(subject.writer, subject.strs[1] + layout->str.data, 0);
	assert_false(view(&subject, 1, &it));
	close_written_heap(&subject.heap);
}

static void drop_refs(struct pyscan *scan)
{
	(void)scan;
}

static void look(struct subject *subject, unsigned index)
{
	struct pycontext *context = &subject->heap.context;
	struct pyscan scan = {.context = context, .flush = drop_refs};
	struct pystr it;
	char text[100];

	if (view(subject, index, &it)) {
		assert_true(it.length <= LIMIT_ITEMS);
		assert_true(it.width == 1 || it.width == 2 || it.width == 4);
		pystr_equals(&context->reader, &it, "abcdefgh");
	}
	for (size_t size = 1; size <= sizeof(text); size += 33) {
		pytext_str(context, subject->strs[index], text, size);
		assert_true(strlen(text) < size);
		for (const char *c = text; *c; c += utf8_character_length(c))
			assert_true(utf8_character_length(c) > 0);
	}
	pytext_key(context, subject->strs[index], text, sizeof(text));
	pyobject_length(context, subject->strs[index]);
	pyobject_scan_at(&scan, subject->strs[index]);
}

static void test_hostile_headers(void **state)
{
	static const uint64_t odd[] = {0, 1, 7, 255, UINT32_MAX, 1ull << 32, 1ull << 36,
		(1ull << 36) + 1, 1ull << 47, INT64_MAX, 1ull << 63, UINT64_MAX};
	struct subject subject;

	(void)state;
	begin(&subject);
	for (unsigned i = 0; i < STRS; i++) {
		for (uint32_t at = layout->object.size; at < layout->str.legacy_size; at += 8) {
			uint64_t old = heap_writer_get(subject.writer, subject.strs[i] + at);

			for (size_t k = 0; k < sizeof(odd) / sizeof(odd[0]); k++) {
				heap_writer_put(subject.writer, subject.strs[i] + at, odd[k]);
				look(&subject, i);
			}
			heap_writer_put(subject.writer, subject.strs[i] + at, old);
		}
	}
	close_written_heap(&subject.heap);
}

static void test_noise(void **state)
{
	struct subject subject;

	(void)state;
	begin(&subject);
	srand(5);
	for (unsigned round = 0; round < 500; round++) {
		unsigned index = round % STRS;

		for (uint32_t at = layout->object.size; at < 64; at += 4)
			heap_writer_put_u32(subject.writer, subject.strs[index] + at,
				rand() % 3 ? (uint32_t)rand() : (uint32_t)(rand() % 9));
		look(&subject, index);
	}
	close_written_heap(&subject.heap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_not_compact),
		cmocka_unit_test(test_hostile_headers),
		cmocka_unit_test(test_noise),
	};

	return RUN_ON_EACH_ROW(tests);
}
