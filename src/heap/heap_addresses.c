// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "heap/heap_addresses.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"

#include <string.h>

#define REGION_SHIFT 26
#define POOLS_START  4096

struct error *heap_addresses_init(
	struct heap_addresses *addresses, uint32_t pool_bytes, uint32_t granule_bytes)
{
	*addresses = (struct heap_addresses){
		.pool_shift = (uint32_t)__builtin_ctz(pool_bytes),
		.granule_shift = (uint32_t)__builtin_ctz(granule_bytes),
		.words_per_pool = pool_bytes / granule_bytes / 64,
		.region_slots = 64,
	};
	addresses->regions = mem_calloc(addresses->region_slots, sizeof(*addresses->regions));
	return addresses->regions ? NULL : error_enomem();
}

void heap_addresses_deinit(struct heap_addresses *addresses)
{
	for (uint32_t i = 0; addresses->regions && i < addresses->region_slots; i++)
		mem_free(addresses->regions[i].pools);
	mem_free(addresses->regions);
	pages_free(addresses->pool_addr, addresses->pool_capacity, sizeof(uint64_t));
	pages_free(addresses->granules,
		(size_t)addresses->pool_capacity * addresses->words_per_pool,
		sizeof(struct heap_granules));
	pages_free(addresses->others, addresses->other_capacity, sizeof(uint64_t));
	mem_free(addresses->other_slots);
	*addresses = (struct heap_addresses){0};
}

static struct error *grow_pools(struct heap_addresses *addresses)
{
	uint32_t capacity = addresses->pool_capacity ? addresses->pool_capacity * 2 : POOLS_START;
	size_t words = addresses->words_per_pool;
	uint64_t *pool_addr = pages_realloc(
		addresses->pool_addr, addresses->pool_capacity, capacity, sizeof(*pool_addr));
	struct heap_granules *granules;

	if (!pool_addr)
		return error_enomem();
	addresses->pool_addr = pool_addr;
	granules = pages_realloc(addresses->granules, addresses->pool_capacity * words,
		capacity * words, sizeof(*granules));
	if (!granules) {
		// Shrinking back cannot fail: the two arrays must keep one capacity.
		addresses->pool_addr = pages_realloc(
			pool_addr, capacity, addresses->pool_capacity, sizeof(*pool_addr));
		return error_enomem();
	}
	addresses->granules = granules;
	addresses->pool_capacity = capacity;
	return NULL;
}

struct error *heap_addresses_add_pool(
	struct heap_addresses *addresses, uint64_t addr, const uint64_t *starts)
{
	struct heap_granules *granules;
	struct error *err;

	if (addresses->pool_count == addresses->pool_capacity) {
		err = grow_pools(addresses);
		if (err)
			return err;
	}
	granules = &addresses->granules[(size_t)addresses->pool_count * addresses->words_per_pool];
	for (uint32_t i = 0; i < addresses->words_per_pool; i++)
		granules[i] = (struct heap_granules){.starts = starts[i]};
	addresses->pool_addr[addresses->pool_count++] = addr;
	return NULL;
}

static struct heap_region *find_region(struct heap_region *regions, uint32_t slots, uint64_t number)
{
	uint32_t slot = (uint32_t)(number * 0x9e3779b97f4a7c15ull >> 40) & (slots - 1);

	while (regions[slot].number && regions[slot].number != number)
		slot = (slot + 1) & (slots - 1);
	return &regions[slot];
}

static struct error *grow_regions(struct heap_addresses *addresses)
{
	uint32_t slots = addresses->region_slots * 2;
	struct heap_region *regions = mem_calloc(slots, sizeof(*regions));

	if (!regions)
		return error_enomem();
	for (uint32_t i = 0; i < addresses->region_slots; i++) {
		if (addresses->regions[i].number)
			*find_region(regions, slots, addresses->regions[i].number) =
				addresses->regions[i];
	}
	mem_free(addresses->regions);
	addresses->regions = regions;
	addresses->region_slots = slots;
	return NULL;
}

static struct error *register_pool(
	struct heap_addresses *addresses, uint32_t pool, uint32_t *used_regions)
{
	uint64_t addr = addresses->pool_addr[pool];
	uint64_t number = (addr >> REGION_SHIFT) + 1;
	struct heap_region *region;

	if (*used_regions * 2 >= addresses->region_slots) {
		struct error *err = grow_regions(addresses);

		if (err)
			return err;
	}
	region = find_region(addresses->regions, addresses->region_slots, number);
	if (!region->number) {
		region->pools = mem_calloc(
			1u << (REGION_SHIFT - addresses->pool_shift), sizeof(*region->pools));
		if (!region->pools)
			return error_enomem();
		region->number = number;
		(*used_regions)++;
	}
	region->pools[(addr & ((1u << REGION_SHIFT) - 1)) >> addresses->pool_shift] = pool + 1;
	return NULL;
}

struct error *heap_addresses_number(struct heap_addresses *addresses, uint32_t *ret_end)
{
	uint32_t next = 1, used_regions = 0;

	for (uint32_t pool = 0; pool < addresses->pool_count; pool++) {
		struct heap_granules *granules =
			&addresses->granules[(size_t)pool * addresses->words_per_pool];
		struct error *err = register_pool(addresses, pool, &used_regions);

		if (err)
			return err;
		for (uint32_t i = 0; i < addresses->words_per_pool; i++) {
			granules[i].base = next;
			next += (uint32_t)__builtin_popcountll(granules[i].starts);
		}
		if (next > LIMIT_NODES)
			return error_create(ERROR_UNSUPPORTED, "more than %u objects", LIMIT_NODES);
	}
	addresses->first_other = next;
	*ret_end = next;
	return NULL;
}

static struct heap_other_slot *find_other(
	struct heap_other_slot *slots, uint32_t count, uint64_t addr)
{
	uint32_t slot = (uint32_t)((addr >> 4) * 0x9e3779b97f4a7c15ull >> 32) & (count - 1);

	while (slots[slot].addr && slots[slot].addr != addr)
		slot = (slot + 1) & (count - 1);
	return &slots[slot];
}

static struct error *grow_others(struct heap_addresses *addresses)
{
	uint32_t count = addresses->other_slot_count ? addresses->other_slot_count * 2 : 8192;
	struct heap_other_slot *slots = mem_calloc(count, sizeof(*slots));
	uint64_t *others;

	if (!slots)
		return error_enomem();
	others = pages_realloc(
		addresses->others, addresses->other_capacity, count / 2, sizeof(*others));
	if (!others) {
		mem_free(slots);
		return error_enomem();
	}
	for (uint32_t i = 0; i < addresses->other_slot_count; i++) {
		if (addresses->other_slots[i].addr)
			*find_other(slots, count, addresses->other_slots[i].addr) =
				addresses->other_slots[i];
	}
	mem_free(addresses->other_slots);
	addresses->others = others;
	addresses->other_capacity = count / 2;
	addresses->other_slots = slots;
	addresses->other_slot_count = count;
	return NULL;
}

struct error *heap_addresses_add_other(
	struct heap_addresses *addresses, uint64_t addr, node_id *ret)
{
	node_id node = addresses->first_other + addresses->other_count;

	if (node >= LIMIT_NODES)
		return error_create(ERROR_UNSUPPORTED, "more than %u objects", LIMIT_NODES);
	if (addresses->other_count == addresses->other_capacity) {
		struct error *err = grow_others(addresses);

		if (err)
			return err;
	}
	*find_other(addresses->other_slots, addresses->other_slot_count, addr) =
		(struct heap_other_slot){.addr = addr, .node = node};
	addresses->others[addresses->other_count++] = addr;
	*ret = node;
	return NULL;
}

node_id heap_addresses_other(const struct heap_addresses *addresses, uint64_t addr)
{
	const struct heap_other_slot *slot;

	if (!addresses->other_slot_count || !addr)
		return HEAP_NODE_NONE;
	slot = find_other(addresses->other_slots, addresses->other_slot_count, addr);
	return slot->addr ? slot->node : HEAP_NODE_NONE;
}

node_id heap_addresses_find(const struct heap_addresses *addresses, uint64_t addr)
{
	uint32_t pool = heap_addresses_pool(addresses, addr);

	if (pool != UINT32_MAX) {
		node_id node = heap_addresses_in_pool(addresses, pool, addr);

		if (node != HEAP_NODE_NONE)
			return node;
	}
	return heap_addresses_other(addresses, addr);
}

// The position of the n-th (from 0) set bit.
static unsigned select_bit(uint64_t bits, unsigned n)
{
	while (n--)
		bits &= bits - 1;
	return (unsigned)__builtin_ctzll(bits);
}

uint64_t heap_addresses_of(const struct heap_addresses *addresses, node_id node)
{
	size_t low = 0, high = (size_t)addresses->pool_count * addresses->words_per_pool;
	const struct heap_granules *word;
	size_t granule;

	if (node == HEAP_ROOT)
		return 0;
	if (node >= addresses->first_other) {
		uint32_t index = node - addresses->first_other;

		return index < addresses->other_count ? addresses->others[index] : 0;
	}
	// The last word whose base is at most the node; empty words share the base of the next.
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (addresses->granules[middle].base <= node)
			low = middle;
		else
			high = middle;
	}
	word = &addresses->granules[low];
	granule =
		low % addresses->words_per_pool * 64 + select_bit(word->starts, node - word->base);
	return addresses->pool_addr[low / addresses->words_per_pool] +
	       (granule << addresses->granule_shift);
}
