// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "target/target.h"

#include "base/alloc.h"
#include "base/error.h"
#include "target/target_ops.h"

#include <inttypes.h>
#include <string.h>

#define PAGE_BYTES ((uint64_t)4096)

struct error *target_read(const struct target *target, remote_addr addr, void *buffer, size_t size)
{
	size_t done = 0;

	if (addr + size < addr)
		return error_create(ERROR_FAULT, "cannot read memory at 0x%" PRIx64, addr);
	while (done < size) {
		size_t count =
			target->ops->read(target, addr + done, (char *)buffer + done, size - done);

		if (count == 0)
			break;
		done += count;
	}
	if (done == size)
		return NULL;
	if (target->ops->is_gone && target->ops->is_gone(target))
		return error_create(ERROR_GONE, "the process ended while it was read");
	return error_create(ERROR_FAULT, "cannot read memory at 0x%" PRIx64, addr + done);
}

// How many bytes from @p addr on cannot be read: to the next page, or, outside of all mappings, to
// the next mapping, so that a huge hole costs one step.
static size_t unreadable_size(const struct target *target, remote_addr addr, size_t size)
{
	const struct mappings *mappings = &target->mappings;
	size_t i = mappings_lower_bound(mappings, addr);
	uint64_t skip = PAGE_BYTES - addr % PAGE_BYTES;

	if (i == mappings->count)
		return mappings->count ? size : skip < size ? skip : size;
	if (mappings->items[i].start > addr)
		skip = mappings->items[i].start - addr;
	else if (!mappings->items[i].readable)
		skip = mappings->items[i].end - addr;
	return skip < size ? skip : size;
}

size_t target_read_pieces(
	const struct target *target, const struct target_piece *pieces, unsigned count)
{
	if (!target->ops->read_pieces || !count)
		return 0;
	return target->ops->read_pieces(
		target, pieces, count < TARGET_PIECES_MAX ? count : TARGET_PIECES_MAX);
}

size_t target_read_some(const struct target *target, remote_addr addr, void *buffer, size_t size)
{
	char *to = buffer;
	size_t total = 0;

	// What is beyond the end of the address space does not exist.
	if (addr + size < addr) {
		memset(to, 0, size);
		size = (size_t)-addr;
	}
	while (size > 0) {
		size_t count = target->ops->read(target, addr, to, size);

		total += count;
		if (count == 0) {
			count = unreadable_size(target, addr, size);
			memset(to, 0, count);
		}
		addr += count;
		to += count;
		size -= count;
	}
	return total;
}

const void *target_borrow(const struct target *target, remote_addr addr, size_t *ret_size)
{
	return target->ops->borrow ? target->ops->borrow(target, addr, ret_size) : NULL;
}

static struct error *find_pages(const struct target *target, remote_addr start, remote_addr end,
	enum page_kind kind, struct page_run_vector *runs)
{
	if (target->ops->resident)
		return target->ops->resident(target, start, end, kind, runs);
	return page_run_vector_push(runs, (struct page_run){start, end}) ? NULL : error_enomem();
}

struct error *target_resident(const struct target *target, remote_addr start, remote_addr end,
	struct page_run_vector *runs)
{
	return find_pages(target, start, end, PAGES_WITH_CONTENT, runs);
}

struct error *target_in_memory(const struct target *target, remote_addr start, remote_addr end,
	struct page_run_vector *runs)
{
	return find_pages(target, start, end, PAGES_IN_MEMORY, runs);
}

const struct mappings *target_mappings(const struct target *target)
{
	return &target->mappings;
}

const struct target_thread *target_threads(const struct target *target, size_t *ret_count)
{
	*ret_count = target->thread_count;
	return target->threads;
}

const char *target_name(const struct target *target)
{
	return target->origin ? target->origin->name : "memory image";
}

const char *target_executable(const struct target *target)
{
	return target->origin ? target->origin->executable : "";
}

struct error *target_open_file(
	const struct target *target, const struct mapping *mapping, int *ret_fd)
{
	if (!target->origin)
		return error_create(ERROR_NOT_FOUND, "a memory image has no files");
	return target->origin->open_file(target->origin, mapping, ret_fd);
}

void target_destroy(struct target *target)
{
	if (!target)
		return;
	mappings_deinit(&target->mappings);
	mem_free(target->threads);
	target->ops->destroy(target);
}
