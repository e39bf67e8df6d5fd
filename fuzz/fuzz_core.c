// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/** Any bytes as a core file; what it names is looked for where nothing is. */
#include "base/error.h"
#include "target/core_file.h"
#include "target/elf_file.h"

#include <stdlib.h>
#include <string.h>

// Of mappings, so that a million of them do not take all the time.
#define LOOKS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
	if (!condition)
		abort();
}

// Bytes of a mapping, as they are borrowed and as they are read.
static void look_at(const struct target *target, const struct mapping *mapping)
{
	struct page_run_vector runs = {0};
	struct elf_file *elf = NULL;
	char read[64], other[64];
	size_t available = 0, got;
	const void *bytes = target_borrow(target, mapping->start, &available);

	must(mapping->start < mapping->end && mapping->start % 4096 == 0);
	(void)strlen(mapping->path);
	got = target_read_some(target, mapping->start, read, sizeof(read));
	must(!bytes || (available >= sizeof(read) && got == sizeof(read) &&
			       memcmp(bytes, read, sizeof(read)) == 0));
	target_read_some(target, mapping->end - 32, other, sizeof(other));
	error_destroy(target_resident(target, mapping->start, mapping->end, &runs));
	for (size_t i = 0; i < runs.count; i++)
		must(mapping->start <= runs.items[i].start &&
			runs.items[i].start < runs.items[i].end &&
			runs.items[i].end <= mapping->end);
	page_run_vector_deinit(&runs);
	error_destroy(elf_file_open(target, mapping, &elf));
	elf_file_destroy(elf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct core_options options = {.sysroot = "/proc/self/fdinfo"};
	const struct mappings *mappings;
	struct target *target = NULL;
	struct error *err = core_file_open_bytes(data, size, &options, &target);
	remote_addr end = 0;

	if (err) {
		error_destroy(err);
		return 0;
	}
	must(core_file_info(target)->bytes <= size);
	mappings = target_mappings(target);
	for (size_t i = 0; i < mappings->count; i++) {
		must(mappings->items[i].start >= end);
		end = mappings->items[i].end;
		if (i < LOOKS_MAX)
			look_at(target, &mappings->items[i]);
	}
	(void)strlen(target_name(target));
	(void)strlen(target_executable(target));
	error_destroy(core_file_explain(target, error_create(ERROR_BAD_DATA, "odd")));
	must(core_file_is_same_process(target, target));
	target_destroy(target);
	return 0;
}
