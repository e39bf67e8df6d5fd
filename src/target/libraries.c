// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "target/libraries.h"

#include "base/error.h"
#include "base/path.h"
#include "target/elf_file.h"

#include <string.h>

static const char *const glibc_names[] = {"libc.so", "libc-2", NULL};
// The dynamic linker has a malloc() for itself, which it gives up when the program's is there.
static const char *const linker_names[] = {"ld-linux", "ld-2", NULL};

static bool begins_with_one(const char *name, const char *const *names)
{
	for (; *names; names++) {
		if (strncmp(name, *names, strlen(*names)) == 0)
			return true;
	}
	return false;
}

// The mapping of a file's beginning; each file has one.
static bool is_file(const struct mapping *mapping)
{
	return mapping->inode && mapping->offset == 0 && mapping->path[0] == '/' &&
	       mapping->readable;
}

static bool find_in(const struct target *target, const struct mapping *mapping, const char *name,
	remote_addr *ret)
{
	_cleanup_(elf_file_destroy) struct elf_file *file = NULL;
	struct error *error = elf_file_open(target, mapping, &file);
	uint64_t size;

	if (error) {
		error_destroy(error);
		return false;
	}
	return elf_file_find(file, name, ret, &size);
}

bool libraries_find(const struct target *target, const char *const *file_names, const char *name,
	remote_addr *ret)
{
	const struct mappings *mappings = target_mappings(target);

	for (size_t i = 0; i < mappings->count; i++) {
		const struct mapping *mapping = &mappings->items[i];

		if (is_file(mapping) &&
			(!file_names ||
				begins_with_one(path_base_name(mapping->path), file_names)) &&
			find_in(target, mapping, name, ret))
			return true;
	}
	return false;
}

// The name of the file that has a malloc() and is not glibc, or NULL.
static const char *other_malloc(const struct target *target)
{
	const struct mappings *mappings = target_mappings(target);
	remote_addr addr;

	for (size_t i = 0; i < mappings->count; i++) {
		const struct mapping *mapping = &mappings->items[i];
		const char *name = path_base_name(mapping->path);

		if (is_file(mapping) && !begins_with_one(name, glibc_names) &&
			!begins_with_one(name, linker_names) &&
			find_in(target, mapping, "malloc", &addr))
			return name;
	}
	return NULL;
}

struct error *libraries_find_malloc_trim(const struct target *target, remote_addr *ret)
{
	const char *other = other_malloc(target);

	if (other)
		return error_create(ERROR_UNSUPPORTED,
			"malloc() of the process is that of %s, not glibc's: it has no "
			"malloc_trim()",
			other);
	if (libraries_find(target, glibc_names, "malloc_trim", ret))
		return NULL;
	return error_create(ERROR_UNSUPPORTED, "the process has no glibc with a malloc_trim()");
}
