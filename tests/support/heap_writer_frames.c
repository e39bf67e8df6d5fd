// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
//
// Code, and frames of both shapes: objects (up to 3.10), or structs on a thread's stack or inside a
// generator or frame object.
#include "heap_writer_private.h"

#include "cpython/pyframe.h"

#define LOCALS_MAX      32
#define CODE_UNITS      16
#define FRAME_SUSPENDED 0xff

// ---- code ----------------------------------------------------------------------------------

// Locals with one tuple of names for all of them, and the instructions at the end (3.11).
static remote_addr new_code(struct heap_writer *writer, uint64_t local_count, remote_addr names)
{
	const struct pylayout *layout = writer->layout;
	remote_addr object = heap_writer_object(
		writer, writer->types[WRITER_CODE], layout->code.co_code_adaptive + CODE_UNITS * 2);

	heap_writer_put(writer, object + layout->object.ob_size, CODE_UNITS);
	heap_writer_put_u32(writer, object + layout->code.co_nlocalsplus, (uint32_t)local_count);
	heap_writer_put_ref(writer, object + layout->code.co_localsplusnames, names);
	return object;
}

static remote_addr old_code(struct heap_writer *writer, uint64_t local_count, remote_addr names)
{
	static const uint8_t instructions[CODE_UNITS * 2];
	const struct pylayout *layout = writer->layout;
	remote_addr object = writer_plain_object(writer, WRITER_CODE);
	remote_addr empty = heap_writer_tuple(writer, 0, NULL);

	heap_writer_put_u32(writer, object + layout->code.co_nlocals, (uint32_t)local_count);
	heap_writer_put_ref(writer, object + layout->code.co_varnames, names);
	heap_writer_put_ref(writer, object + layout->code.co_cellvars, empty);
	heap_writer_put_ref(writer, object + layout->code.co_freevars, empty);
	heap_writer_put_ref(writer, object + layout->code.co_code,
		heap_writer_bytes_object(writer, instructions, sizeof(instructions)));
	return object;
}

remote_addr heap_writer_code(struct heap_writer *writer, const char *name, uint64_t local_count,
	const char *const *locals, uint32_t stack, uint32_t first_line, const void *lines,
	uint64_t lines_size)
{
	const struct pylayout *layout = writer->layout;
	remote_addr names[LOCALS_MAX], text = heap_writer_str(writer, name), tuple, object, table;

	writer_demand(local_count <= LOCALS_MAX, "many locals");
	for (uint64_t i = 0; i < local_count; i++)
		names[i] = heap_writer_str(writer, locals[i]);
	tuple = heap_writer_tuple(writer, local_count, names);
	object = WRITER_HAS_OLD_FRAMES(layout) ? old_code(writer, local_count, tuple)
					       : new_code(writer, local_count, tuple);
	heap_writer_put_u32(writer, object + layout->code.co_stacksize, stack);
	heap_writer_put_u32(writer, object + layout->code.co_firstlineno, first_line);
	heap_writer_put_ref(writer, object + layout->code.co_name, text);
	writer_put_ref_field(writer, object, layout->code.co_qualname, text);
	heap_writer_put_ref(
		writer, object + layout->code.co_filename, heap_writer_str(writer, "/app/main.py"));
	table = heap_writer_bytes_object(writer, lines, lines_size);
	if (pylayout_has(layout->code.co_linetable))
		heap_writer_put_ref(writer, object + layout->code.co_linetable, table);
	else
		heap_writer_put_ref(writer, object + layout->code.co_lnotab, table);
	return object;
}

static uint32_t local_count(struct heap_writer *writer, remote_addr code)
{
	const struct pylayout *layout = writer->layout;

	return heap_writer_get_u32(
		writer, code + (WRITER_HAS_OLD_FRAMES(layout) ? layout->code.co_nlocals
							      : layout->code.co_nlocalsplus));
}

static uint64_t slot_bytes(struct heap_writer *writer, remote_addr code)
{
	return 8ull *
	       (local_count(writer, code) +
		       heap_writer_get_u32(writer, code + writer->layout->code.co_stacksize));
}

// ---- what both shapes have -----------------------------------------------------------------

static remote_addr code_of(struct heap_writer *writer, remote_addr frame)
{
	const struct pylayout *layout = writer->layout;

	return heap_writer_get(
		       writer, frame + (WRITER_HAS_OLD_FRAMES(layout) ? layout->frame.f_code
								      : layout->iframe.f_code)) &
	       ~3ull;
}

void heap_writer_set_stacktop(struct heap_writer *writer, remote_addr frame, int32_t stacktop)
{
	const struct pylayout *l = writer->layout;
	bool is_old = WRITER_HAS_OLD_FRAMES(l);
	remote_addr slots = frame + (is_old ? l->frame.f_localsplus : l->iframe.localsplus);
	remote_addr top = stacktop < 0 ? 0 : slots + 8ull * (uint32_t)stacktop;

	if (!is_old && pylayout_has(l->iframe.stacktop))
		heap_writer_put_u32(writer, frame + l->iframe.stacktop, (uint32_t)stacktop);
	else if (!is_old)
		heap_writer_put(writer, frame + l->iframe.stackpointer, top);
	else if (pylayout_has(l->frame.f_stacktop))
		heap_writer_put(writer, frame + l->frame.f_stacktop, top);
	else
		heap_writer_put_u32(writer, frame + l->frame.f_stackdepth,
			stacktop < 0
				? UINT32_MAX
				: (uint32_t)stacktop - local_count(writer, code_of(writer, frame)));
}

void heap_writer_set_globals(struct heap_writer *writer, remote_addr frame, remote_addr globals)
{
	const struct pylayout *layout = writer->layout;

	// In a struct they are borrowed from the function.
	if (WRITER_HAS_OLD_FRAMES(layout))
		heap_writer_put_ref(writer, frame + layout->frame.f_globals, globals);
	else
		heap_writer_put(writer, frame + layout->iframe.f_globals, globals);
}

void heap_writer_set_instruction(struct heap_writer *writer, remote_addr frame, int64_t offset)
{
	const struct pylayout *l = writer->layout;
	int64_t unit = l->traits.instruction_bytes;

	if (WRITER_HAS_OLD_FRAMES(l))
		heap_writer_put_u32(writer, frame + l->frame.f_lasti,
			offset < 0 ? UINT32_MAX : (uint32_t)(offset / unit));
	else
		heap_writer_put(writer,
			frame + (pylayout_has(l->iframe.instr_ptr) ? l->iframe.instr_ptr
								   : l->iframe.prev_instr),
			code_of(writer, frame) + l->code.co_code_adaptive + (uint64_t)offset);
}

// A slot with bit 0 set is somebody else's count.
static void put_slots(
	struct heap_writer *writer, remote_addr at, uint64_t count, const remote_addr *slots)
{
	for (uint64_t i = 0; i < count; i++) {
		if (slots[i] & 1)
			heap_writer_put(writer, at + i * 8, slots[i]);
		else
			heap_writer_put_ref(writer, at + i * 8, slots[i]);
	}
}

// ---- objects -------------------------------------------------------------------------------

static remote_addr old_frame(struct heap_writer *writer, remote_addr code, uint64_t slot_count,
	const remote_addr *slots, int32_t stacktop)
{
	const struct pylayout *layout = writer->layout;
	remote_addr frame = heap_writer_object(writer, writer->types[WRITER_FRAME],
		layout->frame.f_localsplus + slot_bytes(writer, code) + 8);
	remote_addr first_slot = frame + layout->frame.f_localsplus;

	heap_writer_put_ref(writer, frame + layout->frame.f_code, code);
	heap_writer_put(writer, frame + layout->frame.f_valuestack,
		first_slot + 8ull * local_count(writer, code));
	heap_writer_set_stacktop(writer, frame, stacktop);
	put_slots(writer, first_slot, slot_count, slots);
	return frame;
}

// ---- structs -------------------------------------------------------------------------------

static void fill_frame(struct heap_writer *writer, remote_addr frame, remote_addr code,
	uint64_t slot_count, const remote_addr *slots, int32_t stacktop, enum pyframe_owner owner)
{
	const struct pylayout *layout = writer->layout;

	heap_writer_put_ref(writer, frame + layout->iframe.f_code, code);
	writer_put_u8(writer, frame + layout->iframe.owner, (uint8_t)owner);
	heap_writer_set_instruction(writer, frame, 0);
	heap_writer_set_stacktop(writer, frame, stacktop);
	put_slots(writer, frame + layout->iframe.localsplus, slot_count, slots);
}

// ---- users of frames -----------------------------------------------------------------------

static remote_addr old_generator(struct heap_writer *writer, remote_addr code, remote_addr frame)
{
	const struct pylayout *layout = writer->layout;
	remote_addr object = writer_plain_object(writer, WRITER_GENERATOR);

	heap_writer_put_ref(writer, object + layout->gen.gi_frame, frame);
	heap_writer_put_ref(writer, object + layout->gen.gi_code, code);
	// Borrowed.
	writer_put_field(writer, frame, layout->frame.f_gen, object);
	return object;
}

remote_addr heap_writer_generator(struct heap_writer *writer, remote_addr code, uint64_t slot_count,
	const remote_addr *slots, int32_t stacktop)
{
	const struct pylayout *layout = writer->layout;
	remote_addr object;

	if (WRITER_HAS_OLD_FRAMES(layout))
		return old_generator(
			writer, code, old_frame(writer, code, slot_count, slots, stacktop));
	object = heap_writer_object(writer, writer->types[WRITER_GENERATOR],
		layout->gen.gi_iframe + layout->iframe.localsplus + slot_bytes(writer, code));
	writer_put_ref_field(writer, object, layout->gen.gi_code, code);
	writer_put_u8(writer, object + layout->gen.gi_frame_state, FRAME_SUSPENDED);
	fill_frame(writer, object + layout->gen.gi_iframe, code, slot_count, slots, stacktop,
		PYFRAME_GENERATOR);
	return object;
}

remote_addr heap_writer_frame_of(struct heap_writer *writer, remote_addr generator)
{
	const struct pylayout *layout = writer->layout;

	return WRITER_HAS_OLD_FRAMES(layout)
		       ? heap_writer_get(writer, generator + layout->gen.gi_frame)
		       : generator + layout->gen.gi_iframe;
}

remote_addr heap_writer_frame_object(struct heap_writer *writer, remote_addr code,
	uint64_t slot_count, const remote_addr *slots, int32_t stacktop)
{
	const struct pylayout *layout = writer->layout;
	remote_addr object, frame;

	if (WRITER_HAS_OLD_FRAMES(layout))
		return old_frame(writer, code, slot_count, slots, stacktop);
	object = heap_writer_object(writer, writer->types[WRITER_FRAME],
		layout->frame.f_frame_data + layout->iframe.localsplus + slot_bytes(writer, code));
	frame = object + layout->frame.f_frame_data;
	heap_writer_put(writer, object + layout->frame.f_frame, frame);
	fill_frame(writer, frame, code, slot_count, slots, stacktop, PYFRAME_OBJECT);
	return object;
}

// Up to 3.10: the C code that runs a frame owns it, and so does the frame that it called.
static remote_addr old_call(struct heap_writer *writer, remote_addr frame)
{
	const struct pylayout *layout = writer->layout;
	remote_addr current = writer->thread + layout->tstate.frame;

	heap_writer_put_ref(writer, frame + layout->frame.f_back, heap_writer_get(writer, current));
	heap_writer_put_ref(writer, current, frame);
	return frame;
}

remote_addr heap_writer_call(struct heap_writer *writer, remote_addr code, uint64_t slot_count,
	const remote_addr *slots, int32_t stacktop)
{
	const struct pylayout *l = writer->layout;
	remote_addr frame, current;

	if (WRITER_HAS_OLD_FRAMES(l))
		return old_call(writer, old_frame(writer, code, slot_count, slots, stacktop));
	frame = writer_take(
		writer, SEGMENT_DATA, l->iframe.localsplus + slot_bytes(writer, code), 16);
	current = pylayout_has(l->tstate.current_frame) ? writer->thread + l->tstate.current_frame
							: writer->cframe + l->cframe.current_frame;
	fill_frame(writer, frame, code, slot_count, slots, stacktop, PYFRAME_THREAD);
	heap_writer_put(writer, frame + l->iframe.previous, heap_writer_get(writer, current));
	heap_writer_put(writer, current, frame);
	return frame;
}
