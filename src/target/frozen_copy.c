// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "target/frozen_copy.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/parallel.h"
#include "base/search.h"
#include "target/live_target.h"
#include "target/process_internal.h"
#include "target/procfs.h"
#include "target/ptrace_stop.h"
#include "target/resident_pages.h"
#include "target/target_ops.h"
#include "target/thread_names.h"
#include "target/tracer.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

// Memory is made ready before the stop for what is there then, and what may come meanwhile.
#define SLACK_BYTES ((uint64_t)32 << 20)

#define PAGE_BYTES ((uint64_t)4096)

// Larger mappings are taken for reserved address space.
#define RESERVED_BYTES_MIN ((uint64_t)1 << 38)

#define ROLLUP_BYTES 16384

// One part in so many may be shared without our caring that it gets copied.
#define SHARED_SHARE_MAX 32

#define TRIES_MAX 5
#define TRY_PAUSE 100000

struct frozen_copy {
	struct target target;
	struct process *process; /* borrowed */
	pid_t thread;            /* through which memory is read */
	struct page_run_vector runs;
	uint64_t *offsets; /* of each run in bytes; one more at the end */
	unsigned char *bytes;
	uint64_t capacity;
	double stopped_ms;
	bool is_private; /* memory is not shared with a parent or children */
};

static const struct frozen_copy *frozen_of(const struct target *target)
{
	return (const struct frozen_copy *)target;
}

// Index of the first run that ends after @p addr.
static size_t first_run_behind(const struct frozen_copy *copy, remote_addr addr)
{
	return partition_point(i, copy->runs.count, copy->runs.items[i].end <= addr);
}

static const void *frozen_borrow(const struct target *target, remote_addr addr, size_t *ret_size)
{
	const struct frozen_copy *copy = frozen_of(target);
	size_t i = first_run_behind(copy, addr);

	if (i == copy->runs.count || copy->runs.items[i].start > addr)
		return NULL;
	*ret_size = copy->runs.items[i].end - addr;
	return copy->bytes + copy->offsets[i] + (addr - copy->runs.items[i].start);
}

// Sanitizers and databases reserve address space by the terabyte, and before Linux 6.7 finding out
// what of it is used takes a look at every page.
static bool is_copied(const struct mapping *mapping)
{
	return mapping->readable && mapping->writable && !mapping->shared &&
	       mapping->end - mapping->start < RESERVED_BYTES_MIN;
}

// Anonymous memory that was never touched reads as zeros; in the process it may have been touched
// by now. Returns how many bytes from @p addr on are so, 0 if they have to be read from the
// process.
static size_t untouched_size(const struct frozen_copy *copy, remote_addr addr)
{
	const struct mapping *mapping = mappings_find(&copy->target.mappings, addr);
	size_t i = first_run_behind(copy, addr);
	remote_addr end;

	if (!mapping || !is_copied(mapping) || mapping->inode)
		return 0;
	end = mapping->end;
	if (i < copy->runs.count && copy->runs.items[i].start < end)
		end = copy->runs.items[i].start;
	return end - addr;
}

static size_t frozen_read(const struct target *target, remote_addr addr, void *buffer, size_t size)
{
	size_t available;
	const void *bytes = frozen_borrow(target, addr, &available);

	if (bytes) {
		size = size < available ? size : available;
		memcpy(buffer, bytes, size);
		return size;
	}
	available = untouched_size(frozen_of(target), addr);
	if (available) {
		size = size < available ? size : available;
		memset(buffer, 0, size);
		return size;
	}
	return live_read(frozen_of(target)->process->memory_fd, addr, buffer, size);
}

// Of memory that was copied, what was copied; of a file's data the rest can be read as well.
static struct error *frozen_resident(const struct target *target, remote_addr start,
	remote_addr end, enum page_kind kind, struct page_run_vector *runs)
{
	const struct frozen_copy *copy = frozen_of(target);
	const struct mapping *mapping = mappings_find(&target->mappings, start);
	size_t i = first_run_behind(copy, start);

	(void)kind; // what was swapped out was read in for the copy
	if (!mapping || mapping->end < end || !is_copied(mapping) || mapping->inode)
		return page_run_vector_push(runs, (struct page_run){start, end}) ? NULL
										 : error_enomem();
	for (; i < copy->runs.count && copy->runs.items[i].start < end; i++) {
		struct page_run run = copy->runs.items[i];

		run.start = run.start > start ? run.start : start;
		run.end = run.end < end ? run.end : end;
		if (!page_run_vector_push(runs, run))
			return error_enomem();
	}
	return NULL;
}

static bool frozen_is_gone(const struct target *target)
{
	return !process_is_alive(frozen_of(target)->process);
}

static void frozen_destroy(struct target *target)
{
	struct frozen_copy *copy = (struct frozen_copy *)target;

	pages_free(copy->bytes, copy->capacity, 1);
	page_run_vector_deinit(&copy->runs);
	mem_free(copy->offsets);
	mem_free(copy);
}

static const struct target_ops frozen_ops = {
	.read = frozen_read,
	.borrow = frozen_borrow,
	.resident = frozen_resident,
	.is_gone = frozen_is_gone,
	.destroy = frozen_destroy,
};

static uint64_t total_bytes(const struct page_run_vector *runs)
{
	uint64_t total = 0;

	for (size_t i = 0; i < runs->count; i++)
		total += runs->items[i].end - runs->items[i].start;
	return total;
}

// What is to be copied, as of now. Of a file's writable data all is taken: it is little.
static struct error *find_runs(struct frozen_copy *copy)
{
	_cleanup_(close) int fd = -1;
	struct error *error;

	mappings_deinit(&copy->target.mappings);
	copy->runs.count = 0;
	error = mappings_read(copy->thread, &copy->target.mappings);
	if (!error)
		error = resident_pages_open(copy->thread, &fd);
	for (size_t i = 0; i < copy->target.mappings.count && !error; i++) {
		const struct mapping *mapping = &copy->target.mappings.items[i];

		if (is_copied(mapping))
			error = resident_pages_find(
				fd, mapping->start, mapping->end, PAGES_WITH_CONTENT, &copy->runs);
	}
	return error;
}

static struct error *reserve(struct frozen_copy *copy, uint64_t bytes)
{
	if (bytes <= copy->capacity)
		return NULL;
	pages_free(copy->bytes, copy->capacity, 1);
	copy->capacity = 0;
	copy->bytes = pages_alloc(bytes, 1);
	if (!copy->bytes)
		return error_enomem();
	copy->capacity = bytes;
	return NULL;
}

static struct error *number_runs(struct frozen_copy *copy)
{
	uint64_t *offsets =
		mem_realloc_array(copy->offsets, copy->runs.count + 1, sizeof(*offsets));
	uint64_t offset = 0;

	if (!offsets)
		return error_enomem();
	copy->offsets = offsets;
	for (size_t i = 0; i < copy->runs.count; i++) {
		offsets[i] = offset;
		offset += copy->runs.items[i].end - copy->runs.items[i].start;
	}
	offsets[copy->runs.count] = offset;
	return NULL;
}

// Is nearly nothing of the memory shared with relatives, as it is after a fork?
static bool has_memory_of_its_own(pid_t thread)
{
	_cleanup_(mem_free) char *text = NULL;
	uint64_t anonymous = 0, proportional = 0;
	size_t size;

	error_destroy(proc_read(&text, &size, ROLLUP_BYTES, "/proc/%d/smaps_rollup", thread));
	// Kernels that do not tell do not copy what is pinned, either.
	if (!text || !proc_field(text, "Anonymous", 10, &anonymous) ||
		!proc_field(text, "Pss_Anon", 10, &proportional))
		return true;
	return proportional >= anonymous - anonymous / SHARED_SHARE_MAX;
}

// Everything up to here that takes time without the process standing still: above all, the kernel
// clears fresh memory page by page.
static struct error *prepare(struct frozen_copy *copy)
{
	struct error *error = find_runs(copy);
	uint64_t bytes;

	if (error)
		return error;
	copy->is_private = has_memory_of_its_own(copy->thread);
	bytes = total_bytes(&copy->runs);
	error = reserve(copy, bytes + bytes / 16 + SLACK_BYTES);
	if (!error)
		// Refused before Linux 5.14: the pages come during the copy then, and slower.
		madvise(copy->bytes, copy->capacity, MADV_POPULATE_WRITE);
	return error;
}

// process_vm_readv() is nearly twice as fast, which is time that the process stands still; but of
// shared memory it would make copies, see live_read().
static size_t read_once(
	const struct frozen_copy *copy, remote_addr addr, uint64_t size, unsigned char *to)
{
	struct iovec local = {to, size}, remote = {(void *)addr, size};
	ssize_t count;

	if (!copy->is_private)
		return live_read(copy->process->memory_fd, addr, to, size);
	count = process_vm_readv(copy->thread, &local, 1, &remote, 1, 0);
	return count < 0 ? 0 : (size_t)count;
}

// Read @p size bytes at @p addr to @p to. What cannot be read stays zero.
static void copy_run(
	const struct frozen_copy *copy, remote_addr addr, uint64_t size, unsigned char *to)
{
	while (size > 0) {
		uint64_t done = read_once(copy, addr, size, to);

		if (!done) {
			// The next page is the one that cannot be read.
			done = size < PAGE_BYTES ? size : PAGE_BYTES;
			memset(to, 0, done);
		}
		addr += done;
		to += done;
		size -= done;
	}
}

// Copy bytes [from, to) of the image.
static void copy_part(const struct frozen_copy *copy, uint64_t from, uint64_t to)
{
	for (size_t i = 0; i < copy->runs.count; i++) {
		uint64_t start = from > copy->offsets[i] ? from : copy->offsets[i];
		uint64_t end = to < copy->offsets[i + 1] ? to : copy->offsets[i + 1];

		if (start < end)
			copy_run(copy, copy->runs.items[i].start + (start - copy->offsets[i]),
				end - start, copy->bytes + start);
	}
}

struct copy_job {
	const struct frozen_copy *copy;
	unsigned workers;
};

static struct error *copy_worker(void *context, unsigned worker)
{
	const struct copy_job *job = context;
	uint64_t pages = job->copy->offsets[job->copy->runs.count] / 4096;

	copy_part(job->copy, pages * worker / job->workers * 4096,
		pages * (worker + 1) / job->workers * 4096);
	return NULL;
}

static struct error *copy_stopped(struct frozen_copy *copy)
{
	struct copy_job job = {.copy = copy, .workers = parallel_workers()};
	struct error *error;

	if (!process_is_alive(copy->process))
		return process_check_same(copy->process);
	error = find_runs(copy);
	if (!error)
		error = number_runs(copy);
	if (!error)
		error = reserve(copy, copy->offsets[copy->runs.count]);
	if (!error)
		error = parallel_run(job.workers, copy_worker, &job);
	return error;
}

static struct error *freeze_work(void *context)
{
	struct frozen_copy *copy = context;
	struct stopped_threads threads;
	struct error *error;

	error = ptrace_stop_all(process_pid(copy->process), &threads);
	if (error)
		return error;
	error = copy_stopped(copy);
	if (!error)
		error = thread_list_create(
			&threads, &copy->target.threads, &copy->target.thread_count);
	copy->stopped_ms += ptrace_release(&threads);
	return error;
}

static struct error *stop_and_copy(struct frozen_copy *copy)
{
	for (int try = 1;; try++) {
		struct tracer *tracer = NULL;
		struct error *error = tracer_create(process_pid(copy->process), &tracer);

		if (!error)
			error = tracer_call(tracer, freeze_work, copy);
		tracer_destroy(tracer);
		if (!error || error_kind(error) != ERROR_SYSTEM || try == TRIES_MAX ||
			!process_is_alive(copy->process))
			return error;
		error_destroy(error);
		usleep(TRY_PAUSE);
	}
}

struct error *frozen_copy_create(
	struct process *process, struct target **ret, double *ret_stopped_ms)
{
	struct frozen_copy *copy = mem_calloc(1, sizeof(*copy));
	struct error *error;

	if (!copy)
		return error_enomem();
	copy->target.ops = &frozen_ops;
	copy->target.origin = &process->origin;
	copy->process = process;
	copy->thread = process_memory_thread(process);
	error = prepare(copy);
	if (!error)
		error = stop_and_copy(copy);
	*ret_stopped_ms += copy->stopped_ms;
	if (error) {
		target_destroy(&copy->target);
		return error;
	}
	pages_discard_tail(copy->bytes, copy->offsets[copy->runs.count], copy->capacity);
	thread_names_read(process_pid(process), copy->target.threads, copy->target.thread_count);
	*ret = &copy->target;
	return NULL;
}
