// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "check.h"

#include "base/alloc.h"
#include "target/mappings.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char sample[] =
	"00400000-00452000 r-xp 00000000 08:02 173521      /usr/bin/dbus-daemon\n"
	"00e03000-00e24000 rw-p 00000000 00:00 0           [heap]\n"
	"35b1800000-35b1820000 r--s 00001000 fd:1f 135522  /usr/lib/with blanks.so (deleted)\n"
	"7f0000000000-7f0000001000 ---p 00000000 00:00 0 \n"
	"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]\n";

static void fields_are_read(void **state)
{
	struct mappings mappings = {0};
	const struct mapping *mapping;

	(void)state;
	assert_success(mappings_parse(sample, strlen(sample), &mappings));
	assert_int_equal(mappings.count, 5);
	mapping = &mappings.items[2];
	assert_int_equal(mapping->start, 0x35b1800000);
	assert_int_equal(mapping->end, 0x35b1820000);
	assert_int_equal(mapping->offset, 0x1000);
	assert_int_equal(mapping->device_major, 0xfd);
	assert_int_equal(mapping->device_minor, 0x1f);
	assert_int_equal(mapping->inode, 135522);
	assert_true(mapping->readable && mapping->shared);
	assert_false(mapping->writable || mapping->executable);
	assert_string_equal(mapping->path, "/usr/lib/with blanks.so (deleted)");
	assert_string_equal(mappings.items[1].path, "[heap]");
	assert_string_equal(mappings.items[3].path, "");
	assert_false(mappings.items[3].readable);
	mappings_deinit(&mappings);
}

static void lookups_find_edges_and_holes(void **state)
{
	struct mappings mappings = {0};

	(void)state;
	assert_null(mappings_find(&mappings, 0x400000));
	assert_success(mappings_parse(sample, strlen(sample), &mappings));
	assert_null(mappings_find(&mappings, 0x3fffff));
	assert_ptr_equal(mappings_find(&mappings, 0x400000), &mappings.items[0]);
	assert_ptr_equal(mappings_find(&mappings, 0x451fff), &mappings.items[0]);
	assert_null(mappings_find(&mappings, 0x452000));
	assert_ptr_equal(mappings_find(&mappings, 0xffffffffff600fff), &mappings.items[4]);
	assert_null(mappings_find(&mappings, UINT64_MAX));
	assert_int_equal(mappings_lower_bound(&mappings, 0x452000), 1);
	assert_int_equal(mappings_lower_bound(&mappings, UINT64_MAX), 5);
	mappings_deinit(&mappings);
}

static void what_is_told_twice_is_clipped(void **state)
{
	// The second grew downwards while the list was read; the third is within it.
	static const char text[] = "1000-3000 rw-p 00000000 08:01 7 /a\n"
				   "2000-5000 rw-p 00001000 08:01 7 /a\n"
				   "4000-5000 rw-p 00000000 00:00 0\n";
	struct mappings mappings = {0};

	(void)state;
	assert_success(mappings_parse(text, strlen(text), &mappings));
	assert_int_equal(mappings.count, 2);
	assert_int_equal(mappings.items[1].start, 0x3000);
	assert_int_equal(mappings.items[1].offset, 0x2000);
	mappings_deinit(&mappings);
}

static void nonsense_is_refused(void **state)
{
	static const char *const texts[] = {
		"hello\n",
		"1000-2000\n",
		"1000-2000 rw\n",
		"2000-1000 rw-p 0 0:0 0\n",
		"1000-1000 rw-p 0 0:0 0\n",
		"1000-2000 rw-p 0 0:0 x\n",
		"\n",
		"-1000-2000 rw-p 0 0:0 0\n",
		"1000-2000 rw-p 0 0:0 0x /a\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct mappings mappings = {0};

		assert_failure(
			mappings_parse(texts[i], strlen(texts[i]), &mappings), ERROR_BAD_DATA);
	}
}

static void random_changes_do_no_harm(void **state)
{
	(void)state;
	srand(1);
	for (int round = 0; round < 20000; round++) {
		struct mappings mappings = {0};
		char text[sizeof(sample)];

		memcpy(text, sample, sizeof(text));
		for (int i = rand() % 4; i >= 0; i--)
			text[(size_t)rand() % (sizeof(text) - 1)] = (char)rand();
		error_destroy(mappings_parse(text, (size_t)rand() % sizeof(text), &mappings));
		for (size_t i = 1; i < mappings.count; i++)
			assert_true(mappings.items[i - 1].end <= mappings.items[i].start);
		mappings_deinit(&mappings);
	}
}

static void own_mappings_hold_own_things(void **state)
{
	struct mappings mappings = {0};
	const struct mapping *mapping;
	int local = 0;

	(void)state;
	assert_success(mappings_read(getpid(), &mappings));
	mapping = mappings_find(&mappings, (remote_addr)&own_mappings_hold_own_things);
	assert_true(mapping && mapping->executable && mapping->inode);
	mapping = mappings_find(&mappings, (remote_addr)&local);
	assert_true(mapping && mapping->writable && !mapping->executable);
	mappings_deinit(&mappings);
	assert_failure(mappings_read(1 << 22, &mappings), ERROR_SYSTEM);
}

static void short_memory_is_told(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 2; i++) {
		struct mappings mappings = {0};

		alloc_fail_after(i);
		assert_failure(mappings_parse(sample, strlen(sample), &mappings), ERROR_MEMORY);
		alloc_fail_after(UINT64_MAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_read),
		cmocka_unit_test(lookups_find_edges_and_holes),
		cmocka_unit_test(what_is_told_twice_is_clipped),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(random_changes_do_no_harm),
		cmocka_unit_test(own_mappings_hold_own_things),
		cmocka_unit_test(short_memory_is_told),
	};

	return cmocka_run_group_tests_name("mappings", tests, NULL, NULL);
}
