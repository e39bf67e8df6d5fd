// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "target/process_file.h"

#include "base/alloc.h"
#include "base/error.h"
#include "target/process_internal.h"
#include "target/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define STATUS_BYTES 16384

struct place {
	const char *parts[2]; /* folders below the root, the second may be NULL */
	const char *path;
};

static const struct place places[] = {
	{{"tmp", NULL}, "/tmp"},
	{{"var", "tmp"}, "/var/tmp"},
	{{"dev", "shm"}, "/dev/shm"},
};

// Step by step and through no symbolic link: one would lead out of the process's root into ours.
static int open_folder(int root, const struct place *place)
{
	const int flags = O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	_cleanup_(close) int outer = openat(root, place->parts[0], flags);

	if (outer < 0)
		return -1;
	if (place->parts[1])
		return openat(outer, place->parts[1], flags);
	return dup(outer);
}

// The ids under which the process opens files, as we see them.
static bool read_owner(pid_t pid, uid_t *ret_user, gid_t *ret_group)
{
	_cleanup_(mem_free) char *status = NULL;
	const char *users, *groups;
	size_t size;

	error_destroy(proc_read(&status, &size, STATUS_BYTES, "/proc/%d/status", pid));
	users = status ? strstr(status, "\nUid:") : NULL;
	groups = status ? strstr(status, "\nGid:") : NULL;
	return users && groups && sscanf(users, "\nUid: %*u %*u %*u %u", ret_user) == 1 &&
	       sscanf(groups, "\nGid: %*u %*u %*u %u", ret_group) == 1;
}

static int create_in(int folder, const char *name, uid_t user, gid_t group)
{
	int fd = openat(folder, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0 || (fchown(fd, user, group) == 0))
		return fd;
	unlinkat(folder, name, 0);
	close(fd);
	return -1;
}

struct error *process_file_create(
	const struct process *process, const char *name, struct process_file *ret)
{
	pid_t thread = process_memory_thread(process);
	_cleanup_(close) int root = -1;
	uint64_t number = 0;
	char path[64];
	uid_t user;
	gid_t group;

	*ret = (struct process_file){.folder = -1};
	snprintf(path, sizeof(path), "/proc/%d/root", thread);
	root = open(path, O_DIRECTORY | O_CLOEXEC);
	if (root < 0 || !read_owner(thread, &user, &group))
		return error_system(errno, "cannot look into the root of process %d", thread);
	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		return error_system(errno, "no random number");
	snprintf(ret->name, sizeof(ret->name), "shikari-%s-%016llx", name,
		(unsigned long long)number);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		int folder = open_folder(root, &places[i]);
		int fd = folder < 0 ? -1 : create_in(folder, ret->name, user, group);

		if (fd >= 0) {
			close(fd);
			ret->folder = folder;
			snprintf(ret->path, sizeof(ret->path), "%s/%s", places[i].path, ret->name);
			return NULL;
		}
		if (folder >= 0)
			close(folder);
	}
	return error_system(
		errno, "process %d has no folder for temporary files", process_pid(process));
}

struct error *process_file_write(const struct process_file *file, const char *text)
{
	_cleanup_(close) int fd =
		openat(file->folder, file->name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	size_t length = strlen(text);

	if (fd < 0 || write(fd, text, length) != (ssize_t)length)
		return error_system(errno, "cannot write %s", file->path);
	return NULL;
}

bool process_file_exists(const struct process_file *file)
{
	struct stat stat;

	return fstatat(file->folder, file->name, &stat, AT_SYMLINK_NOFOLLOW) == 0;
}

void process_file_remove(struct process_file *file)
{
	if (file->folder < 0)
		return;
	unlinkat(file->folder, file->name, 0);
	process_file_forget(file);
}

void process_file_forget(struct process_file *file)
{
	if (file->folder >= 0)
		close(file->folder);
	file->folder = -1;
}
