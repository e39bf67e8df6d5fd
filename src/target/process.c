// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "target/process.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "target/live_target.h"
#include "target/process_internal.h"
#include "target/procfs.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>

#define KERNEL_THREAD_FLAG 0x00200000 // PF_KTHREAD
#define ENDING_FLAGS       0x00000404 // PF_EXITING, PF_SIGNALED
#define COMMAND_LINE_BYTES 4096
#define STATUS_BYTES       16384
#define ROLLUP_BYTES       4096
#define PATH_BYTES         4096
#define YAMA_NO_TRACING    3
#define CAPABILITY_PTRACE  19
#define GADGET_BLOCK_BYTES ((size_t)1 << 20)

static uint64_t status_number(pid_t id, const char *field, int base)
{
	_cleanup_(mem_free) char *text = NULL;
	uint64_t value = 0;
	size_t size;

	error_destroy(proc_read(&text, &size, STATUS_BYTES, "/proc/%d/status", id));
	if (!text || !proc_field(text, field, base, &value))
		return 0;
	return value;
}

static struct error *no_such_process(pid_t pid)
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

// A thread that was told to end executes no instruction of its own any more, but on a busy machine it
// can take its time until it shows as dead. Its memory is gone before that, while the memory of the
// process is there until its last thread has let go of it.
static bool is_ending(pid_t id, const struct proc_stat *stat)
{
	return stat->state == 'Z' || stat->state == 'X' || (stat->flags & ENDING_FLAGS) ||
	       (status_number(id, "SigPnd", 16) >> (SIGKILL - 1) & 1);
}

// The main thread may end before the others; the process lives on then, and only looks like a
// zombie.
static bool find_live_thread(pid_t pid, pid_t *ret)
{
	_cleanup_(pid_vector_deinit) struct pid_vector threads = {0};

	error_destroy(proc_list_threads(pid, &threads));
	for (size_t i = 0; i < threads.count; i++) {
		struct proc_stat stat;
		struct error *error = proc_read_stat(threads.items[i], &stat);

		if (!error && !is_ending(threads.items[i], &stat)) {
			*ret = threads.items[i];
			return true;
		}
		error_destroy(error);
	}
	return false;
}

pid_t process_memory_thread(const struct process *process)
{
	struct proc_stat stat;
	struct error *error = proc_read_stat(process->pid, &stat);
	pid_t thread = process->pid;

	if (!error && is_ending(process->pid, &stat))
		find_live_thread(process->pid, &thread);
	error_destroy(error);
	return thread;
}

static struct error *check_kind(pid_t pid, const struct proc_stat *stat)
{
	pid_t leader = (pid_t)status_number(pid, "Tgid", 10), thread;

	if (leader > 0 && leader == getpid())
		return error_create(ERROR_USAGE, "process %d is shikari itself", pid);
	if (leader > 0 && leader != pid)
		return error_create(
			ERROR_USAGE, "%d is a thread of process %d: give that number", pid, leader);
	if (stat->flags & KERNEL_THREAD_FLAG)
		return error_create(ERROR_UNSUPPORTED,
			"%d (%s) is a thread of the kernel, not a program", pid, stat->name);
	if ((stat->state == 'Z' || stat->state == 'X') && !find_live_thread(pid, &thread))
		return error_create(ERROR_GONE,
			"process %d (%s) has ended and only waits for its parent %d to notice", pid,
			stat->name, stat->parent);
	return NULL;
}

static struct error *check_tracer(pid_t pid)
{
	pid_t thread = (pid_t)status_number(pid, "TracerPid", 10), tracer;
	struct proc_stat stat = {.name = "?"};

	if (thread <= 0)
		return NULL;
	tracer = (pid_t)status_number(thread, "Tgid", 10);
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
	return status_number(getpid(), "CapEff", 16) >> CAPABILITY_PTRACE & 1;
}

// Say what forbids it, and what would allow it.
static struct error *explain_denial(pid_t pid)
{
	uid_t owner = (uid_t)status_number(pid, "Uid", 10);
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

static struct error *open_memory(pid_t pid, pid_t thread, int *ret_fd)
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

static struct error *check_program(pid_t pid, pid_t thread)
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

static char *read_executable(pid_t thread)
{
	char path[64], target[PATH_BYTES];
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/%d/exe", thread);
	length = readlink(path, target, sizeof(target));
	return mem_strndup(target, length < 0 ? 0 : (size_t)length);
}

static char *read_command_line(pid_t thread)
{
	char *text = NULL;
	size_t size;

	error_destroy(proc_read(&text, &size, COMMAND_LINE_BYTES, "/proc/%d/cmdline", thread));
	if (!text)
		return mem_strdup("");
	while (size > 0 && text[size - 1] == '\0')
		size--;
	// Arguments end with NUL; what could steer a terminal is not passed on.
	for (size_t i = 0; i < size; i++) {
		if (text[i] == '\0' || text[i] == '\n' || text[i] == '\t')
			text[i] = ' ';
		else if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			text[i] = '?';
	}
	return text;
}

static struct error *has_ended(const struct process *process)
{
	return error_create(ERROR_GONE, "process %d has ended", process->pid);
}

static struct error *executed_another(const struct process *process)
{
	return error_create(
		ERROR_GONE, "process %d executed another program meanwhile", process->pid);
}

// The memory of the program before may be there for a moment longer than that program.
static bool has_another_stack(const struct process *process)
{
	struct proc_stat stat = {0};

	error_destroy(proc_read_stat(process_memory_thread(process), &stat));
	return stat.stack_start && process->stack_start && stat.stack_start != process->stack_start;
}

static bool is_file(int fd, const struct mapping *mapping)
{
	struct stat stat;

	return fd >= 0 && fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode) &&
	       stat.st_ino == mapping->inode;
}

static int open_file(const struct mapping *wanted, const char *format, ...)
	__attribute__((__format__(__printf__, 2, 3)));

// @p wanted: only if it is the file that is mapped; or NULL. O_NONBLOCK: it could be a FIFO by now.
static int open_file(const struct mapping *wanted, const char *format, ...)
{
	char path[PATH_BYTES + 64];
	va_list arguments;
	int fd;

	va_start(arguments, format);
	vsnprintf(path, sizeof(path), format, arguments);
	va_end(arguments);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 || !wanted || is_file(fd, wanted))
		return fd;
	close(fd);
	return -1;
}

// The ways that lead to the file, until one does.
static int find_file(pid_t thread, const struct mapping *mapping)
{
	// By name in the target's own tree; the device is not compared, since overlay file systems
	// show another one in the list of mappings.
	int fd = open_file(mapping, "/proc/%d/root%s", thread, mapping->path);

	// By mapping: always the right file, but only for the privileged.
	if (fd < 0)
		fd = open_file(NULL, "/proc/%d/map_files/%llx-%llx", thread,
			(unsigned long long)mapping->start, (unsigned long long)mapping->end);
	// The program itself can be opened by whoever may trace it.
	if (fd < 0)
		fd = open_file(mapping, "/proc/%d/exe", thread);
	// The name is as seen from outside of a chroot: inside, the beginning of it is missing.
	for (const char *name = mapping->path; fd < 0 && (name = strchr(name + 1, '/'));)
		fd = open_file(mapping, "/proc/%d/root%s", thread, name);
	return fd;
}

struct error *process_open_file(
	const struct process *process, const struct mapping *mapping, int *ret_fd)
{
	if (!mapping->inode || mapping->path[0] != '/')
		return error_create(ERROR_NOT_FOUND, "no file is mapped at 0x%llx",
			(unsigned long long)mapping->start);
	*ret_fd = find_file(process_memory_thread(process), mapping);
	if (*ret_fd >= 0)
		return NULL;
	return error_create(ERROR_NOT_FOUND,
		"%s of process %d was replaced since it was loaded; root could still read it",
		mapping->path, process->pid);
}

static struct error *open_file_of_origin(
	const struct target_origin *origin, const struct mapping *mapping, int *ret_fd)
{
	return process_open_file((const struct process *)origin, mapping, ret_fd);
}

static struct error *open_thread(pid_t pid, const struct proc_stat *stat, struct process *process)
{
	struct error *error;
	pid_t thread;

	process->pid = pid;
	process->start_time = stat->start_time;
	process->stack_start = stat->stack_start;
	thread = process_memory_thread(process);
	error = check_tracer(thread);
	if (!error)
		error = open_memory(pid, thread, &process->memory_fd);
	if (!error)
		error = check_program(pid, thread);
	if (error)
		return error;
	process->executable = read_executable(thread);
	process->command_line = read_command_line(thread);
	if (!process->executable || !process->command_line)
		return error_enomem();
	snprintf(process->name, sizeof(process->name), "process %d", pid);
	process->origin = (struct target_origin){
		.name = process->name,
		.executable = process->executable,
		.open_file = open_file_of_origin,
	};
	return process_check_same(process);
}

struct error *process_open(pid_t pid, struct process **ret)
{
	_cleanup_(process_destroy) struct process *process = NULL;
	struct proc_stat stat;
	struct error *error;

	if (pid <= 0)
		return error_create(ERROR_USAGE, "%d is not a PID", pid);
	error = proc_read_stat(pid, &stat);
	if (error) {
		error_destroy(error);
		return no_such_process(pid);
	}
	error = check_kind(pid, &stat);
	if (error)
		return error;
	process = mem_calloc(1, sizeof(*process));
	if (!process)
		return error_enomem();
	process->memory_fd = -1;
	error = open_thread(pid, &stat, process);
	if (error && !process_still_exists(process)) {
		error_destroy(error);
		return has_ended(process);
	}
	if (error)
		return error;
	*ret = take(process);
	return NULL;
}

void process_destroy(struct process *process)
{
	if (!process)
		return;
	if (process->memory_fd >= 0)
		close(process->memory_fd);
	mem_free(process->executable);
	mem_free(process->command_line);
	mem_free(process);
}

pid_t process_pid(const struct process *process)
{
	return process->pid;
}

const char *process_executable(const struct process *process)
{
	return process->executable;
}

const char *process_command_line(const struct process *process)
{
	return process->command_line;
}

uint64_t process_start_ticks(const struct process *process)
{
	return process->start_time;
}

uint64_t process_rss_bytes(const struct process *process)
{
	return status_number(process_memory_thread(process), "VmRSS", 10) * 1024;
}

struct error *process_write(
	const struct process *process, remote_addr addr, const void *bytes, size_t size)
{
	struct iovec local = {(void *)bytes, size}, remote = {(void *)addr, size};

	if (process_vm_writev(process_memory_thread(process), &local, 1, &remote, 1, 0) ==
		(ssize_t)size)
		return NULL;
	return error_system(errno, "cannot write to the memory of process %d", process->pid);
}

struct error *process_read_usage(
	const struct process *process, uint64_t *ret_rss, uint64_t *ret_pss)
{
	_cleanup_(mem_free) char *text = NULL;
	struct error *error;
	size_t size;

	*ret_rss = process_rss_bytes(process);
	*ret_pss = 0;
	// Since Linux 4.14.
	error = proc_read(&text, &size, ROLLUP_BYTES, "/proc/%d/smaps_rollup",
		process_memory_thread(process));
	if (!error && proc_field(text, "Pss", 10, ret_pss) &&
		proc_field(text, "Rss", 10, ret_rss)) {
		*ret_rss *= 1024;
		*ret_pss *= 1024;
	}
	if (!process_is_alive(process)) {
		error_destroy(error);
		return process_check_same(process);
	}
	error_destroy(error);
	return NULL;
}

size_t process_thread_count(const struct process *process)
{
	return (size_t)status_number(process->pid, "Threads", 10);
}

bool process_is_alive(const struct process *process)
{
	char byte;

	// Nothing is mapped at address 0, which is an error as long as there is an address space.
	// The file reads as empty when that has no user any more.
	return pread(process->memory_fd, &byte, 1, 0) != 0;
}

bool process_still_exists(const struct process *process)
{
	struct proc_stat stat;
	struct error *error = proc_read_stat(process->pid, &stat);
	pid_t thread;

	if (error) {
		error_destroy(error);
		return false;
	}
	return stat.start_time == process->start_time && find_live_thread(process->pid, &thread);
}

struct error *process_check_same(const struct process *process)
{
	// In this order: threads begin to end before their memory goes.
	bool is_alive = process_is_alive(process);

	if (!process_still_exists(process))
		return has_ended(process);
	return is_alive && !has_another_stack(process) ? NULL : executed_another(process);
}

struct error *process_explain(const struct process *process, struct error *error)
{
	struct error *gone = error ? process_check_same(process) : NULL;

	if (!gone)
		return error;
	error_destroy(error);
	return gone;
}

struct error *process_target_live(struct process *process, struct target **ret)
{
	return live_target_create(process, ret);
}

static size_t read_block(pid_t pid, remote_addr addr, void *buffer, size_t size)
{
	struct iovec local = {buffer, size}, remote = {(void *)addr, size};
	ssize_t count = process_vm_readv(pid, &local, 1, &remote, 1, 0);

	return count < 0 ? 0 : (size_t)count;
}

// Code that is mapped from a file, or the kernel's own: a JIT's code may change under our hands.
// The vsyscall page looks executable but is emulated.
static bool is_steady_code(const struct mapping *mapping)
{
	return mapping->readable && mapping->executable && !mapping->writable &&
	       ((mapping->inode && !mapping->shared) || strcmp(mapping->path, "[vdso]") == 0);
}

struct error *machine_gadgets_search(
	pid_t pid, const struct mappings *mappings, struct machine_gadgets *ret)
{
	_cleanup_(mem_free) unsigned char *block = mem_alloc(GADGET_BLOCK_BYTES);
	struct machine_gadgets gadgets = {0};
	uint64_t total = 0;

	if (!block)
		return error_enomem();
	for (size_t i = 0; i < mappings->count && total < LIMIT_GADGET_BYTES; i++) {
		const struct mapping *mapping = &mappings->items[i];

		if (!is_steady_code(mapping))
			continue;
		for (remote_addr at = mapping->start; at < mapping->end;) {
			size_t size = mapping->end - at < GADGET_BLOCK_BYTES ? mapping->end - at
									     : GADGET_BLOCK_BYTES;

			size = read_block(pid, at, block, size);
			machine_find_gadgets(block, size, at, &gadgets);
			total += size;
			if (size < GADGET_BLOCK_BYTES || total >= LIMIT_GADGET_BYTES ||
				(gadgets.system_call && gadgets.signal_return))
				break;
			// A sequence may lie across the border of two blocks.
			at += size - MACHINE_GADGET_BYTES;
		}
		if (gadgets.system_call && gadgets.signal_return) {
			*ret = gadgets;
			return NULL;
		}
	}
	return error_create(ERROR_UNSUPPORTED, "its code has no %s",
		gadgets.system_call ? "return from signals" : "usable system call instruction");
}

static bool still_there(const struct process *process, const struct machine_gadgets *gadgets)
{
	struct machine_gadgets now = {0};
	unsigned char bytes[2][MACHINE_GADGET_BYTES];
	pid_t thread = process_memory_thread(process);
	size_t sizes[2];

	if (!gadgets->system_call)
		return false;
	sizes[0] = read_block(thread, gadgets->system_call, bytes[0], MACHINE_GADGET_BYTES);
	sizes[1] = read_block(thread, gadgets->signal_return, bytes[1], MACHINE_GADGET_BYTES);
	machine_find_gadgets(bytes[0], sizes[0], gadgets->system_call, &now);
	now.signal_return = 0;
	machine_find_gadgets(bytes[1], sizes[1], gadgets->signal_return, &now);
	return now.system_call == gadgets->system_call &&
	       now.signal_return == gadgets->signal_return;
}

struct error *process_find_gadgets(
	struct process *process, const struct mappings *mappings, struct machine_gadgets *ret)
{
	struct error *error = NULL;

	if (!still_there(process, &process->gadgets))
		error = machine_gadgets_search(
			process_memory_thread(process), mappings, &process->gadgets);
	if (!error)
		*ret = process->gadgets;
	return error;
}
