// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Reading a file of columns (store_format.h).
 *
 * Opening maps the file and checks its header and its directory; nothing is unpacked. Each block is
 * checked when it is read, so that what was changed is an error and never a wrong answer. What a file
 * claims is bounded by what it is: see store_reader.c.
 *
 * Reading is thread-safe.
 */
#pragma once

#include "base/cleanup.h"
#include "store/store_format.h"

#include <stdbool.h>
#include <stddef.h>

struct error;
struct store_reader;

/** Does the file begin like one of these? False also if it cannot be read. */
bool store_is_file(const char *path);

/** Errors: ERROR_SYSTEM; ERROR_BAD_DATA, naming the file and what is wrong with it; ERROR_UNSUPPORTED
 *  for a newer format. */
struct error *store_reader_open(const char *path, struct store_reader **ret);
/** The same for @p bytes, which are borrowed (tests, fuzzing); @p name is for errors. */
struct error *store_reader_open_bytes(
	const char *name, const void *bytes, size_t size, struct store_reader **ret);
void store_reader_close(struct store_reader *reader);
DEFINE_CLEANUP(struct store_reader *, store_reader_close)

uint64_t store_reader_bytes(const struct store_reader *reader);

/** NULL if the file has no such column. */
const struct store_column *store_reader_find(const struct store_reader *reader, uint32_t number);
/** Bytes that a column takes in the file. */
uint64_t store_reader_packed(const struct store_reader *reader, const struct store_column *column);
const struct store_block *store_reader_block(
	const struct store_reader *reader, const struct store_column *column, uint32_t block);
/** The file is not what it should be, seen by somebody who knows what is in it. */
struct error *store_reader_bad(const struct store_reader *reader, const char *what);

/** Unpack block @p block of a column to @p items: as many as store_reader_block() says. */
struct error *store_read_block(const struct store_reader *reader, const struct store_column *column,
	uint32_t block, void *items);

/** Unpack a whole column of @p width, in parallel: *ret_items is pages_alloc(*ret_count, width) and
 *  belongs to the caller. A column that is not there is empty. */
struct error *store_read(const struct store_reader *reader, uint32_t number, unsigned width,
	void *ret_items, uint64_t *ret_count);
