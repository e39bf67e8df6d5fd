// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Any words in a heap of glibc's malloc: input is patches of 4 bytes of where (segment, place) and 8 of what.
 * Chunks come in order, within their heap, and to an end.
 */
#include "base/error.h"
#include "malloc_image.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct malloc_image_shape shapes[] = {
	{.bins_offset = 104, .heap_info = 32},
	{.bins_offset = 112, .count_bytes = 1, .heap_info = 32},
	{.bins_offset = 112, .count_bytes = 2, .heap_info = 48, .hides_links = true},
};

static void fill(struct malloc_image *image, const struct malloc_image_shape *shape)
{
	malloc_image_begin(image, shape);
	for (int heap = 0; heap < 2; heap++) {
		malloc_image_add(image, heap, 0x40, GLIBC_USED);
		malloc_image_add(image, heap, 0x30, GLIBC_FAST);
		malloc_image_add(image, heap, 0x3010, GLIBC_BIN);
		malloc_image_add(image, heap, 0x30, GLIBC_FAST);
		malloc_image_add(image, heap, 0x60, shape->count_bytes ? GLIBC_TCACHE : GLIBC_USED);
		malloc_image_add(image, heap, 0x60, shape->count_bytes ? GLIBC_TCACHE : GLIBC_USED);
		malloc_image_add(image, heap, 0x290, GLIBC_USED);
	}
}

static void patch(struct malloc_image *image, const uint8_t *data, size_t size)
{
	for (; size >= 12; data += 12, size -= 12) {
		uint8_t *segments[] = {image->data, image->heaps[0], image->heaps[1]};
		uint32_t where;

		memcpy(&where, data, sizeof(where));
		memcpy(segments[where % 3] + (where / 3) % (MALLOC_IMAGE_BYTES / 8) * 8, data + 4,
			8);
	}
}

static void check(const struct glibc_malloc *malloc)
{
	_cleanup_(glibc_walk_destroy) struct glibc_walk *walk = NULL;
	struct glibc_chunk chunk;

	if (glibc_walk_create(malloc, &walk))
		abort();
	for (size_t i = 0; i < malloc->heaps.count; i++) {
		const struct glibc_heap *heap = &malloc->heaps.items[i];
		remote_addr at = heap->start;

		glibc_walk_begin(walk, heap);
		for (; glibc_walk_next(walk, &chunk); at += chunk.size) {
			if (chunk.addr != at || !chunk.size || chunk.size > heap->end - at)
				abort();
		}
		if (at != heap->end || heap->lead > heap->start || (i && heap->lead < heap[-1].end))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct malloc_image image;
	_cleanup_(target_destroy) struct target *target = NULL;
	struct glibc_malloc malloc;

	if (!size)
		return 0;
	fill(&image, &shapes[data[0] % 3]);
	if (malloc_image_finish(&image, &target))
		abort();
	patch(&image, data + 1, size - 1);
	if (glibc_malloc_open(target, &malloc))
		abort();
	check(&malloc);
	glibc_malloc_close(&malloc);
	return 0;
}
