// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * pymalloc pools: every small object, also those that no collector tracks and nobody refers to.
 *
 * A pool is one aligned piece of memory with a header, divided into blocks of one size. Pools are
 * recognised by their header, without symbols. Blocks at or past `nextoffset` were never handed
 * out; of the others, those on the `freeblock` chain are free. A used block holds an object if the
 * word where the type pointer would be is the address of a known type, the reference count is
 * plausible and the size fits. Source: Objects/obmalloc.c, 3.11.2.
 */
#pragma once

#include "cpython/pylayout.h"
#include "cpython/pytype.h"

/** Words of 64 granules (of traits.alignment bytes each) that describe one pool, at most. */
#define PYMALLOC_POOL_WORDS 16

struct pypool {
	uint32_t block_size, block_count; /* capacity */
	uint32_t used_count;              /* as the header says */
	/** Bit g: an object starts at granule g of the pool. */
	uint64_t objects[PYMALLOC_POOL_WORDS];
	uint32_t object_count;
	/** Bit g: a block that is in use starts at granule g. */
	uint64_t used[PYMALLOC_POOL_WORDS];
	/** The free chain is broken: the pool was changing, or is none. */
	bool is_torn;
};

/** Bytes of a pool's header that pymalloc_is_pool() looks at. */
#define PYMALLOC_HEADER_BYTES 48

/** Does a pool start here? */
bool pymalloc_is_pool(const struct pylayout *layout, const uint8_t *header);

/** Find the objects in the pool whose traits.pool_bytes bytes are at @p bytes, @p addr in the
 * target. */
void pymalloc_read_pool(const struct pylayout *layout, const struct pytypes *types,
	remote_addr addr, const uint8_t *bytes, struct pypool *ret);
