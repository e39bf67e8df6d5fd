// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "target/process_access.h"

#include "base/alloc.h"
#include "base/error.h"
#include "target/procfs.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KERNEL_THREAD_FLAG 0x00200000 // PF_KTHREAD
#define YAMA_NO_TRACING    3
#define CAPABILITY_PTRACE  19

struct error *process_explain_missing(pid_t pid)
{
	if (access("/proc/self/stat", R_OK) < 0)
		return error_create(
			ERROR_SYSTEM, "/proc is not mounted, and nothing works without it");
	if (kill(pid, 0) < 0 && errno == EPERM)
		return error_create(ERROR_DENIED,
			"process %d is hidden from this user (/proc is mounted with hidepid): run "
			"as "
			"root or as its user",
			pid);
	return error_create(ERROR_NOT_FOUND,
		"there is no process %d here (in a container, PIDs are the container's own)", pid);
}

struct error *process_check_kind(pid_t pid, const struct proc_stat *stat)
{
	pid_t leader = (pid_t)proc_status_number(pid, "Tgid", 10), thread;

	if (leader > 0 && leader == getpid())
		return error_create(ERROR_USAGE, "process %d is shikari itself", pid);
	if (leader > 0 && leader != pid)
		return error_create(
			ERROR_USAGE, "%d is a thread of process %d: give that number", pid, leader);
	if (stat->flags & KERNEL_THREAD_FLAG)
		return error_create(ERROR_UNSUPPORTED,
			"%d (%s) is a thread of the kernel, not a program", pid, stat->name);
	if ((stat->state == 'Z' || stat->state == 'X') && !proc_find_live_thread(pid, &thread))
		return error_create(ERROR_GONE,
			"process %d (%s) has ended and only waits for its parent %d to notice", pid,
			stat->name, stat->parent);
	return NULL;
}

struct error *process_check_tracer(pid_t pid)
{
	pid_t thread = (pid_t)proc_status_number(pid, "TracerPid", 10), tracer;
	struct proc_stat stat = {.name = "?"};

	if (thread <= 0)
		return NULL;
	tracer = (pid_t)proc_status_number(thread, "Tgid", 10);
	if (tracer <= 0)
		tracer = thread;
	error_destroy(proc_read_stat(tracer, &stat));
	return error_create(ERROR_DENIED,
		"process %d is already traced by process %d (%s), and there can be only one "
		"tracer: "
		"end that one first",
		pid, tracer, stat.name);
}

static uint64_t yama_scope(void)
{
	_cleanup_(mem_free) char *text = NULL;
	size_t size;

	error_destroy(proc_read(&text, &size, 64, "/proc/sys/kernel/yama/ptrace_scope"));
	return text ? strtoull(text, NULL, 10) : 0;
}

static bool may_trace_all(void)
{
	return proc_status_number(getpid(), "CapEff", 16) >> CAPABILITY_PTRACE & 1;
}

// Say what forbids it, and what would allow it.
static struct error *explain_denial(pid_t pid)
{
	uid_t owner = (uid_t)proc_status_number(pid, "Uid", 10);
	uint64_t scope = yama_scope();

	if (scope == YAMA_NO_TRACING)
		return error_create(ERROR_DENIED,
			"not allowed to read process %d: kernel.yama.ptrace_scope is 3, which "
			"forbids it to everybody until the next boot",
			pid);
	if (may_trace_all())
		return error_create(ERROR_DENIED,
			"not allowed to read process %d: a security module or another user "
			"namespace forbids it",
			pid);
	if (geteuid() == 0)
		return error_create(ERROR_DENIED,
			"not allowed to read process %d: root without CAP_SYS_PTRACE (in a "
			"container, start it with --cap-add SYS_PTRACE, or run shikari on the "
			"host)",
			pid);
	if (owner != geteuid())
		return error_create(ERROR_DENIED,
			"not allowed to read process %d of user %u: run as that user, or as root",
			pid, owner);
	if (scope)
		return error_create(ERROR_DENIED,
			"not allowed to read process %d: kernel.yama.ptrace_scope is %u; run as "
			"root "
			"(or with CAP_SYS_PTRACE), or set it to 0",
			pid, (unsigned)scope);
	return error_create(ERROR_DENIED,
		"not allowed to read process %d, which has made itself unreadable (setuid, or "
		"prctl PR_SET_DUMPABLE): run as root",
		pid);
}

struct error *process_open_memory(pid_t pid, pid_t thread, int *ret_fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/mem", thread);
	*ret_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (*ret_fd >= 0)
		return NULL;
	if (errno == EACCES || errno == EPERM)
		return explain_denial(pid);
	return error_system(errno, "cannot open the memory of process %d", pid);
}

struct error *process_check_program(pid_t pid, pid_t thread)
{
	_cleanup_(close) int fd = -1;
	unsigned char header[EI_NIDENT + 4];
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/exe", thread);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_system(errno, "cannot open the program of process %d", pid);
	if (pread(fd, header, sizeof(header), 0) != sizeof(header) ||
		memcmp(header, ELFMAG, SELFMAG) != 0)
		return error_create(
			ERROR_UNSUPPORTED, "the program of process %d is not an ELF file", pid);
	if (header[EI_CLASS] != ELFCLASS64)
		return error_create(ERROR_UNSUPPORTED,
			"process %d runs a 32-bit program, and only 64-bit ones are supported",
			pid);
	return NULL;
}
