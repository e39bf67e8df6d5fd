// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "heap_writer_private.h"

#include "base/error.h"
#include "cpython/pyruntime_place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_ADDR 0x7f0000000000ull
#define LARGE_ADDR 0x7f1000000000ull

void writer_demand(bool condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "heap_writer: %s\n", what);
	abort();
}

// ---- memory --------------------------------------------------------------------------------

uint8_t *heap_writer_bytes(struct heap_writer *writer, remote_addr addr)
{
	for (unsigned i = 0; i < WRITER_SEGMENTS; i++) {
		struct writer_segment *segment = &writer->segments[i];

		if (addr >= segment->addr && addr < segment->addr + WRITER_SEGMENT_SIZE)
			return segment->bytes + (addr - segment->addr);
	}
	writer_demand(false, "an address outside the heap");
	return NULL;
}

void heap_writer_put(struct heap_writer *writer, remote_addr addr, uint64_t value)
{
	memcpy(heap_writer_bytes(writer, addr), &value, sizeof(value));
}

void heap_writer_put_u32(struct heap_writer *writer, remote_addr addr, uint32_t value)
{
	memcpy(heap_writer_bytes(writer, addr), &value, sizeof(value));
}

void writer_put_u8(struct heap_writer *writer, remote_addr addr, uint8_t value)
{
	*heap_writer_bytes(writer, addr) = value;
}

uint64_t heap_writer_get(struct heap_writer *writer, remote_addr addr)
{
	return load_u64(heap_writer_bytes(writer, addr));
}

uint32_t heap_writer_get_u32(struct heap_writer *writer, remote_addr addr)
{
	return load_u32(heap_writer_bytes(writer, addr));
}

void writer_put_field(struct heap_writer *writer, remote_addr base, uint32_t offset, uint64_t value)
{
	if (pylayout_has(offset))
		heap_writer_put(writer, base + offset, value);
}

remote_addr writer_take(struct heap_writer *writer, unsigned index, uint64_t size, uint64_t align)
{
	struct writer_segment *segment = &writer->segments[index];
	uint64_t start = (segment->used + align - 1) / align * align;

	writer_demand(start + size <= WRITER_SEGMENT_SIZE, "a segment is full");
	segment->used = start + size;
	return segment->addr + start;
}

remote_addr writer_c_string(struct heap_writer *writer, const char *text)
{
	remote_addr addr = writer_take(writer, SEGMENT_DATA, strlen(text) + 1, 8);

	memcpy(heap_writer_bytes(writer, addr), text, strlen(text) + 1);
	return addr;
}

static remote_addr new_pool(struct heap_writer *writer, uint32_t size_class)
{
	const struct pylayout *layout = writer->layout;
	uint32_t pool_bytes = layout->traits.pool_bytes;
	uint32_t size = (size_class + 1) * layout->traits.alignment;
	remote_addr pool = writer_take(writer, SEGMENT_ARENA, pool_bytes, pool_bytes);

	heap_writer_put_u32(writer, pool + layout->pool.szidx, size_class);
	heap_writer_put_u32(writer, pool + layout->pool.nextoffset, layout->pool.header_size);
	heap_writer_put_u32(writer, pool + layout->pool.maxnextoffset, pool_bytes - size);
	return pool;
}

static void add_to_u32(struct heap_writer *writer, remote_addr addr, uint32_t more)
{
	heap_writer_put_u32(writer, addr, heap_writer_get_u32(writer, addr) + more);
}

static remote_addr pool_alloc(struct heap_writer *writer, uint32_t size_class)
{
	const struct pylayout *layout = writer->layout;
	uint32_t size = (size_class + 1) * layout->traits.alignment, next;
	remote_addr pool = writer->pools[size_class], block;

	next = pool ? heap_writer_get_u32(writer, pool + layout->pool.nextoffset) : 0;
	if (!pool || next > layout->traits.pool_bytes - size) {
		pool = writer->pools[size_class] = new_pool(writer, size_class);
		next = layout->pool.header_size;
	}
	block = pool + next;
	heap_writer_put_u32(writer, pool + layout->pool.nextoffset, next + size);
	add_to_u32(writer, pool + layout->pool.count, 1);
	return block;
}

remote_addr heap_writer_alloc(struct heap_writer *writer, uint64_t size)
{
	uint32_t alignment = writer->layout->traits.alignment;
	remote_addr chunk;

	if (size && size <= 512)
		return pool_alloc(writer, (uint32_t)((size - 1) / alignment));
	// glibc: the chunk's size and flags are in the word before the block, whose last word is the
	// next chunk's first.
	size = (size + 8 + 15) & ~15ull;
	chunk = writer_take(writer, SEGMENT_LARGE, size, 16) + 16;
	heap_writer_put(writer, chunk - 8, size | 1);
	return chunk;
}

void heap_writer_free(struct heap_writer *writer, remote_addr block)
{
	const struct pylayout *layout = writer->layout;
	remote_addr pool = block & ~(uint64_t)(layout->traits.pool_bytes - 1);

	heap_writer_put(writer, block, heap_writer_get(writer, pool + layout->pool.freeblock));
	heap_writer_put(writer, pool + layout->pool.freeblock, block);
	add_to_u32(writer, pool + layout->pool.count, (uint32_t)-1);
}

// ---- references ----------------------------------------------------------------------------

// From 3.12 on what is static is immortal (Include/refcount.h); in 3.11 only what no test writes.
static bool has_immortals(const struct pylayout *layout)
{
	return layout->traits.immortal_refcnt >= 1ull << 31;
}

uint64_t writer_static_refcnt(const struct pylayout *layout)
{
	if (!has_immortals(layout))
		return 1;
	// _Py_STATIC_IMMORTAL_INITIAL_REFCNT: the count, and flags in the upper half.
	return layout->traits.refcnt_is_half ? 3ull << 30 | 5ull << 48 : UINT32_MAX;
}

void heap_writer_put_ref(struct heap_writer *writer, remote_addr addr, remote_addr object)
{
	const struct pylayout *layout = writer->layout;
	uint64_t count;

	heap_writer_put(writer, addr, object);
	if (!object)
		return;
	count = heap_writer_get(writer, object + layout->object.ob_refcnt);
	if (!has_immortals(layout) || (count & UINT32_MAX) < layout->traits.immortal_refcnt)
		heap_writer_put(writer, object + layout->object.ob_refcnt, count + 1);
}

void writer_put_ref_field(
	struct heap_writer *writer, remote_addr base, uint32_t offset, remote_addr object)
{
	if (pylayout_has(offset))
		heap_writer_put_ref(writer, base + offset, object);
}

void writer_put_refs(
	struct heap_writer *writer, remote_addr addr, uint64_t count, const remote_addr *items)
{
	for (uint64_t i = 0; i < count; i++)
		heap_writer_put_ref(writer, addr + i * 8, items[i]);
}

// ---- the whole -----------------------------------------------------------------------------

struct heap_writer *heap_writer_create(const struct pylayout *layout)
{
	static const remote_addr addrs[] = {WRITER_DATA_ADDR, ARENA_ADDR, LARGE_ADDR};
	struct heap_writer *writer = calloc(1, sizeof(*writer));

	writer_demand(writer != NULL, "no memory");
	writer->layout = layout;
	writer->version_hex = layout->version_low;
	for (unsigned i = 0; i < WRITER_SEGMENTS; i++) {
		writer->segments[i] = (struct writer_segment){
			.addr = addrs[i], .bytes = calloc(1, WRITER_SEGMENT_SIZE)};
		writer_demand(writer->segments[i].bytes != NULL, "no memory");
	}
	// Code addresses (tp_dealloc) lie where no object is.
	writer_take(writer, SEGMENT_DATA, 4096, 1);
	writer_make_interpreter(writer);
	writer_static_types(writer);
	writer->none = writer_take(writer, SEGMENT_DATA, layout->object.size, 16);
	heap_writer_put(
		writer, writer->none + layout->object.ob_refcnt, writer_static_refcnt(layout));
	heap_writer_put(writer, writer->none + layout->object.ob_type, writer->types[WRITER_NONE]);
	return writer;
}

void heap_writer_destroy(struct heap_writer *writer)
{
	for (unsigned i = 0; i < WRITER_SEGMENTS; i++)
		free(writer->segments[i].bytes);
	free(writer);
}

void heap_writer_hold(struct heap_writer *writer, const char *name, remote_addr object)
{
	if (!object)
		return;
	writer_demand(writer->held_count < WRITER_HELD_MAX, "too many held objects");
	writer->held_names[writer->held_count] = heap_writer_str(writer, name);
	writer->held[writer->held_count++] = object;
}

void heap_writer_set_version(struct heap_writer *writer, uint32_t version_hex)
{
	writer->version_hex = version_hex;
}

remote_addr heap_writer_interpreter(const struct heap_writer *writer)
{
	return writer->interpreter;
}

void heap_writer_segments(
	const struct heap_writer *writer, struct memory_image_segment ret[WRITER_SEGMENTS])
{
	for (unsigned i = 0; i < WRITER_SEGMENTS; i++)
		ret[i] = (struct memory_image_segment){.addr = writer->segments[i].addr,
			.bytes = writer->segments[i].bytes,
			.size = WRITER_SEGMENT_SIZE,
			.writable = true,
			.path = ""};
}

// The binary says its whole version from 3.11 on (Py_Version).
static uint32_t place_version(uint32_t version)
{
	return version < 0x030b0000 ? version & 0xffff0000 : version;
}

struct target *heap_writer_finish(struct heap_writer *writer, struct pyruntime_place *ret)
{
	struct memory_image_segment segments[WRITER_SEGMENTS];
	struct target *target;
	struct error *err;

	// The top of the heap, behind the last block.
	heap_writer_alloc(writer, 1024);
	writer_finish_types(writer);
	writer_finish_interpreter(writer);
	heap_writer_segments(writer, segments);
	err = memory_image_create(segments, WRITER_SEGMENTS, &target);
	writer_demand(!err, "no memory image");
	*ret = (struct pyruntime_place){.version_hex = place_version(writer->version_hex),
		.runtime = writer->runtime,
		.type_type = writer->types[WRITER_TYPE],
		.interpreters_head = writer->interpreters_head,
		.generation0 = writer->generation0,
		.current_thread = writer->current_thread,
		.path = (char *)"python"};
	return target;
}
