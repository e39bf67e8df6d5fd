// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "cpython/pyframe.h"

#include "base/limits.h"
#include "cpython/pytext.h"

#include <stdio.h>

// A line table longer than this belongs to no function.
#define LINETABLE_MAX (16 << 20)

remote_addr pyframe_innermost(struct pycontext *context, remote_addr thread)
{
	const struct pylayout *layout = context->python->layout;
	remote_addr cframe = pyreader_pointer(&context->reader, thread + layout->tstate.cframe);

	return cframe ? pyreader_pointer(&context->reader, cframe + layout->cframe.current_frame)
		      : 0;
}

bool pyframe_read(struct pycontext *context, remote_addr addr, struct pyframe *ret)
{
	const struct pylayout *layout = context->python->layout;
	const uint8_t *bytes = pyreader_bytes(&context->reader, addr, layout->iframe.localsplus);

	if (!bytes)
		return false;
	*ret = (struct pyframe){
		.addr = addr,
		.previous = load_u64(bytes + layout->iframe.previous),
		.code = load_u64(bytes + layout->iframe.f_code),
		.globals = load_u64(bytes + layout->iframe.f_globals),
		.owner = bytes[layout->iframe.owner] <= PYFRAME_OBJECT ? bytes[layout->iframe.owner]
								       : PYFRAME_OTHER,
	};
	return ret->code != 0;
}

void pyframe_function(
	struct pycontext *context, const struct pyframe *frame, char *ret, size_t size)
{
	const struct pylayout *layout = context->python->layout;
	char module[LIMIT_TYPE_NAME], name[LIMIT_TYPE_NAME];

	pytext_str(
		context, pydict_find(context, frame->globals, "__name__"), module, sizeof(module));
	pytext_str(context,
		pyreader_pointer(&context->reader, frame->code + layout->code.co_qualname), name,
		sizeof(name));
	snprintf(ret, size, "%s%s%s", module, module[0] ? "." : "", name[0] ? name : "?");
}

void pyframe_file(struct pycontext *context, const struct pyframe *frame, char *ret, size_t size)
{
	pytext_str(context,
		pyreader_pointer(
			&context->reader, frame->code + context->python->layout->code.co_filename),
		ret, size);
}

// Reads a line table entry by entry (Objects/locations.md).
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

uint32_t pyframe_line(struct pycontext *context, const struct pyframe *frame)
{
	const struct pylayout *layout = context->python->layout;
	struct pyreader *reader = &context->reader;
	remote_addr bytes = pyreader_pointer(reader, frame->code + layout->code.co_linetable);
	uint64_t instruction = pyreader_pointer(reader, frame->addr + layout->iframe.prev_instr) -
			       (frame->code + layout->code.co_code_adaptive);
	uint64_t size = bytes ? pyreader_pointer(reader, bytes + layout->object.ob_size) : 0;
	struct line_table table = {.context = context, .at = bytes + layout->bytes.ob_sval};
	uint64_t offset = 0;
	uint32_t first;
	int64_t line, delta;
	uint8_t head;

	if (!size || size > LINETABLE_MAX ||
		!pyreader_u32(reader, frame->code + layout->code.co_firstlineno, &first))
		return 0;
	// prev_instr is one before the first instruction until the frame starts.
	if ((int64_t)instruction < 0)
		return first;
	table.end = table.at + size;
	line = first;
	while (next_byte(&table, &head)) {
		if (!(head & 0x80))
			continue; // the rest of an entry
		if (!line_delta(&table, head >> 3 & 15, &delta))
			return 0;
		line += delta;
		if (line < 0 || line > INT32_MAX)
			return 0;
		offset += ((head & 7u) + 1) * 2;
		if (instruction < offset)
			return (uint32_t)line;
	}
	return 0;
}
