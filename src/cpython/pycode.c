// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "cpython/pycode.h"

#include "base/limits.h"
#include "cpython/pystr.h"

// A line table longer than this belongs to no function.
#define LINETABLE_MAX (16 << 20)
// Kind bytes of a code's variables (Include/internal/pycore_code.h: CO_FAST_FREE).
#define KIND_FREE     0x80

static uint64_t tuple_size(struct pycontext *context, remote_addr tuple)
{
	return tuple ? pyreader_pointer(
			       &context->reader, tuple + context->python->layout->object.ob_size)
		     : 0;
}

static remote_addr tuple_item(struct pycontext *context, remote_addr tuple, uint64_t index)
{
	return pyreader_pointer(
		&context->reader, tuple + context->python->layout->tuple.ob_item + index * 8);
}

bool pycode_slots(struct pycontext *context, remote_addr code, struct pycode_slots *ret)
{
	const struct pylayout *layout = context->python->layout;
	struct pyreader *reader = &context->reader;
	uint64_t cells, frees;

	*ret = (struct pycode_slots){0};
	if (!code || !pyreader_u32(reader, code + layout->code.co_stacksize, &ret->stack))
		return false;
	if (pylayout_has(layout->code.co_nlocalsplus)) {
		if (!pyreader_u32(reader, code + layout->code.co_nlocalsplus, &ret->locals) ||
			!pyreader_u64(
				reader, code + layout->code.co_localsplusnames, &ret->names[0]))
			return false;
	} else {
		const uint32_t names[3] = {layout->code.co_varnames, layout->code.co_cellvars,
			layout->code.co_freevars};

		for (unsigned i = 0; i < 3; i++)
			ret->names[i] = pyreader_pointer(reader, code + names[i]);
		cells = tuple_size(context, ret->names[1]);
		frees = tuple_size(context, ret->names[2]);
		if (!pyreader_u32(reader, code + layout->code.co_nlocals, &ret->locals) ||
			cells > LIMIT_FRAME_SLOTS || frees > LIMIT_FRAME_SLOTS ||
			ret->locals > LIMIT_FRAME_SLOTS)
			return false;
		ret->locals += (uint32_t)(cells + frees);
	}
	return ret->locals <= LIMIT_FRAME_SLOTS && ret->stack <= LIMIT_FRAME_SLOTS;
}

remote_addr pycode_local_name(
	struct pycontext *context, const struct pycode_slots *slots, uint32_t index)
{
	uint64_t left = index;

	for (unsigned i = 0; i < 3 && slots->names[i]; i++) {
		uint64_t count = tuple_size(context, slots->names[i]);

		if (left < count)
			return tuple_item(context, slots->names[i], left);
		left -= count;
	}
	return 0;
}

uint32_t pycode_find_local(struct pycontext *context, remote_addr code, const char *name)
{
	struct pycode_slots slots;

	if (!pycode_slots(context, code, &slots))
		return PYCODE_NO_LOCAL;
	for (uint32_t i = 0; i < slots.locals; i++) {
		struct pystr str;

		if (pystr_view(&context->reader, context->python->layout,
			    pycode_local_name(context, &slots, i),
			    pystr_native_form(context->python->layout), 0, &str) &&
			pystr_equals(&context->reader, &str, name))
			return i;
	}
	return PYCODE_NO_LOCAL;
}

remote_addr pycode_free_name(struct pycontext *context, remote_addr code, uint64_t index)
{
	const struct pylayout *layout = context->python->layout;
	struct pyreader *reader = &context->reader;
	struct pycode_slots slots;
	remote_addr kinds;

	if (!pycode_slots(context, code, &slots))
		return 0;
	if (!pylayout_has(layout->code.co_localspluskinds))
		return index < tuple_size(context, slots.names[2])
			       ? tuple_item(context, slots.names[2], index)
			       : 0;
	kinds = pyreader_pointer(reader, code + layout->code.co_localspluskinds);
	for (uint32_t i = 0; kinds && i < slots.locals; i++) {
		const uint8_t *kind = pyreader_bytes(reader, kinds + layout->bytes.ob_sval + i, 1);

		if (!kind)
			return 0;
		if (*kind & KIND_FREE && !index--)
			return pycode_local_name(context, &slots, i);
	}
	return 0;
}

remote_addr pycode_name(struct pycontext *context, remote_addr code)
{
	const struct pylayout *layout = context->python->layout;

	return pyreader_pointer(&context->reader,
		code + (pylayout_has(layout->code.co_qualname) ? layout->code.co_qualname
							       : layout->code.co_name));
}

// Reads a line table, which is a bytes object.
struct line_table {
	struct pycontext *context;
	remote_addr at, end;
};

static bool next_byte(struct line_table *table, uint8_t *ret)
{
	const uint8_t *byte = table->at < table->end
				      ? pyreader_bytes(&table->context->reader, table->at, 1)
				      : NULL;

	if (!byte)
		return false;
	table->at++;
	*ret = *byte;
	return true;
}

// A signed number: six bits per byte, low first, bit 6 says more follow; bit 0 of the value is the
// sign.
static bool next_signed(struct line_table *table, int64_t *ret)
{
	uint64_t value = 0;
	uint8_t byte = 0x40;

	for (unsigned shift = 0; byte & 0x40 && shift < 60; shift += 6) {
		if (!next_byte(table, &byte))
			return false;
		value |= (uint64_t)(byte & 0x3f) << shift;
	}
	*ret = value & 1 ? -(int64_t)(value >> 1) : (int64_t)(value >> 1);
	return true;
}

// The line change that an entry of this code says; its other fields are passed by their top bit.
static bool line_delta(struct line_table *table, unsigned code, int64_t *ret)
{
	*ret = 0;
	if (code == 13 || code == 14)
		return next_signed(table, ret);
	if (code >= 10 && code <= 12)
		*ret = (int64_t)code - 10;
	return true;
}

static bool is_line(int64_t line)
{
	return line >= 0 && line <= INT32_MAX;
}

// PYLINES_LOCATIONS, Objects/locations.md.
static int64_t line_of_locations(struct line_table *table, int64_t line, uint64_t instruction)
{
	uint64_t offset = 0;
	int64_t delta;
	uint8_t head;

	while (next_byte(table, &head)) {
		if (!(head & 0x80))
			continue; // the rest of an entry
		if (!line_delta(table, head >> 3 & 15, &delta))
			return 0;
		line += delta;
		if (!is_line(line))
			return 0;
		offset += ((head & 7u) + 1) * 2;
		if (instruction < offset)
			return line;
	}
	return 0;
}

// PYLINES_RANGES, Objects/lnotab_notes.txt of 3.10: bytes, and the change of line before them; -128
// is a range without a line.
static int64_t line_of_ranges(struct line_table *table, int64_t line, uint64_t instruction)
{
	uint64_t offset = 0;
	uint8_t bytes, delta;

	while (next_byte(table, &bytes) && next_byte(table, &delta)) {
		if ((int8_t)delta != -128)
			line += (int8_t)delta;
		if (!is_line(line))
			return 0;
		offset += bytes;
		if (instruction < offset)
			return line;
	}
	return 0;
}

// PYLINES_UNSIGNED and PYLINES_SIGNED, Objects/lnotab_notes.txt up to 3.9: a change of line counts
// from the end of the bytes that come with it.
static int64_t line_of_pairs(
	struct line_table *table, int64_t line, uint64_t instruction, bool is_signed)
{
	uint64_t offset = 0;
	uint8_t bytes, delta;

	while (next_byte(table, &bytes) && next_byte(table, &delta)) {
		offset += bytes;
		if (offset > instruction)
			break;
		line += is_signed ? (int8_t)delta : delta;
		if (!is_line(line))
			return 0;
	}
	return line;
}

uint32_t pycode_line(struct pycontext *context, remote_addr code, int64_t offset)
{
	const struct pylayout *layout = context->python->layout;
	struct pyreader *reader = &context->reader;
	bool has_pairs = layout->traits.line_table <= PYLINES_SIGNED;
	remote_addr bytes = pyreader_pointer(
		reader, code + (has_pairs ? layout->code.co_lnotab : layout->code.co_linetable));
	struct line_table table = {.context = context, .at = bytes + layout->bytes.ob_sval};
	uint64_t size;
	uint32_t first;

	// A function of one line may have no pairs at all.
	if (!bytes || !pyreader_u64(reader, bytes + layout->object.ob_size, &size) ||
		(!size && !has_pairs) || size > LINETABLE_MAX ||
		!pyreader_u32(reader, code + layout->code.co_firstlineno, &first) ||
		!is_line(first))
		return 0;
	if (offset < 0)
		return first;
	table.end = table.at + size;
	switch (layout->traits.line_table) {
	case PYLINES_UNSIGNED:
	case PYLINES_SIGNED:
		return (uint32_t)line_of_pairs(&table, first, (uint64_t)offset,
			layout->traits.line_table == PYLINES_SIGNED);
	case PYLINES_RANGES:
		return (uint32_t)line_of_ranges(&table, first, (uint64_t)offset);
	case PYLINES_LOCATIONS:
		return (uint32_t)line_of_locations(&table, first, (uint64_t)offset);
	}
	return 0;
}
