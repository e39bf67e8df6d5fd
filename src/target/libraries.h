// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Functions of the program and its libraries, by name.
 */
#pragma once

#include "target/target.h"

struct error;

/** Find function @p name in the mapped ELF file whose name begins with one of @p file_names (NULL: any;
 * the last is NULL). False if no file has it. */
bool libraries_find(const struct target *target, const char *const *file_names, const char *name,
	remote_addr *ret);

/**
 * Where malloc_trim() of the glibc that serves the program is. ERROR_UNSUPPORTED if malloc() is not
 * glibc's (another library or the program has one of its own: jemalloc, tcmalloc, a sanitizer), or the C
 * library is another one, as musl, that has no such function.
 */
struct error *libraries_find_malloc_trim(const struct target *target, remote_addr *ret);
