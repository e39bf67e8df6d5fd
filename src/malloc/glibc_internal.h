// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Between glibc_arenas.c (where the heaps are), glibc_cached.c (chunks that are free but do not say so)
 * and glibc_walk.c (chunk by chunk).
 */
#pragma once

#include "malloc/glibc_malloc.h"

#include <string.h>

#define CHUNK_PREV_IN_USE 1ull
#define CHUNK_MMAPPED     2ull
#define CHUNK_FLAGS       7ull
#define CHUNK_BYTES_MIN   32
#define FENCE_BYTES       16
#define GLIBC_PAGE_BYTES  4096
#define GLIBC_FASTBINS    10
#define GLIBC_BINS        127
/** From the first bin: next, next_free, attached_threads, system_mem, max_system_mem. */
#define GLIBC_NEXT        (GLIBC_BINS * 16ll + 16)
#define GLIBC_SYSTEM      (GLIBC_NEXT + 24)
#define GLIBC_STATE_END   (GLIBC_NEXT + 40)
/** Before the first bin. */
#define GLIBC_TOP_FIELD   16

/** Memory that is read in ascending order, in large pieces. */
struct glibc_reader {
	const struct target *target;
	uint8_t *bytes; /* owned */
	remote_addr start;
	size_t size;
};

#define GLIBC_WINDOW_BYTES ((size_t)256 << 10)

struct error *glibc_reader_init(struct glibc_reader *reader, const struct target *target);
void glibc_reader_deinit(struct glibc_reader *reader);

static inline void cleanup_glibc_reader_deinit(struct glibc_reader *reader)
{
	glibc_reader_deinit(reader);
}

/** @p size bytes (at most a page) at @p addr, valid until the next call; NULL if they cannot be read. */
const uint8_t *glibc_reader_bytes(struct glibc_reader *reader, remote_addr addr, size_t size);

static inline uint64_t glibc_load(const uint8_t *bytes)
{
	uint64_t value;

	memcpy(&value, bytes, sizeof(value));
	return value;
}

/** A word, or 0 if it cannot be read. Not through a reader's window: for lists. */
static inline uint64_t glibc_word(const struct target *target, remote_addr addr)
{
	uint64_t value = 0;

	return target_read_some(target, addr, &value, sizeof(value)) ? value : 0;
}

/** The size of a chunk in the heap whose head is at hand, and room for it up to @p end; 0 if it is none. */
static inline uint64_t glibc_chunk_size(const uint8_t *head, remote_addr addr, remote_addr end)
{
	uint64_t word = glibc_load(head + 8), size = word & ~CHUNK_FLAGS;

	return word & CHUNK_MMAPPED || size < CHUNK_BYTES_MIN || size % 16 || size > end - addr
		       ? 0
		       : size;
}

/** The heap that @p addr lies in, or NULL. */
const struct glibc_heap *glibc_heap_at(const struct glibc_malloc *malloc, remote_addr addr);

/** Fill malloc->cached from the fastbins and from what looks like a tcache. */
struct error *glibc_find_cached(struct glibc_malloc *malloc);
