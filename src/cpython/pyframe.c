// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "cpython/pyframe.h"

#include "base/limits.h"
#include "cpython/pycode.h"
#include "cpython/pytext.h"

#include <stdio.h>

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

uint32_t pyframe_line(struct pycontext *context, const struct pyframe *frame)
{
	const struct pylayout *layout = context->python->layout;
	struct pyreader *reader = &context->reader;
	uint32_t at = pylayout_has(layout->iframe.instr_ptr) ? layout->iframe.instr_ptr
							     : layout->iframe.prev_instr;
	uint32_t last;

	if (!frame->code)
		return 0;
	if (!pylayout_has(layout->frame.f_lasti))
		return pycode_line(context, frame->code,
			(int64_t)(pyreader_pointer(reader, frame->addr + at) -
				  (frame->code + layout->code.co_code_adaptive)));
	if (!pyreader_u32(reader, frame->addr + layout->frame.f_lasti, &last))
		return 0;
	return pycode_line(
		context, frame->code, (int64_t)(int32_t)last * layout->traits.instruction_bytes);
}
