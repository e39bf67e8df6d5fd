// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/*
 * Memory that is no object, but some object's.
 *
 * C types without a reader keep buffers of their own: a connection its database's pages, a parser its
 * tables. A block of malloc that one object leads to belongs to it and is part of its size. What two
 * lead to, at the same distance, is counted to neither; what is nearer to one is that one's; what a
 * reader has counted already, or what lies inside a block that somebody has, is no block of its own.
 */
#include "heap/heap_worker.h"

#include "base/error.h"
#include "base/limits.h"

#include <stdlib.h>

static int compare_blocks(const void *left, const void *right)
{
	const struct owned_block *a = left, *b = right;

	if (a->addr != b->addr)
		return a->addr < b->addr ? -1 : 1;
	if (a->distance != b->distance)
		return a->distance < b->distance ? -1 : 1;
	return (a->node > b->node) - (a->node < b->node);
}

// A large object is a block of malloc too, which begins with what precedes the object.
static bool is_block_of_object(const struct heap_builder *builder, remote_addr addr)
{
	const struct pylayout *layout = builder->python->layout;
	const uint64_t heads[] = {
		0, layout->gc_head.size, layout->gc_head.size + layout->traits.preheader_bytes};

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		if (heap_addresses_find(&builder->addresses, addr + heads[i]) != HEAP_NODE_NONE)
			return true;
	}
	return false;
}

// Where some could not be noted, nobody knows who else leads to a block.
static bool are_all_noted(const struct heap_builder *builder)
{
	for (unsigned i = 0; i < builder->workers; i++) {
		if (builder->team[i].blocks.count == LIMIT_BLOCKS)
			return false;
	}
	return true;
}

static struct error *gather(struct heap_builder *builder, struct owned_block_vector *ret)
{
	for (unsigned i = 0; i < builder->workers; i++) {
		const struct owned_block_vector *blocks = &builder->team[i].blocks;

		for (size_t j = 0; j < blocks->count; j++) {
			if (!owned_block_vector_push(ret, blocks->items[j]))
				return error_enomem();
		}
		owned_block_vector_deinit(&builder->team[i].blocks);
	}
	if (ret->count)
		qsort(ret->items, ret->count, sizeof(*ret->items), compare_blocks);
	return NULL;
}

struct error *heap_builder_settle_blocks(struct heap_builder *builder)
{
	_cleanup_(owned_block_vector_deinit) struct owned_block_vector blocks = {0};
	struct error *err = are_all_noted(builder) ? gather(builder, &blocks) : NULL;
	remote_addr taken_until = 0;
	size_t next;

	for (size_t i = 0; !err && i < blocks.count; i = next) {
		const struct owned_block *block = &blocks.items[i];
		bool is_shared = false;

		for (next = i + 1; next < blocks.count && blocks.items[next].addr == block->addr;
			next++)
			is_shared |= blocks.items[next].distance == block->distance &&
				     blocks.items[next].node != block->node;
		if (block->addr < taken_until || is_block_of_object(builder, block->addr))
			continue;
		taken_until = block->addr + block->size;
		if (!block->distance || is_shared)
			continue;
		builder->stats.bytes += block->size;
		err = heap_graph_set_size(builder->graph, block->node,
			heap_size_of(builder->graph, block->node) + block->size);
	}
	return err;
}
