// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "check.h"

#include "folder.h"
#include "target/huge_pool.h"
#include "target/mappings.h"

#include <stdio.h>
#include <string.h>

#define MAPPING(range, permissions, rest) range " " permissions " 00000000 00:00 0 \n" rest

static const char plain[] = MAPPING("00e03000-00e24000", "rw-p",
	"Size:                132 kB\n"
	"KernelPageSize:        4 kB\n"
	"Rss:                 100 kB\n"
	"Pss:                  60 kB\n"
	"Shared_Clean:          8 kB\n"
	"Shared_Dirty:         32 kB\n"
	"Anonymous:            92 kB\n"
	"Swap:                 12 kB\n"
	"Shared_Hugetlb:        0 kB\n"
	"Private_Hugetlb:       0 kB\n"
	"VmFlags: rd wr mr mw me ac sd \n");

// 4 MB in pages of 2 MB, of which 2 MB are shared with the parent.
#define HUGE(permissions, flags)                                                                   \
	MAPPING("7f0000000000-7f0000600000", permissions,                                          \
		"KernelPageSize:     2048 kB\n"                                                    \
		"Rss:                   0 kB\n"                                                    \
		"Pss:                   0 kB\n"                                                    \
		"Anonymous:             0 kB\n"                                                    \
		"Shared_Hugetlb:     2048 kB\n"                                                    \
		"Private_Hugetlb:    2048 kB\n"                                                    \
		"VmFlags: rd wr mr mw me " flags "ht \n")

static struct usage parse(const char *text)
{
	struct usage usage = {0};

	assert_success(usage_parse(text, strlen(text), &usage));
	return usage;
}

static void lines_are_added_up(void **state)
{
	_cleanup_(usage_deinit) struct usage usage = parse(plain);

	(void)state;
	assert_int_equal(usage.count, 1);
	assert_int_equal(usage.items[0].start, 0xe03000);
	assert_int_equal(usage.items[0].end, 0xe24000);
	assert_int_equal(usage.items[0].rss, 100 << 10);
	assert_int_equal(usage.items[0].pss, 60 << 10);
	assert_int_equal(usage.items[0].shared, 40 << 10);
	assert_int_equal(usage.items[0].anonymous, 92 << 10);
	assert_int_equal(usage.items[0].swap, 12 << 10);
	assert_int_equal(usage.items[0].page_bytes, 4096);
	assert_int_equal(usage.items[0].huge_pool, 0);
	assert_false(usage.items[0].is_file_shared || usage.items[0].is_unreserved);
}

static void the_pool_is_part_of_it(void **state)
{
	_cleanup_(usage_deinit) struct usage usage = parse(HUGE("rw-p", "nr "));
	const struct usage_mapping *mapping = usage.items;

	(void)state;
	assert_int_equal(usage.count, 1);
	assert_int_equal(mapping->huge_pool, 4 << 20);
	assert_int_equal(mapping->rss, 4 << 20);
	assert_int_equal(mapping->anonymous, 4 << 20);
	assert_int_equal(mapping->shared, 2 << 20);
	assert_int_equal(mapping->pss, 2 << 20);
	assert_int_equal(mapping->page_bytes, 2 << 20);
	assert_true(mapping->is_unreserved);
}

static void nonsense_is_left_out(void **state)
{
	static const char *const texts[] = {"", "\n\n", "Rss: 12 kB\n", "7-3 rw-p\nRss: 1 kB\n",
		"zz-zz\n", "1000-2000", "1000-2000 rw", "1000-2000 rw-p\nVmFlags:", "VmFlags: n",
		"1000-2000 rw-p\nVmFlags: r\nRss:"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct usage usage = parse(texts[i]);

		assert_true(usage.count <= 1);
		usage_deinit(&usage);
	}
}

// Anonymous memory, whatever the kernel calls it; but not a file of that name.
static void huge_pages_are_anonymous(void **state)
{
	static const char text[] =
		"7f0000000000-7f0000200000 rw-p 00200000 00:11 801 /anon_hugepage (deleted)\n"
		"7f0000200000-7f0000400000 rw-s 00000000 00:11 802 /anon_hugepage (deleted)\n"
		"7f0000400000-7f0000600000 rw-p 00000000 08:02 803 /anon_hugepage (deleted)\n";
	_cleanup_(mappings_deinit) struct mappings mappings = {0};

	(void)state;
	assert_success(mappings_parse(text, strlen(text), &mappings));
	assert_int_equal(mappings.count, 3);
	assert_true(mapping_is_anonymous(&mappings.items[0]));
	assert_int_equal(mappings.items[0].offset, 0);
	assert_false(mapping_is_anonymous(&mappings.items[1]));
	assert_false(mapping_is_anonymous(&mappings.items[2]));
	assert_int_equal(mappings.items[2].inode, 803);
}

static void set_pool(const struct folder *folder, const char *free_pages, const char *reserved)
{
	folder_put(folder, "hugepages-2048kB/free_hugepages", free_pages);
	folder_put(folder, "hugepages-2048kB/resv_hugepages", reserved);
}

static void a_clone_needs_as_many(void **state)
{
	_cleanup_(folder_deinit) struct folder folder;
	_cleanup_(usage_deinit) struct usage usage = parse(HUGE("rw-p", ""));
	_cleanup_(usage_deinit) struct usage file = parse(HUGE("rw-s", "nr "));
	_cleanup_(usage_deinit) struct usage unreserved = parse(HUGE("rw-p", "nr "));
	_cleanup_(usage_deinit) struct usage none = parse(plain);

	(void)state;
	folder_init(&folder);
	// No pool there, or nothing said of it: nothing is free.
	assert_failure(huge_pool_check(&usage, folder.path), ERROR_UNSUPPORTED);
	set_pool(&folder, "2\n", "0\n");
	assert_success(huge_pool_check(&usage, folder.path));
	assert_failure(huge_pool_check(&unreserved, folder.path), ERROR_UNSUPPORTED);
	set_pool(&folder, "2\n", "1\n");
	assert_failure(huge_pool_check(&usage, folder.path), ERROR_UNSUPPORTED);
	set_pool(&folder, "1\n", "2\n");
	assert_failure(huge_pool_check(&usage, folder.path), ERROR_UNSUPPORTED);
	assert_success(huge_pool_check(&file, folder.path));
	assert_success(huge_pool_check(&none, folder.path));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_added_up),
		cmocka_unit_test(the_pool_is_part_of_it),
		cmocka_unit_test(nonsense_is_left_out),
		cmocka_unit_test(huge_pages_are_anonymous),
		cmocka_unit_test(a_clone_needs_as_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
