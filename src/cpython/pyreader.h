// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Small reads from a target, made cheap.
 *
 * A reader keeps recently read blocks of 16 KiB (one pymalloc pool) in memory of its own,
 * direct-mapped, that is reused: a fresh page costs more than the copy. What a target already has
 * in memory is borrowed instead. One reader serves one thread.
 *
 * Pointers that a reader gives are valid until its next call. Unreadable bytes are an odd target,
 * not an error: the answer is NULL or false, and the caller counts.
 */
#pragma once

#include "target/target.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define PYREADER_BLOCK_BYTES 16384
/** What is read ahead of a block, in bytes: few, for what a thread has just used is in another processor's
 * cache. */
#define PYREADER_UNIT_BYTES  256
/** The most that pyreader_bytes() gives at once. */
#define PYREADER_BYTES_MAX   4096

/** Blocks that are read ahead: those of a deep stack, and its code. */
#define PYREADER_NOTES_MAX 48

/** Which units of a block were asked for. */
struct pyreader_note {
	uint64_t block, units;
};

struct pyreader {
	const struct target *target; /* borrowed */
	uint8_t *blocks;             /* slots * PYREADER_BLOCK_BYTES, owned */
	uint64_t *tags;              /* of each slot: epoch and block number + 1; see tag_of() */
	uint64_t epoch;              /* slots of another one are empty */
	uint64_t *valid;             /* bit i: unit i of the block could be read */
	uint32_t slots;              /* a power of two */
	bool can_borrow;
	/** Read no more of a block than the pages that are asked for: for few reads in haste. */
	bool by_page;
	/** What was asked for while a thread was held up, to be read at once the next time. */
	bool is_noting;
	unsigned note_count, hurries;
	struct pyreader_note notes[PYREADER_NOTES_MAX];
	uint8_t *note_of; /* of each slot: where its block may be among the notes */
	uint8_t straddle[PYREADER_BYTES_MAX];
};

/** @p slots blocks of cache, a power of two. */
struct error *pyreader_init(struct pyreader *reader, const struct target *target, uint32_t slots);
void pyreader_deinit(struct pyreader *reader);
/** Forget what was read: the target has changed since. */
void pyreader_forget(struct pyreader *reader);

/** The same for a reader by page, in haste: with one system call, what was asked for between the last
 * pyreader_hurry() and pyreader_relax() is read again, and @p also with it. Returns how many bytes of that. */
size_t pyreader_hurry(struct pyreader *reader, const struct target_piece *also);
void pyreader_relax(struct pyreader *reader);

/** @p size (at most PYREADER_BYTES_MAX) bytes at @p addr, or NULL. */
const uint8_t *pyreader_bytes(struct pyreader *reader, remote_addr addr, size_t size);

/** As many contiguous bytes at @p addr as are at hand, at least one and at most @p want, or NULL:
 * for arrays, in a loop. Addresses and counts that are multiples of 8 stay so. */
const uint8_t *pyreader_span(
	struct pyreader *reader, remote_addr addr, uint64_t want, uint64_t *ret_size);

static inline uint64_t load_u64(const uint8_t *bytes)
{
	uint64_t value;

	memcpy(&value, bytes, sizeof(value));
	return value;
}

static inline uint32_t load_u32(const uint8_t *bytes)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof(value));
	return value;
}

static inline bool pyreader_u64(struct pyreader *reader, remote_addr addr, uint64_t *ret)
{
	const uint8_t *bytes = pyreader_bytes(reader, addr, sizeof(*ret));

	if (!bytes)
		return false;
	*ret = load_u64(bytes);
	return true;
}

static inline bool pyreader_u32(struct pyreader *reader, remote_addr addr, uint32_t *ret)
{
	const uint8_t *bytes = pyreader_bytes(reader, addr, sizeof(*ret));

	if (!bytes)
		return false;
	*ret = load_u32(bytes);
	return true;
}

/**
 * A chain of nodes that may be torn or hostile: has it come back to where it was? (Brent's
 * algorithm: a power of two of steps is the next place to be remembered.) A zeroed struct is the
 * start.
 */
struct pychain {
	remote_addr mark;
	uint64_t steps, next_mark;
};

/** The next node of the chain; false if there is none, or the chain is a circle. */
static inline bool pychain_goes_on(struct pychain *chain, remote_addr node)
{
	if (!node || node == chain->mark)
		return false;
	if (chain->steps++ == chain->next_mark) {
		chain->mark = node;
		chain->next_mark = chain->next_mark * 2 + 1;
	}
	return true;
}

/** A word, or 0 if it cannot be read: for pointers, where 0 ends every walk. */
static inline uint64_t pyreader_pointer(struct pyreader *reader, remote_addr addr)
{
	uint64_t value = 0;

	return pyreader_u64(reader, addr, &value) ? value : 0;
}
