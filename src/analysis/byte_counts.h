// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Many numbers of bytes, most of them below 4 GiB: 4 bytes each, 5 where they are not. Saturating at 1 TiB - 1.
 */
#pragma once

#include "base/alloc.h"

#include <stdbool.h>
#include <stdint.h>

#define BYTE_COUNTS_MAX (((uint64_t)1 << 40) - 1)

struct byte_counts {
	uint32_t *low; /* pages */
	uint8_t *high; /* pages */
	size_t count;
};

/** All 0. False without memory. */
static inline bool byte_counts_init(struct byte_counts *counts, size_t count)
{
	*counts = (struct byte_counts){.count = count,
		.low = pages_alloc(count, sizeof(*counts->low)),
		.high = pages_alloc(count, sizeof(*counts->high))};
	return counts->low && counts->high;
}

static inline void byte_counts_deinit(struct byte_counts *counts)
{
	pages_free(counts->low, counts->count, sizeof(*counts->low));
	pages_free(counts->high, counts->count, sizeof(*counts->high));
	*counts = (struct byte_counts){0};
}

static inline void cleanup_byte_counts_deinit(struct byte_counts *counts)
{
	byte_counts_deinit(counts);
}

static inline uint64_t byte_counts_get(const struct byte_counts *counts, uint32_t i)
{
	return counts->low[i] | (uint64_t)counts->high[i] << 32;
}

static inline void byte_counts_set(struct byte_counts *counts, uint32_t i, uint64_t bytes)
{
	if (bytes > BYTE_COUNTS_MAX)
		bytes = BYTE_COUNTS_MAX;
	counts->low[i] = (uint32_t)bytes;
	// Nearly all of these stay 0: pages that are never written cost nothing.
	if (counts->high[i] != (uint8_t)(bytes >> 32))
		counts->high[i] = (uint8_t)(bytes >> 32);
}

static inline void byte_counts_add(struct byte_counts *counts, uint32_t i, uint64_t bytes)
{
	byte_counts_set(counts, i, byte_counts_get(counts, i) + bytes);
}
