// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Which pages of a process hold something.
 */
#pragma once

#include "base/vector.h"
#include "target/mappings.h"

#include <stdbool.h>

struct error;

/** Pages that follow each other, in memory or swapped out. */
struct page_run {
	remote_addr start, end;
};

DEFINE_VECTOR(page_run_vector, struct page_run)

/** Open what resident_pages_find() reads; to be closed. */
struct error *resident_pages_open(pid_t pid, int *ret_fd);

/** Which pages are meant. */
enum page_kind {
	PAGES_WITH_CONTENT, /* in memory or swapped out */
	/** Those that RSS counts: neither swapped out nor the kernel's one page of zeros, which is what
	 * memory is that was read and never written. (That page is only told apart with PAGEMAP_SCAN.) */
	PAGES_IN_MEMORY,
};

/** Append the runs within [start, end) of the process in ascending order. */
struct error *resident_pages_find(int fd, remote_addr start, remote_addr end, enum page_kind kind,
	struct page_run_vector *runs);

/** Does the kernel have PAGEMAP_SCAN (Linux 6.7)? Without it the same is found, more slowly. */
bool resident_pages_can_scan(int fd);
