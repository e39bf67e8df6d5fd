// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Whose malloc() a process uses, by the libraries that it has loaded.
 */
#pragma once

#include "target/mappings.h"

#include <stdbool.h>

#define MALLOC_KIND_GLIBC "glibc"

/** "glibc", "musl", "jemalloc", "tcmalloc", "mimalloc", "AddressSanitizer"; NULL if none of these is seen: a
 * program that has one linked into it statically. One that the interpreter itself brings (3.13's mimalloc) is no
 * malloc(). Static text. */
const char *malloc_kind(const struct mappings *mappings);
