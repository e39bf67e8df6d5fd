// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * The one way to allocate.
 *
 * Small things come from malloc, arrays that grow with the target (nodes, edges) from pages of
 * their own, so that they go back to the system the moment they are released and so that huge
 * pages can back them. Every function returns NULL when memory is short; callers return
 * error_enomem(). Tests make the n-th allocation fail with alloc_fail_after().
 */
#pragma once

#include "base/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Uninitialised; like malloc, but a size of 0 returns a pointer that can be released. */
void *mem_alloc(size_t size) __attribute__((__malloc__, __warn_unused_result__));
/** Zeroed array; fails on overflow of count * size. */
void *mem_calloc(size_t count, size_t size) __attribute__((__warn_unused_result__));
/** On failure the old block is untouched; fails on overflow. */
void *mem_realloc_array(void *block, size_t count, size_t size)
	__attribute__((__warn_unused_result__));
char *mem_strdup(const char *text) __attribute__((__warn_unused_result__));
char *mem_strndup(const char *text, size_t length) __attribute__((__warn_unused_result__));
void mem_free(void *block);

static inline void cleanup_mem_free(void *pointer)
{
	mem_free(*(void **)pointer);
}

/** Zeroed, page-aligned, reserved but not touched; count * size is checked. */
void *pages_alloc(size_t count, size_t size) __attribute__((__warn_unused_result__));
/** Resize by moving page tables, not bytes; new elements are zero. NULL (old block untouched) if memory is short.
 *  A NULL block is a new one. */
void *pages_realloc(void *block, size_t old_count, size_t count, size_t size)
	__attribute__((__warn_unused_result__));
/** Resize @p block_count arrays that have one count in common, all or none: false, with every array as
 *  it was, if memory is short. */
bool pages_realloc_all(void **const *blocks, size_t block_count, size_t old_count, size_t count,
	size_t size) __attribute__((__warn_unused_result__));
/** Give back to the system all whole pages of [block + keep_bytes, block + total_bytes), whose
 *  contents are lost; the block stays valid and is released with the same size as before. */
void pages_discard_tail(void *block, size_t keep_bytes, size_t total_bytes);
/** Only a few pages of @p block, here and there, will be written to: take no huge ones for them. */
void pages_expect_few(void *block, size_t count, size_t size);
/** Release what pages_alloc(count, size) gave; NULL is fine. */
void pages_free(void *block, size_t count, size_t size);

/** For tests: let @p countdown allocations succeed, fail the next, then succeed again.
 *  UINT64_MAX switches it off. */
void alloc_fail_after(uint64_t countdown);
