// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "cpython/pymalloc.h"

// pymalloc serves requests up to 512 bytes.
#define SMALL_REQUEST_MAX 512

// Blocks of a pool at most: 4 KiB pools with 8-byte blocks, or 16 KiB with 16.
#define BLOCKS_MAX 1024

// A count from here on is rather a pointer than a count. (What is past immortal_refcnt but
// below this is a static object's count, which starts high.)
#define REFCNT_MAX (1ull << 32)

bool pymalloc_is_pool(const struct pylayout *layout, const uint8_t *header)
{
	uint32_t size_class = load_u32(header + layout->pool.szidx);
	uint32_t next_offset = load_u32(header + layout->pool.nextoffset);
	uint32_t size, capacity;

	if (size_class >= SMALL_REQUEST_MAX / layout->traits.alignment)
		return false;
	size = (size_class + 1) * layout->traits.alignment;
	capacity = (layout->traits.pool_bytes - layout->pool.header_size) / size;
	return load_u32(header + layout->pool.maxnextoffset) == layout->traits.pool_bytes - size &&
	       next_offset >= layout->pool.header_size &&
	       next_offset <= layout->traits.pool_bytes &&
	       (next_offset - layout->pool.header_size) % size == 0 &&
	       load_u32(header + layout->pool.count) <= capacity &&
	       load_u32(header + layout->pool.arenaindex) < (1u << 24);
}

// Set a bit per free block; false if the chain leaves the pool or does not end.
static bool mark_free_blocks(const struct pylayout *layout, remote_addr addr, const uint8_t *bytes,
	const struct pypool *pool, uint64_t free_bits[BLOCKS_MAX / 64])
{
	uint64_t block = load_u64(bytes + layout->pool.freeblock);
	uint32_t header = layout->pool.header_size;

	for (uint32_t steps = 0; block; steps++) {
		uint64_t offset = block - addr;
		uint64_t index = (offset - header) / pool->block_size;

		if (offset < header || index >= pool->block_count ||
			(offset - header) % pool->block_size || steps > pool->block_count)
			return false;
		free_bits[index / 64] |= 1ull << index % 64;
		block = load_u64(bytes + offset);
	}
	return true;
}

// Compact strings are smaller than tp_basicsize: their text follows the short header.
static bool str_fits(const struct pylayout *layout, const struct pytype *type,
	const uint8_t *object, uint32_t block_size)
{
	uint32_t state;

	if (type->head_bytes + layout->str.ascii_size >= block_size)
		return false;
	state = load_u32(object + layout->str.state);
	if (!(state >> (layout->str.compact_bit - layout->str.state * 8) & 1))
		return type->head_bytes + layout->str.legacy_size <= block_size;
	return load_u64(object + layout->str.length) < block_size - layout->str.ascii_size;
}

// A variable object may have been shrunk in place: its block can be larger, not smaller.
static bool items_fit(const struct pylayout *layout, const struct pytype *type,
	const uint8_t *object, uint32_t block_size)
{
	uint64_t size = type->head_bytes + (uint64_t)type->basicsize;
	uint64_t count;

	// Where ob_size would be is the next block, or behind the last one of the pool.
	if (type->head_bytes + layout->object.ob_size + sizeof(uint64_t) > block_size)
		return false;
	count = pytype_items(layout, type, load_u64(object + layout->object.ob_size));
	// tp_basicsize of tuples and ints counts one item or none; allow for one less.
	return count <= SMALL_REQUEST_MAX &&
	       size + count * (uint64_t)type->itemsize <=
		       (uint64_t)block_size + (uint64_t)type->itemsize;
}

static bool size_fits(const struct pylayout *layout, const struct pytype *type,
	const uint8_t *object, uint32_t block_size)
{
	uint64_t size = type->head_bytes + (uint64_t)type->basicsize;
	uint32_t align = layout->traits.alignment;

	switch (type->kind) {
	case PYKIND_STR:
		return str_fits(layout, type, object, block_size);
	case PYKIND_GENERATOR:
	case PYKIND_COROUTINE:
	case PYKIND_ASYNC_GENERATOR:
	case PYKIND_FRAME:
	case PYKIND_TYPE:
		return block_size >= size;
	default:
		break;
	}
	// Values of attributes follow the object.
	if (type->has_inline_values)
		return block_size >= size;
	if (!type->itemsize)
		return ((size + align - 1) & ~(uint64_t)(align - 1)) == block_size;
	return items_fit(layout, type, object, block_size);
}

// Where in a used block an object starts: 0, after the GC head, after pre-header and GC head.
static bool find_object(const struct pylayout *layout, const struct pytypes *types,
	const uint8_t *block, uint32_t block_size, uint32_t *ret_head)
{
	const uint32_t heads[] = {
		0, layout->gc_head.size, layout->gc_head.size + layout->traits.preheader_bytes};

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		const uint8_t *object = block + heads[i];
		const struct pytype *type;
		uint64_t refcnt;
		uint32_t index;

		if (heads[i] + layout->object.size > block_size)
			return false;
		index = pytypes_find(types, load_u64(object + layout->object.ob_type));
		if (index == PYTYPE_NONE)
			continue;
		type = &types->list.items[index];
		refcnt = pylayout_refcnt(layout, load_u64(object + layout->object.ob_refcnt));
		if (type->head_bytes == heads[i] && refcnt && refcnt < REFCNT_MAX &&
			size_fits(layout, type, object, block_size)) {
			*ret_head = heads[i];
			return true;
		}
	}
	return false;
}

void pymalloc_read_pool(const struct pylayout *layout, const struct pytypes *types,
	remote_addr addr, const uint8_t *bytes, struct pypool *ret)
{
	uint64_t free_bits[BLOCKS_MAX / 64] = {0};
	uint32_t header = layout->pool.header_size;
	uint32_t used_end, head;

	*ret = (struct pypool){
		.block_size = (load_u32(bytes + layout->pool.szidx) + 1) * layout->traits.alignment,
		.used_count = load_u32(bytes + layout->pool.count),
	};
	ret->block_count = (layout->traits.pool_bytes - header) / ret->block_size;
	if (!ret->used_count)
		return; // an empty pool keeps its old contents
	ret->is_torn = !mark_free_blocks(layout, addr, bytes, ret, free_bits);
	used_end = (load_u32(bytes + layout->pool.nextoffset) - header) / ret->block_size;
	if (used_end > ret->block_count)
		used_end = ret->block_count;
	for (uint32_t i = 0; i < used_end; i++) {
		uint32_t offset = header + i * ret->block_size;
		uint32_t granule;

		if (free_bits[i / 64] >> i % 64 & 1)
			continue;
		granule = offset / layout->traits.alignment;
		ret->used[granule / 64] |= 1ull << granule % 64;
		if (!find_object(layout, types, bytes + offset, ret->block_size, &head))
			continue;
		granule = (offset + head) / layout->traits.alignment;
		ret->objects[granule / 64] |= 1ull << granule % 64;
		ret->object_count++;
	}
}
