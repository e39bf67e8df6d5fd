// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "heap/heap_threads.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/vector.h"
#include "cpython/pycode.h"
#include "cpython/pyruntime.h"
#include "cpython/pystack.h"
#include "heap/heap_builder.h"
#include "heap/heap_locals.h"

#include <stdio.h>

#define NAME_BYTES 512

DEFINE_VECTOR(heap_thread_vector, struct heap_thread)
DEFINE_VECTOR(heap_frame_vector, struct heap_frame)

struct collection {
	struct heap_builder *builder;
	struct heap_thread_vector threads;
	struct heap_frame_vector frames;
	struct pystack_frame *stack; /* of one thread; pages */
	struct heap_locals locals;
};

// Before 3.11 a thread state has only the pthread_t: with glibc, the address of a struct pthread that
// has the kernel's number at this offset (nptl/descr.h, 2.23 to 2.36, x86-64). If that is no number
// of a thread, nothing is named after it.
#define PTHREAD_TID 720

static uint64_t native_thread_id(struct heap_builder *builder, remote_addr thread)
{
	const struct pylayout *layout = builder->python->layout;
	struct pyreader *reader = &builder->context.reader;
	remote_addr pthread;
	uint32_t id = 0;

	if (pylayout_has(layout->tstate.native_thread_id))
		return pyreader_pointer(reader, thread + layout->tstate.native_thread_id);
	pthread = pyreader_pointer(reader, thread + layout->tstate.thread_id);
	if (pthread)
		pyreader_u32(reader, pthread + PTHREAD_TID, &id);
	return id;
}

// The kernel calls the main one like the program, threading would call it like this.
void heap_threads_name(struct heap_builder *builder, remote_addr interpreter, remote_addr thread,
	char *ret, size_t size)
{
	uint64_t native = native_thread_id(builder, thread);
	size_t count;
	const struct target_thread *threads = target_threads(builder->target, &count);

	pyruntime_thread_name(&builder->context, interpreter, thread, ret, size);
	for (size_t i = 0; !ret[0] && i < count; i++) {
		if ((uint64_t)threads[i].id_inside == native)
			snprintf(ret, size, "%s", i ? threads[i].name : "MainThread");
	}
}

// Of a running thread only: where the kernel has one by that number.
static uint64_t known_id(struct heap_builder *builder, remote_addr thread)
{
	uint64_t native = native_thread_id(builder, thread);
	size_t count;
	const struct target_thread *threads = target_threads(builder->target, &count);

	for (size_t i = 0; i < count; i++) {
		if ((uint64_t)threads[i].id_inside == native)
			return native;
	}
	return 0;
}

static struct error *add_frame(struct collection *collection, const struct pystack_frame *at)
{
	struct heap_builder *builder = collection->builder;
	char function[NAME_BYTES], file[LIMIT_NAME_BYTES];
	struct heap_frame it = {
		.line = pycode_line(&builder->context, at->frame.code, at->instruction),
		.first_local = collection->locals.list.count};
	struct error *err;

	pyframe_function(&builder->context, &at->frame, function, sizeof(function));
	pyframe_file(&builder->context, &at->frame, file, sizeof(file));
	it.function = heap_graph_intern(builder->graph, function);
	it.file = heap_graph_intern(builder->graph, file);
	err = heap_locals_read(&collection->locals, &at->frame);
	if (err)
		return err;
	it.local_count = collection->locals.list.count - it.first_local;
	return it.function && it.file && heap_frame_vector_push(&collection->frames, it)
		       ? NULL
		       : error_enomem();
}

static struct error *add_frames(
	struct collection *collection, remote_addr thread, struct heap_thread *it)
{
	struct error *err = NULL;

	it->first_frame = collection->frames.count;
	it->frame_count = pystack_read(&collection->builder->context, thread, collection->stack,
		LIMIT_STACK_FRAMES - it->first_frame, &it->is_cut);
	for (size_t i = 0; !err && i < it->frame_count; i++)
		err = add_frame(collection, &collection->stack[i]);
	return err;
}

static struct error *add_threads(struct collection *collection, remote_addr interpreter)
{
	_cleanup_(addr_vector_deinit) struct addr_vector threads = {0};
	struct heap_builder *builder = collection->builder;
	struct error *err = pyruntime_threads(&builder->context, interpreter, &threads);

	for (size_t i = 0; !err && i < threads.count && collection->threads.count < LIMIT_THREADS;
		i++) {
		struct heap_thread it = {.id = known_id(builder, threads.items[i])};
		char name[NAME_BYTES];

		heap_threads_name(builder, interpreter, threads.items[i], name, sizeof(name));
		it.name = heap_graph_intern(builder->graph, name);
		err = it.name ? add_frames(collection, threads.items[i], &it) : error_enomem();
		if (!err && !heap_thread_vector_push(&collection->threads, it))
			err = error_enomem();
	}
	return err;
}

struct error *heap_threads_read(struct heap_builder *builder, struct heap_threads *ret)
{
	_cleanup_(addr_vector_deinit) struct addr_vector interpreters = {0};
	struct collection collection = {
		.builder = builder,
		.stack = pages_alloc(LIMIT_STACK_FRAMES, sizeof(*collection.stack)),
	};
	struct error *err = collection.stack
				    ? pyruntime_interpreters(&builder->context, &interpreters)
				    : error_enomem();
	struct heap_threads threads;

	if (!err)
		err = heap_locals_init(&collection.locals, builder);
	for (size_t i = 0; !err && i < interpreters.count; i++)
		err = add_threads(&collection, interpreters.items[i]);
	pages_free(collection.stack, LIMIT_STACK_FRAMES, sizeof(*collection.stack));
	threads = (struct heap_threads){
		.items = collection.threads.items,
		.count = collection.threads.count,
		.frames = collection.frames.items,
		.frame_count = collection.frames.count,
		.local_count = collection.locals.list.count,
	};
	threads.locals = take(collection.locals.list.items);
	heap_locals_deinit(&collection.locals);
	if (err) {
		heap_threads_deinit(&threads);
		return err;
	}
	*ret = threads;
	return NULL;
}

void heap_threads_deinit(struct heap_threads *threads)
{
	mem_free(threads->items);
	mem_free(threads->frames);
	mem_free(threads->locals);
	*threads = (struct heap_threads){0};
}
