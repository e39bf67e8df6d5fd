// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * A heap of glibc's malloc written by hand: the main arena in a library's data, its brk heap, and one arena
 * of a thread.
 *
 *	malloc_image_begin(&image, &shape);
 *	malloc_image_add(&image, MALLOC_IMAGE_MAIN, 0x40, GLIBC_USED); …
 *	malloc_image_finish(&image, &target);
 */
#pragma once

#include "malloc/glibc_malloc.h"
#include "target/memory_image.h"

#define MALLOC_IMAGE_DATA   0x7f0000000000ull
#define MALLOC_IMAGE_HEAP   0x550000000000ull
#define MALLOC_IMAGE_ARENA  0x7e0004000000ull
#define MALLOC_IMAGE_BYTES  65536
#define MALLOC_IMAGE_CHUNKS 64

/** What differs between versions. */
struct malloc_image_shape {
	uint32_t bins_offset; /* 112: with have_fastchunks; 104: without */
	uint32_t count_bytes; /* of a tcache's counts: 1, 2; 0: no tcache */
	uint32_t heap_info;   /* bytes of the head of a thread's heap: 32, 48 */
	bool hides_links;
	uint64_t heap; /* where the brk heap is; 0: MALLOC_IMAGE_HEAP */
};

enum malloc_image_heap { MALLOC_IMAGE_MAIN, MALLOC_IMAGE_THREAD };

struct malloc_image {
	struct malloc_image_shape shape;
	uint8_t data[MALLOC_IMAGE_BYTES], heaps[2][MALLOC_IMAGE_BYTES];
	struct malloc_image_chunk {
		uint64_t addr, size;
		enum glibc_state state;
	} chunks[2][MALLOC_IMAGE_CHUNKS];
	size_t counts[2];
	uint64_t ends[2];
};

void malloc_image_begin(struct malloc_image *image, const struct malloc_image_shape *shape);
/** Append a chunk; top is added at the end. Returns its address. */
uint64_t malloc_image_add(struct malloc_image *image, enum malloc_image_heap heap, uint64_t size,
	enum glibc_state state);
/** Link the lists, and make a target of it that borrows the image. */
struct error *malloc_image_finish(struct malloc_image *image, struct target **ret);
