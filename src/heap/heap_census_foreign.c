// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/*
 * Memory of an allocator whose structures are not read: objects and their tables are where the graph has them,
 * and are as large as they say; what is between, free or C code's, is the allocator's.
 */
#include "heap/heap_census.h"

#include "malloc/malloc_kind.h"

#include <string.h>

const char *census_foreign_allocator(const struct census *census)
{
	const char *kind = malloc_kind(target_mappings(census->builder->target));

	if (!kind)
		return census->malloc.arenas.count ? NULL : "an allocator that is not known";
	return strcmp(kind, MALLOC_KIND_GLIBC) == 0 ? NULL : kind;
}

static const struct pytype *type_of(const struct census *census, node_id node)
{
	// The graph's type 0 is that of its root.
	return &census->builder->python->types->list
			.items[heap_type_of(census->builder->graph, node) - 1];
}

// Kinds of objects whose size, as they say it, is for the most part that of a block elsewhere.
static bool has_table(enum pykind kind)
{
	switch (kind) {
	case PYKIND_LIST:
	case PYKIND_DICT:
	case PYKIND_DEFAULTDICT:
	case PYKIND_ODICT:
	case PYKIND_SET:
	case PYKIND_DEQUE:
	case PYKIND_BYTEARRAY:
	case PYKIND_ARRAY:
	case PYKIND_NDARRAY:
	case PYKIND_OLD_UNICODE:
		return true;
	default:
		return false;
	}
}

// Bytes of the object's own block, behind what precedes the object; what is left of its size is its table's.
static uint64_t inline_bytes(const struct census *census, node_id node)
{
	uint64_t size = heap_size_of(census->builder->graph, node);
	const struct pytype *type = type_of(census, node);

	if (has_table(type->kind) && size > (uint64_t)type->basicsize)
		return (uint64_t)type->basicsize;
	return size;
}

/** Memory that is an object's. */
struct extent {
	remote_addr at; /* where it was found */
	remote_addr start, end;
	node_id node;
	bool is_object;
};

static struct extent extent_of_object(const struct census *census, const struct census_other *other)
{
	const struct pytype *type = type_of(census, other->node);

	return (struct extent){
		.at = other->addr,
		.start = other->addr - type->head_bytes,
		.end = other->addr + inline_bytes(census, other->node),
		.node = other->node,
		.is_object = true,
	};
}

// Of a deque each block is told; others have one table, or one that counts.
static struct extent extent_of_part(const struct census *census, const struct heap_part *part)
{
	uint64_t block = census->builder->python->layout->deque_block.size;
	uint64_t size =
		heap_size_of(census->builder->graph, part->node) - inline_bytes(census, part->node);

	if (type_of(census, part->node)->kind == PYKIND_DEQUE)
		size = block;
	return (struct extent){part->addr, part->addr, part->addr + size, part->node, false};
}

// The next object or table at an address in [start, end).
static bool find_next(struct census *census, remote_addr start, remote_addr end, struct extent *ret)
{
	const struct census_other *other = census_find_other(census, start, end);
	const struct heap_part *part = census_find_part(census, start, end);

	while (part && part->distance)
		part = census_find_part(census, part->addr + 1, end);
	if (other && (!part || other->addr <= part->addr))
		*ret = extent_of_object(census, other);
	else if (part)
		*ret = extent_of_part(census, part);
	return other || part;
}

void census_count_foreign(struct census *census, remote_addr start, remote_addr end)
{
	uint64_t rest = census_resident(census, start, end);
	remote_addr at = start, done = start;
	struct extent next;

	// What an object says of its size may be torn: none reaches into what is counted already, or out.
	while (find_next(census, at, end, &next)) {
		remote_addr from = next.start > done ? next.start : done;
		remote_addr to = next.end < end ? next.end : end;

		at = next.at + 1;
		if (from >= to)
			continue;
		rest -= census_claim_object(census, from, to, next.node, next.is_object);
		done = to;
	}
	census_add(census, HEAP_PART_OTHER_ALLOCATOR, rest);
}
