// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "cpython/kinds/kinds.h"

#include "base/limits.h"

// Slots of the locals and of the value stack of a code object's frames.
static bool code_slots(struct pyscan *scan, remote_addr code, uint32_t *ret_locals,
	uint32_t *ret_stack, remote_addr *ret_names)
{
	const struct pylayout *layout = layout_of(scan);
	struct pyreader *reader = reader_of(scan);

	return code && pyreader_u32(reader, code + layout->code.co_nlocalsplus, ret_locals) &&
	       pyreader_u32(reader, code + layout->code.co_stacksize, ret_stack) &&
	       pyreader_u64(reader, code + layout->code.co_localsplusnames, ret_names) &&
	       *ret_locals <= LIMIT_FRAME_SLOTS && *ret_stack <= LIMIT_FRAME_SLOTS;
}

// What looking at a frame costs besides its slots, as words.
#define FRAME_WORDS 16

// Locals and value stack: the depth of the latter is only known when the frame is not running
// (stacktop is -1 then); the rest of the stack may hold stale words.
static void scan_slots(struct pyscan *scan, remote_addr slots, remote_addr names, uint32_t locals,
	uint32_t stack, int32_t stacktop)
{
	struct pyreader *reader = reader_of(scan);
	const struct pylayout *layout = layout_of(scan);
	uint32_t exact = stacktop < 0 ? locals : (uint32_t)stacktop;
	uint32_t total = stacktop < 0 ? locals + stack : exact;

	if (exact > locals + stack || !may_look(scan, FRAME_WORDS + total)) {
		scan->is_torn = true;
		return;
	}
	for (uint32_t i = 0; i < total; i++) {
		struct pylabel label = {.kind = i < locals ? PYLABEL_LOCAL : PYLABEL_STACK};
		uint64_t value = pyreader_pointer(reader, slots + (uint64_t)i * 8);

		if (scan->labels && i < locals)
			label.object = pyreader_pointer(
				reader, names + layout->tuple.ob_item + (uint64_t)i * 8);
		emit(scan, value | (i < exact ? 0 : PYREF_INFERRED), label);
	}
}

void pyframe_scan(struct pyscan *scan, remote_addr frame)
{
	const struct pylayout *layout = layout_of(scan);
	const uint8_t *bytes = pyreader_bytes(reader_of(scan), frame, layout->iframe.localsplus);
	remote_addr code, function, locals_dict, frame_object, names;
	uint32_t locals, stack;
	int32_t stacktop;

	if (!bytes) {
		scan->is_torn = true;
		return;
	}
	code = load_u64(bytes + layout->iframe.f_code);
	function = load_u64(bytes + layout->iframe.f_func);
	locals_dict = load_u64(bytes + layout->iframe.f_locals);
	frame_object = load_u64(bytes + layout->iframe.frame_obj);
	stacktop = (int32_t)load_u32(bytes + layout->iframe.stacktop);
	emit_field(scan, code, "f_code");
	emit_field(scan, function, "f_func");
	emit_field(scan, locals_dict, "f_locals");
	emit_field(scan, frame_object, "frame_obj");
	if (!code_slots(scan, code, &locals, &stack, &names))
		scan->is_torn = true;
	else
		scan_slots(scan, frame + layout->iframe.localsplus, names, locals, stack, stacktop);
}

// FRAME_OWNED_BY_FRAME_OBJECT (pycore_frame.h): the frame object has a copy of its own.
#define OWNED_BY_FRAME_OBJECT 2

void pykind_scan_frame_object(struct pyscan *scan)
{
	const struct pylayout *layout = layout_of(scan);
	remote_addr frame = word(scan, layout->frame.f_frame);
	uint32_t locals, stack;
	remote_addr names;

	emit_field(scan, word(scan, layout->frame.f_back), "f_back");
	emit_field(scan, word(scan, layout->frame.f_trace), "f_trace");
	scan->size = layout->frame.f_frame_data + layout->iframe.localsplus;
	if (code_slots(scan, pyreader_pointer(reader_of(scan), frame + layout->iframe.f_code),
		    &locals, &stack, &names))
		scan->size += 8ull * (locals + stack);
	if (frame == scan->addr + layout->frame.f_frame_data &&
		byte(scan, layout->frame.f_frame_data + layout->iframe.owner) ==
			OWNED_BY_FRAME_OBJECT)
		pyframe_scan(scan, frame);
}

void pykind_scan_generator(struct pyscan *scan, bool has_origin)
{
	const struct pylayout *layout = layout_of(scan);
	remote_addr code = word(scan, layout->gen.gi_code);
	uint32_t locals, stack;
	remote_addr names;

	emit_field(scan, code, "gi_code");
	emit_field(scan, word(scan, layout->gen.gi_name), "__name__");
	emit_field(scan, word(scan, layout->gen.gi_qualname), "__qualname__");
	emit_field(scan, word(scan, layout->gen.gi_exc_value), "gi_exc_value");
	// In a plain generator this word is never written.
	if (has_origin)
		emit_field(scan, word(scan, layout->gen.gi_origin_or_finalizer), "cr_origin");
	scan->size = layout->gen.gi_iframe + layout->iframe.localsplus;
	if (code_slots(scan, code, &locals, &stack, &names))
		scan->size += 8ull * (locals + stack);
	if ((int8_t)byte(scan, layout->gen.gi_frame_state) < layout->traits.gen_cleared_state)
		pyframe_scan(scan, scan->addr + layout->gen.gi_iframe);
}
