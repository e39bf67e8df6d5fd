// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "heap/heap_worker.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/parallel.h"

#include <string.h>

struct heap_window {
	remote_addr addr;
	uint64_t size;
};

DEFINE_VECTOR(window_vector, struct heap_window)

// Where pools and their neighbours live: private writable memory that is no file's.
static bool may_hold_pools(const struct mapping *mapping)
{
	return mapping->readable && mapping->writable && mapping_is_anonymous(mapping) &&
	       strncmp(mapping->path, "[stack", 6) != 0;
}

// Windows over the runs of pages that hold something. They end at round addresses, so that what is
// neighbouring in memory is read together; two runs in one window make one window. No window begins
// before the end of the last: everything after relies on each pool being there once, in order.
static bool add_windows(struct window_vector *windows, const struct page_run *run,
	const struct mapping *mapping, uint64_t pool_bytes)
{
	remote_addr low = (mapping->start + pool_bytes - 1) & ~(pool_bytes - 1);
	remote_addr high = mapping->end & ~(pool_bytes - 1);
	remote_addr addr = run->start & ~(uint64_t)(HEAP_WINDOW_BYTES - 1);

	for (; addr < run->end; addr += HEAP_WINDOW_BYTES) {
		remote_addr start = addr > low ? addr : low;
		remote_addr end = addr + HEAP_WINDOW_BYTES < high ? addr + HEAP_WINDOW_BYTES : high;

		const struct heap_window *last =
			windows->count ? &windows->items[windows->count - 1] : NULL;

		if (start >= end || (last && start < last->addr + last->size))
			continue;
		if (!window_vector_push(windows, (struct heap_window){start, end - start}))
			return false;
	}
	return true;
}

static struct error *list_windows(const struct heap_builder *builder, struct window_vector *ret)
{
	const struct mappings *mappings = target_mappings(builder->target);
	_cleanup_(page_run_vector_deinit) struct page_run_vector runs = {0};

	for (size_t i = 0; i < mappings->count; i++) {
		const struct mapping *mapping = &mappings->items[i];
		struct error *err;

		if (!may_hold_pools(mapping))
			continue;
		runs.count = 0;
		err = target_resident(builder->target, mapping->start, mapping->end, &runs);
		if (err)
			return err;
		for (size_t j = 0; j < runs.count; j++) {
			if (!add_windows(ret, &runs.items[j], mapping,
				    builder->python->layout->traits.pool_bytes))
				return error_enomem();
		}
	}
	return NULL;
}

// The bytes of a window: where they are, or copied into the worker's buffer.
const uint8_t *heap_worker_read_window(struct heap_worker *worker, remote_addr addr, uint64_t size)
{
	const struct target *target = worker->builder->target;
	size_t got;
	const uint8_t *bytes = target_borrow(target, addr, &got);

	if (bytes && got >= size)
		return bytes;
	return target_read_some(target, addr, worker->window, size) ? worker->window : NULL;
}

struct pool_job {
	struct heap_builder *builder;
	const struct heap_window *windows;
	size_t first[LIMIT_WORKERS + 1]; /* windows of each worker */
};

static struct error *read_pools(
	struct heap_worker *worker, const struct heap_window *window, const uint8_t *bytes)
{
	const struct python *python = worker->builder->python;
	uint32_t pool_bytes = python->layout->traits.pool_bytes;

	for (uint64_t offset = 0; offset + pool_bytes <= window->size; offset += pool_bytes) {
		struct found_pool found = {.addr = window->addr + offset};
		struct pypool pool;

		if (!pymalloc_is_pool(python->layout, bytes + offset))
			continue;
		pymalloc_read_pool(
			python->layout, python->types, found.addr, bytes + offset, &pool);
		worker->torn_pools += pool.is_torn;
		if (!pool.object_count)
			continue;
		memcpy(found.starts, pool.objects, sizeof(found.starts));
		if (!pool_vector_push(&worker->pools, found))
			return error_enomem();
	}
	return NULL;
}

static struct error *find_pools(void *context, unsigned index)
{
	struct pool_job *job = context;
	struct heap_worker *worker = &job->builder->team[index];

	for (size_t i = job->first[index]; i < job->first[index + 1]; i++) {
		const struct heap_window *window = &job->windows[i];
		const uint8_t *bytes = heap_worker_read_window(worker, window->addr, window->size);
		struct error *err = bytes ? read_pools(worker, window, bytes) : NULL;

		if (err)
			return err;
	}
	return NULL;
}

// A worker may look at twice the words there are: enough for any real heap, too little for a target
// whose tables all claim the same megabytes.
static void bound_words(struct heap_builder *builder, const struct window_vector *windows)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < windows->count; i++)
		bytes += windows->items[i].size;
	builder->words_max = 2 * bytes / 8 + LIMIT_STATIC_WORDS;
	for (unsigned i = 0; i < builder->workers; i++)
		builder->team[i].scan.words_max = builder->words_max;
}

struct error *heap_builder_find_pools(struct heap_builder *builder, uint32_t *ret_end)
{
	_cleanup_(window_vector_deinit) struct window_vector windows = {0};
	struct pool_job job = {.builder = builder};
	struct error *err = list_windows(builder, &windows);

	if (err)
		return err;
	job.windows = windows.items;
	bound_words(builder, &windows);
	for (unsigned i = 0; i <= builder->workers; i++)
		job.first[i] = windows.count * i / builder->workers;
	err = parallel_run(builder->workers, find_pools, &job);
	if (err)
		return err;
	for (unsigned i = 0; i < builder->workers; i++) {
		struct pool_vector *pools = &builder->team[i].pools;

		for (size_t j = 0; j < pools->count; j++) {
			err = heap_addresses_add_pool(
				&builder->addresses, pools->items[j].addr, pools->items[j].starts);
			if (err)
				return err;
		}
		builder->stats.torn_pools += builder->team[i].torn_pools;
		pool_vector_deinit(pools);
	}
	builder->stats.pools = builder->addresses.pool_count;
	return heap_addresses_number(&builder->addresses, ret_end);
}
