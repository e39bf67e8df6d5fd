// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
//
// The runtime, one interpreter and its thread, and the collector's lists.
#include "heap_writer_private.h"

#include <string.h>

// What _PyRuntime begins with from 3.13 on.
#define DEBUG_OFFSETS_COOKIE "xdebugpy"

// Up to 3.6 the parts of the runtime are variables of their own.
static void make_variables(struct heap_writer *writer)
{
	const struct pylayout *layout = writer->layout;
	uint64_t generations = 3ull * layout->gc_generation.size;

	writer->interpreter = writer_take(writer, SEGMENT_DATA, layout->interp.size, 16);
	writer->interpreters_head = writer_take(writer, SEGMENT_DATA, 8, 8);
	writer->generation0 = writer_take(writer, SEGMENT_DATA, 8, 8);
	writer->current_thread = writer_take(writer, SEGMENT_DATA, 8, 8);
	heap_writer_put(writer, writer->interpreters_head, writer->interpreter);
	heap_writer_put(
		writer, writer->generation0, writer_take(writer, SEGMENT_DATA, generations, 16));
}

static void make_runtime(struct heap_writer *writer)
{
	const struct pylayout *layout = writer->layout;

	writer->runtime = writer_take(writer, SEGMENT_DATA, layout->runtime.size, 16);
	// From 3.11 on the main interpreter is part of the runtime.
	writer->interpreter = pylayout_has(layout->runtime.main_interpreter)
				      ? writer->runtime + layout->runtime.main_interpreter
				      : writer_take(writer, SEGMENT_DATA, layout->interp.size, 16);
	heap_writer_put(
		writer, writer->runtime + layout->runtime.interpreters_head, writer->interpreter);
}

static void make_thread(struct heap_writer *writer)
{
	const struct pylayout *layout = writer->layout;

	writer->thread = writer_take(writer, SEGMENT_DATA, layout->tstate.size, 16);
	heap_writer_put(writer, writer->interpreter + layout->interp.threads_head, writer->thread);
	if (!pylayout_has(layout->tstate.cframe))
		return;
	writer->cframe = writer_take(writer, SEGMENT_DATA, 64, 16);
	heap_writer_put(writer, writer->thread + layout->tstate.cframe, writer->cframe);
}

static void add_head(struct heap_writer *writer, remote_addr head)
{
	heap_writer_put(writer, head + writer->layout->gc_head.next, head);
	heap_writer_put(writer, head + writer->layout->gc_head.prev, head);
	writer->gc_heads[writer->gc_head_count++] = head;
}

// Three lists: generations, or (3.14.0 to 3.14.4) a young one and two old ones.
static void make_lists(struct heap_writer *writer)
{
	const struct pylayout *layout = writer->layout;
	uint32_t size = layout->gc_generation.size;
	remote_addr state = 0;

	if (pylayout_has(layout->interp.gc))
		state = writer->interpreter + layout->interp.gc;
	else if (pylayout_has(layout->runtime.gc))
		state = writer->runtime + layout->runtime.gc;
	for (uint64_t i = 0; i < 3; i++) {
		if (!state)
			add_head(writer, heap_writer_get(writer, writer->generation0) + i * size);
		else if (pylayout_has(layout->gc.generations))
			add_head(writer, state + layout->gc.generations + i * size);
		else
			add_head(writer,
				state + (i ? layout->gc.old + (i - 1) * size : layout->gc.young));
	}
	if (state && pylayout_has(layout->gc.permanent_generation))
		add_head(writer, state + layout->gc.permanent_generation);
}

void writer_make_interpreter(struct heap_writer *writer)
{
	if (pylayout_has(writer->layout->runtime.size))
		make_runtime(writer);
	else
		make_variables(writer);
	make_thread(writer);
	make_lists(writer);
}

static void write_debug_offsets(struct heap_writer *writer)
{
	const struct pylayout *layout = writer->layout;

	if (!layout->debug_offsets_count)
		return;
	memcpy(heap_writer_bytes(writer, writer->runtime), DEBUG_OFFSETS_COOKIE, 8);
	heap_writer_put(writer, writer->runtime + 8, writer->version_hex);
	for (uint32_t i = 0; i < layout->debug_offsets_count; i++) {
		uint32_t value;

		memcpy(&value, (const char *)layout + layout->debug_offsets[i].field,
			sizeof(value));
		heap_writer_put(writer, writer->runtime + layout->debug_offsets[i].position, value);
	}
}

// A dict that a state refers to.
static void put_dict(struct heap_writer *writer, uint32_t offset, uint64_t count,
	const remote_addr *keys, const remote_addr *values)
{
	heap_writer_put_ref(writer, writer->interpreter + offset,
		heap_writer_dict(writer, 1, count, keys, values));
}

// The strings' counts do not include the dict's references (Objects/unicodeobject.c).
static void write_interned(struct heap_writer *writer)
{
	const struct pylayout *layout = writer->layout;
	uint64_t counts[WRITER_HELD_MAX] = {0};

	if (!pylayout_has(layout->interp.interned))
		return;
	for (uint64_t i = 0; i < writer->held_count; i++)
		counts[i] =
			heap_writer_get(writer, writer->held_names[i] + layout->object.ob_refcnt);
	put_dict(writer, layout->interp.interned, writer->held_count, writer->held_names,
		writer->held_names);
	for (uint64_t i = 0; i < writer->held_count; i++)
		heap_writer_put(
			writer, writer->held_names[i] + layout->object.ob_refcnt, counts[i]);
}

void writer_finish_interpreter(struct heap_writer *writer)
{
	const struct pylayout *layout = writer->layout;
	remote_addr names[2] = {
		heap_writer_str(writer, "hexversion"), heap_writer_str(writer, "maxunicode")};
	remote_addr values[2] = {
		heap_writer_int(writer, writer->version_hex), heap_writer_int(writer, 0x10ffff)};
	remote_addr name = heap_writer_str(writer, "__name__");
	remote_addr builtins = heap_writer_str(writer, "builtins");

	write_debug_offsets(writer);
	put_dict(writer, layout->interp.sysdict, 2, names, values);
	put_dict(writer, layout->interp.builtins, 1, &name, &builtins);
	put_dict(writer, layout->interp.modules, writer->held_count, writer->held_names,
		writer->held);
	write_interned(writer);
}
