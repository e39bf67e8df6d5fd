// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "store/store_reader.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/parallel.h"
#include "store/store_planes.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>
#include <zstd.h>

struct store_reader {
	char *name;
	const uint8_t *bytes;
	size_t size;
	bool is_mapped;
	const struct store_column *columns; /* in bytes, or a copy of it */
	const struct store_block *blocks;
	uint32_t column_count, block_count;
	uint8_t *directory; /* owned */
};

struct error *store_reader_bad(const struct store_reader *reader, const char *what)
{
	return error_create(ERROR_BAD_DATA, "%s: %s", reader->name, what);
}

bool store_is_file(const char *path)
{
	_cleanup_(close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char magic[8];

	return fd >= 0 && read(fd, magic, sizeof(magic)) == sizeof(magic) &&
	       memcmp(magic, STORE_MAGIC, sizeof(magic)) == 0;
}

static struct error *check_header(const struct store_reader *reader, struct store_header *ret)
{
	if (reader->size < sizeof(*ret) || memcmp(reader->bytes, STORE_MAGIC, 8) != 0)
		return store_reader_bad(
			reader, reader->size < sizeof(*ret) && reader->size > 0 &&
						memcmp(reader->bytes, STORE_MAGIC,
							reader->size < 8 ? reader->size : 8) == 0
					? "the snapshot file is truncated"
					: "no snapshot file");
	memcpy(ret, reader->bytes, sizeof(*ret));
	// The lowest version is where it is in every version; the rest may not be.
	if (ret->version_lowest > STORE_VERSION)
		return error_create(ERROR_UNSUPPORTED,
			"%s: a snapshot file of version %u, which this shikari cannot read (its "
			"own is %d)",
			reader->name, ret->version, STORE_VERSION);
	if (ret->header_hash != XXH3_64bits(ret, offsetof(struct store_header, header_hash)))
		return store_reader_bad(
			reader, "the snapshot file was changed: its header is wrong");
	if (ret->file_bytes != reader->size)
		return error_create(ERROR_BAD_DATA,
			"%s: the snapshot file is truncated: %zu of %" PRIu64 " bytes",
			reader->name, reader->size, ret->file_bytes);
	return NULL;
}

static struct error *read_directory(struct store_reader *reader, const struct store_header *header)
{
	uint64_t columns = (uint64_t)header->column_count * sizeof(struct store_column);
	uint64_t size = columns + (uint64_t)header->block_count * sizeof(struct store_block);

	if (header->directory < sizeof(*header) || header->directory > reader->size ||
		size != reader->size - header->directory ||
		header->directory_hash != XXH3_64bits(reader->bytes + header->directory, size))
		return store_reader_bad(
			reader, "the snapshot file was changed: its directory is wrong");
	// Where it begins in the file no struct may begin.
	reader->directory = mem_alloc(size);
	if (!reader->directory)
		return error_enomem();
	memcpy(reader->directory, reader->bytes + header->directory, size);
	reader->columns = (const void *)reader->directory;
	reader->blocks = (const void *)(reader->directory + columns);
	reader->column_count = header->column_count;
	reader->block_count = header->block_count;
	return NULL;
}

// The checksums are right, but whoever can compute them can claim anything. What a column unpacks to
// is bounded by the file's size: zeros are packed 5,000 times at the block size used, and the smallest
// of real processes makes 500 kB.
static bool check_column(const struct store_reader *reader, const struct store_column *column)
{
	uint64_t items = 0, limit = LIMIT_STORE_BYTES + reader->size * LIMIT_STORE_RATIO;
	unsigned width = column->width;

	if ((width != 1 && width != 2 && width != 4 && width != 8) ||
		column->coding > STORE_DELTA || column->items > limit / width ||
		column->first_block > reader->block_count ||
		column->block_count > reader->block_count - column->first_block)
		return false;
	for (uint32_t i = 0; i < column->block_count; i++) {
		const struct store_block *block = &reader->blocks[column->first_block + i];

		if (block->offset < sizeof(struct store_header) || block->offset > reader->size ||
			block->packed_bytes > reader->size - block->offset)
			return false;
		items += block->items;
	}
	return items == column->items;
}

static struct error *open_reader(struct store_reader *reader)
{
	struct store_header header = {0};
	struct error *err = check_header(reader, &header);

	if (!err)
		err = read_directory(reader, &header);
	for (uint32_t i = 0; !err && i < reader->column_count; i++) {
		if (!check_column(reader, &reader->columns[i]))
			err = store_reader_bad(
				reader, "a column of the snapshot file makes no sense");
	}
	return err;
}

struct error *store_reader_open_bytes(
	const char *name, const void *bytes, size_t size, struct store_reader **ret)
{
	_cleanup_(store_reader_close) struct store_reader *reader = mem_calloc(1, sizeof(*reader));
	struct error *err;

	if (!reader)
		return error_enomem();
	reader->name = mem_strdup(name);
	if (!reader->name)
		return error_enomem();
	reader->bytes = bytes;
	reader->size = size;
	err = open_reader(reader);
	if (err)
		return err;
	*ret = take(reader);
	return NULL;
}

struct error *store_reader_open(const char *path, struct store_reader **ret)
{
	_cleanup_(close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat status;
	struct error *err;
	void *bytes = NULL;

	if (fd < 0 || fstat(fd, &status) != 0)
		return error_system(errno, "cannot read %s", path);
	if (!S_ISREG(status.st_mode))
		return error_create(ERROR_BAD_DATA, "%s: no snapshot file", path);
	if (status.st_size > 0) {
		bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (bytes == MAP_FAILED)
			return error_system(errno, "cannot map %s", path);
	}
	err = store_reader_open_bytes(path, bytes, (size_t)status.st_size, ret);
	if (!err)
		(*ret)->is_mapped = true;
	else if (bytes)
		munmap(bytes, (size_t)status.st_size);
	return err;
}

void store_reader_close(struct store_reader *reader)
{
	if (!reader)
		return;
	if (reader->is_mapped)
		munmap((void *)reader->bytes, reader->size);
	mem_free(reader->directory);
	mem_free(reader->name);
	mem_free(reader);
}

uint64_t store_reader_bytes(const struct store_reader *reader)
{
	return reader->size;
}

const struct store_column *store_reader_find(const struct store_reader *reader, uint32_t number)
{
	for (uint32_t i = 0; i < reader->column_count; i++) {
		if (reader->columns[i].number == number)
			return &reader->columns[i];
	}
	return NULL;
}

const struct store_block *store_reader_block(
	const struct store_reader *reader, const struct store_column *column, uint32_t block)
{
	return &reader->blocks[column->first_block + block];
}

uint64_t store_reader_packed(const struct store_reader *reader, const struct store_column *column)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < column->block_count; i++)
		bytes += store_reader_block(reader, column, i)->packed_bytes;
	return bytes;
}

struct error *store_read_block(const struct store_reader *reader, const struct store_column *column,
	uint32_t number, void *items)
{
	const struct store_block *block = store_reader_block(reader, column, number);
	const uint8_t *packed = reader->bytes + block->offset;
	size_t size = (size_t)block->items * column->width;
	_cleanup_(mem_free) uint8_t *planes = NULL;

	if (block->hash != XXH3_64bits(packed, block->packed_bytes))
		return store_reader_bad(reader, "the snapshot file was changed: a block is wrong");
	if (ZSTD_getFrameContentSize(packed, block->packed_bytes) != size)
		return store_reader_bad(reader, "a block of the snapshot file makes no sense");
	planes = mem_alloc(size);
	if (!planes)
		return error_enomem();
	if (ZSTD_decompress(planes, size, packed, block->packed_bytes) != size)
		return store_reader_bad(reader, "a block of the snapshot file makes no sense");
	store_planes_join(planes, block->items, column->width, items);
	if (column->coding == STORE_DELTA)
		store_delta_add(items, block->items, column->width);
	return NULL;
}

struct reading {
	const struct store_reader *reader;
	const struct store_column *column;
	uint8_t *items;
	uint64_t *first; /* item of each block */
	unsigned workers;
};

static struct error *read_share(void *context, unsigned worker)
{
	struct reading *reading = context;

	for (uint32_t i = worker; i < reading->column->block_count; i += reading->workers) {
		struct error *err = store_read_block(reading->reader, reading->column, i,
			reading->items + reading->first[i] * reading->column->width);

		if (err)
			return err;
	}
	return NULL;
}

struct error *store_read(const struct store_reader *reader, uint32_t number, unsigned width,
	void *ret_items, uint64_t *ret_count)
{
	const struct store_column *column = store_reader_find(reader, number);
	struct reading reading = {reader, column, NULL, NULL, parallel_workers()};
	_cleanup_(mem_free) uint64_t *first = NULL;
	uint64_t count = column ? column->items : 0;
	struct error *err;
	void *items;

	if (column && column->width != width)
		return store_reader_bad(reader, "a column of the snapshot file makes no sense");
	items = pages_alloc(count, width);
	if (!items)
		return error_enomem();
	if (column) {
		first = mem_calloc((size_t)column->block_count + 1, sizeof(*first));
		if (!first) {
			pages_free(items, count, width);
			return error_enomem();
		}
		for (uint32_t i = 0; i < column->block_count; i++)
			first[i + 1] = first[i] + store_reader_block(reader, column, i)->items;
		reading.items = items;
		reading.first = first;
		// A thread costs more than a block.
		if (reading.workers > column->block_count)
			reading.workers = column->block_count ? column->block_count : 1;
		err = parallel_run(reading.workers, read_share, &reading);
		if (err) {
			pages_free(items, count, width);
			return err;
		}
	}
	memcpy(ret_items, &items, sizeof(items));
	*ret_count = count;
	return NULL;
}
