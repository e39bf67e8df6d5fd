// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "doctor/doctor_checks.h"

#include "base/human.h"
#include "cpython/pylayout.h"

#include <errno.h>
#include <string.h>

#define KERNEL_THREAD_FLAG 0x00200000 // PF_KTHREAD

// With so many, stopping them one by one is what takes the time.
#define THREADS_MANY 1000

#define SECCOMP_FILTERED 2
#define YAMA_NOBODY      3

// A stop that somebody who waits for an answer notices.
#define STOP_MS_LONG 250

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

static void judge_interpreter(const struct doctor_facts *facts, struct doctor_check *check)
{
	const struct doctor_python *python = &facts->python;

	if (python->stage >= DOCTOR_STAGE_PYTHON) {
		doctor_say(check, DOCTOR_OK, "CPython %s, %s %s", python->version,
			python->is_static ? "static in" : "in the library", python->library);
		return;
	}
	doctor_say(check, DOCTOR_FAIL, "%s", python->obstacle);
	doctor_because(check, "shikari reads only interpreters whose structures it knows");
	doctor_advise(check,
		"give the number of a process that runs CPython %s; to look for one: pgrep -af "
		"python",
		pylayout_supported());
	check->is_unsupported = python->obstacle_is_unsupported;
}

static void judge_layout(const struct doctor_facts *facts, struct doctor_check *check)
{
	const struct doctor_python *python = &facts->python;

	if (python->stage >= DOCTOR_STAGE_LAYOUT) {
		doctor_say(check, DOCTOR_OK, "the layout %s fits: sys.hexversion was found by it",
			python->layout);
		return;
	}
	doctor_say(check, DOCTOR_FAIL, "the layout %s does not fit", python->layout);
	doctor_because(check, "%s", python->obstacle);
	doctor_advise(check, "if it has only just started, try again; else the Python is a changed "
			     "one, please report it");
	check->is_unsupported = python->obstacle_is_unsupported;
}

static bool is_pymalloc(const char *name)
{
	return !*name || strncmp(name, "pymalloc", 8) == 0 || strncmp(name, "debug", 5) == 0 ||
	       strcmp(name, "default") == 0;
}

static void judge_allocator(const struct doctor_facts *facts, struct doctor_check *check)
{
	const struct doctor_process *process = &facts->process;

	if (!process->environment_is_known) {
		doctor_say(check, DOCTOR_UNKNOWN, "its environment cannot be read");
		return;
	}
	if (!process->allocator[0]) {
		doctor_say(check, DOCTOR_OK, "objects are in pymalloc's pools");
		return;
	}
	doctor_say(check, DOCTOR_OK, "objects are in pymalloc's pools (PYTHONMALLOC=%s)",
		process->allocator);
	if (is_pymalloc(process->allocator))
		return;
	doctor_say(check, DOCTOR_WARN, "objects are not in pymalloc's pools (PYTHONMALLOC=%s)",
		process->allocator);
	doctor_because(check, "objects are then found only through references and the collector's "
			      "lists: those that only C code holds are missed");
	doctor_advise(check, "nothing, or restart the service without PYTHONMALLOC");
}

static void judge_malloc(const struct doctor_facts *facts, struct doctor_check *check)
{
	if (facts->python.malloc_kind)
		doctor_say(check, DOCTOR_OK, "malloc is that of %s", facts->python.malloc_kind);
	else
		doctor_say(check, DOCTOR_UNKNOWN,
			"whose malloc it uses cannot be seen: it is "
			"linked statically");
}

static void judge_interpreters(const struct doctor_facts *facts, struct doctor_check *check)
{
	size_t count = facts->python.interpreters;

	doctor_say(check, DOCTOR_OK, "%zu interpreter%s", count,
		count == 1 ? "" : "s: all are looked at");
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

static void say_costs(const struct doctor_costs *costs, const char *mode, const char *ready,
	struct doctor_check *check)
{
	bool is_bounded = costs->headroom_bytes != UINT64_MAX;

	if (!costs->is_known) {
		doctor_say(check, DOCTOR_UNKNOWN, "what mode %s would cost cannot be told", mode);
		return;
	}
	doctor_say(check, DOCTOR_OK, "%s: a stop of about %s, and %s more memory at worst%s%s%s",
		ready, human_seconds(costs->stop_ms / 1e3).text,
		human_bytes((double)costs->extra_bytes).text, is_bounded ? " (" : "",
		is_bounded ? human_bytes((double)costs->headroom_bytes).text : "",
		is_bounded ? " are free)" : "");
}

// The way that a hunt takes, if nothing else is asked for.
static const struct doctor_costs *automatic(const struct doctor_python *python)
{
	return python->answer.refusal[0] ? &python->freeze : &python->clone;
}

static void judge_memory(const struct doctor_facts *facts, struct doctor_check *check)
{
	const struct doctor_costs *costs = automatic(&facts->python);

	doctor_say(check, DOCTOR_OK, "%s resident, and memory enough for a snapshot",
		human_bytes((double)facts->process.rss_bytes).text);
	if (!costs->is_known || costs->is_affordable)
		return;
	doctor_say(check, DOCTOR_FAIL,
		"%s resident, and a snapshot may need %s more where %s are free",
		human_bytes((double)facts->process.rss_bytes).text,
		human_bytes((double)costs->extra_bytes).text,
		human_bytes((double)costs->headroom_bytes).text);
	doctor_because(check, "shikari does not risk that somebody is killed for want of memory: "
			      "the limit is that of a cgroup or of the machine");
	doctor_advise(check,
		"raise the limit for a while; or shikari hunt --force; or --mode live, "
		"which needs no memory and may be torn");
}

// What stops the process waits for leave to do so.
static bool waits_for_attach(
	const struct doctor_facts *facts, const char *what, struct doctor_check *check)
{
	if (doctor_attempt_worked(&facts->process.attach))
		return false;
	doctor_say(check, DOCTOR_UNKNOWN, "%s needs ptrace", what);
	check->is_waiting = true;
	return true;
}

static void judge_clone(const struct doctor_facts *facts, struct doctor_check *check)
{
	const struct doctor_python *python = &facts->python;

	if (waits_for_attach(facts, "mode clone", check))
		return;
	if (python->clone_is_known && python->answer.refusal[0]) {
		doctor_say(check, DOCTOR_WARN, "mode clone does not work with it");
		doctor_because(check, "%s", python->answer.refusal);
		doctor_advise(check, "nothing: mode freeze is taken instead, which stops it for "
				     "longer");
		return;
	}
	say_costs(&python->clone, "clone", "mode clone works", check);
}

static void judge_freeze(const struct doctor_facts *facts, struct doctor_check *check)
{
	const struct doctor_costs *costs = &facts->python.freeze;

	if (waits_for_attach(facts, "mode freeze", check))
		return;
	say_costs(costs, "freeze", "mode freeze works", check);
	if (!costs->is_known || costs->is_affordable)
		return;
	doctor_say(check, DOCTOR_WARN, "mode freeze would need %s of memory, and %s are free",
		human_bytes((double)costs->extra_bytes).text,
		human_bytes((double)costs->headroom_bytes).text);
	doctor_because(check, "the copy is in shikari's own memory");
	doctor_advise(check, "use another mode, or run shikari outside of the service's cgroup");
}

static void judge_live(const struct doctor_facts *facts, struct doctor_check *check)
{
	(void)facts;
	doctor_say(check, DOCTOR_OK, "mode live works: no stop, but what changes may be torn");
}

static void judge_stop(const struct doctor_facts *facts, struct doctor_check *check)
{
	const struct doctor_costs *costs = automatic(&facts->python);

	if (waits_for_attach(facts, "a snapshot", check))
		return;
	if (!costs->is_known) {
		doctor_say(check, DOCTOR_UNKNOWN, "the length of a stop cannot be told");
		return;
	}
	doctor_say(check, DOCTOR_OK, "a snapshot stops it for about %s",
		human_seconds(costs->stop_ms / 1e3).text);
	if (costs->stop_ms < STOP_MS_LONG)
		return;
	check->status = DOCTOR_WARN;
	doctor_because(check, "somebody who waits for an answer may notice");
	doctor_advise(check, "take it out of the load balancer, or bound the stop: shikari hunt "
			     "--max-pause MS");
}

static void judge_watch(const struct doctor_facts *facts, struct doctor_check *check)
{
	const struct doctor_process *process = &facts->process;

	if (!process->watch.was_made) {
		doctor_say(check, DOCTOR_UNKNOWN, "a breakpoint in it was not tried");
		check->is_waiting = true;
	} else if (!doctor_attempt_worked(&process->watch)) {
		doctor_say(check, DOCTOR_WARN,
			"it cannot be watched with hardware breakpoints: %s; who adds to a leak is "
			"only known roughly",
			strerror(process->watch.error));
		doctor_because(check, "%s",
			process->watch.error == ENOSPC
				? "its debug registers are in use"
				: "perf events are not allowed on this process");
		doctor_advise(check, "%s",
			process->watch.error == ENOSPC ? "end the debugger that uses them"
						       : "run shikari as root");
	} else if (!process->watch_signal) {
		doctor_say(check, DOCTOR_WARN,
			"it cannot be watched with hardware breakpoints: who adds to a leak is "
			"only "
			"known roughly");
		doctor_because(
			check, "it handles SIGURG and SIGWINCH, by one of which a hit is told");
		doctor_advise(check, "none");
	} else {
		doctor_say(check, DOCTOR_OK,
			"hardware breakpoints can be set in it (tried, "
			"switched off)");
	}
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
	{"interpreter", DOCTOR_STAGE_OPEN, judge_interpreter},
	{"layout", DOCTOR_STAGE_PYTHON, judge_layout},
	{"interpreters", DOCTOR_STAGE_LAYOUT, judge_interpreters},
	{"allocator", DOCTOR_STAGE_PYTHON, judge_allocator},
	{"malloc", DOCTOR_STAGE_PYTHON, judge_malloc},
	{"threads", DOCTOR_STAGE_PROCESS, judge_threads},
	{"seccomp", DOCTOR_STAGE_PROCESS, judge_seccomp},
	{"memory", DOCTOR_STAGE_LAYOUT, judge_memory},
	{"stop", DOCTOR_STAGE_LAYOUT, judge_stop},
	{"clone", DOCTOR_STAGE_LAYOUT, judge_clone},
	{"freeze", DOCTOR_STAGE_LAYOUT, judge_freeze},
	{"live", DOCTOR_STAGE_LAYOUT, judge_live},
	{"watch", DOCTOR_STAGE_PROCESS, judge_watch},
	{0},
};
