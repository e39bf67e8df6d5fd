// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
// Which of the C functions between a store and Python is told.
#include "check.h"

#include "base/alloc.h"
#include "report/native_text.h"

#include <stdio.h>
#include <string.h>

#define BINARY "libpython3.12.so.1.0"

static const struct watch_native append = {"list_append", BINARY, 0, true};
static const struct watch_native call = {"method_vectorcall_O", BINARY, 0, true};
static const struct watch_native map = {"map_next", BINARY, 0, true};
static const struct watch_native consume = {"consume_iterator", BINARY, 0, true};
static const struct watch_native unnamed = {NULL, BINARY, 16, true};
static const struct watch_native scan = {"scan_once_unicode", "_json.so", 0, false};
static const struct watch_native scanner = {"scanner_call", "_json.so", 0, false};
static const struct watch_native stripped = {NULL, "_json.so", 16, false};
static const struct watch_native deque = {"deque_append", "_collections.so", 0, false};
static const struct watch_native consumer = {"consume_iterator", "_collections.so", 0, false};

static void check_text(const struct watch_native *const *natives, const char *expected)
{
	struct string_builder builder = {0};
	struct watch_native copies[8];
	char *text;
	size_t count = 0;

	for (; natives[count]; count++)
		copies[count] = *natives[count];
	native_text_add(&builder, copies, count);
	text = string_builder_finish(&builder);
	assert_non_null(text);
	assert_string_equal(text, expected);
	mem_free(text);
}

#define check(expected, ...)                                                                       \
	check_text((const struct watch_native *const[]){__VA_ARGS__, NULL}, expected)

static void a_method_says_nothing(void **state)
{
	(void)state;
	check("", NULL);
	check("", &append, &call);
	check("", &unnamed, &unnamed, &call);
	check("", &deque, &call);
}

static void the_innermost_of_another_file_is_told(void **state)
{
	(void)state;
	check(" (in C: scan_once_unicode of _json.so)", &append, &call, &scan, &scanner, &call);
	check(" (in C: _json.so)", &unnamed, &stripped, &scanner);
	check(" (in C: consume_iterator of _collections.so)", &deque, &consumer);
	// Also if something of the interpreter is nearer.
	check(" (in C: scan_once_unicode of _json.so)", &append, &map, &scan);
}

static void else_the_interpreters_that_is_no_method(void **state)
{
	(void)state;
	check(" (in C: map_next)", &append, &call, &map, &consume);
	check(" (in C: map_next)", &unnamed, &map);
}

static void a_long_name_is_cut(void **state)
{
	char name[200], expected[200];
	struct watch_native native = {name, "cxx.so", 0, false};

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	snprintf(expected, sizeof(expected), " (in C: %.80s… of cxx.so)", name);
	check(expected, &native);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_method_says_nothing),
		cmocka_unit_test(the_innermost_of_another_file_is_told),
		cmocka_unit_test(else_the_interpreters_that_is_no_method),
		cmocka_unit_test(a_long_name_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
