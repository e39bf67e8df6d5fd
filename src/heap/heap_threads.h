// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * The Python stack of each thread at the moment of a snapshot. Nothing here knows processes or CPython,
 * as in heap_graph.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct heap_builder;

/** What a frame's variable refers to. Texts are owned by whoever gave the threads (a graph). */
struct heap_local {
	const char *name; /* "" for what is on the frame's value stack */
	uint32_t node;
};

struct heap_frame {
	const char *function; /* "app.main" */
	const char *file;     /* "" if unknown */
	uint32_t line;        /* 0 if unknown */
	size_t first_local;   /* in heap_threads.locals */
	size_t local_count;
};

struct heap_thread {
	const char *name;   /* "MainThread"; "" if it has none */
	uint64_t id;        /* the kernel's, as the process sees it; 0 if unknown */
	size_t first_frame; /* in heap_threads.frames, the innermost first */
	size_t frame_count;
	bool is_cut; /* there are more frames than are kept */
};

/** Main interpreter first; in each the thread that started last first, as CPython has them. */
struct heap_threads {
	struct heap_thread *items; /* owned */
	size_t count;
	struct heap_frame *frames; /* of all, one thread's after the other's. Owned */
	size_t frame_count;
	struct heap_local *locals; /* likewise */
	size_t local_count;
};

/** Read them from the target that the builder built its graph of; texts are interned in the graph. */
struct error *heap_threads_read(struct heap_builder *builder, struct heap_threads *ret);
void heap_threads_deinit(struct heap_threads *threads);

static inline void cleanup_heap_threads_deinit(struct heap_threads *threads)
{
	heap_threads_deinit(threads);
}

/** What a thread (an address of a PyThreadState) of an interpreter is called: as the threading module
 *  has it, or the kernel; "" if neither has. */
void heap_threads_name(struct heap_builder *builder, uint64_t interpreter, uint64_t thread,
	char *ret, size_t size);
