// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "check.h"

#include "base/alloc.h"
#include "base/error.h"
#include "malloc_image.h"

#include <stdlib.h>
#include <string.h>

static const struct malloc_image_shape shapes[] = {
	{.bins_offset = 104, .heap_info = 32}, // 2.25, without tcache
	{.bins_offset = 112, .count_bytes = 1, .heap_info = 32},
	{.bins_offset = 112, .count_bytes = 2, .heap_info = 32},
	{.bins_offset = 112, .count_bytes = 2, .heap_info = 32, .hides_links = true},
	{.bins_offset = 112, .count_bytes = 2, .heap_info = 48, .hides_links = true}, // 2.35
};

static void fill(struct malloc_image *image, const struct malloc_image_shape *shape)
{
	malloc_image_begin(image, shape);
	for (int heap = 0; heap < 2; heap++) {
		malloc_image_add(image, heap, 0x40, GLIBC_USED);
		malloc_image_add(image, heap, 0x30, GLIBC_FAST);
		malloc_image_add(image, heap, 0x3010, GLIBC_BIN);
		malloc_image_add(image, heap, 0x20, GLIBC_USED);
		malloc_image_add(image, heap, 0x30, GLIBC_FAST);
		if (shape->count_bytes) {
			malloc_image_add(image, heap, 0x410, GLIBC_TCACHE);
			malloc_image_add(image, heap, 0x60, GLIBC_TCACHE);
			malloc_image_add(image, heap, 0x60, GLIBC_TCACHE);
		}
		malloc_image_add(image, heap, 0x290, GLIBC_USED);
		malloc_image_add(image, heap, 0x500, GLIBC_BIN);
		malloc_image_add(image, heap, 0x80, GLIBC_USED);
		malloc_image_add(image, heap, 0x80, GLIBC_FAST);
	}
}

static void check_heap(const struct malloc_image *image, const struct glibc_malloc *malloc,
	const struct glibc_heap *heap)
{
	_cleanup_(glibc_walk_destroy) struct glibc_walk *walk = NULL;
	int which =
		malloc->arenas.items[heap->arena].is_main ? MALLOC_IMAGE_MAIN : MALLOC_IMAGE_THREAD;
	struct glibc_chunk chunk;
	size_t i = 0;

	assert_null(glibc_walk_create(malloc, &walk));
	for (glibc_walk_begin(walk, heap); glibc_walk_next(walk, &chunk); i++) {
		const struct malloc_image_chunk *expected = &image->chunks[which][i];

		assert_true(i < image->counts[which]);
		assert_int_equal(chunk.addr, expected->addr);
		assert_int_equal(chunk.size, expected->size);
		assert_int_equal(chunk.state, expected->state);
	}
	assert_int_equal(i, image->counts[which]);
}

static void chunks_are_what_each_version_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		static struct malloc_image image;
		_cleanup_(target_destroy) struct target *target = NULL;
		_cleanup_(glibc_malloc_close) struct glibc_malloc malloc = {0};

		fill(&image, &shapes[i]);
		assert_null(malloc_image_finish(&image, &target));
		assert_null(glibc_malloc_open(target, &malloc));
		assert_int_equal(malloc.arenas.count, 2);
		assert_int_equal(malloc.torn_arenas, 0);
		assert_int_equal(malloc.heaps.count, 2);
		check_heap(&image, &malloc, &malloc.heaps.items[0]);
		check_heap(&image, &malloc, &malloc.heaps.items[1]);
	}
}

// A static program's TLS is at the start of its brk heap.
static void what_precedes_the_first_chunk_is_passed_over(void **state)
{
	static struct malloc_image image;
	_cleanup_(target_destroy) struct target *target = NULL;
	_cleanup_(glibc_malloc_close) struct glibc_malloc malloc = {0};

	(void)state;
	malloc_image_begin(&image, &shapes[0]);
	image.ends[MALLOC_IMAGE_MAIN] += 0x1240;
	malloc_image_add(&image, MALLOC_IMAGE_MAIN, 0x40, GLIBC_USED);
	memset(image.heaps[0], 0x55, 0x1240);
	assert_null(malloc_image_finish(&image, &target));
	assert_null(glibc_malloc_open(target, &malloc));
	assert_int_equal(malloc.heaps.count, 2);
	assert_int_equal(malloc.heaps.items[0].start, MALLOC_IMAGE_HEAP + 0x1240);
}

// In a heap at 0x1000000, a link in its first page that is taken for a hidden one leads to the next page, and
// there to a chunk of that size: in a list of chunks in both, that is a circle.
static void links_are_not_taken_for_hidden_ones(void **state)
{
	const struct malloc_image_shape shape = {
		.bins_offset = 104, .heap_info = 32, .heap = 0x1000000};
	static struct malloc_image image;

	(void)state;
	for (int is_list = 0; is_list < 2; is_list++) {
		_cleanup_(target_destroy) struct target *target = NULL;
		_cleanup_(glibc_malloc_close) struct glibc_malloc malloc = {0};

		malloc_image_begin(&image, &shape);
		for (int page = 0; page < 2; page++) {
			for (int i = 0; i < 3; i++)
				malloc_image_add(&image, MALLOC_IMAGE_MAIN, 0x20,
					page == 0 || is_list ? GLIBC_FAST : GLIBC_USED);
			malloc_image_add(&image, MALLOC_IMAGE_MAIN, 0x1000 - 3 * 0x20, GLIBC_USED);
		}
		assert_null(malloc_image_finish(&image, &target));
		assert_null(glibc_malloc_open(target, &malloc));
		check_heap(&image, &malloc, &malloc.heaps.items[0]);
	}
}

// A list that two threads tore, or that somebody made to keep us busy.
static void circles_end(void **state)
{
	static struct malloc_image image;

	(void)state;
	for (size_t back = 0; back < 20; back++) {
		_cleanup_(target_destroy) struct target *target = NULL;
		_cleanup_(glibc_malloc_close) struct glibc_malloc malloc = {0};
		struct malloc_image_chunk *chunks = image.chunks[MALLOC_IMAGE_MAIN];

		malloc_image_begin(&image, &shapes[0]);
		for (size_t i = 0; i < 20; i++)
			malloc_image_add(&image, MALLOC_IMAGE_MAIN, 0x20, GLIBC_FAST);
		assert_null(malloc_image_finish(&image, &target));
		// The last one of the list is the first that was added.
		memcpy(image.heaps[0] + chunks[0].addr + 16 - MALLOC_IMAGE_HEAP, &chunks[back].addr,
			8);
		assert_null(glibc_malloc_open(target, &malloc));
		assert_int_equal(malloc.cached.count, 0);
	}
}

static void no_libc_no_arena(void **state)
{
	static struct malloc_image image;
	_cleanup_(target_destroy) struct target *target = NULL;
	_cleanup_(glibc_malloc_close) struct glibc_malloc malloc = {0};

	(void)state;
	fill(&image, &shapes[3]);
	assert_null(malloc_image_finish(&image, &target));
	memset(image.data, 0, sizeof(image.data));
	assert_null(glibc_malloc_open(target, &malloc));
	assert_int_equal(malloc.arenas.count, 0);
}

// mtrim(): whole pages behind the links of free chunks, joined with fastbins beside them; the end of top.
static void trim_takes_whole_pages(void **state)
{
	const struct glibc_chunk chunks[] = {
		{0x10000, 0x40, GLIBC_USED},
		{0x10040, 0xf80, GLIBC_BIN}, // ends before the next page's end
		{0x10fc0, 0x40, GLIBC_FAST}, // joined, but no page yet
		{0x11000, 0x1000, GLIBC_USED}, {0x12000, 0x2030, GLIBC_BIN}, // [0x13000, 0x14000)
		{0x14030, 0x20, GLIBC_TCACHE},                               // in use for malloc
		{0x14050, 0x1fb0, GLIBC_FAST},                               // [0x15000, 0x16000)
		{0x16000, 0x10, GLIBC_OWN},
		{0x16010, 0x2ff0, GLIBC_TOP}, // [0x17000, 0x19000): less 33 bytes
	};
	const remote_addr expected[][2] = {
		{0x13000, 0x14000}, {0x15000, 0x16000}, {0x17000, 0x19000}};
	size_t count = sizeof(chunks) / sizeof(chunks[0]);

	(void)state;
	for (int is_main = 0; is_main < 2; is_main++) {
		struct glibc_trim trim = {.is_main = is_main};
		remote_addr start = 0, end = 0;
		size_t found = 0;

		for (size_t i = 0; i <= count; i++) {
			if (!glibc_trim_next(&trim, i < count ? &chunks[i] : NULL, &start, &end))
				continue;
			assert_true(found < 3);
			if (found >= 3)
				break; // for linters, which do not know assertions
			assert_int_equal(start, expected[found][0]);
			assert_int_equal(end, expected[found][1]);
			found++;
		}
		assert_int_equal(found, is_main ? 3 : 2);
	}
}

static void a_mapping_of_its_own_has_a_head(void **state)
{
	uint64_t head[2] = {0, 0x23000 | 2};

	(void)state;
	assert_int_equal(glibc_mapped_chunk((uint8_t *)head, 0x7000, 0x23000), 0x23000);
	assert_int_equal(glibc_mapped_chunk((uint8_t *)head, 0x7000, 0x22000), 0);
	assert_int_equal(glibc_mapped_chunk((uint8_t *)head, 0x7010, 0x23000), 0);
	head[1] |= 1;
	assert_int_equal(glibc_mapped_chunk((uint8_t *)head, 0x7000, 0x23000), 0);
}

// Words of a good heap made anything: no crash, no endless walk, chunks in order and within the heap.
static void hostile_heaps_are_survived(void **state)
{
	(void)state;
	srand(7);
	for (int round = 0; round < 300; round++) {
		static struct malloc_image image;
		_cleanup_(target_destroy) struct target *target = NULL;
		_cleanup_(glibc_malloc_close) struct glibc_malloc malloc = {0};
		_cleanup_(glibc_walk_destroy) struct glibc_walk *walk = NULL;
		struct glibc_chunk chunk;

		fill(&image, &shapes[round % 5]);
		assert_null(malloc_image_finish(&image, &target));
		for (int i = 0; i < 1 + round % 8; i++) {
			uint64_t values[] = {(uint64_t)rand(), 0, UINT64_MAX,
				MALLOC_IMAGE_HEAP + (uint64_t)rand() % 0x10000 / 16 * 16,
				MALLOC_IMAGE_ARENA + (uint64_t)rand() % 0x10000 / 16 * 16};
			uint8_t *segment =
				i % 3 == 0 ? image.data + 0x1c60 : image.heaps[i % 3 - 1];

			memcpy(segment + (size_t)rand() % 0x1000 / 8 * 8, &values[rand() % 5], 8);
		}
		assert_null(glibc_malloc_open(target, &malloc));
		assert_null(glibc_walk_create(&malloc, &walk));
		for (size_t i = 0; i < malloc.heaps.count; i++) {
			const struct glibc_heap *heap = &malloc.heaps.items[i];
			remote_addr at = heap->start;

			glibc_walk_begin(walk, heap);
			while (glibc_walk_next(walk, &chunk)) {
				assert_int_equal(chunk.addr, at);
				assert_true(chunk.size > 0 && chunk.size <= heap->end - at);
				at += chunk.size;
			}
			assert_int_equal(at, heap->end);
			assert_true(!i || heap->lead >= heap[-1].end);
		}
	}
}

static void memory_may_run_out(void **state)
{
	static struct malloc_image image;
	_cleanup_(target_destroy) struct target *target = NULL;
	struct error *err = NULL;

	(void)state;
	fill(&image, &shapes[3]);
	assert_null(malloc_image_finish(&image, &target));
	for (uint64_t after = 0;; after++) {
		struct glibc_malloc malloc;

		alloc_fail_after(after);
		err = glibc_malloc_open(target, &malloc);
		alloc_fail_after(UINT64_MAX);
		if (!err) {
			glibc_malloc_close(&malloc);
			assert_true(after > 3);
			return;
		}
		assert_int_equal(error_kind(err), ERROR_MEMORY);
		error_destroy(err);
		assert_true(after < 1000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chunks_are_what_each_version_says),
		cmocka_unit_test(what_precedes_the_first_chunk_is_passed_over),
		cmocka_unit_test(links_are_not_taken_for_hidden_ones),
		cmocka_unit_test(circles_end),
		cmocka_unit_test(no_libc_no_arena),
		cmocka_unit_test(trim_takes_whole_pages),
		cmocka_unit_test(a_mapping_of_its_own_has_a_head),
		cmocka_unit_test(hostile_heaps_are_survived),
		cmocka_unit_test(memory_may_run_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
