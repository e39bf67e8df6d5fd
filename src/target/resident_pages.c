// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "target/resident_pages.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>

#define PAGE_BYTES     4096
#define ENTRIES_A_READ ((size_t)64 << 10)
#define REGIONS_A_SCAN 1024
#define ENTRY_PRESENT  (1ull << 63)
#define ENTRY_SWAPPED  (1ull << 62)

// PAGEMAP_SCAN of Linux 6.7, which older headers do not have. It skips what was never touched,
// where reading the page map costs eight bytes per page.
struct scan_region {
	uint64_t start, end, categories;
};

struct scan_arguments {
	uint64_t size, flags, start, end, walk_end, vector, vector_length, pages_max;
	uint64_t inverted, mask, any_of, returned;
};

#define SCAN_REQUEST _IOWR('f', 16, struct scan_arguments)
#define SCAN_PRESENT (1u << 3)
#define SCAN_SWAPPED (1u << 4)
#define SCAN_ZERO    (1u << 5)

static bool add_run(struct page_run_vector *runs, remote_addr start, remote_addr end)
{
	if (runs->count && runs->items[runs->count - 1].end == start) {
		runs->items[runs->count - 1].end = end;
		return true;
	}
	return page_run_vector_push(runs, (struct page_run){start, end});
}

// Returns false, having added nothing, if the kernel does not know how.
static bool scan(int fd, remote_addr start, remote_addr end, enum page_kind kind,
	struct page_run_vector *runs, struct error **ret_error)
{
	struct scan_region regions[REGIONS_A_SCAN];
	struct scan_arguments arguments = {
		.size = sizeof(arguments),
		.start = start,
		.end = end,
		.vector = (uintptr_t)regions,
		.vector_length = REGIONS_A_SCAN,
		.any_of = SCAN_PRESENT | SCAN_SWAPPED,
		.returned = SCAN_PRESENT | SCAN_SWAPPED,
	};

	if (kind == PAGES_IN_MEMORY) {
		arguments.any_of = 0;
		arguments.mask = SCAN_PRESENT | SCAN_ZERO;
		arguments.inverted = SCAN_ZERO;
		arguments.returned = SCAN_PRESENT;
	}

	while (arguments.start < end) {
		uint64_t next;
		int count = ioctl(fd, SCAN_REQUEST, &arguments);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return arguments.start > start;
		for (int i = 0; i < count; i++) {
			if (!add_run(runs, regions[i].start, regions[i].end)) {
				*ret_error = error_enomem();
				return true;
			}
		}
		// The kernel fills the vector in pieces of 512 regions, and walk_end may be that of the
		// last piece but one (seen on 6.18): what was returned must not be asked for again.
		next = arguments.walk_end;
		if (count && regions[count - 1].end > next)
			next = regions[count - 1].end;
		if (next <= arguments.start)
			break;
		arguments.start = next;
	}
	return true;
}

bool resident_pages_can_scan(int fd)
{
	_cleanup_(page_run_vector_deinit) struct page_run_vector runs = {0};
	struct error *error = NULL;
	bool can = scan(fd, 0, PAGE_BYTES, PAGES_WITH_CONTENT, &runs, &error);

	error_destroy(error);
	return can;
}

static struct error *read_page_map(int fd, remote_addr start, remote_addr end, enum page_kind kind,
	struct page_run_vector *runs)
{
	uint64_t wanted = kind == PAGES_IN_MEMORY ? ENTRY_PRESENT : ENTRY_PRESENT | ENTRY_SWAPPED;
	_cleanup_(mem_free) uint64_t *entries = mem_calloc(ENTRIES_A_READ, sizeof(*entries));

	if (!entries)
		return error_enomem();
	for (remote_addr at = start; at < end;) {
		size_t want = (end - at) / PAGE_BYTES;
		ssize_t size;

		if (want > ENTRIES_A_READ)
			want = ENTRIES_A_READ;
		size = pread(fd, entries, want * 8, (off_t)(at / PAGE_BYTES * 8));
		if (size < 8)
			return size < 0 ? error_system(errno, "cannot read the page map") : NULL;
		for (size_t i = 0; i < (size_t)size / 8; i++, at += PAGE_BYTES) {
			if ((entries[i] & wanted) && !add_run(runs, at, at + PAGE_BYTES))
				return error_enomem();
		}
	}
	return NULL;
}

struct error *resident_pages_open(pid_t pid, int *ret_fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/pagemap", pid);
	*ret_fd = open(path, O_RDONLY | O_CLOEXEC);
	return *ret_fd < 0 ? error_system(errno, "%s", path) : NULL;
}

struct error *resident_pages_find(int fd, remote_addr start, remote_addr end, enum page_kind kind,
	struct page_run_vector *runs)
{
	struct error *error = NULL;

	if (scan(fd, start, end, kind, runs, &error))
		return error;
	return read_page_map(fd, start, end, kind, runs);
}
