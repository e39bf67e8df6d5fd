// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "cpython/pyreader.h"

#include "base/alloc.h"
#include "base/error.h"

#define PAGE_BYTES      4096
#define PAGES_PER_BLOCK (PYREADER_BLOCK_BYTES / PAGE_BYTES)
#define ALL_PAGES       ((1u << PAGES_PER_BLOCK) - 1)
// User space ends here on x86-64 and aarch64 (47 or 48 bits); what lies above is not a pointer.
#define ADDRESS_END     (1ull << 48)

struct error *pyreader_init(struct pyreader *reader, const struct target *target, uint32_t slots)
{
	size_t ignored;

	*reader = (struct pyreader){.target = target, .slots = slots};
	reader->blocks = pages_alloc(slots, PYREADER_BLOCK_BYTES);
	reader->tags = mem_calloc(slots, sizeof(*reader->tags));
	reader->valid = mem_calloc(slots, 1);
	if (!reader->blocks || !reader->tags || !reader->valid) {
		pyreader_deinit(reader);
		return error_enomem();
	}
	// A source either has its bytes in memory or does not; asking one mapping is enough to
	// know.
	for (size_t i = 0; i < target_mappings(target)->count && !reader->can_borrow; i++)
		reader->can_borrow = target_borrow(target, target_mappings(target)->items[i].start,
					     &ignored) != NULL;
	return NULL;
}

void pyreader_deinit(struct pyreader *reader)
{
	pages_free(reader->blocks, reader->slots, PYREADER_BLOCK_BYTES);
	mem_free(reader->tags);
	mem_free(reader->valid);
	*reader = (struct pyreader){0};
}

void pyreader_forget(struct pyreader *reader)
{
	memset(reader->tags, 0, reader->slots * sizeof(*reader->tags));
}

static uint8_t read_page(const struct target *target, remote_addr addr, uint8_t *block)
{
	unsigned page = (unsigned)(addr % PYREADER_BLOCK_BYTES / PAGE_BYTES);

	return target_read_some(target, addr - addr % PAGE_BYTES, block + (size_t)page * PAGE_BYTES,
		       PAGE_BYTES) == PAGE_BYTES
		       ? (uint8_t)(1u << page)
		       : 0;
}

static uint8_t read_pages(const struct target *target, remote_addr addr, uint8_t *block)
{
	uint8_t valid = 0;

	if (target_read_some(target, addr, block, PYREADER_BLOCK_BYTES) == PYREADER_BLOCK_BYTES)
		return ALL_PAGES;
	for (unsigned page = 0; page < PAGES_PER_BLOCK; page++)
		valid |= read_page(target, addr + (uint64_t)page * PAGE_BYTES, block);
	return valid;
}

// The slot that holds @p addr, read if need be.
static uint32_t find_block(struct pyreader *reader, remote_addr addr)
{
	uint64_t number = addr / PYREADER_BLOCK_BYTES;
	uint32_t slot = (uint32_t)(number ^ number >> 17) & (reader->slots - 1);
	uint8_t *block = reader->blocks + (size_t)slot * PYREADER_BLOCK_BYTES;

	if (reader->tags[slot] != number + 1) {
		reader->tags[slot] = number + 1;
		reader->valid[slot] =
			reader->by_page
				? 0
				: read_pages(reader->target, number * PYREADER_BLOCK_BYTES, block);
	}
	if (reader->by_page &&
		!(reader->valid[slot] >> addr % PYREADER_BLOCK_BYTES / PAGE_BYTES & 1))
		reader->valid[slot] |= read_page(reader->target, addr, block);
	return slot;
}

const uint8_t *pyreader_span(
	struct pyreader *reader, remote_addr addr, uint64_t want, uint64_t *ret_size)
{
	size_t size, offset;
	uint32_t slot;
	unsigned page;

	if (addr >= ADDRESS_END || !want)
		return NULL;
	if (reader->can_borrow) {
		const uint8_t *bytes = target_borrow(reader->target, addr, &size);

		if (bytes) {
			*ret_size = size < want ? size : want;
			return bytes;
		}
	}
	slot = find_block(reader, addr);
	offset = addr % PYREADER_BLOCK_BYTES;
	page = (unsigned)(offset / PAGE_BYTES);
	if (!(reader->valid[slot] >> page & 1))
		return NULL;
	while (page < PAGES_PER_BLOCK && reader->valid[slot] >> page & 1)
		page++;
	size = (size_t)page * PAGE_BYTES - offset;
	*ret_size = size < want ? size : want;
	return reader->blocks + (size_t)slot * PYREADER_BLOCK_BYTES + offset;
}

const uint8_t *pyreader_bytes(struct pyreader *reader, remote_addr addr, size_t size)
{
	uint64_t got, have = 0;
	const uint8_t *bytes;

	if (size > PYREADER_BYTES_MAX)
		return NULL;
	bytes = pyreader_span(reader, addr, size, &got);
	if (!bytes || got == size)
		return bytes;
	// The bytes lie across two blocks.
	while (bytes) {
		memcpy(reader->straddle + have, bytes, got);
		have += got;
		if (have == size)
			return reader->straddle;
		bytes = pyreader_span(reader, addr + have, size - have, &got);
	}
	return NULL;
}
