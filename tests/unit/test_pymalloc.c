// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
//
// Pools of all shapes: what is an object in them, and what only looks like one.
#include "check.h"
#include "open_heap.h"

#include <stdlib.h>
#include <string.h>

#include "cpython/pymalloc.h"

static remote_addr pool_of(remote_addr addr)
{
	return addr & ~(uint64_t)(layout->traits.pool_bytes - 1);
}

// In a buffer of exactly a pool's size, so that a read past its end is seen.
static struct pypool read_pool(struct open_heap *heap, remote_addr addr)
{
	uint8_t *bytes = malloc(layout->traits.pool_bytes);
	struct pypool pool;

	assert_non_null(bytes);
	memcpy(bytes, heap_writer_bytes(heap->writer, addr), layout->traits.pool_bytes);
	assert_true(pymalloc_is_pool(layout, bytes));
	pymalloc_read_pool(layout, heap->python->types, addr, bytes, &pool);
	free(bytes);
	return pool;
}

static bool has_object(const struct pypool *pool, remote_addr addr)
{
	uint64_t granule = (addr - pool_of(addr)) / layout->traits.alignment;

	return pool->objects[granule / 64] >> granule % 64 & 1;
}

static void test_header(void **state)
{
	uint8_t header[PYMALLOC_HEADER_BYTES];
	uint32_t pool_bytes = layout->traits.pool_bytes, align = layout->traits.alignment;
	uint32_t capacity;

	(void)state;
	for (uint32_t size_class = 0; size_class < 512 / align + 2; size_class++) {
		uint32_t size = (size_class + 1) * align, next = layout->pool.header_size + size;
		const struct {
			uint32_t offset, bad;
		} spoilt[] = {
			{layout->pool.maxnextoffset, pool_bytes - size - 1},
			{layout->pool.nextoffset, layout->pool.header_size - align},
			{layout->pool.nextoffset, next + 1},
			{layout->pool.nextoffset, pool_bytes + size},
			{layout->pool.count, (pool_bytes - layout->pool.header_size) / size + 1},
			{layout->pool.arenaindex, 1 << 24},
			{layout->pool.szidx, UINT32_MAX},
		};

		memset(header, 0, sizeof(header));
		memcpy(header + layout->pool.szidx, &size_class, 4);
		memcpy(header + layout->pool.nextoffset, &next, 4);
		next = pool_bytes - size;
		memcpy(header + layout->pool.maxnextoffset, &next, 4);
		capacity = (pool_bytes - layout->pool.header_size) / size;
		memcpy(header + layout->pool.count, &capacity, 4);
		assert_int_equal(pymalloc_is_pool(layout, header), size_class < 512 / align);
		for (size_t i = 0; i < sizeof(spoilt) / sizeof(spoilt[0]); i++) {
			uint8_t copy[PYMALLOC_HEADER_BYTES];

			memcpy(copy, header, sizeof(copy));
			memcpy(copy + spoilt[i].offset, &spoilt[i].bad, 4);
			assert_false(pymalloc_is_pool(layout, copy));
		}
	}
	memset(header, 0, sizeof(header));
	assert_false(pymalloc_is_pool(layout, header));
	memset(header, 0xff, sizeof(header));
	assert_false(pymalloc_is_pool(layout, header));
}

static void test_free_blocks(void **state)
{
	struct heap_writer *writer = heap_writer_create(layout);
	remote_addr floats[8], pool;
	struct open_heap heap;
	struct pypool read;

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		floats[i] = heap_writer_float(writer, i);
		heap_writer_put(writer, floats[i] + layout->object.ob_refcnt, 1);
	}
	pool = pool_of(floats[0]);
	heap_writer_free(writer, floats[2]);
	heap_writer_free(writer, floats[5]);
	open_written_heap(&heap, writer);
	read = read_pool(&heap, pool);
	assert_false(read.is_torn);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(has_object(&read, floats[i]), i != 2 && i != 5);

	// The chain: a circle, out of the pool, into the middle of a block, past nextoffset.
	heap_writer_put(writer, floats[2], floats[5]);
	assert_true(read_pool(&heap, pool).is_torn);
	heap_writer_put(writer, floats[2], pool - 16);
	assert_true(read_pool(&heap, pool).is_torn);
	heap_writer_put(writer, floats[2], pool + layout->traits.pool_bytes);
	assert_true(read_pool(&heap, pool).is_torn);
	heap_writer_put(writer, floats[2], UINT64_MAX);
	assert_true(read_pool(&heap, pool).is_torn);
	heap_writer_put(writer, floats[2], floats[6] + 8);
	assert_true(read_pool(&heap, pool).is_torn);
	heap_writer_put(writer, floats[2], pool);
	assert_true(read_pool(&heap, pool).is_torn);
	heap_writer_put(writer, floats[2], floats[7] + 64 * (floats[1] - floats[0]));
	assert_false(read_pool(&heap, pool).is_torn);
	close_written_heap(&heap);
}

static void test_empty_pool_keeps_old_contents(void **state)
{
	struct heap_writer *writer = heap_writer_create(layout);
	remote_addr object = heap_writer_float(writer, 1);
	struct open_heap heap;
	struct pypool read;

	(void)state;
	heap_writer_put(writer, object + layout->object.ob_refcnt, 1);
	open_written_heap(&heap, writer);
	heap_writer_put_u32(writer, pool_of(object) + layout->pool.count, 0);
	read = read_pool(&heap, pool_of(object));
	assert_int_equal(read.object_count, 0);
	close_written_heap(&heap);
}

// One object of a type at a time, then the same with something about it wrong.
static void test_what_makes_an_object(void **state)
{
	struct heap_writer *writer = heap_writer_create(layout);
	remote_addr name = heap_writer_str(writer, "x");
	remote_addr cls = heap_writer_class_with(
		writer, "C", "m", heap_writer_type(writer, WRITER_OBJECT), 1, &name);
	remote_addr tuple_items[2] = {heap_writer_none(writer), heap_writer_none(writer)};
	remote_addr number = heap_writer_int(writer, -5), text = heap_writer_str(writer, "text");
	remote_addr tuple = heap_writer_tuple(writer, 2, tuple_items);
	remote_addr list = heap_writer_list(writer, 0, NULL, 0);
	remote_addr value = 0, instance = heap_writer_instance(writer, cls, &value);
	const remote_addr objects[] = {number, text, tuple, list, instance};
	struct open_heap heap;
	struct pypool last;

	(void)state;
	open_written_heap(&heap, writer);
	for (unsigned i = 0; i < 5; i++) {
		remote_addr addr = objects[i], count = addr + layout->object.ob_refcnt;
		uint64_t type = heap_writer_get(writer, addr + layout->object.ob_type);
		struct pypool read;

		heap_writer_put(writer, count, 1);
		read = read_pool(&heap, pool_of(addr));
		assert_true(has_object(&read, addr));
		heap_writer_put(writer, count, 0); // on a free list of its type
		read = read_pool(&heap, pool_of(addr));
		assert_false(has_object(&read, addr));
		heap_writer_put(writer, count, 1ull << 32); // a pointer
		read = read_pool(&heap, pool_of(addr));
		assert_false(has_object(&read, addr));
		heap_writer_put(writer, count, 1);
		heap_writer_put(writer, addr + layout->object.ob_type, type + 8);
		read = read_pool(&heap, pool_of(addr));
		assert_false(has_object(&read, addr));
		heap_writer_put(writer, addr + layout->object.ob_type, type);
	}
	// Sizes that do not fit the block.
	for (unsigned i = 0; i < 3; i++) {
		const uint64_t bad[] = {5, 1ull << 40, INT64_MIN};
		struct pypool read;

		heap_writer_put(writer, tuple + layout->object.ob_size, bad[i]);
		read = read_pool(&heap, pool_of(tuple));
		assert_false(has_object(&read, tuple));
	}
	heap_writer_put(writer,
		text + (WRITER_IS_PYTHON_2(layout) ? layout->object.ob_size : layout->str.length),
		100);
	last = read_pool(&heap, pool_of(text));
	assert_false(has_object(&last, text));
	close_written_heap(&heap);
}

// The last block of 16 bytes ends where the pool ends: there is no ob_size behind the type.
static void test_smallest_block_at_the_end(void **state)
{
	struct heap_writer *writer = heap_writer_create(layout);
	uint32_t capacity = (layout->traits.pool_bytes - layout->pool.header_size) / 16;
	remote_addr block = 0, types[3];
	struct open_heap heap;

	(void)state;
	types[0] = heap_writer_type(writer, WRITER_INT);
	types[1] = heap_writer_type(writer, WRITER_STR);
	types[2] = heap_writer_type(writer, WRITER_TUPLE);
	for (uint32_t i = 0; i < capacity; i++) {
		block = heap_writer_alloc(writer, 16);
		heap_writer_put(writer, block, 1);
		heap_writer_put(writer, block + 8, types[i % 3]);
	}
	open_written_heap(&heap, writer);
	for (unsigned i = 0; i < 3; i++) {
		heap_writer_put(writer, block + 8, types[i]);
		assert_int_equal(read_pool(&heap, pool_of(block)).object_count, 0);
	}
	close_written_heap(&heap);
}

// A frame has items, but where ob_size would be is its caller.
static void test_generators_and_frames_fit_by_their_fixed_part(void **state)
{
	struct heap_writer *writer = heap_writer_create(layout);
	remote_addr code = heap_writer_code(writer, "f", 0, NULL, 3, 1, NULL, 0);
	remote_addr generator = heap_writer_generator(writer, code, 0, NULL, 0);
	remote_addr frame = heap_writer_frame_object(writer, code, 0, NULL, 0);
	struct open_heap heap;
	struct pypool read;

	(void)state;
	heap_writer_put(writer, frame + layout->object.ob_refcnt, 1);
	heap_writer_put(writer, frame + layout->frame.f_back, generator);
	heap_writer_put(writer, generator + layout->object.ob_refcnt, 1);
	open_written_heap(&heap, writer);
	read = read_pool(&heap, pool_of(frame));
	assert_true(has_object(&read, frame));
	read = read_pool(&heap, pool_of(generator));
	assert_true(has_object(&read, generator));
	close_written_heap(&heap);
}

// Bytes at random behind a header that is right: anything may come out, nothing may be read
// outside.
static void test_noise(void **state)
{
	struct heap_writer *writer = heap_writer_create(layout);
	remote_addr float_object = heap_writer_float(writer, 1), pool = pool_of(float_object);
	uint32_t size = 32;
	struct open_heap heap;

	(void)state;
	open_written_heap(&heap, writer);
	srand(1);
	for (unsigned round = 0; round < 200; round++) {
		uint32_t size_class = (uint32_t)rand() % (512 / layout->traits.alignment), blocks;

		size = (size_class + 1) * layout->traits.alignment;
		blocks = (layout->traits.pool_bytes - layout->pool.header_size) / size;
		for (uint32_t at = 0; at < layout->traits.pool_bytes; at += 8) {
			uint64_t word =
				rand() % 3
					? pool + (uint64_t)(rand() % (int)layout->traits.pool_bytes)
					: heap_writer_type(
						  writer, (enum heap_writer_type)(
								  rand() % WRITER_TYPE_COUNT));

			heap_writer_put(
				writer, pool + at, rand() % 4 ? word : (uint64_t)rand() % 64);
		}
		heap_writer_put_u32(writer, pool + layout->pool.count, blocks);
		heap_writer_put_u32(writer, pool + layout->pool.szidx, size_class);
		heap_writer_put_u32(writer, pool + layout->pool.arenaindex, 0);
		heap_writer_put_u32(writer, pool + layout->pool.nextoffset,
			layout->pool.header_size + blocks * size);
		heap_writer_put_u32(writer, pool + layout->pool.maxnextoffset,
			layout->traits.pool_bytes - size);
		assert_true(read_pool(&heap, pool).object_count <= blocks);
	}
	close_written_heap(&heap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_free_blocks),
		cmocka_unit_test(test_empty_pool_keeps_old_contents),
		cmocka_unit_test(test_what_makes_an_object),
		cmocka_unit_test(test_smallest_block_at_the_end),
		cmocka_unit_test(test_generators_and_frames_fit_by_their_fixed_part),
		cmocka_unit_test(test_noise),
	};

	return RUN_ON_EACH_ROW(tests);
}
