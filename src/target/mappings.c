// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "target/mappings.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/search.h"
#include "base/vector.h"
#include "target/procfs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

DEFINE_VECTOR(mapping_vector, struct mapping)

// Read a number in base @p base that ends with @p end, and step behind it.
static bool scan(const char **at, int base, char end, uint64_t *ret)
{
	char *stop;

	// strtoull would take blanks and signs too.
	if (**at == ' ' || **at == '-' || **at == '+' || **at == '\t')
		return false;
	*ret = strtoull(*at, &stop, base);
	if (stop == *at || *stop != end)
		return false;
	*at = stop + 1;
	return true;
}

static bool scan_permissions(const char **at, struct mapping *ret)
{
	const char *text = *at;

	if (strnlen(text, 5) < 5 || text[4] != ' ')
		return false;
	ret->readable = text[0] == 'r';
	ret->writable = text[1] == 'w';
	ret->executable = text[2] == 'x';
	ret->shared = text[3] == 's' || text[3] == 'S';
	*at = text + 5;
	return true;
}

// One line: "start-end rwxp offset major:minor inode      path".
static bool parse_line(const char *line, struct mapping *ret)
{
	uint64_t major, minor;
	char *end;

	*ret = (struct mapping){0};
	if (!scan(&line, 16, '-', &ret->start) || !scan(&line, 16, ' ', &ret->end) ||
		!scan_permissions(&line, ret) || !scan(&line, 16, ' ', &ret->offset) ||
		!scan(&line, 16, ':', &major) || !scan(&line, 16, ' ', &minor))
		return false;
	ret->device_major = (uint32_t)major;
	ret->device_minor = (uint32_t)minor;
	ret->inode = strtoull(line, &end, 10);
	if (end == line || (*end && *end != ' '))
		return false;
	ret->path = end + strspn(end, " ");
	// Huge pages of the pool (MAP_HUGETLB) are a file's, of a file system that nobody sees
	// (Linux, fs/hugetlbfs/inode.c): private ones are anonymous memory.
	if (!ret->shared && !ret->device_major &&
		strcmp(ret->path, "/anon_hugepage (deleted)") == 0)
		ret->inode = ret->offset = ret->device_minor = 0;
	return ret->start < ret->end;
}

// The kernel gives the list in pieces, and the target may change its mappings between two of them:
// a mapping that grew can then be told again. Keep what is new of it.
static bool clip_to_order(struct mapping *mapping, const struct mapping_vector *before)
{
	remote_addr from = before->count ? before->items[before->count - 1].end : 0;

	if (mapping->start >= from)
		return true;
	if (mapping->end <= from)
		return false;
	mapping->offset += mapping->inode ? from - mapping->start : 0;
	mapping->start = from;
	return true;
}

static struct error *parse_lines(char *text, struct mapping_vector *ret)
{
	for (char *line = text; *line;) {
		struct mapping mapping;
		char *end = strchr(line, '\n');

		if (end)
			*end = '\0';
		if (!parse_line(line, &mapping))
			return error_create(ERROR_BAD_DATA, "the mappings are not understood");
		if (ret->count >= LIMIT_MAPPINGS)
			return error_create(
				ERROR_BAD_DATA, "more than %d mappings", LIMIT_MAPPINGS);
		if (clip_to_order(&mapping, ret) && !mapping_vector_push(ret, mapping))
			return error_enomem();
		if (!end)
			break;
		line = end + 1;
	}
	return NULL;
}

// Takes @p text, also when it fails.
static struct error *parse_owned(char *text, struct mappings *ret)
{
	struct mapping_vector vector = {0};
	struct error *error = parse_lines(text, &vector);

	if (error) {
		mapping_vector_deinit(&vector);
		mem_free(text);
		return error;
	}
	*ret = (struct mappings){.items = vector.items, .count = vector.count, .text = text};
	return NULL;
}

struct error *mappings_parse(const char *text, size_t length, struct mappings *ret)
{
	char *copy = mem_strndup(text, length);

	return copy ? parse_owned(copy, ret) : error_enomem();
}

struct error *mappings_read(pid_t pid, struct mappings *ret)
{
	char *text = NULL;
	size_t size;
	struct error *error;

	error = proc_read(&text, &size, LIMIT_PROC_BYTES, "/proc/%d/maps", pid);
	if (error)
		return error;
	if (size == 0) {
		mem_free(text);
		return error_create(ERROR_GONE, "process %d has ended", pid);
	}
	return parse_owned(text, ret);
}

void mappings_deinit(struct mappings *mappings)
{
	mem_free(mappings->items);
	mem_free(mappings->text);
	*mappings = (struct mappings){0};
}

size_t mappings_lower_bound(const struct mappings *mappings, remote_addr addr)
{
	return partition_point(i, mappings->count, mappings->items[i].end <= addr);
}

const struct mapping *mappings_find(const struct mappings *mappings, remote_addr addr)
{
	size_t i = mappings_lower_bound(mappings, addr);

	if (i == mappings->count || mappings->items[i].start > addr)
		return NULL;
	return &mappings->items[i];
}
