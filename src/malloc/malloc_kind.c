// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "malloc/malloc_kind.h"

#include "base/path.h"

#include <string.h>

// What replaces malloc() is loaded beside libc: the first row that matches counts.
static const struct {
	const char *beginning; /* of the file's name */
	const char *kind;
	bool is_whole; /* that is all of the name */
} libraries[] = {
	{"libasan", "AddressSanitizer", false},
	{"libclang_rt.asan", "AddressSanitizer", false},
	{"libjemalloc", "jemalloc", false},
	{"libtcmalloc", "tcmalloc", false},
	{"libmimalloc", "mimalloc", false},
	{"ld-musl-", "musl", false},
	{"libc.musl-", "musl", false},
	// Debian's musl. glibc's file of this name is a linker script.
	{"libc.so", "musl", true},
	{"libc.so.6", MALLOC_KIND_GLIBC, false},
	{"libc-2.", MALLOC_KIND_GLIBC, false},
};

static bool is_loaded(const struct mappings *mappings, const char *beginning, bool is_whole)
{
	size_t length = strlen(beginning);

	for (size_t i = 0; i < mappings->count; i++) {
		const char *name = path_base_name(mappings->items[i].path);

		if (strncmp(name, beginning, length) == 0 && (!is_whole || !name[length]))
			return true;
	}
	return false;
}

const char *malloc_kind(const struct mappings *mappings)
{
	for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++) {
		if (is_loaded(mappings, libraries[i].beginning, libraries[i].is_whole))
			return libraries[i].kind;
	}
	return NULL;
}
