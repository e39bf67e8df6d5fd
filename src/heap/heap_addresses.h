// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Address to node and back, without an address per node.
 *
 * Objects in pools are numbered in address order. A pool is described by 16 words (of 64 granules
 * of 16 bytes, or fewer words for smaller pools): a bit where an object starts, and the number of
 * the word's first object. Address → node is a look-up of the pool, one cache line, and a
 * population count; node → address a binary search over pools. This costs 260 bytes per 16 KiB
 * pool, 1 byte per object of 64 bytes. Only exact starts of objects are found: a pointer into the
 * middle of one is nobody's address.
 *
 * All other objects (large, static) are kept in a table: 8 bytes each, and a hash of 12 per slot.
 */
#pragma once

#include "heap/heap_graph.h"

struct error;

struct heap_granules {
	uint64_t starts; /* bit g: an object starts at granule g of this word */
	uint32_t base;   /* node of the first of them */
	uint32_t unused;
};

struct heap_addresses {
	uint32_t pool_shift, granule_shift; /* log2 of bytes */
	uint32_t words_per_pool;

	uint64_t *pool_addr;            /* ascending; pages */
	struct heap_granules *granules; /* pool_count * words_per_pool; pages */
	uint32_t pool_count, pool_capacity;
	uint32_t first_other; /* nodes from here on are in `others` */

	/* pool address → pool number + 1: a hash of 64 MiB regions, each a table of its pools */
	struct heap_region {
		uint64_t number; /* address >> region_shift, plus 1; 0: empty */
		uint32_t *pools;
	} * regions;
	uint32_t region_slots;

	uint64_t *others; /* address of node first_other + i */
	uint32_t other_count, other_capacity;
	struct heap_other_slot {
		uint64_t addr;
		uint32_t node;
	} * other_slots;
	uint32_t other_slot_count;
};

struct error *heap_addresses_init(
	struct heap_addresses *addresses, uint32_t pool_bytes, uint32_t granule_bytes);
void heap_addresses_deinit(struct heap_addresses *addresses);

/** Add a pool; addresses must ascend. @p starts has words_per_pool words. */
struct error *heap_addresses_add_pool(
	struct heap_addresses *addresses, uint64_t addr, const uint64_t *starts);
/** All pools are there: number their objects from 1 and build the look-up. Returns through
 *  @p ret_end the first free number, where the others begin. ERROR_UNSUPPORTED past LIMIT_NODES. */
struct error *heap_addresses_number(struct heap_addresses *addresses, uint32_t *ret_end);
/** Add an object that is in no pool and not in the table yet; it gets the next number. */
struct error *heap_addresses_add_other(
	struct heap_addresses *addresses, uint64_t addr, node_id *ret);

/** The pool that @p addr lies in, or UINT32_MAX. */
static inline uint32_t heap_addresses_pool(const struct heap_addresses *addresses, uint64_t addr)
{
	uint64_t number = (addr >> 26) + 1;
	uint32_t slot =
		(uint32_t)(number * 0x9e3779b97f4a7c15ull >> 40) & (addresses->region_slots - 1);

	while (addresses->regions[slot].number != number) {
		if (!addresses->regions[slot].number)
			return UINT32_MAX;
		slot = (slot + 1) & (addresses->region_slots - 1);
	}
	return addresses->regions[slot].pools[(addr & 0x3ffffff) >> addresses->pool_shift] - 1;
}

/** The object that starts at @p addr in pool number @p pool, or HEAP_NODE_NONE. */
static inline node_id heap_addresses_in_pool(
	const struct heap_addresses *addresses, uint32_t pool, uint64_t addr)
{
	uint64_t offset = addr & ((1ull << addresses->pool_shift) - 1);
	uint64_t granule = offset >> addresses->granule_shift;
	const struct heap_granules *word =
		&addresses->granules[(size_t)pool * addresses->words_per_pool + granule / 64];
	uint64_t bit = 1ull << granule % 64;

	if (!(word->starts & bit) || offset & ((1u << addresses->granule_shift) - 1))
		return HEAP_NODE_NONE;
	return word->base + (uint32_t)__builtin_popcountll(word->starts & (bit - 1));
}

/** The object at @p addr that is in no pool, or HEAP_NODE_NONE. */
node_id heap_addresses_other(const struct heap_addresses *addresses, uint64_t addr);

/** The object at @p addr, or HEAP_NODE_NONE. */
node_id heap_addresses_find(const struct heap_addresses *addresses, uint64_t addr);

/** The address of a node; 0 for the root and past the end. */
uint64_t heap_addresses_of(const struct heap_addresses *addresses, node_id node);
