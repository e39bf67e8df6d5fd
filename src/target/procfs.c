// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "target/procfs.h"

#include "base/error.h"
#include "base/limits.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BYTES 4096
#define PATH_BYTES  128

#define STATUS_BYTES 16384
#define ENDING_FLAGS 0x00000404 // PF_EXITING, PF_SIGNALED

// Files under /proc have no size: read until there is no more, doubling the buffer.
static struct error *read_all(int fd, size_t limit, char **ret_text, size_t *ret_size)
{
	_cleanup_(mem_free) char *text = NULL;
	size_t size = 0, capacity = 0;

	for (;;) {
		ssize_t count;

		if (size + 1 >= capacity) {
			char *larger;

			capacity = capacity ? capacity * 2 : FIRST_BYTES;
			larger = mem_realloc_array(text, capacity, 1);
			if (!larger)
				return error_enomem();
			text = larger;
		}
		count = read(fd, text + size, capacity - size - 1);
		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return error_system(errno, "read");
		size += (size_t)count;
		if (count == 0 || size >= limit)
			break;
	}
	if (size > limit)
		size = limit;
	text[size] = '\0';
	*ret_text = take(text);
	*ret_size = size;
	return NULL;
}

struct error *proc_read(char **ret_text, size_t *ret_size, size_t limit, const char *format, ...)
{
	_cleanup_(close) int fd = -1;
	char path[PATH_MAX];
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(path, sizeof(path), format, arguments);
	va_end(arguments);
	// A path that is cut could be that of another file.
	if (length < 0 || (size_t)length >= sizeof(path))
		return error_system(ENAMETOOLONG, "%s", path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_system(errno, "%s", path);
	return error_wrap(read_all(fd, limit, ret_text, ret_size), "%s", path);
}

bool proc_field(const char *text, const char *field, int base, uint64_t *ret)
{
	size_t length = strlen(field);

	for (const char *line = text; line && *line;) {
		if (strncmp(line, field, length) == 0 && line[length] == ':') {
			char *end;

			*ret = strtoull(line + length + 1, &end, base);
			return end != line + length + 1;
		}
		line = strchr(line, '\n');
		if (line)
			line++;
	}
	return false;
}

bool proc_parse_stat(const char *text, struct proc_stat *ret)
{
	// The name may hold anything, parentheses and blanks too: the last one closes it.
	const char *open = strchr(text, '('), *close = strrchr(text, ')');
	uint64_t fields[53] = {0};
	const char *at;
	int field;

	if (!open || !close || close < open || close[1] != ' ' || !close[2])
		return false;
	*ret = (struct proc_stat){.state = close[2]};
	snprintf(ret->name, sizeof(ret->name), "%.*s", (int)(close - open - 1), open + 1);
	at = close + 3;
	for (field = 4; field <= 52; field++) {
		char *end;

		fields[field] = strtoull(at, &end, 10);
		if (end == at)
			break;
		at = end;
	}
	if (field <= 38)
		return false;
	ret->parent = (pid_t)fields[4];
	ret->flags = fields[9];
	ret->start_time = fields[22];
	ret->stack_start = fields[28];
	ret->exit_signal = (int)fields[38];
	ret->exit_code = (int)fields[52];
	return true;
}

struct error *proc_read_stat(pid_t id, struct proc_stat *ret)
{
	_cleanup_(mem_free) char *text = NULL;
	size_t size;
	struct error *error;

	error = proc_read(&text, &size, FIRST_BYTES, "/proc/%d/stat", id);
	if (error)
		return error;
	if (!proc_parse_stat(text, ret))
		return error_create(ERROR_BAD_DATA, "/proc/%d/stat is not understood", id);
	return NULL;
}

// "NSpid:	4242	7	1": from our namespace on inwards.
pid_t proc_parse_id_inside(const char *status)
{
	const char *line = strstr(status, "\nNSpid:\t");
	const char *end = line ? line + 1 + strcspn(line + 1, "\n") : NULL;
	const char *last = line ? memrchr(line, '\t', (size_t)(end - line)) : NULL;

	return last ? (pid_t)strtol(last, NULL, 10) : 0;
}

pid_t proc_id_inside(pid_t id)
{
	_cleanup_(mem_free) char *status = NULL;
	pid_t inside;
	size_t size;

	error_destroy(proc_read(&status, &size, STATUS_BYTES, "/proc/%d/status", id));
	inside = status ? proc_parse_id_inside(status) : 0;
	return inside > 0 ? inside : id;
}

struct error *proc_list_threads(pid_t pid, struct pid_vector *ret)
{
	char path[PATH_BYTES];
	struct dirent *entry;
	bool full = false;
	DIR *folder;

	ret->count = 0;
	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	folder = opendir(path);
	if (!folder)
		return errno == ENOENT || errno == ESRCH ? NULL : error_system(errno, "%s", path);
	while (!full && (entry = readdir(folder))) {
		pid_t id = (pid_t)strtol(entry->d_name, NULL, 10);

		if (id <= 0)
			continue;
		full = ret->count >= LIMIT_THREADS || !pid_vector_push(ret, id);
		if (!full && id == pid) {
			ret->items[ret->count - 1] = ret->items[0];
			ret->items[0] = id;
		}
	}
	closedir(folder);
	if (full && ret->count >= LIMIT_THREADS)
		return error_create(ERROR_UNSUPPORTED, "process %d has more than %d threads", pid,
			LIMIT_THREADS);
	return full ? error_enomem() : NULL;
}

static struct error *add_children(pid_t pid, pid_t thread, struct pid_vector *ret)
{
	_cleanup_(mem_free) char *text = NULL;
	struct error *error;
	size_t size;
	char *at;

	error = proc_read(&text, &size, LIMIT_PROC_BYTES, "/proc/%d/task/%d/children", pid, thread);
	if (error) {
		// The thread ended, or the kernel does not have the file.
		error_destroy(error);
		return NULL;
	}
	at = text;
	for (;;) {
		char *end;
		long id = strtol(at, &end, 10);

		if (end == at)
			return NULL;
		at = end;
		if (id > 0 && !pid_vector_push(ret, (pid_t)id))
			return error_enomem();
	}
}

struct error *proc_list_children(pid_t pid, struct pid_vector *ret)
{
	_cleanup_(pid_vector_deinit) struct pid_vector threads = {0};
	struct error *error = proc_list_threads(pid, &threads);

	ret->count = 0;
	for (size_t i = 0; i < threads.count && !error; i++)
		error = add_children(pid, threads.items[i], ret);
	return error;
}

uint64_t proc_status_number(pid_t id, const char *field, int base)
{
	_cleanup_(mem_free) char *text = NULL;
	uint64_t value = 0;
	size_t size;

	error_destroy(proc_read(&text, &size, STATUS_BYTES, "/proc/%d/status", id));
	if (!text || !proc_field(text, field, base, &value))
		return 0;
	return value;
}

// A thread that was told to end executes no instruction of its own any more, but on a busy machine it
// can take its time until it shows as dead. Its memory is gone before that, while the memory of the
// process is there until its last thread has let go of it.
bool proc_is_ending(pid_t id, const struct proc_stat *stat)
{
	return stat->state == 'Z' || stat->state == 'X' || (stat->flags & ENDING_FLAGS) ||
	       (proc_status_number(id, "SigPnd", 16) >> (SIGKILL - 1) & 1);
}

// The main thread may end before the others; the process lives on then, and only looks like a
// zombie.
bool proc_find_live_thread(pid_t pid, pid_t *ret)
{
	_cleanup_(pid_vector_deinit) struct pid_vector threads = {0};

	error_destroy(proc_list_threads(pid, &threads));
	for (size_t i = 0; i < threads.count; i++) {
		struct proc_stat stat = {0};
		struct error *error = proc_read_stat(threads.items[i], &stat);

		if (!error && !proc_is_ending(threads.items[i], &stat)) {
			*ret = threads.items[i];
			return true;
		}
		error_destroy(error);
	}
	return false;
}
