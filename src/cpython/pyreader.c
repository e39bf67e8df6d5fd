// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "cpython/pyreader.h"

#include "base/alloc.h"
#include "base/error.h"

#define PAGE_BYTES      4096
#define UNITS_PER_BLOCK (PYREADER_BLOCK_BYTES / PYREADER_UNIT_BYTES)
#define UNITS_PER_PAGE  (PAGE_BYTES / PYREADER_UNIT_BYTES)
#define ALL_UNITS       UINT64_MAX
// So many times what was noted is read, then it is noted anew. At first after each: names are read only once.
#define HURRIES_MAX     32
#define HURRIES_FIRST   3
// User space ends here on x86-64 and aarch64 (47 or 48 bits); what lies above is not a pointer.
#define ADDRESS_END     (1ull << 48)

#define EPOCH_SHIFT 36
#define EPOCH_MAX   ((1ull << (64 - EPOCH_SHIFT)) - 1)

_Static_assert(UNITS_PER_BLOCK == 64, "a bit each");

struct error *pyreader_init(struct pyreader *reader, const struct target *target, uint32_t slots)
{
	size_t ignored;

	*reader = (struct pyreader){.target = target, .slots = slots};
	reader->blocks = pages_alloc(slots, PYREADER_BLOCK_BYTES);
	reader->tags = mem_calloc(slots, sizeof(*reader->tags));
	reader->valid = mem_calloc(slots, sizeof(*reader->valid));
	reader->note_of = mem_calloc(slots, 1);
	if (!reader->blocks || !reader->tags || !reader->valid || !reader->note_of) {
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
	mem_free(reader->note_of);
	*reader = (struct pyreader){0};
}

// Block numbers have 34 bits. To forget is to begin another epoch, for which no slot need be touched.
static uint64_t tag_of(const struct pyreader *reader, uint64_t number)
{
	return reader->epoch << EPOCH_SHIFT | (number + 1);
}

static bool is_empty(const struct pyreader *reader, uint32_t slot)
{
	return !reader->tags[slot] || reader->tags[slot] >> EPOCH_SHIFT != reader->epoch;
}

void pyreader_forget(struct pyreader *reader)
{
	reader->epoch = (reader->epoch + 1) & EPOCH_MAX;
	if (!reader->epoch)
		memset(reader->tags, 0, reader->slots * sizeof(*reader->tags));
}

static uint64_t read_page(const struct target *target, remote_addr addr, uint8_t *block)
{
	unsigned page = (unsigned)(addr % PYREADER_BLOCK_BYTES / PAGE_BYTES);

	return target_read_some(target, addr - addr % PAGE_BYTES, block + (size_t)page * PAGE_BYTES,
		       PAGE_BYTES) == PAGE_BYTES
		       ? ((1ull << UNITS_PER_PAGE) - 1) << page * UNITS_PER_PAGE
		       : 0;
}

static uint64_t read_pages(const struct target *target, remote_addr addr, uint8_t *block)
{
	uint64_t valid = 0;

	if (target_read_some(target, addr, block, PYREADER_BLOCK_BYTES) == PYREADER_BLOCK_BYTES)
		return ALL_UNITS;
	for (unsigned at = 0; at < PYREADER_BLOCK_BYTES; at += PAGE_BYTES)
		valid |= read_page(target, addr + at, block);
	return valid;
}

static uint32_t slot_of(const struct pyreader *reader, uint64_t number)
{
	return (uint32_t)(number ^ number >> 17) & (reader->slots - 1);
}

static uint64_t units_between(unsigned first, unsigned last)
{
	return ALL_UNITS << first & ALL_UNITS >> (UNITS_PER_BLOCK - 1 - last);
}

static void note(struct pyreader *reader, uint32_t slot, uint64_t units)
{
	uint64_t block = (reader->tags[slot] & ((1ull << EPOCH_SHIFT) - 1)) - 1;
	unsigned at = reader->note_of[slot];

	if (at >= reader->note_count || reader->notes[at].block != block) {
		if (reader->note_count == PYREADER_NOTES_MAX)
			return;
		at = reader->note_count++;
		reader->notes[at] = (struct pyreader_note){.block = block};
		reader->note_of[slot] = (uint8_t)at;
	}
	reader->notes[at].units |= units;
}

// The first run of some units of a block.
static struct target_piece piece_of(const struct pyreader *reader, uint64_t block, uint64_t units)
{
	unsigned first = (unsigned)__builtin_ctzll(units);
	uint64_t others = ~(units >> first);
	unsigned count = others ? (unsigned)__builtin_ctzll(others) : UNITS_PER_BLOCK;
	size_t offset = (size_t)first * PYREADER_UNIT_BYTES;

	return (struct target_piece){
		.addr = block * PYREADER_BLOCK_BYTES + offset,
		.bytes = reader->blocks + (size_t)slot_of(reader, block) * PYREADER_BLOCK_BYTES +
			 offset,
		.size = (size_t)count * PYREADER_UNIT_BYTES,
	};
}

static uint64_t units_of(const struct target_piece *piece)
{
	unsigned first = (unsigned)(piece->addr % PYREADER_BLOCK_BYTES / PYREADER_UNIT_BYTES);

	return units_between(first, first + (unsigned)(piece->size / PYREADER_UNIT_BYTES) - 1);
}

// Two blocks may want the same slot: the second is left to be read when it is asked for. So is what is too
// much.
static unsigned list_noted(struct pyreader *reader, struct target_piece *ret, unsigned max)
{
	unsigned count = 0;

	for (unsigned i = 0; i < reader->note_count; i++) {
		uint64_t units = reader->notes[i].units;
		uint32_t slot = slot_of(reader, reader->notes[i].block);

		if (!is_empty(reader, slot))
			continue;
		reader->tags[slot] = tag_of(reader, reader->notes[i].block);
		reader->valid[slot] = 0;
		for (; units && count < max; count++) {
			ret[count] = piece_of(reader, reader->notes[i].block, units);
			units &= ~units_of(&ret[count]);
		}
	}
	return count;
}

size_t pyreader_hurry(struct pyreader *reader, const struct target_piece *also)
{
	struct target_piece pieces[TARGET_PIECES_MAX];
	unsigned count, i;
	size_t bytes;

	pyreader_forget(reader);
	// Stacks change: what is not asked for any more is not read for ever.
	if (reader->hurries < HURRIES_FIRST || reader->hurries % HURRIES_MAX == 0)
		reader->note_count = 0;
	reader->hurries++;
	reader->is_noting = true;
	count = list_noted(reader, pieces, TARGET_PIECES_MAX - 1);
	pieces[count] = *also;
	bytes = target_read_pieces(reader->target, pieces, count + 1);
	for (i = 0; i < count && bytes >= pieces[i].size; i++) {
		reader->valid[slot_of(reader, pieces[i].addr / PYREADER_BLOCK_BYTES)] |=
			units_of(&pieces[i]);
		bytes -= pieces[i].size;
	}
	return i == count ? bytes : 0;
}

void pyreader_relax(struct pyreader *reader)
{
	reader->is_noting = false;
}

// The slot that holds @p addr, read if need be.
static uint32_t find_block(struct pyreader *reader, remote_addr addr)
{
	uint64_t number = addr / PYREADER_BLOCK_BYTES;
	unsigned unit = (unsigned)(addr % PYREADER_BLOCK_BYTES / PYREADER_UNIT_BYTES);
	uint32_t slot = slot_of(reader, number);
	uint8_t *block = reader->blocks + (size_t)slot * PYREADER_BLOCK_BYTES;

	if (reader->tags[slot] != tag_of(reader, number)) {
		reader->tags[slot] = tag_of(reader, number);
		reader->valid[slot] =
			reader->by_page
				? 0
				: read_pages(reader->target, number * PYREADER_BLOCK_BYTES, block);
	}
	if (reader->by_page && !(reader->valid[slot] >> unit & 1))
		reader->valid[slot] |= read_page(reader->target, addr, block);
	return slot;
}

const uint8_t *pyreader_span(
	struct pyreader *reader, remote_addr addr, uint64_t want, uint64_t *ret_size)
{
	size_t size, offset, end;
	uint64_t missing;
	uint32_t slot;
	unsigned first;

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
	first = (unsigned)(offset / PYREADER_UNIT_BYTES);
	missing = ~reader->valid[slot] & ALL_UNITS << first;
	if (missing >> first & 1)
		return NULL;
	end = missing ? (size_t)__builtin_ctzll(missing) * PYREADER_UNIT_BYTES
		      : PYREADER_BLOCK_BYTES;
	size = end - offset;
	*ret_size = size < want ? size : want;
	if (reader->is_noting)
		note(reader, slot,
			units_between(
				first, (unsigned)((offset + *ret_size - 1) / PYREADER_UNIT_BYTES)));
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
