// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "target/usage.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/search.h"
#include "base/vector.h"
#include "target/process_internal.h"
#include "target/procfs.h"

#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

DEFINE_VECTOR(usage_vector, struct usage_mapping)

// Lines "Name:   12 kB" that are wanted; what has two names is added up. By how many processes a huge page
// of the pool is shared is not told.
static const struct usage_line {
	const char *name;
	size_t offset;
} usage_lines[] = {
	{"Rss", offsetof(struct usage_mapping, rss)},
	{"Pss", offsetof(struct usage_mapping, pss)},
	{"Anonymous", offsetof(struct usage_mapping, anonymous)},
	{"Shared_Clean", offsetof(struct usage_mapping, shared)},
	{"Shared_Dirty", offsetof(struct usage_mapping, shared)},
	{"Swap", offsetof(struct usage_mapping, swap)},
	{"KernelPageSize", offsetof(struct usage_mapping, page_bytes)},
	{"Private_Hugetlb", offsetof(struct usage_mapping, huge_pool)},
	{"Shared_Hugetlb", offsetof(struct usage_mapping, huge_pool)},
	{"Private_Hugetlb", offsetof(struct usage_mapping, rss)},
	{"Shared_Hugetlb", offsetof(struct usage_mapping, rss)},
	{"Private_Hugetlb", offsetof(struct usage_mapping, anonymous)},
	{"Shared_Hugetlb", offsetof(struct usage_mapping, anonymous)},
	{"Private_Hugetlb", offsetof(struct usage_mapping, pss)},
	{"Shared_Hugetlb", offsetof(struct usage_mapping, shared)},
};

// "7f0000000000-7f0000001000 rw-p …": names of fields begin with capitals, addresses do not.
static bool parse_head(const char *line, struct usage_mapping *ret)
{
	char *end;

	*ret = (struct usage_mapping){.start = strtoull(line, &end, 16)};
	if (end == line || *end != '-')
		return false;
	ret->end = strtoull(end + 1, &end, 16);
	ret->is_file_shared = strnlen(end, 5) == 5 && end[4] == 's';
	return *end == ' ' && ret->start < ret->end;
}

// "VmFlags: rd wr mr mw me ac nr ht"
static bool has_flag(const char *line, const char *flag)
{
	const char *end = line + strcspn(line, "\n");

	for (line = strchr(line, ' '); line && line + 2 < end; line += 3) {
		if (strncmp(line + 1, flag, 2) == 0)
			return true;
	}
	return false;
}

static void parse_field(const char *line, struct usage_mapping *mapping)
{
	size_t length = strcspn(line, ":\n");

	if (strncmp(line, "VmFlags:", 8) == 0)
		mapping->is_unreserved = has_flag(line, "nr");

	for (size_t i = 0; i < sizeof(usage_lines) / sizeof(usage_lines[0]); i++) {
		const struct usage_line *wanted = &usage_lines[i];
		uint64_t *field = (uint64_t *)((char *)mapping + wanted->offset);

		if (strlen(wanted->name) == length && line[length] == ':' &&
			memcmp(line, wanted->name, length) == 0)
			*field += (strtoull(line + length + 1, NULL, 10) & (UINT64_MAX >> 20))
				  << 10;
	}
}

// @p text is NUL-terminated.
static struct error *parse_lines(const char *text, struct usage_vector *ret)
{
	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		struct usage_mapping mapping;

		line += *line == '\n';
		if (isupper((unsigned char)*line)) {
			if (ret->count)
				parse_field(line, &ret->items[ret->count - 1]);
			continue;
		}
		if (!parse_head(line, &mapping) || ret->count == LIMIT_MAPPINGS ||
			(ret->count && mapping.start < ret->items[ret->count - 1].end))
			continue;
		if (!usage_vector_push(ret, mapping))
			return error_enomem();
	}
	return NULL;
}

struct error *usage_parse(const char *text, size_t length, struct usage *ret)
{
	_cleanup_(mem_free) char *copy = mem_strndup(text, length);
	struct usage_vector list = {0};
	struct error *err;

	if (!copy)
		return error_enomem();
	err = parse_lines(copy, &list);
	if (err) {
		usage_vector_deinit(&list);
		return err;
	}
	*ret = (struct usage){.items = list.items, .count = list.count};
	return NULL;
}

struct error *usage_read(const struct process *process, struct usage *ret)
{
	_cleanup_(mem_free) char *text = NULL;
	size_t size;
	struct error *err = proc_read(
		&text, &size, LIMIT_PROC_BYTES, "/proc/%d/smaps", process_memory_thread(process));

	return err ? err : usage_parse(text, size, ret);
}

void usage_deinit(struct usage *usage)
{
	mem_free(usage->items);
	*usage = (struct usage){0};
}

size_t usage_lower_bound(const struct usage *usage, remote_addr addr)
{
	return partition_point(i, usage->count, usage->items[i].end <= addr);
}
