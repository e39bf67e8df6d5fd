// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "cpython/pyframe.h"

#include "base/limits.h"
#include "cpython/pycode.h"
#include "cpython/pyobject.h"
#include "cpython/pytext.h"

#include <stdio.h>
#include <string.h>

// Tags of references in frames (3.14); pointers are at least 8-aligned, so that it does no harm
// before.
#define TAGS 3ull

remote_addr pyframe_innermost(struct pycontext *context, remote_addr thread)
{
	const struct pylayout *layout = context->python->layout;
	struct pyreader *reader = &context->reader;
	remote_addr cframe;

	if (pylayout_has(layout->tstate.frame))
		return pyreader_pointer(reader, thread + layout->tstate.frame);
	if (pylayout_has(layout->tstate.current_frame))
		return pyreader_pointer(reader, thread + layout->tstate.current_frame);
	cframe = pyreader_pointer(reader, thread + layout->tstate.cframe);
	return cframe ? pyreader_pointer(reader, cframe + layout->cframe.current_frame) : 0;
}

// Up to 3.10: a frame object. What a generator owns says so where the version has f_gen.
static bool read_object(struct pycontext *context, remote_addr addr, struct pyframe *ret)
{
	const struct pylayout *layout = context->python->layout;
	const uint8_t *bytes = pyreader_bytes(&context->reader, addr, layout->frame.f_localsplus);
	bool has_generator;

	if (!bytes)
		return false;
	has_generator =
		pylayout_has(layout->frame.f_gen) && load_u64(bytes + layout->frame.f_gen) != 0;
	*ret = (struct pyframe){
		.addr = addr,
		.previous = load_u64(bytes + layout->frame.f_back),
		.code = load_u64(bytes + layout->frame.f_code),
		.globals = load_u64(bytes + layout->frame.f_globals),
		.owner = has_generator ? PYFRAME_GENERATOR : PYFRAME_THREAD,
		.is_object = true,
	};
	return ret->code != 0;
}

bool pyframe_read(struct pycontext *context, remote_addr addr, struct pyframe *ret)
{
	const struct pylayout *layout = context->python->layout;
	const uint8_t *bytes;

	if (pylayout_has(layout->frame.f_localsplus))
		return read_object(context, addr, ret);
	bytes = pyreader_bytes(&context->reader, addr, layout->iframe.localsplus);
	if (!bytes)
		return false;
	*ret = (struct pyframe){
		.addr = addr,
		.previous = load_u64(bytes + layout->iframe.previous),
		.owner = bytes[layout->iframe.owner] <= PYFRAME_OBJECT ? bytes[layout->iframe.owner]
								       : PYFRAME_OTHER,
	};
	if (ret->owner == PYFRAME_OTHER)
		return true;
	ret->code = load_u64(bytes + layout->iframe.f_code) & ~TAGS;
	ret->globals = load_u64(bytes + layout->iframe.f_globals);
	return ret->code != 0;
}

bool pygenerator_has_frame(struct pycontext *context, remote_addr generator)
{
	const struct pylayout *layout = context->python->layout;
	const uint8_t *state;

	if (!pylayout_has(layout->gen.gi_frame_state))
		return false;
	state = pyreader_bytes(&context->reader, generator + layout->gen.gi_frame_state, 1);
	return state && (int8_t)*state < layout->traits.gen_cleared_state;
}

bool pyframe_read_object(struct pycontext *context, remote_addr object, struct pyframe *ret)
{
	const struct pylayout *layout = context->python->layout;
	remote_addr frame = object;

	if (!pylayout_has(layout->frame.f_localsplus))
		frame = pyreader_pointer(&context->reader, object + layout->frame.f_frame);
	return frame && pyframe_read(context, frame, ret) && ret->code;
}

bool pyframe_read_generator(struct pycontext *context, remote_addr generator, struct pyframe *ret)
{
	const struct pylayout *layout = context->python->layout;
	remote_addr frame;

	if (pygenerator_has_frame(context, generator))
		return pyframe_read(context, generator + layout->gen.gi_iframe, ret);
	if (!pylayout_has(layout->gen.gi_frame))
		return false;
	frame = pyreader_pointer(&context->reader, generator + layout->gen.gi_frame);
	return frame && pyframe_read(context, frame, ret);
}

remote_addr pygenerator_code(struct pycontext *context, remote_addr generator)
{
	const struct pylayout *layout = context->python->layout;
	struct pyframe frame;

	if (pylayout_has(layout->gen.gi_code))
		return pyreader_pointer(&context->reader, generator + layout->gen.gi_code);
	return pyframe_read_generator(context, generator, &frame) ? frame.code : 0;
}

void pyframe_function(
	struct pycontext *context, const struct pyframe *frame, char *ret, size_t size)
{
	char module[LIMIT_TYPE_NAME], name[LIMIT_TYPE_NAME];

	pytext_str(
		context, pydict_find(context, frame->globals, "__name__"), module, sizeof(module));
	pytext_str(context, pycode_name(context, frame->code), name, sizeof(name));
	snprintf(ret, size, "%s%s%s", module, module[0] ? "." : "", name[0] ? name : "?");
}

void pyframe_file(struct pycontext *context, const struct pyframe *frame, char *ret, size_t size)
{
	pytext_str(context,
		pyreader_pointer(
			&context->reader, frame->code + context->python->layout->code.co_filename),
		ret, size);
}

bool pyframe_instruction(struct pycontext *context, const struct pyframe *frame, int64_t *ret)
{
	const struct pylayout *layout = context->python->layout;
	struct pyreader *reader = &context->reader;
	uint32_t at = pylayout_has(layout->iframe.instr_ptr) ? layout->iframe.instr_ptr
							     : layout->iframe.prev_instr;
	uint32_t last;
	uint64_t pointer;

	if (!pylayout_has(layout->frame.f_lasti)) {
		if (!pyreader_u64(reader, frame->addr + at, &pointer))
			return false;
		*ret = (int64_t)(pointer - (frame->code + layout->code.co_code_adaptive));
		return true;
	}
	if (!pyreader_u32(reader, frame->addr + layout->frame.f_lasti, &last))
		return false;
	*ret = (int64_t)(int32_t)last * layout->traits.instruction_bytes;
	return true;
}

bool pyframe_is_incomplete(
	struct pycontext *context, const struct pyframe *frame, int64_t instruction)
{
	const struct pylayout *layout = context->python->layout;
	uint32_t first;

	return frame->owner != PYFRAME_GENERATOR && pylayout_has(layout->code.co_firsttraceable) &&
	       pyreader_u32(
		       &context->reader, frame->code + layout->code.co_firsttraceable, &first) &&
	       instruction < (int64_t)first * 2;
}

remote_addr pyframe_local(struct pycontext *context, const struct pyframe *frame, uint32_t slot)
{
	const struct pylayout *layout = context->python->layout;
	const struct pyfields *fields;
	uint32_t first = pylayout_has(layout->frame.f_localsplus) ? layout->frame.f_localsplus
								  : layout->iframe.localsplus;
	remote_addr value =
		pyreader_pointer(&context->reader, frame->addr + first + (uint64_t)slot * 8) &
		~TAGS;
	uint32_t type = value ? pyobject_type(context, value) : PYTYPE_NONE;

	fields = type != PYTYPE_NONE ? context->python->types->list.items[type].fields : NULL;
	if (fields && strcmp(fields->fields[0].label, "cell_contents") == 0)
		return pyreader_pointer(&context->reader, value + fields->fields[0].offset);
	return value;
}

uint32_t pyframe_line(struct pycontext *context, const struct pyframe *frame)
{
	int64_t instruction;

	if (!frame->code || !pyframe_instruction(context, frame, &instruction))
		return 0;
	return pycode_line(context, frame->code, instruction);
}
