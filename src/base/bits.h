// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Sets of small numbers, of nodes mostly: one bit each, in words of 64. Whose memory it is, the user says.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Words for @p count bits. */
static inline size_t bits_words(uint32_t count)
{
	return ((size_t)count + 63) / 64;
}

static inline bool bits_has(const uint64_t *bits, uint32_t i)
{
	return bits[i >> 6] >> (i & 63) & 1;
}

static inline void bits_set(uint64_t *bits, uint32_t i)
{
	bits[i >> 6] |= (uint64_t)1 << (i & 63);
}

static inline void bits_clear(uint64_t *bits, uint32_t i)
{
	bits[i >> 6] &= ~((uint64_t)1 << (i & 63));
}
