// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "target/process.h"

#include "base/alloc.h"
#include "base/error.h"
#include "target/live_target.h"
#include "target/process_access.h"
#include "target/process_internal.h"
#include "target/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>

#define COMMAND_LINE_BYTES 4096
#define ROLLUP_BYTES       4096
#define PATH_BYTES         4096

pid_t process_memory_thread(const struct process *process)
{
	struct proc_stat stat;
	struct error *error = proc_read_stat(process->pid, &stat);
	pid_t thread = process->pid;

	if (!error && proc_is_ending(process->pid, &stat))
		proc_find_live_thread(process->pid, &thread);
	error_destroy(error);
	return thread;
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
	error = process_check_tracer(thread);
	if (!error)
		error = process_open_memory(pid, thread, &process->memory_fd);
	if (!error)
		error = process_check_program(pid, thread);
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
		return process_explain_missing(pid);
	}
	error = process_check_kind(pid, &stat);
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
	pid_t thread = process_memory_thread(process);

	return (proc_status_number(thread, "VmRSS", 10) +
		       proc_status_number(thread, "HugetlbPages", 10)) *
	       1024;
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
	uint64_t pool = 0, pool_shared = 0;
	struct error *error;
	size_t size;

	*ret_rss = process_rss_bytes(process);
	*ret_pss = 0;
	// Since Linux 4.14.
	error = proc_read(&text, &size, ROLLUP_BYTES, "/proc/%d/smaps_rollup",
		process_memory_thread(process));
	if (!error && proc_field(text, "Pss", 10, ret_pss) &&
		proc_field(text, "Rss", 10, ret_rss)) {
		proc_field(text, "Private_Hugetlb", 10, &pool);
		proc_field(text, "Shared_Hugetlb", 10, &pool_shared);
		*ret_rss = (*ret_rss + pool + pool_shared) * 1024;
		*ret_pss = (*ret_pss + pool) * 1024;
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
	return (size_t)proc_status_number(process->pid, "Threads", 10);
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
	return stat.start_time == process->start_time &&
	       proc_find_live_thread(process->pid, &thread);
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
