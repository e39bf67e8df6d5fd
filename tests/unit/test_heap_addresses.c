// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
//
// Address to node and back, against a sorted array of all addresses.
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "heap/heap_addresses.h"

#define OBJECTS_MAX 200000

struct naive {
	uint64_t addr[OBJECTS_MAX]; /* of node i + 1: pools ascending, then others as they came */
	uint32_t pooled, count;
};

static struct naive naive;
static uint64_t random_state;

static uint64_t random_u64(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static node_id naive_find(uint64_t addr)
{
	uint32_t low = 0, high = naive.pooled;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (naive.addr[middle] < addr)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < naive.pooled && naive.addr[low] == addr)
		return low + 1;
	for (uint32_t i = naive.pooled; i < naive.count; i++) {
		if (naive.addr[i] == addr)
			return i + 1;
	}
	return HEAP_NODE_NONE;
}

// Pools with gaps of all sizes between them, some empty, some full.
static void add_pools(struct heap_addresses *addresses, uint32_t pool_bytes, uint32_t granule_bytes,
	uint32_t pool_count)
{
	uint32_t words = pool_bytes / granule_bytes / 64, end;
	uint64_t pool = (uint64_t)pool_bytes * 3, starts[16];

	naive.pooled = naive.count = 0;
	for (uint32_t i = 0; i < pool_count; i++) {
		unsigned shape = random_u64() % 8;

		for (uint32_t w = 0; w < words; w++)
			starts[w] = shape == 0   ? 0
				    : shape == 1 ? UINT64_MAX
						 : random_u64() & random_u64() & random_u64();
		assert_success(heap_addresses_add_pool(addresses, pool, starts));
		for (uint32_t g = 0; g < words * 64; g++) {
			if (starts[g / 64] >> g % 64 & 1)
				naive.addr[naive.pooled++] = pool + (uint64_t)g * granule_bytes;
		}
		pool += pool_bytes * (random_u64() % 4 ? 1 : 1 + random_u64() % 100000);
	}
	assert_success(heap_addresses_number(addresses, &end));
	assert_int_equal(end, naive.pooled + 1);
	naive.count = naive.pooled;
}

static void check_all(const struct heap_addresses *addresses)
{
	uint64_t granule = 1ull << addresses->granule_shift;

	for (uint32_t i = 0; i < naive.count; i++) {
		uint64_t addr = naive.addr[i];
		uint32_t pool = heap_addresses_pool(addresses, addr);

		assert_int_equal(heap_addresses_of(addresses, i + 1), addr);
		assert_int_equal(heap_addresses_find(addresses, addr), i + 1);
		if (i < naive.pooled)
			assert_int_equal(heap_addresses_in_pool(addresses, pool, addr), i + 1);
		// The middle of an object is nobody's address.
		assert_int_equal(heap_addresses_find(addresses, addr + 1), HEAP_NODE_NONE);
		assert_int_equal(
			heap_addresses_find(addresses, addr + granule / 2), HEAP_NODE_NONE);
	}
	assert_int_equal(heap_addresses_of(addresses, HEAP_ROOT), 0);
	assert_int_equal(heap_addresses_of(addresses, naive.count + 1), 0);
	assert_int_equal(heap_addresses_of(addresses, HEAP_NODE_NONE), 0);
	assert_int_equal(heap_addresses_find(addresses, 0), HEAP_NODE_NONE);
	assert_int_equal(heap_addresses_find(addresses, UINT64_MAX), HEAP_NODE_NONE);
	for (unsigned i = 0; naive.count && i < 1000; i++) {
		uint64_t near = naive.addr[random_u64() % naive.count] + random_u64() % 64 * 16;

		assert_int_equal(heap_addresses_find(addresses, near), naive_find(near));
	}
}

static void check_shape(uint32_t pool_bytes, uint32_t granule_bytes, uint32_t pool_count)
{
	struct heap_addresses addresses;

	assert_success(heap_addresses_init(&addresses, pool_bytes, granule_bytes));
	add_pools(&addresses, pool_bytes, granule_bytes, pool_count);
	check_all(&addresses);
	heap_addresses_deinit(&addresses);
}

static void test_random_pools(void **state)
{
	(void)state;
	for (random_state = 1; random_state < 6; random_state++) {
		uint64_t seed = random_state;

		check_shape(16384, 16, 300); // 3.10 and later
		check_shape(4096, 16, 300);  // before
		check_shape(4096, 8, 300);
		check_shape(16384, 16, 1);
		random_state = seed;
	}
}

static void test_many_pools_grow(void **state)
{
	struct heap_addresses addresses;
	uint64_t starts[16] = {1u << 7};
	uint32_t end;

	(void)state;
	assert_success(heap_addresses_init(&addresses, 16384, 16));
	// A pool per region, so that their table grows too.
	for (uint64_t i = 1; i <= 10000; i++)
		assert_success(heap_addresses_add_pool(&addresses, i << 26, starts));
	assert_success(heap_addresses_number(&addresses, &end));
	assert_int_equal(end, 10001);
	for (uint64_t i = 1; i <= 10000; i++) {
		assert_int_equal(heap_addresses_find(&addresses, (i << 26) + 7 * 16), i);
		assert_int_equal(heap_addresses_pool(&addresses, i << 26), i - 1);
		assert_int_equal(heap_addresses_pool(&addresses, (i << 26) + 16384), UINT32_MAX);
	}
	assert_int_equal(heap_addresses_pool(&addresses, 10001ull << 26), UINT32_MAX);
	heap_addresses_deinit(&addresses);
}

static void test_others(void **state)
{
	struct heap_addresses addresses;
	uint32_t end;

	(void)state;
	random_state = 77;
	assert_success(heap_addresses_init(&addresses, 16384, 16));
	assert_success(heap_addresses_number(&addresses, &end));
	assert_int_equal(end, 1);
	assert_int_equal(heap_addresses_other(&addresses, 4096), HEAP_NODE_NONE);
	for (uint64_t i = 0; i < 50000; i++) {
		node_id node;

		assert_success(heap_addresses_add_other(&addresses, 0x10000 + i * 24, &node));
		assert_int_equal(node, end + i);
	}
	for (uint64_t i = 0; i < 50000; i++) {
		assert_int_equal(heap_addresses_other(&addresses, 0x10000 + i * 24), end + i);
		assert_int_equal(
			heap_addresses_of(&addresses, (node_id)(end + i)), 0x10000 + i * 24);
		assert_int_equal(
			heap_addresses_other(&addresses, 0x10000 + i * 24 + 8), HEAP_NODE_NONE);
	}
	heap_addresses_deinit(&addresses);
}

static void test_others_beside_pools(void **state)
{
	struct heap_addresses addresses;

	(void)state;
	random_state = 99;
	assert_success(heap_addresses_init(&addresses, 16384, 16));
	add_pools(&addresses, 16384, 16, 50);
	// Also inside a pool, where no object was seen: a reference may say otherwise.
	for (unsigned i = 0; i < 100; i++) {
		uint64_t addr = naive.addr[random_u64() % naive.pooled] + 16 * (random_u64() % 4);
		node_id node;

		if (naive_find(addr) != HEAP_NODE_NONE)
			continue;
		assert_success(heap_addresses_add_other(&addresses, addr, &node));
		naive.addr[naive.count++] = addr;
	}
	assert_true(naive.count > naive.pooled);
	check_all(&addresses);
	heap_addresses_deinit(&addresses);
}

// Everything again, with each allocation failing once.
static void test_memory_runs_out(void **state)
{
	bool is_done = false;

	(void)state;
	for (uint64_t n = 0; !is_done; n++) {
		struct heap_addresses addresses;
		uint64_t starts[16] = {1};
		struct error *err;
		uint32_t end;

		assert_true(n < 1000);
		alloc_fail_after(n);
		err = heap_addresses_init(&addresses, 16384, 16);
		for (uint64_t i = 1; !err && i < 5000; i++)
			err = heap_addresses_add_pool(
				&addresses, i < 4900 ? i << 14 : i << 26, starts);
		if (!err)
			err = heap_addresses_number(&addresses, &end);
		for (uint64_t i = 0; !err && i < 5000; i++) {
			node_id node;

			err = heap_addresses_add_other(&addresses, 0x100 + i * 16, &node);
		}
		is_done = !err;
		if (err)
			assert_int_equal(error_kind(err), ERROR_MEMORY);
		error_destroy(err);
		heap_addresses_deinit(&addresses);
	}
	alloc_fail_after(UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_pools),
		cmocka_unit_test(test_many_pools_grow),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_others_beside_pools),
		cmocka_unit_test(test_memory_runs_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
