// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * How much of each mapping is in memory, and whose it is besides: /proc/PID/smaps.
 *
 * Asked for before a clone is made: a clone shares all private pages with the process, which halves
 * their proportional size and makes them shared. The kernel walks the page tables for it, while the
 * process runs: some 10 ms per GB.
 */
#pragma once

#include "target/process.h"

/** Bytes of one mapping. */
struct usage_mapping {
	remote_addr start, end;
	uint64_t rss;
	uint64_t pss;       /* pages that n processes have count 1/n */
	uint64_t anonymous; /* of rss: pages that are no file's (any more) */
	uint64_t shared;    /* of rss: pages that others have as well */
	uint64_t swap;
	uint64_t huge_pool;  /* of rss: in huge pages of the pool */
	uint64_t page_bytes; /* 4096, unless they are huge pages of the pool */
	bool is_file_shared; /* MAP_SHARED */
	bool is_unreserved;  /* MAP_NORESERVE: writing to it can fail */
};

/** A zeroed struct is empty. */
struct usage {
	struct usage_mapping *items; /* ascending; owned */
	size_t count;
};

/** ERROR_DENIED, or ERROR_GONE, if it cannot be read. */
struct error *usage_read(const struct process *process, struct usage *ret);
/** Parse text in the format of /proc/PID/smaps; for tests and fuzzing. */
struct error *usage_parse(const char *text, size_t length, struct usage *ret);
void usage_deinit(struct usage *usage);

static inline void cleanup_usage_deinit(struct usage *usage)
{
	usage_deinit(usage);
}

/** Index of the first mapping that ends after @p addr; usage->count if there is none. */
size_t usage_lower_bound(const struct usage *usage, remote_addr addr);
