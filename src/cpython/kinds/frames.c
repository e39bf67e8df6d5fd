// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "cpython/kinds/kinds.h"

#include "base/limits.h"
#include "cpython/pycode.h"
#include "cpython/pyframe.h"

// What looking at a frame costs besides its slots, as words.
#define FRAME_WORDS 16

// A slot's low bits (Include/internal/pycore_stackref.h, 3.14): 0 is a counted reference; with bit 0
// set it is a use of one that somebody else counts, or a number.
#define SLOT_TAGS 3ull

static uint64_t counted_slot(const struct pylayout *layout, uint64_t value)
{
	return layout->traits.tagged_stack && value & SLOT_TAGS ? 0 : value;
}

// Locals and value stack: @p exact slots of it are sure to be in use; the rest up to @p total may
// hold stale words.
static void scan_slots(struct pyscan *scan, remote_addr at, const struct pycode_slots *slots,
	uint32_t exact, uint32_t total)
{
	struct pyreader *reader = reader_of(scan);

	if (exact > total || total > slots->locals + slots->stack ||
		!may_look(scan, FRAME_WORDS + total)) {
		scan->is_torn = true;
		return;
	}
	for (uint32_t i = 0; i < total; i++) {
		struct pylabel label = {.kind = i < slots->locals ? PYLABEL_LOCAL : PYLABEL_STACK};
		uint64_t value = counted_slot(
			layout_of(scan), pyreader_pointer(reader, at + (uint64_t)i * 8));

		if (!value)
			continue;
		if (scan->labels && i < slots->locals)
			label.object = pycode_local_name(scan->context, slots, i);
		emit(scan, value | (i < exact ? 0 : PYREF_INFERRED), label);
	}
}

// How many slots of a frame are known to be in use; UINT32_MAX while that is only in a register.
static uint32_t used_slots(
	const struct pylayout *layout, const uint8_t *bytes, remote_addr first_slot)
{
	remote_addr top;

	if (pylayout_has(layout->iframe.stacktop))
		return load_u32(bytes + layout->iframe.stacktop);
	top = load_u64(bytes + layout->iframe.stackpointer);
	if (!top || top < first_slot || (top - first_slot) / 8 > 2 * LIMIT_FRAME_SLOTS)
		return UINT32_MAX;
	return (uint32_t)((top - first_slot) / 8);
}

void pyframe_scan(struct pyscan *scan, remote_addr frame)
{
	const struct pylayout *layout = layout_of(scan);
	const uint8_t *bytes = pyreader_bytes(reader_of(scan), frame, layout->iframe.localsplus);
	remote_addr code, first_slot = frame + layout->iframe.localsplus;
	uint64_t function, locals_dict, frame_object;
	struct pycode_slots slots;
	uint32_t used;

	if (!bytes) {
		scan->is_torn = true;
		return;
	}
	code = load_u64(bytes + layout->iframe.f_code);
	function = counted_slot(layout, load_u64(bytes + layout->iframe.f_func));
	locals_dict = load_u64(bytes + layout->iframe.f_locals);
	frame_object = load_u64(bytes + layout->iframe.frame_obj);
	used = used_slots(layout, bytes, first_slot);
	emit_field(scan, counted_slot(layout, code), "f_code");
	emit_field(scan, function, "f_func");
	emit_field(scan, locals_dict, "f_locals");
	emit_field(scan, frame_object, "frame_obj");
	if (!pycode_slots(scan->context, code & ~SLOT_TAGS, &slots))
		scan->is_torn = true;
	else if (used <= INT32_MAX)
		scan_slots(scan, first_slot, &slots, used, used);
	else
		scan_slots(scan, first_slot, &slots, slots.locals, slots.locals + slots.stack);
}

// Up to 3.10 the frame object is the frame. Its value stack's depth is unknown while it runs.
static void scan_old_frame(struct pyscan *scan)
{
	const struct pylayout *layout = layout_of(scan);
	remote_addr first_slot = scan->addr + layout->frame.f_localsplus;
	remote_addr stack = word(scan, layout->frame.f_valuestack);
	struct pycode_slots slots;
	uint64_t depth = UINT64_MAX;

	emit_word(scan, layout->frame.f_code, "f_code");
	emit_word(scan, layout->frame.f_builtins, "f_builtins");
	emit_word(scan, layout->frame.f_globals, "f_globals");
	emit_word(scan, layout->frame.f_locals, "f_locals");
	emit_word(scan, layout->frame.f_exc_type, "f_exc_type");
	emit_word(scan, layout->frame.f_exc_value, "f_exc_value");
	emit_word(scan, layout->frame.f_exc_traceback, "f_exc_traceback");
	if (!pycode_slots(scan->context, word(scan, layout->frame.f_code), &slots)) {
		scan->is_torn = true;
		return;
	}
	scan->size = layout->frame.f_localsplus + 8ull * (slots.locals + slots.stack);
	if (pylayout_has(layout->frame.f_stackdepth)) {
		depth = (uint64_t)(int32_t)half(scan, layout->frame.f_stackdepth);
	} else {
		remote_addr top = word(scan, layout->frame.f_stacktop);

		if (top)
			depth = (top - stack) / 8;
	}
	// The stack follows the locals; a frame that is being made has none yet.
	if (stack != first_slot + 8ull * slots.locals)
		scan_slots(scan, first_slot, &slots, slots.locals, slots.locals);
	else if (depth <= slots.stack)
		scan_slots(scan, first_slot, &slots, slots.locals + (uint32_t)depth,
			slots.locals + (uint32_t)depth);
	else
		scan_slots(scan, first_slot, &slots, slots.locals, slots.locals + slots.stack);
}

void pykind_scan_frame_object(struct pyscan *scan)
{
	const struct pylayout *layout = layout_of(scan);
	struct pycode_slots slots;
	struct pyframe frame;
	remote_addr at;

	emit_field(scan, word(scan, layout->frame.f_back), "f_back");
	emit_field(scan, word(scan, layout->frame.f_trace), "f_trace");
	if (pylayout_has(layout->frame.f_localsplus)) {
		scan_old_frame(scan);
		return;
	}
	emit_word(scan, layout->frame.f_extra_locals, "f_extra_locals");
	emit_word(scan, layout->frame.f_locals_cache, "f_locals_cache");
	emit_word(scan, layout->frame.f_overwritten_fast_locals, "f_overwritten_fast_locals");
	at = word(scan, layout->frame.f_frame);
	scan->size = layout->frame.f_frame_data + layout->iframe.localsplus;
	if (!pyframe_read(scan->context, at, &frame))
		return;
	if (pycode_slots(scan->context, frame.code, &slots))
		scan->size += 8ull * (slots.locals + slots.stack);
	// The frame object has a copy of its own.
	if (at == scan->addr + layout->frame.f_frame_data && frame.owner == PYFRAME_OBJECT)
		pyframe_scan(scan, at);
}

void pykind_scan_generator(struct pyscan *scan)
{
	const struct pylayout *layout = layout_of(scan);
	struct pycode_slots slots;
	remote_addr code;

	emit_word(scan, layout->gen.gi_frame, "gi_frame");
	emit_word(scan, layout->gen.gi_code, "gi_code");
	emit_word(scan, layout->gen.gi_name, "__name__");
	emit_word(scan, layout->gen.gi_qualname, "__qualname__");
	emit_word(scan, layout->gen.gi_exc_type, "gi_exc_type");
	emit_word(scan, layout->gen.gi_exc_value, "gi_exc_value");
	emit_word(scan, layout->gen.gi_exc_traceback, "gi_exc_traceback");
	// In a plain generator this word is never written, or not there.
	if (scan->type->kind == PYKIND_COROUTINE)
		emit_word(scan, layout->gen.cr_origin, "cr_origin");
	else if (scan->type->kind == PYKIND_ASYNC_GENERATOR)
		emit_word(scan, layout->gen.ag_finalizer, "ag_finalizer");
	if (!pylayout_has(layout->gen.gi_iframe))
		return;
	code = word(scan, layout->gen.gi_iframe + layout->iframe.f_code) & ~SLOT_TAGS;
	scan->size = layout->gen.gi_iframe + layout->iframe.localsplus;
	if (pycode_slots(scan->context, code, &slots))
		scan->size += 8ull * (slots.locals + slots.stack);
	if (pygenerator_has_frame(scan->context, scan->addr))
		pyframe_scan(scan, scan->addr + layout->gen.gi_iframe);
}
