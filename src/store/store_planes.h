// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * The bytes of a block before they are packed: planes and deltas (store_format.h).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/** @p width is 1, 2, 4 or 8; both arrays have @p count * @p width bytes and do not overlap. */
void store_planes_split(const void *items, size_t count, unsigned width, uint8_t *ret);
void store_planes_join(const uint8_t *planes, size_t count, unsigned width, void *ret);

/** In place: each item less the one before it, zigzag; and back. */
void store_delta_take(void *items, size_t count, unsigned width);
void store_delta_add(void *items, size_t count, unsigned width);
