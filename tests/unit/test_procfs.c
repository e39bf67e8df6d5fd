// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "check.h"

#include "target/procfs.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void a_name_may_hold_anything(void **state)
{
	char text[600] = "42 (a) R 1 (b\n) Z 7 7 7 0 -1 4227084";
	struct proc_stat stat;

	(void)state;
	for (int field = 10; field <= 52; field++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), " %d", field);
	assert_true(proc_parse_stat(text, &stat));
	assert_string_equal(stat.name, "a) R 1 (b\n");
	assert_int_equal(stat.state, 'Z');
	assert_int_equal(stat.parent, 7);
	assert_int_equal(stat.flags, 4227084);
	assert_int_equal(stat.start_time, 22);
	assert_int_equal(stat.stack_start, 28);
	assert_int_equal(stat.exit_signal, 38);
	assert_int_equal(stat.exit_code, 52);
}

static void short_lines_are_refused(void **state)
{
	static const char *const texts[] = {
		"", "1", "1 (", "1 (a)", "1 (a) ", "1 )a( R 1", "1 (a) R 1 2 3", "1 (a) R 1 x"};
	struct proc_stat stat;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_false(proc_parse_stat(texts[i], &stat));
}

static void fields_are_found_at_the_start_of_lines(void **state)
{
	static const char text[] = "Name:\tSeccomp: 9\nSeccomp_filters:\t3\nSeccomp:\t2\nMask:\tff";
	uint64_t value = 0;

	(void)state;
	assert_true(proc_field(text, "Seccomp", 10, &value));
	assert_int_equal(value, 2);
	assert_true(proc_field(text, "Mask", 16, &value));
	assert_int_equal(value, 255);
	assert_false(proc_field(text, "Seccom", 10, &value));
	assert_false(proc_field(text, "Threads", 10, &value));
	assert_false(proc_field(text, "Name", 10, &value));
}

static void the_innermost_id_is_the_own_one(void **state)
{
	(void)state;
	assert_int_equal(proc_parse_id_inside("Name:\tx\nNSpid:\t42\t7\t1\nNSpgid:\t9\n"), 1);
	assert_int_equal(proc_parse_id_inside("Name:\tx\nNSpid:\t42\n"), 42);
	assert_int_equal(proc_parse_id_inside("Name:\tx\nNSpid:\t42"), 42);
	assert_int_equal(proc_parse_id_inside("Name:\tNSpid:\t42\n"), 0);
	assert_int_equal(proc_parse_id_inside(""), 0);
	assert_int_equal(proc_id_inside(getpid()), getpid());
	assert_int_equal(proc_id_inside(1 << 22), 1 << 22);
}

static void own_process_is_described(void **state)
{
	_cleanup_(pid_vector_deinit) struct pid_vector threads = {0};
	struct proc_stat stat;

	(void)state;
	assert_success(proc_read_stat(getpid(), &stat));
	assert_int_equal(stat.parent, getppid());
	assert_int_equal(stat.state, 'R');
	assert_success(proc_list_threads(getpid(), &threads));
	assert_int_equal(threads.count, 1);
	assert_int_equal(threads.items[0], getpid());
	assert_success(proc_list_threads(1 << 22, &threads));
	assert_int_equal(threads.count, 0);
}

static void reading_is_bounded(void **state)
{
	_cleanup_(mem_free) char *text = NULL;
	size_t size = 0;

	(void)state;
	assert_success(proc_read(&text, &size, 5000, "/proc/self/../../dev/zero"));
	assert_int_equal(size, 5000);
	assert_int_equal(text[5000], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_may_hold_anything),
		cmocka_unit_test(short_lines_are_refused),
		cmocka_unit_test(fields_are_found_at_the_start_of_lines),
		cmocka_unit_test(the_innermost_id_is_the_own_one),
		cmocka_unit_test(own_process_is_described),
		cmocka_unit_test(reading_is_bounded),
	};

	return cmocka_run_group_tests_name("procfs", tests, NULL, NULL);
}
