// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "doctor/doctor_checks.h"

#include "base/human.h"

#include <errno.h>
#include <string.h>

#define KERNEL_THREAD_FLAG 0x00200000 // PF_KTHREAD

// With so many, stopping them one by one is what takes the time.
#define THREADS_MANY 1000

#define SECCOMP_FILTERED 2
#define YAMA_NOBODY      3

static void say_missing(const struct doctor_process *process, struct doctor_check *check)
{
	if (process->is_hidden) {
		doctor_say(check, DOCTOR_FAIL, "process %d is hidden from this user", process->pid);
		doctor_because(check, "/proc is mounted with hidepid");
		doctor_advise(check, "run shikari as root, or as the user of the process");
		return;
	}
	doctor_say(check, DOCTOR_FAIL, "there is no process %d here", process->pid);
	doctor_because(check, "it has ended, or the number is that of another PID namespace: a "
			      "container counts its own");
	doctor_advise(check, "look it up where shikari runs: pgrep -af python");
}

static void judge_process(const struct doctor_facts *facts, struct doctor_check *check)
{
	const struct doctor_process *process = &facts->process;

	if (!process->exists) {
		say_missing(process, check);
	} else if (process->is_self) {
		doctor_say(check, DOCTOR_FAIL, "process %d is shikari itself", process->pid);
		doctor_advise(check, "give the number of the service");
	} else if (process->leader != process->pid) {
		doctor_say(check, DOCTOR_FAIL, "%d is a thread of process %d", process->pid,
			process->leader);
		doctor_advise(check, "give that number: %d", process->leader);
	} else if (process->stat.flags & KERNEL_THREAD_FLAG) {
		doctor_say(check, DOCTOR_FAIL, "%d (%s) is a thread of the kernel", process->pid,
			process->stat.name);
		doctor_because(check, "it has no memory of its own, and no Python");
		doctor_advise(check, "give the number of the service");
		check->is_unsupported = true;
	} else if (!process->thread) {
		doctor_say(check, DOCTOR_FAIL, "process %d (%s) has ended: a zombie", process->pid,
			process->stat.name);
		doctor_because(check,
			"its memory is gone; it only waits for its parent %d to "
			"notice",
			process->stat.parent);
		doctor_advise(check, "look at the process that was started in its place");
	} else {
		doctor_say(check, DOCTOR_OK, "process %d (%s) exists", process->pid,
			process->stat.name);
	}
}

static bool is_frozen(const struct doctor_process *process)
{
	return strstr(process->waits_in, "freezer") || strstr(process->waits_in, "refrigerator");
}

static void judge_state(const struct doctor_facts *facts, struct doctor_check *check)
{
	const struct doctor_process *process = &facts->process;

	if (is_frozen(process)) {
		doctor_say(check, DOCTOR_WARN, "it is frozen by its cgroup");
		doctor_because(check, "a frozen process leaks nothing, and may not come to the "
				      "stop that a snapshot needs");
		doctor_advise(check, "thaw it: docker unpause, systemctl thaw, or cgroup.freeze");
	} else if (process->stat.state == 'T') {
		doctor_say(check, DOCTOR_WARN, "it is stopped (SIGSTOP, or Ctrl-Z)");
		doctor_because(check, "it can be looked at, but nothing grows while it stands "
				      "still");
		doctor_advise(check, "kill -CONT %d", process->pid);
	} else if (process->stat.state == 'D') {
		doctor_say(check, DOCTOR_WARN, "it sleeps in the kernel (state D%s%s)",
			process->waits_in[0] ? ", in " : "", process->waits_in);
		doctor_because(check, "a thread that stays there (a dead file server, a vfork) "
				      "cannot be stopped for a snapshot");
		doctor_advise(check, "try again; if it stays, see what it waits for");
	} else {
		doctor_say(check, DOCTOR_OK, "it runs (state %c)", process->stat.state);
	}
}

static void judge_owner(const struct doctor_facts *facts, struct doctor_check *check)
{
	const struct doctor_identity *its = &facts->process.identity;

	doctor_say(check, DOCTOR_OK, "it runs as user %u, shikari as user %u", its->euid,
		facts->machine.self.euid);
}

static void judge_user_namespace(const struct doctor_facts *facts, struct doctor_check *check)
{
	const struct doctor_identity *its = &facts->process.identity, *self = &facts->machine.self;

	if (!its->user_namespace[0] || !self->user_namespace[0])
		doctor_say(check, DOCTOR_OK, "it is in %s user namespace",
			its->is_initial_user_namespace ? "the machine's" : "some");
	else if (strcmp(its->user_namespace, self->user_namespace) == 0)
		doctor_say(check, DOCTOR_OK, "it is in shikari's user namespace");
	else
		doctor_say(check, DOCTOR_OK,
			"it is in another user namespace, as rootless containers are");
}

static void judge_tracer(const struct doctor_facts *facts, struct doctor_check *check)
{
	const struct doctor_process *process = &facts->process;

	if (!process->tracer) {
		doctor_say(check, DOCTOR_OK, "no debugger is attached");
		return;
	}
	doctor_say(check, DOCTOR_FAIL, "process %d (%s) traces it", process->tracer,
		process->tracer_name[0] ? process->tracer_name : "?");
	doctor_because(check, "a process can have only one tracer: a debugger, strace, or another "
			      "shikari");
	doctor_advise(check, "end that one first: kill %d", process->tracer);
}

// Why ptrace says EPERM, from what is hardest to change to what is easiest.
static void explain_denial(const struct doctor_facts *facts, struct doctor_check *check)
{
	const struct doctor_machine *machine = &facts->machine;
	const struct doctor_identity *self = &machine->self, *its = &facts->process.identity;
	bool is_foreign = strcmp(its->user_namespace, self->user_namespace) != 0 &&
			  its->is_initial_user_namespace != self->is_initial_user_namespace;

	if (machine->yama.value >= YAMA_NOBODY) {
		doctor_because(check, "kernel.yama.ptrace_scope is 3: nobody may trace until the "
				      "next boot");
		doctor_advise(check, "boot with another value: see /etc/sysctl.d");
	} else if (machine->selinux_denies_ptrace) {
		doctor_because(check, "SELinux denies ptrace to all (deny_ptrace)");
		doctor_advise(check, "sudo setsebool deny_ptrace off");
	} else if (doctor_has_capability(self, DOCTOR_CAP_SYS_PTRACE) && is_foreign) {
		doctor_because(check, "it belongs to a user namespace outside of shikari's, where "
				      "CAP_SYS_PTRACE does not count");
		doctor_advise(check, "run shikari as root on the host");
	} else if (doctor_has_capability(self, DOCTOR_CAP_SYS_PTRACE)) {
		doctor_because(check,
			"a security module (AppArmor, SELinux, Landlock) forbids "
			"it%s%s%s%s",
			its->label[0] ? ": it runs as " : "", its->label,
			self->label[0] ? ", shikari as " : "", self->label);
		doctor_advise(check, "run shikari unconfined: on the host, as root");
	} else if (self->euid == 0) {
		doctor_because(check, "root without CAP_SYS_PTRACE, as in a container");
		doctor_advise(check, "start the container with --cap-add SYS_PTRACE, or run "
				     "shikari on the host");
	} else if (its->euid != self->euid || its->uid != self->euid) {
		doctor_because(
			check, "it runs as user %u, shikari as user %u", its->euid, self->euid);
		doctor_advise(check, "run as root%s: sudo shikari doctor %d",
			its->euid && its->euid == its->uid ? ", or as that user" : "",
			facts->process.pid);
	} else if (machine->yama.value > 0) {
		doctor_because(check,
			"kernel.yama.ptrace_scope is %lld, and it is not a child of "
			"shikari",
			(long long)machine->yama.value);
		doctor_advise(check,
			"run as root: sudo shikari doctor %d; or allow it: sudo "
			"sysctl kernel.yama.ptrace_scope=0",
			facts->process.pid);
	} else {
		doctor_because(check, "%s",
			its->capabilities & ~self->capabilities
				? "it has capabilities that shikari does not have"
				: "it is not dumpable: it was setuid, or said so with prctl "
				  "PR_SET_DUMPABLE");
		doctor_advise(check, "run as root: sudo shikari doctor %d", facts->process.pid);
	}
}

static void judge_attach(const struct doctor_facts *facts, struct doctor_check *check)
{
	const struct doctor_attempt *attach = &facts->process.attach;

	if (facts->process.tracer || !attach->was_made) {
		doctor_say(check, DOCTOR_UNKNOWN, "attaching was not tried");
		check->is_waiting = true;
	} else if (doctor_attempt_worked(attach)) {
		doctor_say(check, DOCTOR_OK, "it may be traced (tried, without stopping it)");
	} else if (attach->error == ESRCH) {
		doctor_say(check, DOCTOR_FAIL, "process %d has just ended", facts->process.pid);
	} else if (!doctor_attempt_worked(&facts->machine.ptrace)) {
		doctor_say(check, DOCTOR_UNKNOWN, "ptrace does not work at all");
		check->is_waiting = true;
	} else {
		doctor_say(check, DOCTOR_FAIL, "process %d may not be traced", facts->process.pid);
		explain_denial(facts, check);
	}
}

static void judge_architecture(const struct doctor_facts *facts, struct doctor_check *check)
{
	const struct doctor_elf *elf = &facts->process.elf;

	if (!elf->is_known) {
		doctor_say(check, DOCTOR_UNKNOWN, "its program cannot be read");
		check->is_waiting = true;
		return;
	}
	if (elf->is_elf && elf->is_64_bit && elf->is_native) {
		doctor_say(check, DOCTOR_OK, "64-bit x86 program %s", facts->process.executable);
		return;
	}
	doctor_say(check, DOCTOR_FAIL, "%s is %s", facts->process.executable,
		!elf->is_elf      ? "no ELF program"
		: !elf->is_64_bit ? "a 32-bit program"
				  : "a program for another processor");
	doctor_because(check, "only 64-bit x86 programs can be read");
	doctor_advise(check, "none: run the service on a 64-bit Python");
	check->is_unsupported = true;
}

static void judge_access(const struct doctor_facts *facts, struct doctor_check *check)
{
	const struct doctor_python *python = &facts->python;

	if (python->stage >= DOCTOR_STAGE_OPEN) {
		doctor_say(check, DOCTOR_OK, "its memory can be read");
	} else if (!doctor_attempt_worked(&facts->process.attach) ||
		   python->obstacle_is_unsupported) {
		// Said already by another check.
		doctor_say(check, DOCTOR_UNKNOWN, "its memory was not read");
		check->is_waiting = true;
	} else {
		doctor_say(check, DOCTOR_FAIL, "its memory cannot be read");
		doctor_because(check, "%s", python->obstacle);
		doctor_advise(check, "run shikari as root on the host");
	}
}

static void judge_dumpable(const struct doctor_facts *facts, struct doctor_check *check)
{
	const struct doctor_number *flag = &facts->process.is_dumpable;

	if (!flag->is_known)
		doctor_say(check, DOCTOR_OK, "whether it is dumpable is not seen: it is root's");
	else if (flag->value)
		doctor_say(check, DOCTOR_OK, "it is dumpable");
	else
		doctor_say(check, DOCTOR_OK, "it is not dumpable: only root may look at it");
}

static void judge_seccomp(const struct doctor_facts *facts, struct doctor_check *check)
{
	const struct doctor_identity *its = &facts->process.identity;
	const struct doctor_python *python = &facts->python;
	const char *gain = its->has_no_new_privs ? "; no_new_privs is set" : "";

	if (!its->seccomp.is_known || its->seccomp.value == 0) {
		doctor_say(check, DOCTOR_OK, "it has no seccomp filter%s", gain);
	} else if (python->stage < DOCTOR_STAGE_LAYOUT || !python->clone_is_known) {
		doctor_say(check, DOCTOR_UNKNOWN, "it has a seccomp filter%s", gain);
		check->is_waiting = python->stage < DOCTOR_STAGE_LAYOUT;
		doctor_because(check, "it was not asked whether the filter lets a clone be made");
	} else if (!python->answer.refusal[0]) {
		doctor_say(
			check, DOCTOR_OK, "its seccomp filter allows what a clone needs%s", gain);
	} else {
		doctor_say(check, DOCTOR_WARN, "it is confined by seccomp (mode %lld)%s",
			(long long)its->seccomp.value, gain);
		doctor_because(check, "%s", python->answer.refusal);
		doctor_advise(check, "%s",
			doctor_has_capability(&facts->machine.self, DOCTOR_CAP_SYS_ADMIN)
				? "nothing: it is frozen instead of cloned"
				: "nothing, or run as root on the host to read its filter");
	}
}

static const char *same_or_other(const char *its, const char *ours)
{
	return strcmp(its, ours) == 0 ? "the same" : "not the same";
}

static void judge_namespaces(const struct doctor_facts *facts, struct doctor_check *check)
{
	const struct doctor_identity *its = &facts->process.identity, *self = &facts->machine.self;

	doctor_say(check, DOCTOR_OK, "it is in %s PID namespace and %s mount namespace as shikari",
		same_or_other(its->pid_namespace, self->pid_namespace),
		same_or_other(its->mount_namespace, self->mount_namespace));
}

static void judge_files(const struct doctor_facts *facts, struct doctor_check *check)
{
	if (facts->process.root_is_readable.value) {
		doctor_say(check, DOCTOR_OK, "its files can be read (/proc/%d/root)",
			facts->process.pid);
		return;
	}
	doctor_say(
		check, DOCTOR_WARN, "its files cannot be read (/proc/%d/root)", facts->process.pid);
	doctor_because(check, "the interpreter is found through its files; only those that are "
			      "mapped can be read another way");
	doctor_advise(check, "run shikari as root");
}

static void judge_threads(const struct doctor_facts *facts, struct doctor_check *check)
{
	uint64_t threads = facts->process.threads;

	doctor_say(check, DOCTOR_OK, "%s thread%s", human_count(threads).text,
		threads == 1 ? "" : "s");
	if (threads < THREADS_MANY)
		return;
	check->status = DOCTOR_WARN;
	doctor_because(check, "each one has to be stopped for a snapshot, which makes it longer");
	doctor_advise(check, "nothing, or bound the stop: shikari hunt --max-pause MS");
}

const struct doctor_row doctor_process_rows[] = {
	{"process", DOCTOR_STAGE_NONE, judge_process},
	{"tracer", DOCTOR_STAGE_PROCESS, judge_tracer},
	{"attach", DOCTOR_STAGE_PROCESS, judge_attach},
	{"architecture", DOCTOR_STAGE_PROCESS, judge_architecture},
	{"access", DOCTOR_STAGE_PROCESS, judge_access},
	{"state", DOCTOR_STAGE_PROCESS, judge_state},
	{"owner", DOCTOR_STAGE_PROCESS, judge_owner},
	{"user-namespace", DOCTOR_STAGE_PROCESS, judge_user_namespace},
	{"dumpable", DOCTOR_STAGE_PROCESS, judge_dumpable},
	{"namespaces", DOCTOR_STAGE_OPEN, judge_namespaces},
	{"files", DOCTOR_STAGE_OPEN, judge_files},
	{"threads", DOCTOR_STAGE_PROCESS, judge_threads},
	{"seccomp", DOCTOR_STAGE_PROCESS, judge_seccomp},
	{0},
};
