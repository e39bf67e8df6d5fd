// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * For the sources of this layer: small files as text, words and numbers.
 *
 * What cannot be read, or is not as it should be, is unknown, and no error.
 */
#pragma once

#include "doctor/doctor_facts.h"

/** More than any file of that kind has. */
#define DOCTOR_STATUS_BYTES ((size_t)64 << 10)

/** At most @p limit bytes of a file, which the caller owns; NULL if it cannot be read. */
char *doctor_read_text(size_t limit, const char *format, ...)
	__attribute__((__format__(__printf__, 2, 3)));
/** Bytes that may hold NULs; *ret_size is how many. */
char *doctor_read_bytes(size_t limit, size_t *ret_size, const char *format, ...)
	__attribute__((__format__(__printf__, 3, 4)));
/** The first line without the blanks around it; "" if there is none. */
void doctor_read_word(char *ret, size_t size, const char *format, ...)
	__attribute__((__format__(__printf__, 3, 4)));
/** A file that has one whole number. */
struct doctor_number doctor_read_number(const char *format, ...)
	__attribute__((__format__(__printf__, 1, 2)));
/** Where a link leads; "" if it may not be read. */
void doctor_read_link(char *ret, size_t size, const char *format, ...)
	__attribute__((__format__(__printf__, 3, 4)));

/** Of the process whose folder below /proc is @p folder. */
void doctor_read_identity(
	const struct doctor_roots *roots, const char *folder, struct doctor_identity *ret);
