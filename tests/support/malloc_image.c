// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "malloc_image.h"

#include <string.h>

#define MAIN_STATE   (MALLOC_IMAGE_DATA + 0x1c60)
#define PREV_IN_USE  1ull
#define NOT_MAIN     4ull
#define BINS         127
#define TCACHE_BINS  64
#define TCACHE_CHUNK (16 + TCACHE_BINS * 8ull)

static uint64_t brk_heap(const struct malloc_image *image)
{
	return image->shape.heap ? image->shape.heap : MALLOC_IMAGE_HEAP;
}

static uint8_t *at(struct malloc_image *image, uint64_t addr)
{
	if (addr >= MALLOC_IMAGE_DATA)
		return image->data + (addr - MALLOC_IMAGE_DATA);
	if (addr >= MALLOC_IMAGE_ARENA)
		return image->heaps[MALLOC_IMAGE_THREAD] + (addr - MALLOC_IMAGE_ARENA);
	return image->heaps[MALLOC_IMAGE_MAIN] + (addr - brk_heap(image));
}

static void put(struct malloc_image *image, uint64_t addr, uint64_t value)
{
	memcpy(at(image, addr), &value, sizeof(value));
}

static uint64_t state_of(const struct malloc_image *image, enum malloc_image_heap heap)
{
	return heap == MALLOC_IMAGE_MAIN ? MAIN_STATE : MALLOC_IMAGE_ARENA + image->shape.heap_info;
}

static void write_state(struct malloc_image *image, enum malloc_image_heap heap)
{
	uint64_t state = state_of(image, heap), bins = state + image->shape.bins_offset;

	for (uint64_t i = 0; i < BINS; i++) {
		put(image, bins + i * 16, bins + i * 16 - 16);
		put(image, bins + i * 16 + 8, bins + i * 16 - 16);
	}
	put(image, bins + BINS * 16 + 16, state_of(image, !heap));
	put(image, bins + BINS * 16 + 40, MALLOC_IMAGE_BYTES);
	put(image, bins + BINS * 16 + 48, MALLOC_IMAGE_BYTES);
}

void malloc_image_begin(struct malloc_image *image, const struct malloc_image_shape *shape)
{
	*image = (struct malloc_image){.shape = *shape};
	write_state(image, MALLOC_IMAGE_MAIN);
	write_state(image, MALLOC_IMAGE_THREAD);
	put(image, MALLOC_IMAGE_ARENA, state_of(image, MALLOC_IMAGE_THREAD));
	put(image, MALLOC_IMAGE_ARENA + 16, MALLOC_IMAGE_BYTES);
	image->ends[MALLOC_IMAGE_MAIN] = brk_heap(image);
	image->ends[MALLOC_IMAGE_THREAD] =
		(state_of(image, MALLOC_IMAGE_THREAD) + shape->bins_offset + BINS * 16 + 56 + 15) &
		~15ull;
	if (shape->count_bytes)
		malloc_image_add(image, MALLOC_IMAGE_MAIN,
			TCACHE_CHUNK + (uint64_t)TCACHE_BINS * shape->count_bytes, GLIBC_OWN);
}

uint64_t malloc_image_add(struct malloc_image *image, enum malloc_image_heap heap, uint64_t size,
	enum glibc_state state)
{
	uint64_t addr = image->ends[heap];

	image->chunks[heap][image->counts[heap]++] = (struct malloc_image_chunk){addr, size, state};
	image->ends[heap] += size;
	return addr;
}

static void put_link(struct malloc_image *image, uint64_t where, uint64_t value)
{
	put(image, where, image->shape.hides_links ? value ^ where >> 12 : value);
}

// Put a chunk at the head of its list.
static void link_chunk(struct malloc_image *image, enum malloc_image_heap heap,
	const struct malloc_image_chunk *chunk)
{
	uint64_t bins = state_of(image, heap) + image->shape.bins_offset, index, next;
	uint64_t counts = brk_heap(image) + 16,
		 entries = counts + (uint64_t)TCACHE_BINS * image->shape.count_bytes;

	index = (chunk->size - 32) / 16;
	switch (chunk->state) {
	case GLIBC_FAST:
		memcpy(&next, at(image, bins - 96 + index * 8), 8);
		put_link(image, chunk->addr + 16, next);
		put(image, bins - 96 + index * 8, chunk->addr);
		break;
	case GLIBC_TCACHE:
		memcpy(&next, at(image, entries + index * 8), 8);
		put_link(image, chunk->addr + 16, next);
		put(image, entries + index * 8, chunk->addr + 16);
		(*at(image, counts + index * image->shape.count_bytes))++;
		break;
	case GLIBC_BIN: // all in the unsorted bin
		memcpy(&next, at(image, bins), 8);
		put(image, chunk->addr + 16, next);
		put(image, chunk->addr + 24, bins - 16);
		put(image, next + 24, chunk->addr);
		put(image, bins, chunk->addr);
		break;
	default:
		break;
	}
}

static void finish_heap(struct malloc_image *image, enum malloc_image_heap heap)
{
	uint64_t flags = heap == MALLOC_IMAGE_MAIN ? 0 : NOT_MAIN;
	uint64_t start = heap == MALLOC_IMAGE_MAIN ? brk_heap(image) : MALLOC_IMAGE_ARENA;
	uint64_t top = malloc_image_add(
		image, heap, start + MALLOC_IMAGE_BYTES - image->ends[heap], GLIBC_TOP);

	put(image, state_of(image, heap) + image->shape.bins_offset - 16, top);
	for (size_t i = 0; i < image->counts[heap]; i++) {
		const struct malloc_image_chunk *chunk = &image->chunks[heap][i];
		bool is_behind_free = i && chunk[-1].state == GLIBC_BIN;

		put(image, chunk->addr + 8,
			chunk->size | flags | (is_behind_free ? 0 : PREV_IN_USE));
		link_chunk(image, heap, chunk);
	}
}

struct error *malloc_image_finish(struct malloc_image *image, struct target **ret)
{
	const struct memory_image_segment segments[] = {
		{brk_heap(image), image->heaps[0], MALLOC_IMAGE_BYTES, true, "[heap]", 0},
		{MALLOC_IMAGE_ARENA, image->heaps[1], MALLOC_IMAGE_BYTES, true, "", 0},
		{MALLOC_IMAGE_DATA, image->data, MALLOC_IMAGE_BYTES, true, "/lib/libc.so.6", 7},
	};

	finish_heap(image, MALLOC_IMAGE_MAIN);
	finish_heap(image, MALLOC_IMAGE_THREAD);
	return memory_image_create(segments, 3, ret);
}
