// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Between heap_file.c, which opens a file, and those that load what is in it.
 */
#pragma once

#include "heap/heap_file.h"

/** The file is not what it should be: @p what, of the file of this name. */
struct error *heap_file_bad(const struct heap_file *file, const char *what);

/** A small column, which must have @p count items; the caller releases it with pages_free(). */
struct error *heap_file_read_column(
	const struct heap_file *file, uint32_t number, unsigned width, uint64_t count, void *ret);

/** Items of a column; 0 if the file has none of this number. */
uint64_t heap_file_column_items(const struct heap_file *file, uint32_t number);
