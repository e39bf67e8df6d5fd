// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "heap/heap_words.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "cpython/pyframe.h"
#include "cpython/pyruntime.h"
#include "cpython/pytext.h"
#include "heap/heap_threads.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The type attribute cache (pycore_typeobject.h of 3.10 and 3.11): entries of version, name, value.
#define TYPE_CACHE_ENTRIES 4096
#define TYPE_CACHE_STRIDE  24
#define TYPE_CACHE_NAME    8
#define NAME_BYTES         512
// ":4294967295" and its end.
#define LINE_BYTES         12

static struct error *note_root(struct heap_builder *builder, remote_addr addr,
	enum heap_root_kind kind, bool is_counted, const char *name, const char *file)
{
	struct heap_root_ref ref = {.addr = addr, .kind = kind, .is_counted = is_counted};

	if (name && !(ref.name = heap_graph_intern(builder->graph, name)))
		return error_enomem();
	if (file && !(ref.file = heap_graph_intern(builder->graph, file)))
		return error_enomem();
	if (!root_ref_vector_push(&builder->root_refs, ref))
		return error_enomem();
	return heap_builder_note_other(builder, addr);
}

static struct error *consume(struct heap_builder *builder, remote_addr word)
{
	return addr_vector_push(&builder->consumed, word) ? NULL : error_enomem();
}

struct error *heap_roots_note_owned(struct heap_builder *builder, remote_addr where,
	remote_addr value, enum heap_root_kind kind, const char *name)
{
	struct error *err = note_root(builder, value, kind, true, name, NULL);

	return err ? err : consume(builder, where);
}

// Words that own what they lead to, @p stride bytes from one to the next.
static struct error *note_owned_words(struct heap_builder *builder, remote_addr first,
	uint64_t count, uint64_t stride, enum heap_root_kind kind, const char *name)
{
	for (uint64_t i = 0; i < count; i++) {
		remote_addr word = first + i * stride;
		remote_addr value = pyreader_pointer(&builder->context.reader, word);
		struct error *err =
			value ? heap_roots_note_owned(builder, word, value, kind, name) : NULL;

		if (err)
			return err;
	}
	return NULL;
}

static const struct pyfields *find_fields(const struct heap_builder *builder, const char *name)
{
	return pylayout_fields(builder->python->layout, name, INT64_MAX);
}

// Plain fields of an interpreter or thread state.
static struct error *collect_fields(struct heap_builder *builder, remote_addr base,
	const struct pyfields *fields, enum heap_root_kind kind, const char *prefix)
{
	for (uint32_t i = 0; fields && i < fields->count; i++) {
		const struct pyfield *field = &fields->fields[i];
		bool is_modules = strcmp(field->label, "sys.modules") == 0;
		char name[NAME_BYTES];
		struct error *err;

		snprintf(name, sizeof(name), "%s%s", is_modules ? "" : prefix, field->label);
		err = note_owned_words(builder, base + field->offset, field->count, 8,
			is_modules ? HEAP_ROOT_MODULES : kind, name);
		if (err)
			return err;
	}
	return NULL;
}

// The str objects of C identifiers, from 3.10 on in an array of each interpreter.
static struct error *collect_identifiers(struct heap_builder *builder, remote_addr interpreter)
{
	const struct pylayout *layout = builder->python->layout;
	struct pyreader *reader = &builder->context.reader;
	remote_addr array;
	uint64_t count;

	if (!pylayout_has(layout->interp.ids_array))
		return NULL;
	array = pyreader_pointer(reader, interpreter + layout->interp.ids_array);
	count = pyreader_pointer(reader, interpreter + layout->interp.ids_size);
	if (!array)
		return NULL;
	return note_owned_words(builder, array,
		count < LIMIT_FRAME_SLOTS ? count : LIMIT_FRAME_SLOTS, 8, HEAP_ROOT_INTERPRETER,
		"names of C code");
}

static struct error *collect_atexit(struct heap_builder *builder, remote_addr interpreter)
{
	const struct pylayout *layout = builder->python->layout;
	struct pyreader *reader = &builder->context.reader;
	const uint32_t fields[] = {layout->atexit_callback.func, layout->atexit_callback.args,
		layout->atexit_callback.kwargs};
	remote_addr array;
	uint32_t count = 0;

	// Before, they are in a module; after, in a list (data/layout/owned-fields.txt).
	if (!pylayout_has(layout->interp.atexit_ncallbacks))
		return NULL;
	array = pyreader_pointer(reader, interpreter + layout->interp.atexit_callbacks);
	pyreader_u32(reader, interpreter + layout->interp.atexit_ncallbacks, &count);
	for (uint32_t i = 0; array && i < count && i < LIMIT_FRAME_SLOTS; i++) {
		remote_addr callback = pyreader_pointer(reader, array + (uint64_t)i * 8);

		for (size_t f = 0; callback && f < sizeof(fields) / sizeof(fields[0]); f++) {
			remote_addr value = pyreader_pointer(reader, callback + fields[f]);
			struct error *err = value ? note_root(builder, value, HEAP_ROOT_INTERPRETER,
							    true, "atexit callbacks", NULL)
						  : NULL;

			if (err)
				return err;
		}
	}
	return NULL;
}

// The cache's names are owned, its values borrowed (Objects/typeobject.c).
static struct error *collect_type_cache(struct heap_builder *builder, remote_addr interpreter)
{
	const struct pylayout *layout = builder->python->layout;

	if (!pylayout_has(layout->interp.type_cache))
		return NULL;
	return note_owned_words(builder, interpreter + layout->interp.type_cache + TYPE_CACHE_NAME,
		TYPE_CACHE_ENTRIES, TYPE_CACHE_STRIDE, HEAP_ROOT_INTERPRETER,
		"type attribute cache");
}

// A frame's references gather here, with what its roots are called.
struct frame_roots {
	struct heap_builder *builder;
	const char *prefix, *file; /* "thread 'MainThread' app.main" */
	struct error *failure;
};

static void take_frame_refs(struct pyscan *scan)
{
	struct frame_roots *roots = scan->user;
	struct pycontext *context = &roots->builder->context;

	for (uint32_t i = 0; i < scan->count && !roots->failure; i++) {
		const struct pylabel *label = &scan->labels[i];
		bool is_counted = !(scan->refs[i] & PYREF_INFERRED);
		char name[NAME_BYTES], text[NAME_BYTES / 2];

		if (label->kind == PYLABEL_LOCAL) {
			pytext_str(context, label->object, text, sizeof(text));
			snprintf(name, sizeof(name), "%s local %s", roots->prefix, text);
		} else if (label->kind == PYLABEL_STACK) {
			snprintf(name, sizeof(name), "%s value stack", roots->prefix);
		} else {
			snprintf(name, sizeof(name), "%s %s", roots->prefix, label->text);
		}
		roots->failure = note_root(roots->builder, scan->refs[i] & PYREF_ADDRESS,
			is_counted ? HEAP_ROOT_FRAME : HEAP_ROOT_STACK, is_counted, name,
			roots->file);
	}
	scan->count = 0;
}

static struct error *collect_frame(struct heap_builder *builder, const struct pyframe *frame,
	const char *thread_name, struct pyscan *scan)
{
	char function[NAME_BYTES / 4], file[NAME_BYTES], prefix[NAME_BYTES / 2];
	struct frame_roots roots = {.builder = builder, .prefix = prefix, .file = file};
	uint32_t line;

	// Nobody's frame, or a generator's, which the generator object refers to.
	if (frame->owner != PYFRAME_THREAD)
		return NULL;
	pyframe_function(&builder->context, frame, function, sizeof(function));
	pyframe_file(&builder->context, frame, file, sizeof(file) - LINE_BYTES);
	line = pyframe_line(&builder->context, frame);
	if (line)
		snprintf(file + strlen(file), LINE_BYTES, ":%u", line);
	snprintf(prefix, sizeof(prefix), "%s %s", thread_name, function);
	// An object: what it holds is seen with all other objects.
	if (frame->is_object)
		return note_root(builder, frame->addr, HEAP_ROOT_FRAME, true, prefix, file);
	scan->user = &roots;
	pyframe_scan(scan, frame->addr);
	pyscan_flush(scan);
	return roots.failure;
}

static struct error *collect_frames(
	struct heap_builder *builder, remote_addr thread, const char *thread_name)
{
	struct pylabel labels[PYSCAN_BATCH];
	struct pycontext frames; // its reader must not be the one that names are read with
	struct pyscan *scan = mem_calloc(1, sizeof(*scan));
	struct error *err;
	remote_addr addr = pyframe_innermost(&builder->context, thread);
	struct pychain chain = {0};
	struct pyframe frame;

	if (!scan)
		return error_enomem();
	err = pycontext_init(&frames, builder->python, 64);
	if (err) {
		mem_free(scan);
		return err;
	}
	scan->context = &frames;
	scan->flush = take_frame_refs;
	scan->labels = labels;
	scan->words = builder->frame_words;
	scan->words_max = LIMIT_FRAME_WORDS;
	for (unsigned i = 0; !err && i < LIMIT_FRAMES && pychain_goes_on(&chain, addr); i++) {
		if (!pyframe_read(&builder->context, addr, &frame))
			break;
		err = collect_frame(builder, &frame, thread_name, scan);
		if (scan->words > scan->words_max)
			break;
		addr = frame.previous;
	}
	builder->frame_words = scan->words;
	pycontext_deinit(&frames);
	mem_free(scan);
	return err;
}

static struct error *collect_threads(struct heap_builder *builder, remote_addr interpreter)
{
	_cleanup_(addr_vector_deinit) struct addr_vector threads = {0};
	const struct pyfields *fields = find_fields(builder, "<thread>");
	struct error *err = pyruntime_threads(&builder->context, interpreter, &threads);

	for (size_t i = 0; !err && i < threads.count; i++) {
		char bare[128], name[160], prefix[176];

		heap_threads_name(builder, interpreter, threads.items[i], bare, sizeof(bare));
		snprintf(name, sizeof(name), "thread '%s'", bare);
		snprintf(prefix, sizeof(prefix), "%s ", name);
		err = collect_fields(builder, threads.items[i], fields, HEAP_ROOT_THREAD, prefix);
		if (!err)
			err = collect_frames(builder, threads.items[i], name);
	}
	return err;
}

// Whether a collection is running does not matter here: a head's neighbours are objects all the
// same.
static struct error *collect_gc_heads(struct heap_builder *builder, remote_addr interpreter)
{
	const struct pylayout *layout = builder->python->layout;
	remote_addr heads[PYRUNTIME_GC_HEADS_MAX];
	size_t count = pyruntime_gc_heads(&builder->context, interpreter, heads);

	for (size_t i = 0; i < count; i++) {
		remote_addr next = pyreader_pointer(&builder->context.reader,
					   heads[i] + layout->gc_head.next) &
				   ~3ull;
		struct error *err =
			next ? heap_builder_note_other(builder, next + layout->gc_head.size) : NULL;

		if (err)
			return err;
	}
	return NULL;
}

// One list of the collector's, as far as it can be followed: where the target runs, it may be torn.
static void mark_list(struct heap_builder *builder, remote_addr head)
{
	const struct pylayout *layout = builder->python->layout;
	struct heap_graph *graph = builder->graph;
	remote_addr at = head;
	struct pychain chain = {0};

	for (uint32_t i = 0; i < graph->node_count; i++) {
		node_id node;

		at = pyreader_pointer(&builder->context.reader, at + layout->gc_head.next) & ~3ull;
		if (at == head || !pychain_goes_on(&chain, at))
			return;
		node = heap_addresses_find(&builder->addresses, at + layout->gc_head.size);
		if (node == HEAP_NODE_NONE || !heap_has_flag(graph, node, HEAP_NODE_TRACKED))
			return;
		graph->node_word[node] |= HEAP_NODE_PERMANENT;
	}
}

void heap_roots_mark_permanent(struct heap_builder *builder)
{
	const struct addr_vector *interpreters = &builder->python->interpreters;

	for (size_t i = 0; i < interpreters->count; i++) {
		remote_addr head =
			pyruntime_permanent_generation(&builder->context, interpreters->items[i]);

		if (head)
			mark_list(builder, head);
	}
}

// The dicts of interned strings, where they are found through the interpreter; before, they are
// variables of C like others.
static struct error *collect_interned(struct heap_builder *builder)
{
	const struct python *python = builder->python;
	struct error *err = NULL;

	if (!pylayout_has(python->layout->interp.interned))
		return NULL;
	for (size_t i = 0; !err && i < python->interned.count; i++)
		err = note_root(builder, python->interned.items[i], HEAP_ROOT_INTERPRETER, true,
			"interned strings", NULL);
	return err;
}

struct error *heap_roots_collect(struct heap_builder *builder)
{
	_cleanup_(addr_vector_deinit) struct addr_vector interpreters = {0};
	struct error *err = pyruntime_interpreters(&builder->context, &interpreters);

	for (size_t i = 0; !err && i < interpreters.count; i++) {
		remote_addr interpreter = interpreters.items[i];

		err = collect_fields(builder, interpreter, find_fields(builder, "<interpreter>"),
			HEAP_ROOT_INTERPRETER, "interpreter ");
		if (!err)
			err = collect_atexit(builder, interpreter);
		if (!err)
			err = collect_identifiers(builder, interpreter);
		if (!err)
			err = collect_type_cache(builder, interpreter);
		if (!err)
			err = collect_gc_heads(builder, interpreter);
		if (!err)
			err = collect_threads(builder, interpreter);
	}
	if (!err)
		err = collect_interned(builder);
	if (!err)
		err = heap_statics_collect(builder);
	return err ? err : heap_words_collect(builder);
}
