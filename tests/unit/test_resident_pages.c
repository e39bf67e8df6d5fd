// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/** Which pages of our own memory are there. */
#include "base/error.h"
#include "target/resident_pages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define PAGE_BYTES 4096

// Every other page of a mapping is touched: as many runs as the kernel returns in one or several
// pieces. Each must come once, in order.
static void check_runs(int fd, size_t count)
{
	struct page_run_vector runs = {0};
	size_t bytes = count * 2 * PAGE_BYTES;
	char *block = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	remote_addr start = (remote_addr)(uintptr_t)block;

	assert_ptr_not_equal(block, MAP_FAILED);
	madvise(block, bytes, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < count; i++)
		block[i * 2 * PAGE_BYTES] = 1;
	assert_null(resident_pages_find(fd, start, start + bytes, PAGES_WITH_CONTENT, &runs));
	assert_int_equal(runs.count, count);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(runs.items[i].start, start + i * 2 * PAGE_BYTES);
		assert_int_equal(runs.items[i].end, start + (i * 2 + 1) * PAGE_BYTES);
	}
	page_run_vector_deinit(&runs);
	munmap(block, bytes);
}

static void every_run_comes_once_and_in_order(void **state)
{
	const size_t counts[] = {1, 511, 512, 513, 549, 1000, 1023, 1024, 1025, 1600, 5000};
	int fd;

	(void)state;
	assert_null(resident_pages_open(getpid(), &fd));
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		check_runs(fd, counts[i]);
	close(fd);
}

// Pages that were only read are the kernel's page of zeros, which no RSS counts.
static void what_was_only_read_is_not_in_memory(void **state)
{
	struct page_run_vector runs = {0};
	size_t bytes = 16 * PAGE_BYTES;
	volatile char *block =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	remote_addr start = (remote_addr)(uintptr_t)block;
	int fd;

	(void)state;
	assert_null(resident_pages_open(getpid(), &fd));
	block[3 * PAGE_BYTES] = 1;
	(void)block[7 * PAGE_BYTES];
	assert_null(resident_pages_find(fd, start, start + bytes, PAGES_IN_MEMORY, &runs));
	assert_int_equal(runs.count, resident_pages_can_scan(fd) ? 1 : 2);
	assert_int_equal(runs.items[0].start, start + 3 * PAGE_BYTES);
	assert_int_equal(runs.items[0].end, start + 4 * PAGE_BYTES);
	page_run_vector_deinit(&runs);
	munmap((void *)block, bytes);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_run_comes_once_and_in_order),
		cmocka_unit_test(what_was_only_read_is_not_in_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
