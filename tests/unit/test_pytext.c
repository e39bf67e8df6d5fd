// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
//
// Text and small values read for showing, and look-ups by name.
#include "check.h"
#include "open_heap.h"

#include <string.h>

#include "base/utf8.h"
#include "cpython/pytext.h"

static bool is_utf8(const char *text)
{
	while (*text) {
		size_t length = utf8_character_length(text);

		if (!length)
			return false;
		text += length;
	}
	return true;
}

static void test_str_kinds(void **state)
{
	static const uint32_t texts[][4] = {
		{'a', 'b', 'c', 'd'},
		{0xe4, 'x', 0xff, 0x80},
		{0x20ac, 'x', 0xd800, 0x7f},
		{0x1f600, 0x110000, '\n', 0xffffffff},
	};
	static const char *const expected[] = {
		"abcd", "äxÿ\xc2\x80", "€x\\ud800\\x7f", "😀\\u110000\\x0a\\uffffff"};
	struct heap_writer *writer = heap_writer_create(layout);
	remote_addr strings[4];
	struct open_heap heap;
	char text[64];

	(void)state;
	strings[0] = heap_writer_str_of(writer, texts[0], 4, 1);
	strings[1] = heap_writer_str_of(writer, texts[1], 4, 1);
	strings[2] = heap_writer_str_of(writer, texts[2], 4, 2);
	strings[3] = heap_writer_str_of(writer, texts[3], 4, 4);
	open_written_heap(&heap, writer);
	for (unsigned i = 0; i < 4; i++) {
		assert_true(pytext_str(&heap.context, strings[i], text, sizeof(text)));
		assert_string_equal(text, expected[i]);
		// Cut anywhere, it ends with a whole character.
		for (size_t size = 1; size < sizeof(text); size++) {
			assert_true(pytext_str(&heap.context, strings[i], text, size));
			assert_true(strlen(text) < size && is_utf8(text));
			assert_memory_equal(text, expected[i], strlen(text));
		}
	}
	assert_false(pytext_str(&heap.context, 0, text, sizeof(text)));
	assert_string_equal(text, "");
	assert_false(pytext_str(&heap.context, heap_writer_none(writer), text, sizeof(text)));
	heap_writer_put(writer,
		strings[0] + (WRITER_IS_PYTHON_2(layout) ? layout->old_unicode.length
							 : layout->str.length),
		UINT64_MAX);
	assert_false(pytext_str(&heap.context, strings[0], text, sizeof(text)));
	close_written_heap(&heap);
}

static void test_int(void **state)
{
	static const int64_t values[] = {0, 1, -1, 1 << 30, -(1ll << 30), 1ll << 60, INT64_MAX,
		-INT64_MAX, 123456789012345678};
	struct heap_writer *writer = heap_writer_create(layout);
	remote_addr ints[9], old[9], digits;
	struct open_heap heap;
	int64_t value;

	(void)state;
	for (unsigned i = 0; i < 9; i++)
		ints[i] = heap_writer_long(writer, values[i]);
	for (unsigned i = 0; i < 9; i++)
		old[i] = heap_writer_int(writer, values[i]);
	open_written_heap(&heap, writer);
	for (unsigned i = 0; i < 9; i++) {
		assert_true(pytext_int(&heap.context, ints[i], &value));
		assert_int_equal(value, values[i]);
		assert_true(pytext_int(&heap.context, old[i], &value));
		assert_int_equal(value, values[i]);
	}
	assert_false(pytext_int(&heap.context, heap_writer_none(writer), &value));
	assert_false(pytext_int(&heap.context, 0, &value));
	// Past 63 bits, more digits than that, no int's digit, and a count without an absolute
	// value.
	digits = ints[6] + layout->long_int.ob_digit;
	heap_writer_put_u32(writer, digits + 8, 8);
	assert_false(pytext_int(&heap.context, ints[6], &value));
	heap_writer_put(writer, ints[6] + layout->object.ob_size,
		pylayout_has(layout->long_int.lv_tag) ? 4 << 3 : 4);
	assert_false(pytext_int(&heap.context, ints[6], &value));
	heap_writer_put_u32(writer, ints[1] + layout->long_int.ob_digit, 1u << 30);
	assert_false(pytext_int(&heap.context, ints[1], &value));
	heap_writer_put(writer, ints[2] + layout->object.ob_size, INT64_MIN);
	assert_false(pytext_int(&heap.context, ints[2], &value));
	close_written_heap(&heap);
}

static void test_keys(void **state)
{
	struct heap_writer *writer = heap_writer_create(layout);
	uint32_t umlauts[70];
	remote_addr number = heap_writer_int(writer, -17), name = heap_writer_str(writer, "users");
	remote_addr secret = heap_writer_str(writer, "Dear Ms Jones,"),
		    none = heap_writer_none(writer);
	remote_addr odd = heap_writer_float(writer, 1);
	remote_addr items[] = {number, name, none, secret, odd}, wide, wide_pair;
	remote_addr pair = heap_writer_tuple(writer, 2, items);
	remote_addr one = heap_writer_tuple(writer, 1, items);
	remote_addr five = heap_writer_tuple(writer, 5, items);
	remote_addr zero = heap_writer_tuple(writer, 0, NULL);
	const struct {
		remote_addr object;
		const char *text;
	} expected[] = {
		{number, "-17"},
		{name, "'users'"},
		{secret, "<str>"},
		{none, "None"},
		{odd, "<float>"},
		{0, "?"},
		{heap_writer_type(writer, WRITER_INT), "<class int>"},
		{pair, "(-17, 'users')"},
		{one, "(-17,)"},
		{five, "(-17, 'users', None, <str>, …)"},
		{zero, "()"},
	};
	struct open_heap heap;
	char text[120];

	(void)state;
	for (unsigned i = 0; i < 70; i++)
		umlauts[i] = 0xe4;
	umlauts[0] = 'x';
	wide = heap_writer_str_of(writer, umlauts, 40, 1);
	wide_pair = heap_writer_tuple(writer, 2, (remote_addr[]){wide, wide});
	open_written_heap(&heap, writer);
	for (unsigned i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		pytext_key(&heap.context, expected[i].object, text, sizeof(text));
		assert_string_equal(text, expected[i].text);
	}
	// Cut to any size, it is whole characters.
	for (size_t size = 1; size < sizeof(text); size++) {
		pytext_key(&heap.context, wide_pair, text, size);
		assert_true(is_utf8(text));
		pytext_key(&heap.context, wide, text, size);
		assert_true(is_utf8(text));
		pytext_key(&heap.context, five, text, size);
		assert_true(is_utf8(text));
	}
	close_written_heap(&heap);
}

static void test_find_by_name(void **state)
{
	struct heap_writer *writer = heap_writer_create(layout);
	remote_addr names[3] = {heap_writer_str(writer, "first"), heap_writer_str(writer, "second"),
		heap_writer_str(writer, "sec")};
	remote_addr values[3], dict, cls, own, with_dict;
	struct open_heap heap;

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		values[i] = heap_writer_float(writer, i);
	dict = heap_writer_dict(writer, 1, 3, names, values);
	cls = heap_writer_class_with(
		writer, "C", "m", heap_writer_type(writer, WRITER_OBJECT), 3, names);
	own = heap_writer_instance(writer, cls, values);
	with_dict = heap_writer_instance_of_dict(writer, cls, dict);
	open_written_heap(&heap, writer);
	assert_int_equal(pydict_find(&heap.context, dict, "second"), values[1]);
	assert_int_equal(pydict_find(&heap.context, dict, "sec"), values[2]);
	assert_int_equal(pydict_find(&heap.context, dict, "seco"), 0);
	assert_int_equal(pydict_find(&heap.context, 0, "sec"), 0);
	assert_int_equal(pydict_find(&heap.context, 4096, "sec"), 0);
	assert_int_equal(pyinstance_attribute(&heap.context, own, "second"), values[1]);
	assert_int_equal(pyinstance_attribute(&heap.context, with_dict, "first"), values[0]);
	assert_int_equal(pyinstance_attribute(&heap.context, own, "third"), 0);
	assert_int_equal(pyinstance_attribute(&heap.context, values[0], "first"), 0);
	assert_int_equal(pyinstance_attribute(&heap.context, 0, "first"), 0);
	close_written_heap(&heap);
}

static void test_c_string(void **state)
{
	struct heap_writer *writer = heap_writer_create(layout);
	remote_addr block = heap_writer_alloc(writer, 64);
	struct open_heap heap;
	char text[16];

	(void)state;
	strcpy((char *)heap_writer_bytes(writer, block), "x\ty\xff");
	open_written_heap(&heap, writer);
	assert_true(pytext_c_string(&heap.context, block, text, sizeof(text)));
	assert_string_equal(text, "x\\x09y?");
	assert_false(pytext_c_string(&heap.context, 0, text, sizeof(text)));
	assert_string_equal(text, "");
	close_written_heap(&heap);
}

// A class is called by its module and qualified name; text that is not ASCII is not where that is.
static void test_class_names(void **state)
{
	static const uint32_t umlaut[] = {0xc4, 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'};
	struct heap_writer *writer = heap_writer_create(layout);
	remote_addr object = heap_writer_type(writer, WRITER_OBJECT);
	remote_addr plain = heap_writer_class(writer, "Point", "shapes", object);
	remote_addr odd = heap_writer_class(writer, "Odd", "shapes", object);
	remote_addr builtin = heap_writer_class(writer, "Own", "builtins", object);
	remote_addr name = heap_writer_str_of(writer, umlaut, 9, 1);
	struct open_heap heap;
	const struct pytypes *types;

	(void)state;
	if (pylayout_has(layout->heap_type.ht_qualname)) {
		heap_writer_put(writer, odd + layout->heap_type.ht_qualname, name);
		heap_writer_put(writer, name + layout->str.utf8_length, 0x4141414141414141);
		heap_writer_put(writer, name + layout->str.utf8, 0x4141414141414141);
	}
	open_written_heap(&heap, writer);
	types = heap.python->types;
	assert_string_equal(types->list.items[pytypes_find(types, plain)].name, "shapes.Point");
	assert_string_equal(types->list.items[pytypes_find(types, odd)].name, "shapes.Odd");
	assert_string_equal(types->list.items[pytypes_find(types, builtin)].name, "Own");
	assert_true(types->list.items[pytypes_find(types, plain)].is_python_class);
	assert_false(types->list.items[pytypes_find(types, object)].is_python_class);
	close_written_heap(&heap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_str_kinds),
		cmocka_unit_test(test_int),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_find_by_name),
		cmocka_unit_test(test_c_string),
		cmocka_unit_test(test_class_names),
	};

	return RUN_ON_EACH_ROW(tests);
}
