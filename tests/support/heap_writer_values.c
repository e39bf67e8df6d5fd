// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
//
// Objects as such, numbers and text.
#include "heap_writer_private.h"

#include <string.h>

#define DIGIT_BITS      30
// gc_refs of what is on a list (Modules/gcmodule.c up to 3.7: _PyGC_REFS_REACHABLE).
#define GC_REFS_TRACKED (-3)
#define LV_ZERO         1
#define LV_NEGATIVE     2

// Each object is put on another list than the one before.
static void track(struct heap_writer *writer, remote_addr head)
{
	const struct pylayout *layout = writer->layout;
	remote_addr list = writer->gc_heads[writer->tracked++ % writer->gc_head_count];
	remote_addr next = heap_writer_get(writer, list + layout->gc_head.next);

	heap_writer_put(writer, head + layout->gc_head.next, next);
	heap_writer_put(writer, head + layout->gc_head.prev, list);
	heap_writer_put(writer, next + layout->gc_head.prev, head);
	heap_writer_put(writer, list + layout->gc_head.next, head);
	writer_put_field(writer, head, layout->gc_head.gc_refs,
		(uint64_t)GC_REFS_TRACKED << layout->traits.gc_refs_shift);
}

remote_addr heap_writer_object(struct heap_writer *writer, remote_addr type, uint64_t size)
{
	const struct pylayout *layout = writer->layout;
	uint64_t flags;
	uint32_t gc, head;
	remote_addr block, object;

	writer_demand(type != 0, "an object of a type that the version does not have");
	flags = writer_type_word(writer, type, layout->type.tp_flags);
	gc = flags & PYTYPE_FLAG_GC ? layout->gc_head.size : 0;
	head = gc + (flags & layout->traits.preheader_flags ? layout->traits.preheader_bytes : 0);
	block = heap_writer_alloc(writer, head + size);
	object = block + head;
	memset(heap_writer_bytes(writer, block), 0, head + size);
	if (gc)
		track(writer, object - gc);
	// Only classes on the heap are counted by their instances.
	if (flags & PYTYPE_FLAG_HEAP)
		heap_writer_put_ref(writer, object + layout->object.ob_type, type);
	else
		heap_writer_put(writer, object + layout->object.ob_type, type);
	return object;
}

remote_addr writer_plain_object(struct heap_writer *writer, enum heap_writer_type type)
{
	remote_addr addr = writer->types[type];

	writer_demand(addr != 0, "an object of a type that the version does not have");
	return heap_writer_object(
		writer, addr, writer_type_word(writer, addr, writer->layout->type.tp_basicsize));
}

remote_addr heap_writer_none(struct heap_writer *writer)
{
	return writer->none;
}

// How many digits, and the sign: the sign of ob_size, or bits of lv_tag (3.12).
static uint64_t size_word(const struct pylayout *layout, uint64_t digits, bool is_negative)
{
	if (!pylayout_has(layout->long_int.lv_tag))
		return is_negative ? 0 - digits : digits;
	return digits << 3 | (is_negative ? LV_NEGATIVE : digits ? 0 : LV_ZERO);
}

remote_addr heap_writer_long(struct heap_writer *writer, int64_t value)
{
	const struct pylayout *layout = writer->layout;
	uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value, digits = 0;
	uint32_t digit[3];
	remote_addr object;

	for (; rest; rest >>= DIGIT_BITS)
		digit[digits++] = rest & ((1u << DIGIT_BITS) - 1);
	object = heap_writer_object(writer, writer->types[WRITER_LONG],
		layout->long_int.ob_digit + (digits ? digits : 1) * 4);
	heap_writer_put(
		writer, object + layout->object.ob_size, size_word(layout, digits, value < 0));
	for (uint64_t i = 0; i < digits; i++)
		heap_writer_put_u32(writer, object + layout->long_int.ob_digit + i * 4, digit[i]);
	return object;
}

remote_addr heap_writer_int(struct heap_writer *writer, int64_t value)
{
	remote_addr object;

	if (!WRITER_IS_PYTHON_2(writer->layout))
		return heap_writer_long(writer, value);
	object = writer_plain_object(writer, WRITER_INT);
	heap_writer_put(writer, object + writer->layout->old_int.ob_ival, (uint64_t)value);
	return object;
}

remote_addr heap_writer_float(struct heap_writer *writer, double value)
{
	remote_addr object = writer_plain_object(writer, WRITER_FLOAT);

	memcpy(heap_writer_bytes(writer, object + writer->layout->object.size), &value,
		sizeof(value));
	return object;
}

// Python 2's unicode: the text is a block of its own.
static remote_addr old_unicode(
	struct heap_writer *writer, const uint32_t *characters, uint64_t length)
{
	const struct pylayout *layout = writer->layout;
	remote_addr object = writer_plain_object(writer, WRITER_UNICODE);
	remote_addr text = heap_writer_alloc(writer, (length + 1) * 4);

	heap_writer_put(writer, object + layout->old_unicode.length, length);
	heap_writer_put(writer, object + layout->old_unicode.str, text);
	if (length)
		memcpy(heap_writer_bytes(writer, text), characters, length * 4);
	heap_writer_put_u32(writer, text + length * 4, 0);
	return object;
}

remote_addr heap_writer_str_of(
	struct heap_writer *writer, const uint32_t *characters, uint64_t length, unsigned width)
{
	const struct pylayout *layout = writer->layout;
	uint32_t base = layout->str.state * 8, head;
	bool is_ascii = width == 1;
	remote_addr object;

	if (WRITER_IS_PYTHON_2(layout))
		return old_unicode(writer, characters, length);
	for (uint64_t i = 0; i < length; i++)
		is_ascii &= characters[i] < 128;
	head = is_ascii ? layout->str.ascii_size : layout->str.compact_size;
	object = heap_writer_object(writer, writer->types[WRITER_STR], head + (length + 1) * width);
	heap_writer_put(writer, object + layout->str.length, length);
	heap_writer_put_u32(writer, object + layout->str.state,
		width << (layout->str.kind_bit - base) | 1u << (layout->str.compact_bit - base) |
			(uint32_t)is_ascii << (layout->str.ascii_bit - base));
	for (uint64_t i = 0; i < length; i++)
		memcpy(heap_writer_bytes(writer, object + head + i * width), &characters[i], width);
	return object;
}

remote_addr heap_writer_str(struct heap_writer *writer, const char *ascii)
{
	uint32_t characters[256];
	size_t length = strlen(ascii);

	writer_demand(length < 256, "a long string");
	if (WRITER_IS_PYTHON_2(writer->layout))
		return heap_writer_bytes_object(writer, ascii, length);
	for (size_t i = 0; i < length; i++)
		characters[i] = (unsigned char)ascii[i];
	return heap_writer_str_of(writer, characters, length, 1);
}

remote_addr heap_writer_bytes_object(struct heap_writer *writer, const void *bytes, uint64_t length)
{
	const struct pylayout *layout = writer->layout;
	remote_addr object = heap_writer_object(
		writer, writer->types[WRITER_BYTES], layout->bytes.ob_sval + length + 1);

	heap_writer_put(writer, object + layout->object.ob_size, length);
	if (length)
		memcpy(heap_writer_bytes(writer, object + layout->bytes.ob_sval), bytes, length);
	return object;
}
