// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/* What is read below /proc and /sys, on machines of a test's making. */
#include "check.h"
#include "folder.h"

#include "base/alloc.h"
#include "doctor/doctor_facts.h"

#include <stdio.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define STAT(id, state)                                                                            \
#id " (app) " #state " 7 1 1 0 -1 4194304 1 1 1 1 1 1 1 1 20 0 1 0 100 1 1 1 1 1 1 1 1 "   \
	    "0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n"

static struct doctor_roots roots_of(const struct folder *folder)
{
	return (struct doctor_roots){.proc = folder->path, .sys = folder->path};
}

static struct doctor_machine machine_of(const struct folder *folder)
{
	const struct doctor_roots roots = roots_of(folder);
	struct doctor_machine machine;

	doctor_machine_read(&roots, &machine);
	return machine;
}

static void an_empty_machine_is_unknown(void **state)
{
	_cleanup_(folder_deinit) struct folder folder;
	struct doctor_machine machine;

	(void)state;
	folder_init(&folder);
	machine = machine_of(&folder);
	assert_int_equal(machine.release_major, 0);
	assert_false(machine.yama.is_known);
	assert_false(machine.perf_paranoid.is_known);
	assert_false(machine.overcommit.is_known);
	assert_false(machine.proc_hides_others);
	assert_int_equal(machine.self.capabilities, 0);
	assert_int_equal(machine.cgroup_version, 0);
	assert_string_equal(machine.huge_pages, "");
}

static void a_machine_is_read(void **state)
{
	_cleanup_(folder_deinit) struct folder folder;
	struct doctor_machine machine;

	(void)state;
	folder_init(&folder);
	folder_put(&folder, "sys/kernel/osrelease", "5.15.0-91-generic\n");
	folder_put(&folder, "sys/kernel/yama/ptrace_scope", "1\n");
	folder_put(&folder, "sys/kernel/perf_event_paranoid", "-1\n");
	folder_put(&folder, "sys/vm/overcommit_memory", "2\n");
	folder_put(
		&folder, "meminfo", "MemTotal: 9 kB\nCommitLimit: 1000 kB\nCommitted_AS: 900 kB\n");
	folder_put(&folder, "kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
	folder_put(&folder, "fs/selinux/booleans/deny_ptrace", "1 1\n");
	folder_put(&folder, "self/status",
		"Name:\tUid: 7\nUid:\t1000\t1001\t1000\t1000\nCapEff:\t0000000000080000\n"
		"NoNewPrivs:\t1\nSeccomp:\t2\n");
	folder_put(&folder, "self/uid_map", "         0          0 4294967295\n");
	folder_put(&folder, "self/attr/current", "docker-default (enforce)\n");
	folder_link(&folder, "self/ns/user", "user:[4026531837]");
	machine = machine_of(&folder);
	assert_int_equal(machine.release_major, 5);
	assert_int_equal(machine.release_minor, 15);
	assert_int_equal(machine.yama.value, 1);
	assert_int_equal(machine.perf_paranoid.value, -1);
	assert_int_equal(machine.overcommit.value, 2);
	assert_int_equal(machine.commit_limit_bytes.value, 1024000);
	assert_string_equal(machine.huge_pages, "madvise");
	assert_true(machine.selinux_denies_ptrace);
	assert_int_equal(machine.self.uid, 1000);
	assert_int_equal(machine.self.euid, 1001);
	assert_true(machine.self.capabilities >> DOCTOR_CAP_SYS_PTRACE & 1);
	assert_int_equal(machine.self.seccomp.value, 2);
	assert_true(machine.self.has_no_new_privs);
	assert_true(machine.self.is_initial_user_namespace);
	assert_string_equal(machine.self.label, "docker-default (enforce)");
	assert_string_equal(machine.self.user_namespace, "user:[4026531837]");
}

static void numbers_are_numbers(void **state)
{
	static const char *const wrong[] = {"", "\n", "x", "1x", "1 2", "99999999999999999999"};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		_cleanup_(folder_deinit) struct folder folder;

		folder_init(&folder);
		folder_put(&folder, "sys/kernel/yama/ptrace_scope", wrong[i]);
		assert_false(machine_of(&folder).yama.is_known);
	}
}

static void a_user_namespace_maps_fewer_users(void **state)
{
	_cleanup_(folder_deinit) struct folder folder;

	(void)state;
	folder_init(&folder);
	folder_put(&folder, "self/uid_map", "0 100000 65536\n");
	assert_false(machine_of(&folder).self.is_initial_user_namespace);
}

static void hiding_is_an_option_of_the_mount(void **state)
{
	static const struct {
		const char *line;
		bool hides;
	} rows[] = {
		{"22 1 0:21 / /proc rw - proc proc rw", false},
		{"22 1 0:21 / /proc rw shared:5 - proc proc rw,hidepid=2", true},
		{"22 1 0:21 / /proc rw - proc proc rw,gid=4,hidepid=invisible", true},
		{"22 1 0:21 / /proc rw - proc proc rw,hidepid=0", false},
		{"22 1 0:21 / /proc rw - proc proc rw,hidepid=off", false},
		{"22 1 0:21 / /other rw - proc proc rw,hidepid=2", false},
		{"22 1 0:21 / /proc rw - tmpfs hidepid=2 rw,hidepid=2", false},
		{"- proc - proc ", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		_cleanup_(folder_deinit) struct folder folder;

		folder_init(&folder);
		folder_put(&folder, "self/mountinfo", rows[i].line);
		assert_int_equal(machine_of(&folder).proc_hides_others, rows[i].hides);
	}
}

static void memory_is_accounted_where_its_name_is(void **state)
{
	static const struct {
		const char *text;
		unsigned version;
	} rows[] = {
		{"0::/user.slice\n", 2},
		{"4:memory:/a\n0::/\n", 1},
		{"0::/\n5:cpu,memory:/a\n", 1},
		{"3:cpu:/memory\n", 0},
		{"nonsense", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		_cleanup_(folder_deinit) struct folder folder;

		folder_init(&folder);
		folder_put(&folder, "self/cgroup", rows[i].text);
		assert_int_equal(machine_of(&folder).cgroup_version, rows[i].version);
	}
}

static struct doctor_process process_of(const struct folder *folder, pid_t pid)
{
	const struct doctor_roots roots = roots_of(folder);
	struct doctor_process process;

	doctor_process_read(&roots, pid, &process);
	return process;
}

static void a_process_is_read(void **state)
{
	static const char head[20] = {0x7f, 'E', 'L', 'F', 2, 1, [18] = 62};
	static const char environment[] = "SECRET=x\0PYTHONMALLOC=malloc";
	_cleanup_(folder_deinit) struct folder folder;
	struct doctor_process process;

	(void)state;
	folder_init(&folder);
	folder_put(&folder, "42/stat", STAT(42, S));
	folder_put(&folder, "42/status",
		"Name:\tapp\nTgid:\t42\nTracerPid:\t9\nUid:\t5\t5\t5\t5\nVmRSS:\t100 kB\n"
		"Threads:\t3\nSigCgt:\t0000000000400010\nSeccomp:\t2\nNoNewPrivs:\t0\n");
	folder_put(&folder, "9/comm", "gdb\n");
	folder_put(&folder, "42/wchan", "do_freezer_trap");
	folder_put_bytes(&folder, "42/exe", head, sizeof(head));
	folder_put_bytes(&folder, "42/environ", environment, sizeof(environment));
	folder_put_bytes(&folder, "42/cmdline", "python3\0app.py", 15);
	folder_put(&folder, "42/root/etc", "");
	process = process_of(&folder, 42);
	assert_true(process.exists);
	assert_int_equal(process.leader, 42);
	assert_int_equal(process.thread, 42);
	assert_int_equal(process.tracer, 9);
	assert_string_equal(process.tracer_name, "gdb");
	assert_int_equal(process.identity.euid, 5);
	assert_int_equal(process.rss_bytes, 102400);
	assert_int_equal(process.threads, 3);
	assert_int_equal(process.watch_signal, SIGWINCH);
	assert_true(process.elf.is_elf && process.elf.is_64_bit && process.elf.is_native);
	assert_true(process.root_is_readable.value);
	assert_string_equal(process.allocator, "malloc");
	assert_string_equal(process.waits_in, "do_freezer_trap");
	// Its files are ours, and it is not.
	assert_true(process.is_dumpable.is_known);
	assert_int_equal(process.is_dumpable.value, getuid() == 5);
}

static void programs_of_other_kinds_are_told(void **state)
{
	static const struct {
		char head[20];
		bool is_elf, is_64_bit, is_native;
	} rows[] = {
		{{0x7f, 'E', 'L', 'F', 1, 1, [18] = 3}, true, false, false},
		{{0x7f, 'E', 'L', 'F', 2, 1, [18] = (char)183}, true, true, false},
		{"#!/bin/sh -e there  ", false, false, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		_cleanup_(folder_deinit) struct folder folder;
		struct doctor_elf elf;

		folder_init(&folder);
		folder_put(&folder, "42/stat", STAT(42, R));
		folder_put_bytes(&folder, "42/exe", rows[i].head, sizeof(rows[i].head));
		elf = process_of(&folder, 42).elf;
		assert_true(elf.is_known);
		assert_int_equal(elf.is_elf, rows[i].is_elf);
		if (rows[i].is_elf) {
			assert_int_equal(elf.is_64_bit, rows[i].is_64_bit);
			assert_int_equal(elf.is_native, rows[i].is_native);
		}
	}
}

static void a_zombie_has_no_thread_but_a_dead_main_thread_may(void **state)
{
	_cleanup_(folder_deinit) struct folder folder;

	(void)state;
	folder_init(&folder);
	folder_put(&folder, "42/stat", STAT(42, Z));
	folder_put(&folder, "42/task/42/comm", "");
	assert_true(process_of(&folder, 42).exists);
	assert_int_equal(process_of(&folder, 42).thread, 0);
	folder_put(&folder, "43/stat", STAT(43, S));
	folder_put(&folder, "42/task/43/comm", "");
	assert_int_equal(process_of(&folder, 42).thread, 43);
	assert_false(process_of(&folder, 44).exists);
}

static void odd_files_are_no_process(void **state)
{
	static const char *const texts[] = {"", "42", "42 (app", "42 (app) R 1", "\xff\xff) ("};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		_cleanup_(folder_deinit) struct folder folder;

		folder_init(&folder);
		folder_put(&folder, "42/stat", texts[i]);
		assert_false(process_of(&folder, 42).exists);
	}
}

static void assert_limit(const struct folder *folder, struct doctor_machine machine,
	const struct doctor_process *process, const char *words)
{
	const struct doctor_roots roots = roots_of(folder);
	char found[200];

	doctor_find_limit(&roots, &machine, process, found, sizeof(found));
	if (*words ? !strstr(found, words) : *found != '\0')
		fail_msg("'%s' instead of '%s'", found, words);
}

static void memory_can_be_promised_to_others(void **state)
{
	_cleanup_(folder_deinit) struct folder folder;
	struct doctor_process process = {.pid = 42, .data_bytes = 2000};
	struct doctor_machine machine = {.overcommit = {true, 2},
		.commit_limit_bytes = {true, 10000},
		.committed_bytes = {true, 7000}};

	(void)state;
	folder_init(&folder);
	assert_limit(&folder, machine, &process, "");
	process.data_bytes = 4000;
	assert_limit(&folder, machine, &process, "4.0 kB it would be charged 3.0 kB are left");
	machine.committed_bytes.value = 12000;
	assert_limit(&folder, machine, &process, "0 B are left");
	machine.overcommit.value = 0;
	assert_limit(&folder, machine, &process, "");
}

static void a_cgroup_can_be_full_of_processes(void **state)
{
	_cleanup_(folder_deinit) struct folder folder;
	const struct doctor_process process = {.pid = 42};
	const struct doctor_machine machine = {0};

	(void)state;
	folder_init(&folder);
	folder_put(&folder, "42/cgroup", "9:pids:/outer/inner\n0::/x/y\n");
	assert_limit(&folder, machine, &process, "");
	folder_put(&folder, "fs/cgroup/x/y/pids.max", "max\n");
	folder_put(&folder, "fs/cgroup/x/y/pids.current", "7\n");
	folder_put(&folder, "fs/cgroup/x/pids.max", "8\n");
	folder_put(&folder, "fs/cgroup/x/pids.current", "7\n");
	assert_limit(&folder, machine, &process, "");
	folder_put(&folder, "fs/cgroup/x/pids.current", "8\n");
	assert_limit(&folder, machine, &process, "pids.max is 8");
	folder_put(&folder, "fs/cgroup/pids/outer/pids.max", "5\n");
	folder_put(&folder, "fs/cgroup/pids/outer/pids.current", "6\n");
	assert_limit(&folder, machine, &process, "pids.max is 5");
	folder_put(&folder, "42/cgroup", "0::/../x\n:pids:\nx\n");
	assert_limit(&folder, machine, &process, "");
}

static void a_user_can_have_too_many_processes(void **state)
{
	_cleanup_(folder_deinit) struct folder folder;
	const struct doctor_machine machine = {0};
	struct doctor_process process;

	(void)state;
	folder_init(&folder);
	folder_put(&folder, "42/stat", STAT(42, S));
	folder_put(&folder, "42/status", "Name:\ta\nUid:\t5\t5\t5\t5\nThreads:\t3\n");
	folder_put(&folder, "43/status", "Name:\ta\nUid:\t5\t5\t5\t5\nThreads:\t4\n");
	folder_put(&folder, "44/status", "Name:\ta\nUid:\t6\t5\t5\t5\nThreads:\t9\n");
	folder_put(&folder, "42/limits",
		"Limit                     Soft Limit           Hard Limit           Units     \n"
		"Max processes             8                    9                    processes \n");
	process = process_of(&folder, 42);
	assert_int_equal(process.processes_max.value, 8);
	assert_limit(&folder, machine, &process, "");
	process.processes_max.value = 7;
	assert_limit(&folder, machine, &process, "has 7 processes and threads, and may have 7");
	process.identity.capabilities = 1ull << DOCTOR_CAP_SYS_RESOURCE;
	assert_limit(&folder, machine, &process, "");
	process.identity.capabilities = 0;
	process.identity.uid = 0;
	assert_limit(&folder, machine, &process, "");
	folder_put(&folder, "42/limits", "x\nMax processes             unlimited  unlimited\n");
	assert_false(process_of(&folder, 42).processes_max.is_known);
}

// Strings of C literals end with a NUL of their own.
#define ALLOCATOR(environment, command, expected)                                                  \
	do {                                                                                       \
		char found_[16];                                                                   \
		doctor_find_allocator((environment), sizeof(environment) - 1, (command),           \
			sizeof(command) - 1, found_, sizeof(found_));                              \
		assert_string_equal(found_, (expected));                                           \
	} while (0)

static void the_allocator_is_as_cpython_takes_it(void **state)
{
	(void)state;
	ALLOCATOR("", "", "");
	ALLOCATOR("A=b\0PYTHONMALLOC=malloc\0", "python3\0app.py\0", "malloc");
	ALLOCATOR("XPYTHONMALLOC=malloc\0PYTHONMALLOC\0", "python3\0", "");
	ALLOCATOR("PYTHONMALLOC=malloc", "python3", "malloc");
	ALLOCATOR("PYTHONMALLOC=malloc\0", "python3\0-I\0app.py\0", "");
	ALLOCATOR("PYTHONMALLOC=malloc\0", "python3\0-sEu\0app.py\0", "");
	ALLOCATOR("PYTHONMALLOC=malloc\0", "python3\0app.py\0-I\0", "malloc");
	ALLOCATOR("PYTHONMALLOC=malloc\0", "python3\0-c\0-I\0", "malloc");
	ALLOCATOR("PYTHONMALLOC=malloc\0", "python3\0-W\0-I\0app.py\0", "malloc");
	ALLOCATOR("", "python3\0-X\0dev\0app.py\0", "debug");
	ALLOCATOR("", "python3\0-Xdev\0app.py\0", "debug");
	ALLOCATOR("", "python3\0-uX\0dev\0", "debug");
	ALLOCATOR("", "python3\0app.py\0-X\0dev\0", "");
	ALLOCATOR("PYTHONDEVMODE=1\0", "python3\0", "debug");
	ALLOCATOR("PYTHONDEVMODE=\0", "python3\0", "");
	ALLOCATOR("PYTHONDEVMODE=1\0PYTHONMALLOC=pymalloc\0", "python3\0", "pymalloc");
	ALLOCATOR("PYTHONMALLOC=a name that is much too long\0", "python3\0", "a name that is ");
}

// Without memory, all is unknown; nothing is freed twice, nothing is used that is not there.
static void memory_may_run_out(void **state)
{
	_cleanup_(folder_deinit) struct folder folder;

	(void)state;
	folder_init(&folder);
	folder_put(&folder, "sys/kernel/yama/ptrace_scope", "1\n");
	folder_put(&folder, "self/cgroup", "0::/\n");
	folder_put(&folder, "42/stat", STAT(42, S));
	folder_put(&folder, "42/status", "Tgid:\t42\n");
	for (uint64_t i = 0; i < 40; i++) {
		alloc_fail_after(i);
		machine_of(&folder);
		alloc_fail_after(i);
		process_of(&folder, 42);
	}
	alloc_fail_after(UINT64_MAX);
	assert_true(process_of(&folder, 42).exists);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_machine_is_unknown),
		cmocka_unit_test(a_machine_is_read),
		cmocka_unit_test(numbers_are_numbers),
		cmocka_unit_test(a_user_namespace_maps_fewer_users),
		cmocka_unit_test(hiding_is_an_option_of_the_mount),
		cmocka_unit_test(memory_is_accounted_where_its_name_is),
		cmocka_unit_test(a_process_is_read),
		cmocka_unit_test(programs_of_other_kinds_are_told),
		cmocka_unit_test(a_zombie_has_no_thread_but_a_dead_main_thread_may),
		cmocka_unit_test(odd_files_are_no_process),
		cmocka_unit_test(memory_can_be_promised_to_others),
		cmocka_unit_test(a_cgroup_can_be_full_of_processes),
		cmocka_unit_test(a_user_can_have_too_many_processes),
		cmocka_unit_test(the_allocator_is_as_cpython_takes_it),
		cmocka_unit_test(memory_may_run_out),
	};

	return cmocka_run_group_tests_name("doctor_facts", tests, NULL, NULL);
}
