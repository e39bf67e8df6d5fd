// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/* What a doctor makes of facts; and how it is written down. */
#include "check.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "doctor/doctor_checks.h"
#include "export/export_doctor.h"
#include "report/doctor_text.h"

#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <string.h>

#define ALL_CAPABILITIES UINT64_MAX

// Root on a machine where everything works, and a process that can be hunted in.
static struct doctor_facts good_facts(void)
{
	const struct doctor_attempt worked = {.was_made = true};
	struct doctor_facts facts = {.has_process = true};

	facts.machine = (struct doctor_machine){
		.release = "6.1.0",
		.release_major = 6,
		.release_minor = 1,
		.self = {.capabilities = ALL_CAPABILITIES,
			.is_initial_user_namespace = true,
			.user_namespace = "user:[1]"},
		.headroom_bytes = UINT64_MAX,
		.overcommit = {true, 0},
		.ptrace = worked,
		.read_process = worked,
		.read_memory = worked,
		.read_pagemap = worked,
		.breakpoints = {.open = worked, .fires = true, .free = 4},
	};
	facts.process = (struct doctor_process){
		.pid = 42,
		.exists = true,
		.leader = 42,
		.thread = 42,
		.stat = {.name = "uwsgi", .state = 'S', .parent = 7},
		.identity = {.uid = 1000,
			.euid = 1000,
			.seccomp = {true, 0},
			.is_initial_user_namespace = true,
			.user_namespace = "user:[1]"},
		.is_dumpable = {true, 1},
		.rss_bytes = 200000000,
		.threads = 5,
		.executable = "/usr/bin/uwsgi",
		.elf = {true, true, true, true},
		.root_is_readable = {true, 1},
		.environment_is_known = true,
		.attach = worked,
		.watch = worked,
		.watch_signal = 23,
	};
	facts.python = (struct doctor_python){
		.stage = DOCTOR_STAGE_LAYOUT,
		.version = "3.11.2",
		.layout = "cpython-3.11",
		.library = "/usr/lib/libpython3.11.so.1.0",
		.interpreters = 1,
		.malloc_kind = "glibc",
		.clone_is_known = true,
		.clone = {true, true, 2.5, 200000000, UINT64_MAX},
		.freeze = {true, true, 40, 200000000, UINT64_MAX},
	};
	return facts;
}

// A user without rights, whom ptrace refused.
static struct doctor_facts denied_facts(void)
{
	struct doctor_facts facts = good_facts();

	facts.machine.self.uid = facts.machine.self.euid = 1001;
	facts.machine.self.capabilities = 0;
	facts.process.attach = (struct doctor_attempt){.was_made = true, .error = EPERM};
	facts.process.watch = (struct doctor_attempt){0};
	facts.process.elf.is_known = false;
	facts.python = (struct doctor_python){
		.stage = DOCTOR_STAGE_PROCESS, .obstacle = "not allowed to read process 42"};
	return facts;
}

static const struct doctor_check *find(const struct doctor_report *report, const char *name)
{
	for (size_t i = 0; i < report->count; i++) {
		if (strcmp(report->checks[i].name, name) == 0)
			return &report->checks[i];
	}
	fail_msg("there is no check %s", name);
	return NULL;
}

// Judge, and look at one check: its status, and words that its texts must have.
static void assert_check(const struct doctor_facts *facts, const char *name,
	enum doctor_status status, const char *why, const char *remedy)
{
	_cleanup_(doctor_report_deinit) struct doctor_report report = {.pid = 42};
	const struct doctor_check *check;

	assert_success(doctor_judge(facts, &report));
	check = find(&report, name);
	if (check->status != status)
		fail_msg("%s is %s: %s", name, doctor_status_name(check->status), check->what);
	assert_true(check->what[0]);
	if (!strstr(check->why, why) || !strstr(check->remedy, remedy))
		fail_msg("%s: why '%s', remedy '%s'", name, check->why, check->remedy);
	// Whoever complains says what to do.
	if (status == DOCTOR_FAIL || status == DOCTOR_WARN)
		assert_true(check->remedy[0]);
}

static void assert_verdict(
	const struct doctor_facts *facts, enum doctor_verdict verdict, const char *words)
{
	_cleanup_(doctor_report_deinit) struct doctor_report report = {
		.pid = facts->has_process ? 42 : 0};

	assert_success(doctor_judge(facts, &report));
	if (report.verdict != verdict || !strstr(report.summary, words))
		fail_msg("%s: %s", doctor_verdict_name(report.verdict), report.summary);
}

static void all_is_well(void **state)
{
	_cleanup_(doctor_report_deinit) struct doctor_report report = {.pid = 42};
	struct doctor_facts facts = good_facts();

	(void)state;
	assert_success(doctor_judge(&facts, &report));
	for (size_t i = 0; i < report.count; i++) {
		if (report.checks[i].status != DOCTOR_OK)
			fail_msg("%s: %s", report.checks[i].name, report.checks[i].what);
		assert_string_equal(report.checks[i].remedy, "");
	}
	assert_string_equal(report.summary,
		"ready: `shikari hunt 42` will stop it for about 2.5 ms per snapshot (clone)");
	assert_string_equal(report.subject, "uwsgi 42 (CPython 3.11.2, 200 MB, 5 threads)");
}

static void names_are_unique(void **state)
{
	_cleanup_(doctor_report_deinit) struct doctor_report report = {.pid = 42};
	struct doctor_facts facts = good_facts();

	(void)state;
	assert_success(doctor_judge(&facts, &report));
	for (size_t i = 0; i < report.count; i++)
		assert_ptr_equal(find(&report, report.checks[i].name), &report.checks[i]);
}

static void a_machine_alone_is_judged_alone(void **state)
{
	struct doctor_facts facts = good_facts();

	(void)state;
	facts.has_process = false;
	facts.python.stage = DOCTOR_STAGE_NONE;
	assert_verdict(&facts, DOCTOR_READY, "hunts should work here");
	facts.machine.self = (struct doctor_identity){.uid = 1000, .euid = 1000};
	assert_verdict(&facts, DOCTOR_READY, "for processes of user 1000");
	assert_check(&facts, "capabilities", DOCTOR_WARN, "same user", "as root");
	facts.machine.self.euid = 0;
	assert_check(
		&facts, "capabilities", DOCTOR_WARN, "root without it", "--cap-add SYS_PTRACE");
}

static void a_denial_is_explained(void **state)
{
	struct doctor_facts facts = denied_facts();

	(void)state;
	assert_check(&facts, "attach", DOCTOR_FAIL, "runs as user 1000, shikari as user 1001",
		"or as that user: sudo shikari doctor 42");
	assert_verdict(&facts, DOCTOR_NOT_READY, "sudo shikari doctor 42");
	facts.machine.self.uid = facts.machine.self.euid = 1000;
	facts.process.is_dumpable.value = 0;
	assert_check(&facts, "attach", DOCTOR_FAIL, "not dumpable", "as root");
	facts.process.identity.capabilities = 1;
	assert_check(&facts, "attach", DOCTOR_FAIL, "has capabilities", "as root");
	facts.machine.yama = (struct doctor_number){true, 1};
	assert_check(&facts, "attach", DOCTOR_FAIL, "ptrace_scope is 1", "ptrace_scope=0");
	facts.machine.self.euid = 0;
	assert_check(&facts, "attach", DOCTOR_FAIL, "root without", "--cap-add SYS_PTRACE");
	facts.machine.self.capabilities = ALL_CAPABILITIES;
	strcpy(facts.process.identity.label, "docker-default (enforce)");
	assert_check(&facts, "attach", DOCTOR_FAIL, "docker-default", "unconfined");
	facts.machine.self.is_initial_user_namespace = false;
	strcpy(facts.machine.self.user_namespace, "user:[2]");
	assert_check(&facts, "attach", DOCTOR_FAIL, "user namespace", "on the host");
	facts.machine.selinux_denies_ptrace = true;
	assert_check(&facts, "attach", DOCTOR_FAIL, "SELinux", "setsebool");
	facts.machine.yama.value = 3;
	assert_check(&facts, "attach", DOCTOR_FAIL, "next boot", "boot");
}

static void what_depends_on_a_failure_waits(void **state)
{
	struct doctor_facts facts = denied_facts();

	(void)state;
	assert_check(&facts, "interpreter", DOCTOR_UNKNOWN, "the check 'attach' failed", "");
	assert_check(&facts, "access", DOCTOR_UNKNOWN, "the check 'attach' failed", "");
	assert_check(&facts, "watch", DOCTOR_UNKNOWN, "the check 'attach' failed", "");
}

static void yama_matters_to_who_has_no_rights(void **state)
{
	struct doctor_facts facts = good_facts();

	(void)state;
	facts.has_process = false;
	facts.machine.yama = (struct doctor_number){true, 2};
	assert_check(&facts, "yama", DOCTOR_OK, "", "");
	facts.machine.self.capabilities = 0;
	assert_check(&facts, "yama", DOCTOR_FAIL, "only root", "sudo");
	facts.machine.yama.value = 1;
	assert_check(&facts, "yama", DOCTOR_FAIL, "children", "ptrace_scope=0");
	assert_verdict(&facts, DOCTOR_NOT_READY, "ptrace_scope");
	facts.machine.self.capabilities = ALL_CAPABILITIES;
	facts.machine.yama.value = 3;
	assert_check(&facts, "yama", DOCTOR_FAIL, "next boot", "boot");
	facts.machine.yama.value = 0;
	facts.machine.self.capabilities = 0;
	assert_check(&facts, "yama", DOCTOR_OK, "", "");
}

static void a_filter_of_our_own_is_named(void **state)
{
	struct doctor_facts facts = good_facts();

	(void)state;
	facts.machine.self.seccomp = (struct doctor_number){true, 2};
	facts.machine.ptrace = (struct doctor_attempt){.was_made = true, .error = EPERM};
	facts.process.attach = facts.machine.ptrace;
	assert_check(&facts, "ptrace", DOCTOR_FAIL, "seccomp", "--mode live 42");
	assert_check(&facts, "attach", DOCTOR_UNKNOWN, "'ptrace' failed", "");
	assert_check(&facts, "clone", DOCTOR_UNKNOWN, "'ptrace' failed", "");
	facts.machine.ptrace = (struct doctor_attempt){.was_made = true, .signal = SIGSYS};
	facts.process.attach = (struct doctor_attempt){0};
	assert_check(&facts, "ptrace", DOCTOR_FAIL, "seccomp", "SYS_PTRACE");
	assert_verdict(&facts, DOCTOR_NOT_READY, "kills who calls it");
	facts = good_facts();
	facts.machine.read_process = (struct doctor_attempt){.was_made = true, .error = ENOSYS};
	assert_check(&facts, "process-vm-readv", DOCTOR_WARN, "frozen", "");
	facts.machine.ptrace = (struct doctor_attempt){0};
	assert_check(&facts, "ptrace", DOCTOR_UNKNOWN, "child", "ulimit");
}

static void breakpoints_are_no_condition(void **state)
{
	struct doctor_facts facts = good_facts();
	struct doctor_breakpoints *found = &facts.machine.breakpoints;

	(void)state;
	found->open.error = EACCES;
	facts.machine.perf_paranoid = (struct doctor_number){true, 4};
	assert_check(&facts, "breakpoints", DOCTOR_WARN, "perf_event_paranoid is 4", "PERFMON");
	found->open.error = ENOSPC;
	assert_check(&facts, "breakpoints", DOCTOR_WARN, "in use", "debugger");
	found->open.error = ENOENT;
	assert_check(&facts, "breakpoints", DOCTOR_WARN, "has none", "none");
	found->open.error = 0;
	found->fires = false;
	assert_check(&facts, "breakpoints", DOCTOR_WARN, "virtual machine", "none");
	facts.process.watch_signal = 0;
	assert_check(&facts, "watch", DOCTOR_WARN, "SIGURG", "none");
	facts.process.watch.error = EACCES;
	assert_check(&facts, "watch", DOCTOR_WARN, "not allowed", "root");
	assert_verdict(&facts, DOCTOR_READY, "2.5 ms");
}

static void processes_that_are_none(void **state)
{
	struct doctor_facts facts = good_facts();

	(void)state;
	facts.python.stage = DOCTOR_STAGE_NONE;
	facts.process.thread = 0;
	facts.process.stat.state = 'Z';
	assert_check(&facts, "process", DOCTOR_FAIL, "parent 7", "started in its place");
	assert_verdict(&facts, DOCTOR_NOT_READY, "zombie");
	facts.process.stat.flags = 0x00200000;
	assert_verdict(&facts, DOCTOR_UNSUPPORTED, "kernel");
	facts.process.leader = 41;
	assert_verdict(&facts, DOCTOR_NOT_READY, "give that number: 41");
	facts.process.is_self = true;
	assert_verdict(&facts, DOCTOR_NOT_READY, "shikari itself");
	facts.process.exists = false;
	assert_check(&facts, "process", DOCTOR_FAIL, "container counts its own", "pgrep");
	facts.process.is_hidden = true;
	assert_check(&facts, "process", DOCTOR_FAIL, "hidepid", "root");
	assert_check(&facts, "attach", DOCTOR_UNKNOWN, "'process' failed", "");
}

static void a_tracer_is_named(void **state)
{
	struct doctor_facts facts = good_facts();

	(void)state;
	facts.process.tracer = 9;
	strcpy(facts.process.tracer_name, "strace");
	facts.process.attach = (struct doctor_attempt){0};
	facts.python = (struct doctor_python){.stage = DOCTOR_STAGE_PROCESS};
	assert_check(&facts, "tracer", DOCTOR_FAIL, "only one", "kill 9");
	assert_check(&facts, "attach", DOCTOR_UNKNOWN, "'tracer' failed", "");
	assert_verdict(&facts, DOCTOR_NOT_READY, "process 9 (strace) traces it");
}

static void other_programs(void **state)
{
	struct doctor_facts facts = good_facts();

	(void)state;
	facts.python = (struct doctor_python){.stage = DOCTOR_STAGE_OPEN,
		.obstacle = "process 42 is not a Python process",
		.obstacle_is_unsupported = true};
	assert_check(&facts, "interpreter", DOCTOR_FAIL, "knows", "pgrep");
	assert_check(&facts, "layout", DOCTOR_UNKNOWN, "'interpreter' failed", "");
	assert_verdict(&facts, DOCTOR_UNSUPPORTED, "is not a Python process");
	facts.python.stage = DOCTOR_STAGE_PYTHON;
	assert_check(&facts, "layout", DOCTOR_FAIL, "is not a Python", "try again");
	facts.python.stage = DOCTOR_STAGE_PROCESS;
	facts.process.elf.is_64_bit = false;
	assert_check(&facts, "architecture", DOCTOR_FAIL, "64-bit", "64-bit Python");
	assert_verdict(&facts, DOCTOR_UNSUPPORTED, "32-bit");
	facts.process.elf.is_64_bit = true;
	facts.python.obstacle_is_unsupported = false;
	assert_check(&facts, "access", DOCTOR_FAIL, "is not a Python", "root");
}

static void a_clone_that_is_refused_makes_a_longer_stop(void **state)
{
	struct doctor_facts facts = good_facts();

	(void)state;
	facts.process.identity.seccomp.value = 2;
	assert_check(&facts, "seccomp", DOCTOR_OK, "", "");
	facts.python.answer.is_seccomp = true;
	strcpy(facts.python.answer.refusal, "a seccomp filter of it forbids clone");
	assert_check(&facts, "seccomp", DOCTOR_WARN, "forbids clone", "frozen");
	assert_check(&facts, "clone", DOCTOR_WARN, "forbids clone", "freeze");
	assert_verdict(&facts, DOCTOR_READY, "40.0 ms per snapshot (freeze)");
	facts.python.freeze.stop_ms = 900;
	assert_check(&facts, "stop", DOCTOR_WARN, "notice", "--max-pause");
	facts.python.freeze.is_affordable = false;
	facts.python.freeze.headroom_bytes = 1000000;
	assert_check(&facts, "memory", DOCTOR_FAIL, "limit", "--force");
	assert_verdict(&facts, DOCTOR_NOT_READY, "1.0 MB are free");
}

static void states_are_warned_of(void **state)
{
	struct doctor_facts facts = good_facts();

	(void)state;
	facts.process.stat.state = 'T';
	assert_check(&facts, "state", DOCTOR_WARN, "grows", "kill -CONT 42");
	facts.process.stat.state = 'D';
	assert_check(&facts, "state", DOCTOR_WARN, "cannot be stopped", "try again");
	strcpy(facts.process.waits_in, "__refrigerator");
	assert_check(&facts, "state", DOCTOR_WARN, "frozen", "thaw");
	strcpy(facts.process.allocator, "malloc");
	assert_check(&facts, "allocator", DOCTOR_WARN, "references", "PYTHONMALLOC");
	strcpy(facts.process.allocator, "pymalloc_debug");
	assert_check(&facts, "allocator", DOCTOR_OK, "", "");
	facts.process.threads = 5000;
	assert_check(&facts, "threads", DOCTOR_WARN, "each one", "--max-pause");
	facts.machine.overcommit.value = 2;
	assert_check(&facts, "overcommit", DOCTOR_WARN, "charged", "overcommit_memory=0");
	facts.machine.headroom_bytes = 1000;
	assert_check(&facts, "headroom", DOCTOR_WARN, "own memory", "outside");
	assert_verdict(&facts, DOCTOR_READY, "ready");
	facts.machine.release_major = 2;
	assert_verdict(&facts, DOCTOR_UNSUPPORTED, "too old");
}

// Names that a process gives itself are any bytes.
static void make_hostile(struct doctor_report *report)
{
	struct doctor_facts facts = good_facts();

	strcpy(facts.process.executable, "/a\xff\033[2J");
	memset(facts.process.stat.name, '\xe2', sizeof(facts.process.stat.name) - 1);
	memset(facts.python.library, 'x', sizeof(facts.python.library) - 1);
	strcpy(facts.process.allocator, "\n\r\t");
	assert_success(doctor_judge(&facts, report));
}

static void text_steers_no_terminal(void **state)
{
	_cleanup_(doctor_report_deinit) struct doctor_report report = {.pid = 42};
	_cleanup_(mem_free) char *text = NULL;

	(void)state;
	make_hostile(&report);
	text = doctor_report_text(&report, &(struct report_style){.width = 60});
	assert_non_null(text);
	assert_null(strpbrk(text, "\033\r\t"));
	assert_non_null(strstr(text, "a\\xff\\x1b[2J 42"));
	for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		assert_in_range(utf8_count(line), 0, 60);
	}
}

static void text_ends_with_the_verdict(void **state)
{
	_cleanup_(doctor_report_deinit) struct doctor_report report = {.pid = 42};
	_cleanup_(mem_free) char *text = NULL;
	struct doctor_facts facts = denied_facts();
	const char *failure;

	(void)state;
	assert_success(doctor_judge(&facts, &report));
	text = doctor_report_text(&report, &(struct report_style){0});
	assert_non_null(text);
	failure = strstr(text, "✗ fail   process 42 may not be traced\n"
			       "    why  it runs as user 1000");
	assert_non_null(failure);
	assert_true(failure < strstr(text, "✓ ok"));
	assert_non_null(strstr(text, "\n\n● not ready: process 42 may not be traced; run as root"));
	assert_string_equal(strchr(strstr(text, "●"), '\n'), "\n");
}

static void json_has_all_checks(void **state)
{
	_cleanup_(doctor_report_deinit) struct doctor_report report = {.pid = 42};
	_cleanup_(mem_free) char *text = NULL;
	json_t *root, *check;

	(void)state;
	make_hostile(&report);
	assert_success(export_doctor_json(&report, &text));
	root = json_loads(text, 0, NULL);
	assert_non_null(root);
	assert_string_equal(json_string_value(json_object_get(root, "schema")), "shikari.doctor/1");
	assert_string_equal(json_string_value(json_object_get(root, "verdict")), "ready");
	assert_int_equal(json_integer_value(json_object_get(root, "pid")), 42);
	assert_true(
		json_is_null(json_object_get(json_object_get(root, "forecast"), "headroom_bytes")));
	assert_int_equal(json_array_size(json_object_get(root, "checks")), report.count);
	check = json_array_get(json_object_get(root, "checks"), 0);
	assert_string_equal(json_string_value(json_object_get(check, "check")), "kernel");
	assert_string_equal(json_string_value(json_object_get(check, "status")), "ok");
	assert_true(json_is_null(json_object_get(check, "why")));
	json_decref(root);
}

static void memory_may_run_out(void **state)
{
	const struct report_style style = {.width = 80};
	struct doctor_facts facts = good_facts();
	bool is_done = false;

	(void)state;
	for (uint64_t i = 0; !is_done; i++) {
		_cleanup_(doctor_report_deinit) struct doctor_report report = {.pid = 42};
		_cleanup_(mem_free) char *text = NULL, *json = NULL;
		struct error *error;

		alloc_fail_after(i);
		error = doctor_judge(&facts, &report);
		if (!error) {
			text = doctor_report_text(&report, &style);
			error = export_doctor_json(&report, &json);
		}
		is_done = !error && text;
		error_destroy(error);
	}
	alloc_fail_after(UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_is_well),
		cmocka_unit_test(names_are_unique),
		cmocka_unit_test(a_machine_alone_is_judged_alone),
		cmocka_unit_test(a_denial_is_explained),
		cmocka_unit_test(what_depends_on_a_failure_waits),
		cmocka_unit_test(yama_matters_to_who_has_no_rights),
		cmocka_unit_test(a_filter_of_our_own_is_named),
		cmocka_unit_test(breakpoints_are_no_condition),
		cmocka_unit_test(processes_that_are_none),
		cmocka_unit_test(a_tracer_is_named),
		cmocka_unit_test(other_programs),
		cmocka_unit_test(a_clone_that_is_refused_makes_a_longer_stop),
		cmocka_unit_test(states_are_warned_of),
		cmocka_unit_test(text_steers_no_terminal),
		cmocka_unit_test(text_ends_with_the_verdict),
		cmocka_unit_test(json_has_all_checks),
		cmocka_unit_test(memory_may_run_out),
	};

	return cmocka_run_group_tests_name("doctor_checks", tests, NULL, NULL);
}
