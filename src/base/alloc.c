// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "base/alloc.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

// Arrays from this size on ask for huge pages: below it a huge page would be mostly empty.
#define HUGE_PAGES_MIN_BYTES (8u << 20)
#define PAGE_BYTES           ((size_t)4096)

static _Atomic uint64_t fail_countdown = UINT64_MAX;

static bool must_fail(void)
{
	if (atomic_load_explicit(&fail_countdown, memory_order_relaxed) == UINT64_MAX)
		return false;
	return atomic_fetch_sub(&fail_countdown, 1) == 0;
}

void alloc_fail_after(uint64_t countdown)
{
	atomic_store(&fail_countdown, countdown);
}

void *mem_alloc(size_t size)
{
	return must_fail() ? NULL : malloc(size ? size : 1);
}

// Asked here, not left to libc: under a sanitizer the overflow would end the program.
static bool overflows(size_t count, size_t size)
{
	size_t bytes;

	return __builtin_mul_overflow(count, size, &bytes);
}

void *mem_calloc(size_t count, size_t size)
{
	return overflows(count, size) || must_fail() ? NULL
						     : calloc(count ? count : 1, size ? size : 1);
}

void *mem_realloc_array(void *block, size_t count, size_t size)
{
	return overflows(count, size) || must_fail()
		       ? NULL
		       : reallocarray(block, count ? count : 1, size ? size : 1);
}

char *mem_strdup(const char *text)
{
	return mem_strndup(text, strlen(text));
}

char *mem_strndup(const char *text, size_t length)
{
	size_t used = strnlen(text, length);
	char *copy = mem_alloc(used + 1);

	if (!copy)
		return NULL;
	memcpy(copy, text, used);
	copy[used] = '\0';
	return copy;
}

void mem_free(void *block)
{
	free(block);
}

void *pages_alloc(size_t count, size_t size)
{
	size_t bytes;
	void *block;

	if (must_fail() || __builtin_mul_overflow(count, size, &bytes))
		return NULL;
	block = mmap(NULL, bytes ? bytes : 1, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (block == MAP_FAILED)
		return NULL;
	if (bytes >= HUGE_PAGES_MIN_BYTES)
		madvise(block, bytes, MADV_HUGEPAGE);
	return block;
}

void *pages_realloc(void *block, size_t old_count, size_t count, size_t size)
{
	size_t old_bytes = old_count * size, bytes;
	void *moved;

	if (!block)
		return pages_alloc(count, size);
	if (must_fail() || __builtin_mul_overflow(count, size, &bytes))
		return NULL;
	moved = mremap(block, old_bytes ? old_bytes : 1, bytes ? bytes : 1, MREMAP_MAYMOVE);
	if (moved == MAP_FAILED)
		return NULL;
	if (bytes >= HUGE_PAGES_MIN_BYTES)
		madvise(moved, bytes, MADV_HUGEPAGE);
	return moved;
}

bool pages_realloc_all(
	void **const *blocks, size_t block_count, size_t old_count, size_t count, size_t size)
{
	for (size_t i = 0; i < block_count; i++) {
		void *moved = pages_realloc(*blocks[i], old_count, count, size);

		if (moved) {
			*blocks[i] = moved;
			continue;
		}
		// Shrinking needs no memory and moves nothing.
		while (i--)
			mremap(*blocks[i], count * size, old_count ? old_count * size : 1, 0);
		return false;
	}
	return true;
}

void pages_discard_tail(void *block, size_t keep_bytes, size_t total_bytes)
{
	size_t keep = (keep_bytes + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);

	if (keep < total_bytes)
		madvise((char *)block + keep, total_bytes - keep, MADV_DONTNEED);
}

void pages_expect_few(void *block, size_t count, size_t size)
{
	if (block && count)
		madvise(block, count * size, MADV_NOHUGEPAGE);
}

void pages_free(void *block, size_t count, size_t size)
{
	if (block)
		munmap(block, count && size ? count * size : 1);
}
