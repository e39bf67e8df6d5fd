// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * The file format: columns of numbers, in packed blocks, found through a directory at the end.
 *
 *	offset  bytes
 *	0       8      "SHIKARI\x1a"
 *	8       4      version of the format
 *	12      4      lowest version that a reader must know to read it
 *	16      8      bytes of the whole file
 *	24      8      where the directory begins: it goes on to the end of the file
 *	32      4      columns in it
 *	36      4      blocks in it
 *	40      8      XXH3 of the directory
 *	48      8      0
 *	56      8      XXH3 of the 56 bytes above
 *	64             blocks, one behind the other: each a zstd frame
 *	…              directory: the columns, then the blocks of the first column, of the second, …
 *
 *	column                                        block
 *	0   4   number: what it is                    0   8   where it begins in the file
 *	4   1   bytes of an item: 1, 2, 4 or 8        8   4   bytes, packed
 *	5   1   enum store_coding                     12  4   items
 *	6   2   0                                     16  8   XXH3 of the packed bytes
 *	8   8   items
 *	16  4   blocks
 *	20  4   number of the first of them
 *
 * All numbers are little-endian. What a block unpacks to are the items' first bytes, then their
 * second bytes, and so on: of small numbers most planes are zeros. In a delta column an item is the
 * difference to the one before it in the block, zigzag: 0, -1, 1, -2 are 0, 1, 2, 3.
 *
 * A reader refuses a file whose lowest version is above its own, and passes over columns whose
 * number it does not know. So a new column is a new version; only what changes the meaning of an old
 * one raises the lowest.
 */
#pragma once

#include <stdint.h>

#define STORE_MAGIC          "SHIKARI\x1a"
#define STORE_VERSION        2
#define STORE_VERSION_LOWEST 1

/** Items of a block, where the blocks of a column are cut by number. */
#define STORE_BLOCK_ITEMS 65536

enum store_coding {
	STORE_PLAIN,
	STORE_DELTA,
};

struct store_header {
	char magic[8];
	uint32_t version, version_lowest;
	uint64_t file_bytes, directory;
	uint32_t column_count, block_count;
	uint64_t directory_hash, zero, header_hash;
};

struct store_column {
	uint32_t number;
	uint8_t width, coding;
	uint16_t zero;
	uint64_t items;
	uint32_t block_count, first_block;
};

struct store_block {
	uint64_t offset;
	uint32_t packed_bytes, items;
	uint64_t hash;
};

_Static_assert(sizeof(struct store_header) == 64, "as drawn");
_Static_assert(sizeof(struct store_column) == 24, "as drawn");
_Static_assert(sizeof(struct store_block) == 24, "as drawn");
