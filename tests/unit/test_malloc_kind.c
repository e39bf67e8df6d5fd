// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "check.h"

#include "malloc/malloc_kind.h"

#include <string.h>

static void test_by_libraries(void **state)
{
	static const struct {
		const char *maps, *kind;
	} rows[] = {
		{"", NULL},
		{"1000-2000 r-xp 0 8:1 5 /usr/lib/x86_64-linux-gnu/libc.so.6\n", "glibc"},
		{"1000-2000 r-xp 0 8:1 5 /lib/libc-2.31.so\n", "glibc"},
		{"1000-2000 r-xp 0 8:1 5 /lib/ld-musl-x86_64.so.1\n", "musl"},
		{"1000-2000 r-xp 0 8:1 5 /usr/lib/x86_64-linux-musl/libc.so\n", "musl"},
		{"1000-2000 r-xp 0 8:1 5 /lib/libc.so.6\n"
		 "2000-3000 r-xp 0 8:1 6 /opt/libjemalloc.so.2\n",
			"jemalloc"},
		{"1000-2000 r-xp 0 8:1 5 /lib/libtcmalloc_minimal.so.4\n"
		 "2000-3000 r-xp 0 8:1 6 /lib/libc.so.6\n",
			"tcmalloc"},
		{"1000-2000 r-xp 0 8:1 5 /usr/lib/libasan.so.8\n"
		 "2000-3000 r-xp 0 8:1 6 /lib/libc.so.6\n",
			"AddressSanitizer"},
		{"1000-2000 r-xp 0 8:1 5 /opt/libjemalloc/python3\n", NULL},
		{"1000-2000 rw-p 0 0:0 0 \n", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		_cleanup_(mappings_deinit) struct mappings mappings = {0};
		const char *kind;

		assert_success(mappings_parse(rows[i].maps, strlen(rows[i].maps), &mappings));
		kind = malloc_kind(&mappings);
		if (rows[i].kind)
			assert_string_equal(kind, rows[i].kind);
		else
			assert_null(kind);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_libraries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
