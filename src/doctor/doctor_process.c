// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "doctor/doctor_facts.h"

#include "base/alloc.h"
#include "base/error.h"
#include "doctor/doctor_read.h"
#include "target/quiet_signal.h"

#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES        256
#define ENVIRONMENT_BYTES ((size_t)1 << 20)
#define COMMAND_BYTES     ((size_t)64 << 10)
// Threads that are looked at to find one that lives: enough where only the main one has ended.
#define THREADS_TRIED     64

static bool read_stat(const struct doctor_roots *roots, pid_t id, struct proc_stat *ret)
{
	_cleanup_(mem_free) char *text =
		doctor_read_text(DOCTOR_STATUS_BYTES, "%s/%d/stat", roots->proc, id);

	return text && proc_parse_stat(text, ret);
}

static bool has_ended(const struct proc_stat *stat)
{
	return stat->state == 'Z' || stat->state == 'X';
}

// The main thread may end before the others: then the process only looks like a zombie.
static pid_t find_live_thread(
	const struct doctor_roots *roots, const struct doctor_process *process)
{
	struct dirent *entry;
	char path[PATH_BYTES];
	pid_t found = 0;
	DIR *folder;

	if (!has_ended(&process->stat))
		return process->pid;
	snprintf(path, sizeof(path), "%s/%d/task", roots->proc, process->pid);
	folder = opendir(path);
	for (int i = 0; folder && !found && i < THREADS_TRIED && (entry = readdir(folder)); i++) {
		pid_t id = (pid_t)strtol(entry->d_name, NULL, 10);
		struct proc_stat stat;

		if (id > 0 && read_stat(roots, id, &stat) && !has_ended(&stat))
			found = id;
	}
	if (folder)
		closedir(folder);
	return found;
}

// Files of a process that may not be dumped belong to root, whoever it runs as.
static void read_dumpable(const struct doctor_roots *roots, struct doctor_process *ret)
{
	char path[PATH_BYTES];
	struct stat stat_;

	snprintf(path, sizeof(path), "%s/%d/status", roots->proc, ret->pid);
	if (ret->identity.euid == 0 || stat(path, &stat_) < 0)
		return;
	ret->is_dumpable = (struct doctor_number){true, stat_.st_uid == ret->identity.euid};
}

static void read_status(const struct doctor_roots *roots, struct doctor_process *ret)
{
	_cleanup_(mem_free) char *text =
		doctor_read_text(DOCTOR_STATUS_BYTES, "%s/%d/status", roots->proc, ret->pid);
	uint64_t value;

	if (!text)
		return;
	if (proc_field(text, "Tgid", 10, &value))
		ret->leader = (pid_t)value;
	if (proc_field(text, "VmRSS", 10, &value))
		ret->rss_bytes = value * 1024;
	if (proc_field(text, "HugetlbPages", 10, &value))
		ret->rss_bytes += value * 1024;
	if (proc_field(text, "VmData", 10, &value))
		ret->data_bytes = value * 1024;
	if (proc_field(text, "Threads", 10, &value))
		ret->threads = value;
	if (proc_field(text, "SigCgt", 16, &value))
		ret->watch_signal = quiet_signal_of(value);
}

static void read_tracer(const struct doctor_roots *roots, struct doctor_process *ret)
{
	_cleanup_(mem_free) char *text =
		doctor_read_text(DOCTOR_STATUS_BYTES, "%s/%d/status", roots->proc, ret->thread);
	uint64_t value;

	if (!text || !proc_field(text, "TracerPid", 10, &value))
		return;
	ret->tracer = (pid_t)value;
	doctor_read_word(
		ret->tracer_name, sizeof(ret->tracer_name), "%s/%d/comm", roots->proc, ret->tracer);
}

// "Max processes             1000                 2000                 processes"
static void read_limits(const struct doctor_roots *roots, struct doctor_process *ret)
{
	_cleanup_(mem_free) char *text =
		doctor_read_text(DOCTOR_STATUS_BYTES, "%s/%d/limits", roots->proc, ret->thread);
	const char *line = text ? strstr(text, "\nMax processes ") : NULL;
	long long soft;

	if (line && sscanf(line, "\nMax processes %18lld", &soft) == 1)
		ret->processes_max = (struct doctor_number){true, soft};
}

static void read_elf(const struct doctor_roots *roots, struct doctor_process *ret)
{
	unsigned char head[EI_NIDENT + 4];
	_cleanup_(close) int fd = -1;
	char path[PATH_BYTES];

	snprintf(path, sizeof(path), "%s/%d/exe", roots->proc, ret->thread);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || pread(fd, head, sizeof(head), 0) != sizeof(head))
		return;
	ret->elf.is_known = true;
	ret->elf.is_elf = memcmp(head, ELFMAG, SELFMAG) == 0;
	ret->elf.is_64_bit = head[EI_CLASS] == ELFCLASS64;
	ret->elf.is_native = head[EI_NIDENT + 2] == EM_X86_64 && head[EI_NIDENT + 3] == 0;
}

static void read_root(const struct doctor_roots *roots, struct doctor_process *ret)
{
	char path[PATH_BYTES];
	int fd;

	snprintf(path, sizeof(path), "%s/%d/root/", roots->proc, ret->thread);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ret->root_is_readable = (struct doctor_number){true, fd >= 0};
	if (fd >= 0)
		close(fd);
}

// How many bytes the string at @p text has with its NUL, which may be missing at the end.
static size_t string_bytes(const char *text, size_t size)
{
	size_t length = strnlen(text, size);

	return length < size ? length + 1 : length;
}

struct python_options {
	bool is_isolated; /* -E, -I: the environment does not count */
	bool is_dev;      /* -X dev */
};

// One word of options; false if no option follows it. *ret_value: the next word is a value.
static bool read_option(
	const char *word, size_t length, struct python_options *ret, bool *ret_value)
{
	if (length < 2 || word[0] != '-' || word[1] == '-')
		return false;
	for (size_t i = 1; i < length; i++) {
		switch (word[i]) {
		case 'E':
		case 'I':
			ret->is_isolated = true;
			break;
		case 'c':
		case 'm':
			return false;
		case 'X':
		case 'W':
			*ret_value = i + 1 == length;
			if (length - i == 4 && memcmp(word + i, "Xdev", 4) == 0)
				ret->is_dev = true;
			return true;
		}
	}
	return true;
}

// Options of the interpreter stand before the program: "python3 -I -X dev app.py".
static struct python_options read_options(const char *text, size_t size)
{
	struct python_options ret = {0};
	bool is_value = false;

	for (size_t at = string_bytes(text, size); at < size;) {
		const char *word = text + at;
		size_t length = strnlen(word, size - at);

		at += string_bytes(word, size - at);
		if (is_value) {
			ret.is_dev = ret.is_dev || (length == 3 && memcmp(word, "dev", 3) == 0);
			is_value = false;
		} else if (!read_option(word, length, &ret, &is_value)) {
			break;
		}
	}
	return ret;
}

static const char *find_variable(const char *text, size_t size, const char *name)
{
	size_t length = strlen(name);

	for (size_t at = 0; at < size; at += string_bytes(text + at, size - at)) {
		if (size - at > length && memcmp(text + at, name, length) == 0 &&
			text[at + length] == '=')
			return text + at + length + 1;
	}
	return "";
}

void doctor_find_allocator(const char *environment, size_t environment_size,
	const char *command_line, size_t command_line_size, char *ret, size_t size)
{
	struct python_options options = read_options(command_line, command_line_size);
	const char *name = "", *dev = "";

	if (!options.is_isolated) {
		name = find_variable(environment, environment_size, "PYTHONMALLOC");
		dev = find_variable(environment, environment_size, "PYTHONDEVMODE");
	}
	// CPython's order: the variable of that name is stronger than development mode.
	if (!*name && (options.is_dev || *dev))
		name = "debug";
	snprintf(ret, size, "%s", name);
}

static void read_allocator(const struct doctor_roots *roots, struct doctor_process *ret)
{
	size_t environment_size = 0, command_size = 0;
	_cleanup_(mem_free) char *environment = doctor_read_bytes(
		ENVIRONMENT_BYTES, &environment_size, "%s/%d/environ", roots->proc, ret->thread);
	_cleanup_(mem_free) char *command = doctor_read_bytes(
		COMMAND_BYTES, &command_size, "%s/%d/cmdline", roots->proc, ret->thread);

	ret->environment_is_known = environment && command;
	if (ret->environment_is_known)
		doctor_find_allocator(environment, environment_size, command, command_size,
			ret->allocator, sizeof(ret->allocator));
}

void doctor_process_read(const struct doctor_roots *roots, pid_t pid, struct doctor_process *ret)
{
	char folder[16];

	*ret = (struct doctor_process){.pid = pid, .leader = pid};
	ret->exists = read_stat(roots, pid, &ret->stat);
	if (!ret->exists)
		return;
	snprintf(folder, sizeof(folder), "%d", pid);
	read_status(roots, ret);
	doctor_read_identity(roots, folder, &ret->identity);
	ret->thread = find_live_thread(roots, ret);
	if (!ret->thread)
		return;
	read_dumpable(roots, ret);
	read_tracer(roots, ret);
	doctor_read_word(
		ret->waits_in, sizeof(ret->waits_in), "%s/%d/wchan", roots->proc, ret->thread);
	doctor_read_link(
		ret->executable, sizeof(ret->executable), "%s/%d/exe", roots->proc, ret->thread);
	read_elf(roots, ret);
	read_root(roots, ret);
	read_limits(roots, ret);
	read_allocator(roots, ret);
}
