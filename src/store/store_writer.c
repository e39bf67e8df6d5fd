// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "store/store_writer.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/parallel.h"
#include "base/vector.h"
#include "store/store_planes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>
#include <zstd.h>

// Fast, and most of what there is to win: higher levels take twice the time for some per cent.
#define LEVEL             3
// Blocks that are packed before they are written, per worker.
#define BLOCKS_PER_WORKER 4
#define COLUMN_BYTES_MAX  (UINT32_MAX - (1u << 20))

DEFINE_VECTOR(column_vector, struct store_column)
DEFINE_VECTOR(block_vector, struct store_block)

struct packed {
	uint8_t *bytes;
	size_t size;
};

struct store_writer {
	char *path, *temporary;
	int fd;
	unsigned workers;
	uint64_t offset;
	struct column_vector columns;
	struct block_vector blocks;
	ZSTD_CCtx *packers[LIMIT_WORKERS];
};

static struct error *fail(const struct store_writer *writer, int number)
{
	return error_system(number, "cannot write %s", writer->path);
}

struct error *store_writer_create(const char *path, unsigned workers, struct store_writer **ret)
{
	_cleanup_(store_writer_destroy) struct store_writer *writer =
		mem_calloc(1, sizeof(*writer));
	char name[4096];

	if (!writer)
		return error_enomem();
	writer->fd = -1;
	writer->workers = workers ? workers : parallel_workers();
	if (writer->workers > LIMIT_WORKERS)
		writer->workers = LIMIT_WORKERS;
	writer->path = mem_strdup(path);
	if (!writer->path)
		return error_enomem();
	if ((size_t)snprintf(name, sizeof(name), "%s.XXXXXX", path) >= sizeof(name))
		return fail(writer, ENAMETOOLONG);
	for (unsigned i = 0; i < writer->workers; i++) {
		writer->packers[i] = ZSTD_createCCtx();
		if (!writer->packers[i])
			return error_enomem();
	}
	writer->fd = mkostemp(name, O_CLOEXEC);
	if (writer->fd < 0)
		return fail(writer, errno);
	writer->temporary = mem_strdup(name);
	if (!writer->temporary) {
		unlink(name);
		return error_enomem();
	}
	if (fchmod(writer->fd, 0600) != 0)
		return fail(writer, errno);
	writer->offset = sizeof(struct store_header);
	*ret = take(writer);
	return NULL;
}

void store_writer_destroy(struct store_writer *writer)
{
	if (!writer)
		return;
	if (writer->fd >= 0)
		close(writer->fd);
	if (writer->temporary)
		unlink(writer->temporary);
	for (unsigned i = 0; i < writer->workers; i++)
		ZSTD_freeCCtx(writer->packers[i]);
	column_vector_deinit(&writer->columns);
	block_vector_deinit(&writer->blocks);
	mem_free(writer->path);
	mem_free(writer->temporary);
	mem_free(writer);
}

static struct error *write_at(
	struct store_writer *writer, const void *bytes, size_t size, uint64_t offset)
{
	while (size > 0) {
		ssize_t written = pwrite(writer->fd, bytes, size, (off_t)offset);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return fail(writer, written ? errno : ENOSPC);
		bytes = (const char *)bytes + written;
		size -= (size_t)written;
		offset += (uint64_t)written;
	}
	return NULL;
}

// Some blocks of a column, packed by all workers.
struct batch {
	struct store_writer *writer;
	enum store_coding coding;
	unsigned width;
	const uint64_t *bounds;
	void (*fill)(void *context, uint32_t block, void *items);
	void *context;
	uint32_t first, count;
	struct packed packed[LIMIT_WORKERS * BLOCKS_PER_WORKER];
};

static struct error *pack_block(struct batch *batch, unsigned worker, uint32_t number)
{
	size_t count =
		batch->bounds[batch->first + number + 1] - batch->bounds[batch->first + number];
	size_t size = count * batch->width, bound = ZSTD_compressBound(size);
	_cleanup_(mem_free) void *items = mem_alloc(size);
	_cleanup_(mem_free) uint8_t *planes = mem_alloc(size);
	struct packed *packed = &batch->packed[number];

	packed->bytes = mem_alloc(bound);
	if (!items || !planes || !packed->bytes)
		return error_enomem();
	batch->fill(batch->context, batch->first + number, items);
	if (batch->coding == STORE_DELTA)
		store_delta_take(items, count, batch->width);
	store_planes_split(items, count, batch->width, planes);
	packed->size = ZSTD_compressCCtx(
		batch->writer->packers[worker], packed->bytes, bound, planes, size, LEVEL);
	return ZSTD_isError(packed->size) ? error_enomem() : NULL;
}

static struct error *pack_share(void *context, unsigned worker)
{
	struct batch *batch = context;

	for (uint32_t i = worker; i < batch->count; i += batch->writer->workers) {
		struct error *err = pack_block(batch, worker, i);

		if (err)
			return err;
	}
	return NULL;
}

static struct error *write_batch(struct batch *batch)
{
	struct store_writer *writer = batch->writer;

	for (uint32_t i = 0; i < batch->count; i++) {
		const struct packed *packed = &batch->packed[i];
		const uint64_t *bounds = &batch->bounds[batch->first + i];
		struct store_block block = {.offset = writer->offset,
			.packed_bytes = (uint32_t)packed->size,
			.items = (uint32_t)(bounds[1] - bounds[0]),
			.hash = XXH3_64bits(packed->bytes, packed->size)};
		struct error *err;

		if (!block_vector_push(&writer->blocks, block))
			return error_enomem();
		err = write_at(writer, packed->bytes, packed->size, writer->offset);
		if (err)
			return err;
		writer->offset += packed->size;
	}
	return NULL;
}

static struct error *check_sizes(const struct batch *batch, uint32_t block_count)
{
	for (uint32_t i = 0; i < block_count; i++) {
		if ((batch->bounds[i + 1] - batch->bounds[i]) * batch->width > COLUMN_BYTES_MAX)
			return error_create(ERROR_UNSUPPORTED,
				"one object holds more references than a snapshot file can");
	}
	return NULL;
}

struct error *store_writer_add_blocks(struct store_writer *writer, uint32_t number,
	enum store_coding coding, unsigned width, uint32_t block_count, const uint64_t *bounds,
	void (*fill)(void *context, uint32_t block, void *items), void *context)
{
	struct store_column column = {.number = number,
		.width = (uint8_t)width,
		.coding = (uint8_t)coding,
		.items = block_count ? bounds[block_count] - bounds[0] : 0,
		.block_count = block_count,
		.first_block = (uint32_t)writer->blocks.count};
	_cleanup_(mem_free) struct batch *batch = mem_calloc(1, sizeof(*batch));
	struct error *err;

	if (!batch || !column_vector_push(&writer->columns, column))
		return error_enomem();
	*batch = (struct batch){.writer = writer,
		.coding = coding,
		.width = width,
		.bounds = bounds,
		.fill = fill,
		.context = context};
	err = check_sizes(batch, block_count);
	while (!err && batch->first < block_count) {
		uint32_t room = writer->workers * BLOCKS_PER_WORKER;

		batch->count =
			block_count - batch->first < room ? block_count - batch->first : room;
		err = parallel_run(writer->workers, pack_share, batch);
		if (!err)
			err = write_batch(batch);
		for (uint32_t i = 0; i < batch->count; i++)
			mem_free(take(batch->packed[i].bytes));
		batch->first += batch->count;
	}
	return err;
}

struct array {
	const uint8_t *items;
	const uint64_t *bounds;
	unsigned width;
};

static void copy_items(void *context, uint32_t block, void *items)
{
	const struct array *array = context;

	memcpy(items, array->items + array->bounds[block] * array->width,
		(array->bounds[block + 1] - array->bounds[block]) * array->width);
}

struct error *store_writer_add(struct store_writer *writer, uint32_t number,
	enum store_coding coding, unsigned width, const void *items, uint64_t count)
{
	uint32_t blocks = (uint32_t)((count + STORE_BLOCK_ITEMS - 1) / STORE_BLOCK_ITEMS);
	_cleanup_(mem_free) uint64_t *bounds = mem_calloc((size_t)blocks + 1, sizeof(*bounds));
	struct array array = {items, bounds, width};

	if (!bounds)
		return error_enomem();
	for (uint32_t i = 1; i <= blocks; i++)
		bounds[i] = i < blocks ? (uint64_t)i * STORE_BLOCK_ITEMS : count;
	return store_writer_add_blocks(
		writer, number, coding, width, blocks, bounds, copy_items, &array);
}

uint64_t store_writer_bytes(const struct store_writer *writer)
{
	return writer->offset;
}

static struct error *write_directory(struct store_writer *writer, struct store_header *header)
{
	size_t columns = writer->columns.count * sizeof(struct store_column);
	size_t blocks = writer->blocks.count * sizeof(struct store_block);
	_cleanup_(mem_free) uint8_t *bytes = mem_alloc(columns + blocks);
	struct error *err;

	if (!bytes)
		return error_enomem();
	if (columns)
		memcpy(bytes, writer->columns.items, columns);
	if (blocks)
		memcpy(bytes + columns, writer->blocks.items, blocks);
	err = write_at(writer, bytes, columns + blocks, writer->offset);
	header->directory = writer->offset;
	header->directory_hash = XXH3_64bits(bytes, columns + blocks);
	writer->offset += columns + blocks;
	return err;
}

struct error *store_writer_finish(struct store_writer *writer)
{
	struct store_header header = {
		.version = STORE_VERSION,
		.version_lowest = STORE_VERSION_LOWEST,
		.column_count = (uint32_t)writer->columns.count,
		.block_count = (uint32_t)writer->blocks.count,
	};
	struct error *err = write_directory(writer, &header);

	memcpy(header.magic, STORE_MAGIC, sizeof(header.magic));
	header.file_bytes = writer->offset;
	header.header_hash = XXH3_64bits(&header, offsetof(struct store_header, header_hash));
	if (!err)
		err = write_at(writer, &header, sizeof(header), 0);
	if (err)
		return err;
	// A file that has its name has its contents, also after the power was cut.
	if (fsync(writer->fd) != 0 && errno != EINVAL)
		return fail(writer, errno);
	if (rename(writer->temporary, writer->path) != 0)
		return fail(writer, errno);
	mem_free(take(writer->temporary));
	return NULL;
}
