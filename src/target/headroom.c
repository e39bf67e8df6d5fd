// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "target/headroom.h"

#include "base/alloc.h"
#include "base/error.h"
#include "target/procfs.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXT_BYTES ((size_t)4 << 20)
#define STAT_BYTES ((size_t)64 << 10)
// cgroup v1 says "no limit" with a number near 2^63.
#define NO_LIMIT   ((uint64_t)1 << 60)
#define LEVELS_MAX 64

// What the two versions of cgroups call the same things.
struct hierarchy {
	const char *limit, *usage, *reclaimable;
};

static const struct hierarchy version_1 = {
	.limit = "memory.limit_in_bytes",
	.usage = "memory.usage_in_bytes",
	.reclaimable = "total_inactive_file ",
};

static const struct hierarchy version_2 = {
	.limit = "memory.max",
	.usage = "memory.current",
	.reclaimable = "inactive_file ",
};

static bool read_text(const char *folder, const char *name, char *buffer, size_t size)
{
	_cleanup_(close) int fd = -1;
	char path[PATH_MAX + 64];
	ssize_t count;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	count = fd < 0 ? -1 : read(fd, buffer, size - 1);
	buffer[count > 0 ? count : 0] = '\0';
	return count > 0;
}

static bool read_number(const char *folder, const char *name, uint64_t *ret)
{
	char text[64], *end;

	if (!read_text(folder, name, text, sizeof(text)))
		return false;
	*ret = strtoull(text, &end, 10);
	return end != text; // "max" is no number
}

// The page cache counts as used, although what of it was not used lately goes first.
static uint64_t reclaimable_bytes(const char *folder, const struct hierarchy *hierarchy)
{
	char text[STAT_BYTES];
	size_t length = strlen(hierarchy->reclaimable);

	if (!read_text(folder, "memory.stat", text, sizeof(text)))
		return 0;
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, hierarchy->reclaimable, length) == 0)
			return strtoull(line + length, NULL, 10);
	}
	return 0;
}

static const struct headroom unlimited = {UINT64_MAX, UINT64_MAX};

static struct headroom level_headroom(const char *folder, const struct hierarchy *hierarchy)
{
	uint64_t limit, usage, reclaimable;

	if (!read_number(folder, hierarchy->limit, &limit) || limit >= NO_LIMIT ||
		!read_number(folder, hierarchy->usage, &usage))
		return unlimited;
	reclaimable = reclaimable_bytes(folder, hierarchy);
	usage -= reclaimable < usage ? reclaimable : usage;
	return (struct headroom){usage < limit ? limit - usage : 0, limit};
}

// All levels from @p path below @p mount up to the mount itself.
static struct headroom path_headroom(
	const char *mount, const char *path, const struct hierarchy *hierarchy)
{
	char folder[PATH_MAX];
	struct headroom least = unlimited;
	size_t mount_length = strlen(mount);

	// A path outside of our cgroup namespace cannot be walked.
	if (strstr(path, ".."))
		path = "";
	if (snprintf(folder, sizeof(folder), "%s%s", mount, path) >= (int)sizeof(folder))
		return least;
	for (int i = 0; i < LEVELS_MAX; i++) {
		struct headroom headroom = level_headroom(folder, hierarchy);
		char *slash = strrchr(folder, '/');

		if (headroom.bytes < least.bytes)
			least = headroom;
		if (!slash || (size_t)(slash - folder) < mount_length)
			break;
		*slash = '\0';
	}
	return least;
}

// The rest of the line of /proc/PID/cgroup for version 2 ("0::/path") or for the memory controller
// of version 1 ("7:memory:/path"); copied to @p ret.
static bool find_path(const char *text, bool is_version_2, char *ret, size_t size)
{
	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		const char *controllers, *path;

		line += *line == '\n';
		controllers = strchr(line, ':');
		path = controllers ? strchr(controllers + 1, ':') : NULL;
		if (!path)
			return false;
		controllers++;
		if (is_version_2 ? controllers != path
				 : !memmem(controllers, (size_t)(path - controllers), "memory", 6))
			continue;
		snprintf(ret, size, "%.*s", (int)strcspn(path + 1, "\n"), path + 1);
		if (strcmp(ret, "/") == 0)
			*ret = '\0';
		return true;
	}
	return false;
}

// One line of /proc/self/mountinfo: "ID PARENT DEV ROOT MOUNT OPTIONS … - TYPE SOURCE SUPER". In a
// container a part of the tree may be mounted: ROOT is what to take away from paths.
static struct headroom mount_headroom(const char *line, const char *cgroups)
{
	char root[PATH_MAX], mount[PATH_MAX], path[PATH_MAX], type[32], super[512];
	const char *rest = strstr(line, " - ");
	bool is_version_2;
	size_t length;

	if (!rest || sscanf(rest, " - %31s %*s %511s", type, super) != 2 ||
		sscanf(line, "%*s %*s %*s %4095s %4095s", root, mount) != 2)
		return unlimited;
	is_version_2 = strcmp(type, "cgroup2") == 0;
	if (!is_version_2 && (strcmp(type, "cgroup") != 0 || !strstr(super, "memory")))
		return unlimited;
	if (!find_path(cgroups, is_version_2, path, sizeof(path)))
		return unlimited;
	length = strcmp(root, "/") == 0 ? 0 : strlen(root);
	if (strncmp(path, root, length) != 0)
		path[length = 0] = '\0';
	return path_headroom(mount, path + length, is_version_2 ? &version_2 : &version_1);
}

static uint64_t machine_headroom(void)
{
	_cleanup_(mem_free) char *text = NULL;
	uint64_t available;
	size_t size;

	error_destroy(proc_read(&text, &size, TEXT_BYTES, "/proc/meminfo"));
	if (!text || !proc_field(text, "MemAvailable", 10, &available))
		return UINT64_MAX;
	return available * 1024;
}

struct headroom headroom_read(pid_t pid)
{
	_cleanup_(mem_free) char *cgroups = NULL, *mounts = NULL;
	struct headroom least = {machine_headroom(), UINT64_MAX};
	size_t size;
	char *rest = NULL;

	error_destroy(proc_read(&cgroups, &size, TEXT_BYTES, "/proc/%d/cgroup", pid));
	error_destroy(proc_read(&mounts, &size, TEXT_BYTES, "/proc/self/mountinfo"));
	if (!cgroups || !mounts)
		return least;
	for (char *line = strtok_r(mounts, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		struct headroom headroom = mount_headroom(line, cgroups);

		least.bytes = headroom.bytes < least.bytes ? headroom.bytes : least.bytes;
		least.limit = headroom.limit < least.limit ? headroom.limit : least.limit;
	}
	return least;
}

uint64_t headroom_bytes(pid_t pid)
{
	return headroom_read(pid).bytes;
}
