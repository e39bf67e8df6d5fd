// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "target/huge_pool.h"

#include "base/error.h"
#include "target/process_internal.h"
#include "target/procfs.h"

#include <inttypes.h>
#include <stdlib.h>

#define POOLS        "/sys/kernel/mm/hugepages"
#define NUMBER_BYTES 64

// Pages of a pool; 0 if it does not say.
static uint64_t pool_pages(const char *pools, uint64_t page_bytes, const char *name)
{
	_cleanup_(mem_free) char *text = NULL;
	size_t size;

	error_destroy(proc_read(&text, &size, NUMBER_BYTES, "%s/hugepages-%" PRIu64 "kB/%s", pools,
		page_bytes >> 10, name));
	return text ? strtoull(text, NULL, 10) : 0;
}

// Bytes of private memory in huge pages of this size.
static uint64_t private_bytes(const struct usage *usage, uint64_t page_bytes)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < usage->count; i++) {
		const struct usage_mapping *mapping = &usage->items[i];

		if (!mapping->is_file_shared && mapping->page_bytes == page_bytes)
			bytes += mapping->huge_pool;
	}
	return bytes;
}

struct error *huge_pool_check(const struct usage *usage, const char *pools)
{
	for (size_t i = 0; i < usage->count; i++) {
		const struct usage_mapping *mapping = &usage->items[i];
		uint64_t needed, free_pages, reserved;

		if (mapping->is_file_shared || !mapping->huge_pool || !mapping->page_bytes)
			continue;
		if (mapping->is_unreserved)
			return error_create(ERROR_UNSUPPORTED,
				"the process has huge pages that are not reserved (MAP_NORESERVE): "
				"while it is cloned, writing to one could end it");
		needed = private_bytes(usage, mapping->page_bytes);
		free_pages = pool_pages(pools, mapping->page_bytes, "free_hugepages");
		reserved = pool_pages(pools, mapping->page_bytes, "resv_hugepages");
		free_pages = free_pages > reserved ? free_pages - reserved : 0;
		if (needed / mapping->page_bytes > free_pages)
			return error_create(ERROR_UNSUPPORTED,
				"the process has %" PRIu64
				" MB in huge pages, and a clone needs as many more, of "
				"which %" PRIu64 " MB are free",
				needed >> 20, free_pages * (mapping->page_bytes >> 10) >> 10);
	}
	return NULL;
}

struct error *huge_pool_check_process(const struct process *process)
{
	_cleanup_(usage_deinit) struct usage usage = {0};
	struct error *error;

	// Hardly anybody has such pages, and smaps takes a while.
	if (!proc_status_number(process_memory_thread(process), "HugetlbPages", 10))
		return NULL;
	error = usage_read(process, &usage);
	return error ? error : huge_pool_check(&usage, POOLS);
}
