// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "doctor/doctor_checks.h"

#include "base/human.h"
#include "cpython/pylayout.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

// PTRACE_O_EXITKILL, which makes a clone die with us, is of 3.8.
#define RELEASE_MAJOR_MIN 3
#define RELEASE_MINOR_MIN 8

#define YAMA_CHILDREN 1
#define YAMA_ADMIN    2
#define YAMA_NOBODY   3

#define OVERCOMMIT_STRICT 2

// Less than that is not enough for a graph of anything.
#define HEADROOM_BYTES_LOW (64u << 20)

static void judge_kernel(const struct doctor_facts *facts, struct doctor_check *check)
{
	const struct doctor_machine *machine = &facts->machine;

	if (!machine->release_major) {
		doctor_say(check, DOCTOR_UNKNOWN, "the kernel's version cannot be read");
		doctor_because(check, "/proc is not mounted, or is another system's");
		doctor_advise(check, "mount -t proc proc /proc");
		return;
	}
	doctor_say(check, DOCTOR_OK, "Linux %s, x86-64", machine->release);
	if (machine->release_major > RELEASE_MAJOR_MIN ||
		(machine->release_major == RELEASE_MAJOR_MIN &&
			machine->release_minor >= RELEASE_MINOR_MIN))
		return;
	doctor_say(check, DOCTOR_FAIL, "Linux %s is too old", machine->release);
	check->is_unsupported = true;
	doctor_because(check, "a snapshot needs Linux %d.%d or later", RELEASE_MAJOR_MIN,
		RELEASE_MINOR_MIN);
	doctor_advise(check, "none on this kernel");
}

static void judge_pythons(const struct doctor_facts *facts, struct doctor_check *check)
{
	(void)facts;
	doctor_say(check, DOCTOR_OK, "this shikari reads CPython %s", pylayout_supported());
}

static void judge_capabilities(const struct doctor_facts *facts, struct doctor_check *check)
{
	const struct doctor_identity *self = &facts->machine.self;
	const char *where =
		self->is_initial_user_namespace ? "" : ", in a user namespace of its own";

	if (doctor_has_capability(self, DOCTOR_CAP_SYS_PTRACE)) {
		doctor_say(check, DOCTOR_OK, "shikari runs as user %u with CAP_SYS_PTRACE%s",
			self->euid, where);
		return;
	}
	doctor_say(check, DOCTOR_OK, "shikari runs as user %u without CAP_SYS_PTRACE%s", self->euid,
		where);
	// With a process, what that means is said by the check that attaches to it.
	if (facts->has_process)
		return;
	check->status = DOCTOR_WARN;
	if (self->euid == 0) {
		doctor_because(check, "root without it may look only at processes that have no "
				      "capability either: a container's root is like that");
		doctor_advise(check, "start the container with --cap-add SYS_PTRACE, or run "
				     "shikari on the host");
		return;
	}
	doctor_because(check, "only processes of the same user can be looked at");
	doctor_advise(check, "run shikari as root for others");
}

// With a process it is tried: it may itself have allowed it (prctl PR_SET_PTRACER).
static void judge_yama(const struct doctor_facts *facts, struct doctor_check *check)
{
	const struct doctor_machine *machine = &facts->machine;
	int64_t scope = machine->yama.value;

	if (!machine->yama.is_known || scope == 0) {
		doctor_say(check, DOCTOR_OK, "%s",
			machine->yama.is_known ? "kernel.yama.ptrace_scope is 0"
					       : "Yama does not restrict ptrace here");
		return;
	}
	doctor_say(check, DOCTOR_OK, "kernel.yama.ptrace_scope is %lld", (long long)scope);
	if (scope < YAMA_NOBODY && doctor_has_capability(&machine->self, DOCTOR_CAP_SYS_PTRACE))
		return;
	if (facts->has_process)
		return;
	check->status = DOCTOR_FAIL;
	if (scope >= YAMA_NOBODY) {
		doctor_because(check, "nobody may trace anything until the next boot");
		doctor_advise(check, "boot with another value: see /etc/sysctl.d");
		return;
	}
	doctor_because(check, "%s",
		scope == YAMA_CHILDREN
			? "only children may be traced, and a service is not shikari's child"
			: "only root (CAP_SYS_PTRACE) may trace");
	doctor_advise(check, "run shikari as root (sudo)%s",
		scope == YAMA_CHILDREN ? ", or: sudo sysctl kernel.yama.ptrace_scope=0" : "");
}

// Shared by what is tried; true if it worked.
static bool judge_attempt(const struct doctor_facts *facts, const struct doctor_attempt *attempt,
	const char *name, enum doctor_status otherwise, struct doctor_check *check)
{
	bool is_filtered = facts->machine.self.seccomp.value != 0;

	if (doctor_attempt_worked(attempt)) {
		doctor_say(check, DOCTOR_OK, "%s works (tried on a child of shikari)", name);
		return true;
	}
	if (!attempt->was_made) {
		doctor_say(check, DOCTOR_UNKNOWN, "%s could not be tried", name);
		doctor_because(check, "shikari could not start a child of its own");
		doctor_advise(check, "look at the limits of processes: ulimit -u, pids.max");
		return false;
	}
	if (attempt->signal)
		doctor_say(check, otherwise, "%s kills who calls it (signal %d)", name,
			attempt->signal);
	else
		doctor_say(check, otherwise, "%s is refused: %s", name, strerror(attempt->error));
	if (is_filtered) {
		doctor_because(check, "shikari itself runs under a seccomp filter, as in a "
				      "container, and that is what refuses it");
		doctor_advise(check, "start the container with --cap-add SYS_PTRACE (older ones: "
				     "--security-opt seccomp=unconfined), or run shikari on the "
				     "host");
	} else if (attempt->error == ENOSYS) {
		doctor_because(check, "this kernel was built without it");
		doctor_advise(check, "none on this kernel");
	} else {
		doctor_because(check, "a security module (AppArmor, SELinux, Landlock) forbids it");
		doctor_advise(check, "run shikari outside of what confines it: on the host, as "
				     "root");
	}
	return false;
}

// Its own cause, if it is not the filter or the security module that is assumed.
static void explain_no_ptrace(const struct doctor_machine *machine, struct doctor_check *check)
{
	if (machine->yama.is_known && machine->yama.value >= YAMA_ADMIN) {
		doctor_because(
			check, "kernel.yama.ptrace_scope is %lld", (long long)machine->yama.value);
		doctor_advise(check, "%s",
			machine->yama.value >= YAMA_NOBODY
				? "boot with another value: see /etc/sysctl.d"
				: "run shikari as root (sudo)");
	} else if (machine->selinux_denies_ptrace) {
		doctor_because(check, "SELinux denies ptrace to all (deny_ptrace)");
		doctor_advise(check, "sudo setsebool deny_ptrace off");
	}
}

static void judge_ptrace(const struct doctor_facts *facts, struct doctor_check *check)
{
	size_t length;

	if (judge_attempt(facts, &facts->machine.ptrace, "ptrace", DOCTOR_FAIL, check) ||
		check->status != DOCTOR_FAIL)
		return;
	if (!facts->machine.self.seccomp.value)
		explain_no_ptrace(&facts->machine, check);
	// Reading memory needs the right to trace, but does not call ptrace().
	length = strlen(check->remedy);
	if (facts->python.stage == DOCTOR_STAGE_LAYOUT)
		snprintf(check->remedy + length, sizeof(check->remedy) - length,
			"; or make do with shikari hunt --mode live %d", facts->process.pid);
}

static void judge_read_memory(const struct doctor_facts *facts, struct doctor_check *check)
{
	judge_attempt(
		facts, &facts->machine.read_memory, "reading /proc/PID/mem", DOCTOR_FAIL, check);
}

static void judge_read_process(const struct doctor_facts *facts, struct doctor_check *check)
{
	if (judge_attempt(
		    facts, &facts->machine.read_process, "process_vm_readv", DOCTOR_WARN, check) ||
		check->status != DOCTOR_WARN)
		return;
	doctor_because(check,
		"processes cannot be cloned without it, only frozen, which stops "
		"them for longer; a seccomp filter or the kernel's build is the cause");
}

static void judge_pagemap(const struct doctor_facts *facts, struct doctor_check *check)
{
	if (!judge_attempt(
		    facts, &facts->machine.read_pagemap, "/proc/PID/pagemap", DOCTOR_WARN, check)) {
		if (check->status == DOCTOR_WARN)
			doctor_because(check, "memory that was only reserved has to be read too: "
					      "slower");
		return;
	}
	if (!facts->machine.has_pagemap_scan)
		doctor_say(check, DOCTOR_OK,
			"/proc/PID/pagemap works; PAGEMAP_SCAN (Linux 6.7) is not there, which "
			"only costs time");
	else
		doctor_say(check, DOCTOR_OK, "/proc/PID/pagemap and PAGEMAP_SCAN work");
}

static void explain_no_breakpoints(const struct doctor_machine *machine, struct doctor_check *check)
{
	int number = machine->breakpoints.open.error;

	if (machine->breakpoints.open.signal || number == EPERM || number == EACCES) {
		if (machine->self.seccomp.value)
			doctor_because(check, "shikari itself runs under a seccomp filter, as in "
					      "a container, or perf_event_paranoid is too high");
		else
			doctor_because(check, "kernel.perf_event_paranoid is %lld",
				(long long)machine->perf_paranoid.value);
		doctor_advise(check, "run as root (in a container: --cap-add PERFMON), or: sudo "
				     "sysctl kernel.perf_event_paranoid=2");
	} else if (number == ENOSPC) {
		doctor_because(check, "all debug registers are in use");
		doctor_advise(check, "end the debugger or perf that uses them");
	} else {
		doctor_because(
			check, "%s: this kernel or virtual machine has none", strerror(number));
		doctor_advise(check, "none here");
	}
}

static void judge_breakpoints(const struct doctor_facts *facts, struct doctor_check *check)
{
	const struct doctor_breakpoints *found = &facts->machine.breakpoints;

	if (!found->open.was_made) {
		doctor_say(check, DOCTOR_UNKNOWN, "hardware breakpoints could not be tried");
	} else if (!doctor_attempt_worked(&found->open)) {
		doctor_say(check, DOCTOR_WARN,
			"hardware breakpoints cannot be had: who adds to a leak is only known "
			"roughly");
		explain_no_breakpoints(&facts->machine, check);
	} else if (!found->fires) {
		doctor_say(check, DOCTOR_WARN,
			"a hardware breakpoint could be set, and did not fire: who adds to a leak "
			"will not be seen");
		doctor_because(check, "this virtual machine has no debug registers that work");
		doctor_advise(check, "none here");
	} else {
		doctor_say(check, DOCTOR_OK,
			"hardware breakpoints work: %u free (tried on shikari)", found->free);
	}
}

static void judge_headroom(const struct doctor_facts *facts, struct doctor_check *check)
{
	const struct doctor_machine *machine = &facts->machine;
	char cgroups[32] = "no memory cgroup";

	if (machine->cgroup_version)
		snprintf(cgroups, sizeof(cgroups), "cgroup v%u", machine->cgroup_version);
	if (machine->headroom_bytes == UINT64_MAX) {
		doctor_say(check, DOCTOR_OK, "no limit of memory was found (%s)", cgroups);
		return;
	}
	doctor_say(check, DOCTOR_OK, "shikari may use %s more memory (%s, and what is free)",
		human_bytes((double)machine->headroom_bytes).text, cgroups);
	if (machine->headroom_bytes >= HEADROOM_BYTES_LOW)
		return;
	check->status = DOCTOR_WARN;
	doctor_because(check, "a snapshot is understood in shikari's own memory");
	doctor_advise(check, "run shikari outside of the service's container or cgroup");
}

static void judge_overcommit(const struct doctor_facts *facts, struct doctor_check *check)
{
	const struct doctor_machine *machine = &facts->machine;

	if (!machine->overcommit.is_known) {
		doctor_say(check, DOCTOR_UNKNOWN, "vm.overcommit_memory cannot be read");
		return;
	}
	doctor_say(check, DOCTOR_OK, "vm.overcommit_memory is %lld",
		(long long)machine->overcommit.value);
	if (machine->overcommit.value != OVERCOMMIT_STRICT)
		return;
	check->status = DOCTOR_WARN;
	if (machine->commit_limit_bytes.is_known)
		doctor_say(check, DOCTOR_WARN, "vm.overcommit_memory is 2: %s of %s are promised",
			human_bytes((double)machine->committed_bytes.value).text,
			human_bytes((double)machine->commit_limit_bytes.value).text);
	doctor_because(check, "a clone is charged in full: where it does not fit, it is refused, "
			      "and the process is frozen instead, for longer");
	doctor_advise(check, "nothing, or for the time of the hunt: sudo sysctl "
			     "vm.overcommit_memory=0");
}

static void judge_huge_pages(const struct doctor_facts *facts, struct doctor_check *check)
{
	if (facts->machine.huge_pages[0])
		doctor_say(check, DOCTOR_OK, "transparent huge pages: %s%s",
			facts->machine.huge_pages,
			strcmp(facts->machine.huge_pages, "never") == 0
				? " (with them, shikari would be faster)"
				: "");
	else
		doctor_say(check, DOCTOR_OK, "transparent huge pages: none");
}

static void judge_hidden(const struct doctor_facts *facts, struct doctor_check *check)
{
	if (!facts->machine.proc_hides_others) {
		doctor_say(check, DOCTOR_OK, "/proc shows the processes of all users");
		return;
	}
	doctor_say(check, DOCTOR_OK, "/proc hides the processes of others (hidepid)");
	if (doctor_has_capability(&facts->machine.self, DOCTOR_CAP_SYS_PTRACE))
		return;
	check->status = DOCTOR_WARN;
	doctor_because(check, "a process of another user looks as if it did not exist");
	doctor_advise(check, "run shikari as root");
}

const struct doctor_row doctor_machine_rows[] = {
	{"kernel", DOCTOR_STAGE_NONE, judge_kernel},
	{"pythons", DOCTOR_STAGE_NONE, judge_pythons},
	{"capabilities", DOCTOR_STAGE_NONE, judge_capabilities},
	{"yama", DOCTOR_STAGE_NONE, judge_yama},
	{"ptrace", DOCTOR_STAGE_NONE, judge_ptrace},
	{"read-memory", DOCTOR_STAGE_NONE, judge_read_memory},
	{"process-vm-readv", DOCTOR_STAGE_NONE, judge_read_process},
	{"pagemap", DOCTOR_STAGE_NONE, judge_pagemap},
	{"hidepid", DOCTOR_STAGE_NONE, judge_hidden},
	{"headroom", DOCTOR_STAGE_NONE, judge_headroom},
	{"overcommit", DOCTOR_STAGE_NONE, judge_overcommit},
	{"huge-pages", DOCTOR_STAGE_NONE, judge_huge_pages},
	{"breakpoints", DOCTOR_STAGE_NONE, judge_breakpoints},
	{0},
};
