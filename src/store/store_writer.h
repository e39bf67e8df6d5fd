// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Writing a file of columns (store_format.h): all of it or nothing.
 *
 *	err = store_writer_create(path, workers, &writer);
 *	err = store_writer_add(writer, NUMBER, STORE_PLAIN, 4, sizes, count);
 *	…
 *	err = store_writer_finish(writer);	// now the file is there
 *	store_writer_destroy(writer);		// without finish: nothing is left behind
 *
 * The file is written under another name beside its own, mode 0600, and renamed when it is whole and
 * on disk. Blocks are packed in parallel, some at a time: memory is a few blocks per worker.
 */
#pragma once

#include "base/cleanup.h"
#include "store/store_format.h"

#include <stddef.h>

struct error;
struct store_writer;

/** @p workers threads pack. Errors are those of the file system; @p path is named in them. */
struct error *store_writer_create(const char *path, unsigned workers, struct store_writer **ret);
void store_writer_destroy(struct store_writer *writer);
DEFINE_CLEANUP(struct store_writer *, store_writer_destroy)

/** A column of @p count numbers of @p width bytes. */
struct error *store_writer_add(struct store_writer *writer, uint32_t number,
	enum store_coding coding, unsigned width, const void *items, uint64_t count);

/** A column that is made block by block: block i has items [bounds[i], bounds[i + 1]), and
 *  @p fill writes them to its last argument. It is called by several threads at once. */
struct error *store_writer_add_blocks(struct store_writer *writer, uint32_t number,
	enum store_coding coding, unsigned width, uint32_t block_count, const uint64_t *bounds,
	void (*fill)(void *context, uint32_t block, void *items), void *context);

/** Write the directory, put the file on disk and give it its name. */
struct error *store_writer_finish(struct store_writer *writer);
/** Bytes written so far. */
uint64_t store_writer_bytes(const struct store_writer *writer);
