// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "doctor/doctor_facts.h"

#include "base/alloc.h"
#include "base/human.h"
#include "doctor/doctor_read.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OVERCOMMIT_STRICT 2
// Processes that are counted; the kernel's greatest number of them.
#define PROCESSES_MAX     (1 << 22)
// Levels of cgroups that are walked up.
#define LEVELS_MAX        64

static uint64_t threads_of_user(const struct doctor_roots *roots, const char *id, uid_t uid)
{
	_cleanup_(mem_free) char *text =
		doctor_read_text(DOCTOR_STATUS_BYTES, "%s/%.16s/status", roots->proc, id);
	uint64_t owner, threads;

	if (!text || !proc_field(text, "Uid", 10, &owner) || owner != uid ||
		!proc_field(text, "Threads", 10, &threads))
		return 0;
	return threads;
}

static uint64_t count_threads(const struct doctor_roots *roots, uid_t uid)
{
	DIR *folder = opendir(roots->proc);
	struct dirent *entry;
	uint64_t count = 0;

	for (int i = 0; folder && i < PROCESSES_MAX && (entry = readdir(folder)); i++) {
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
			count += threads_of_user(roots, entry->d_name, uid);
	}
	if (folder)
		closedir(folder);
	return count;
}

// RLIMIT_NPROC: processes and threads of the user, which is not asked of the privileged.
static bool is_user_full(const struct doctor_roots *roots, const struct doctor_process *process,
	char *ret, size_t size)
{
	const struct doctor_identity *its = &process->identity;
	int64_t limit = process->processes_max.value;
	uint64_t count;

	if (!process->processes_max.is_known || its->uid == 0 ||
		doctor_has_capability(its, DOCTOR_CAP_SYS_RESOURCE) ||
		doctor_has_capability(its, DOCTOR_CAP_SYS_ADMIN))
		return false;
	count = count_threads(roots, its->uid);
	if (limit < 0 || count < (uint64_t)limit)
		return false;
	snprintf(ret, size, "its user %u has %s processes and threads, and may have %s (ulimit -u)",
		its->uid, human_count(count).text, human_count((uint64_t)limit).text);
	return true;
}

// Walk up from the cgroup in @p path, a folder below @p mount.
static bool is_level_full(const char *mount, char *path, struct doctor_number *ret_limit)
{
	for (int i = 0; i < LEVELS_MAX; i++) {
		struct doctor_number limit = doctor_read_number("%s%s/pids.max", mount, path);
		struct doctor_number current = doctor_read_number("%s%s/pids.current", mount, path);
		char *slash = strrchr(path, '/');

		if (limit.is_known && current.is_known && current.value >= limit.value) {
			*ret_limit = limit;
			return true;
		}
		if (!slash)
			return false;
		*slash = '\0';
	}
	return false;
}

// "8:pids:/path" (version 1) or "0::/path" (version 2).
static bool is_cgroup_full(const struct doctor_roots *roots, const struct doctor_process *process,
	char *ret, size_t size)
{
	_cleanup_(mem_free) char *text =
		doctor_read_text(DOCTOR_STATUS_BYTES, "%s/%d/cgroup", roots->proc, process->pid);
	struct doctor_number limit = {0};
	char *rest = NULL;
	bool is_full = false;

	if (!text)
		return false;
	for (char *line = strtok_r(text, "\n", &rest); line && !is_full;
		line = strtok_r(NULL, "\n", &rest)) {
		bool is_unified = strncmp(line, "0::/", 4) == 0;
		char mount[PATH_MAX], *path = strchr(line, '/');

		if (!path || strstr(path, "..") || (!is_unified && !strstr(line, ":pids:")))
			continue;
		snprintf(mount, sizeof(mount), "%s/fs/cgroup%s", roots->sys,
			is_unified ? "" : "/pids");
		is_full = is_level_full(mount, path, &limit);
	}
	if (is_full)
		snprintf(ret, size, "its cgroup may have no more processes: pids.max is %lld",
			(long long)limit.value);
	return is_full;
}

static bool is_memory_promised(const struct doctor_machine *machine,
	const struct doctor_process *process, char *ret, size_t size)
{
	uint64_t left;

	if (machine->overcommit.value != OVERCOMMIT_STRICT || !machine->commit_limit_bytes.is_known)
		return false;
	left = machine->committed_bytes.value < machine->commit_limit_bytes.value
		       ? (uint64_t)(machine->commit_limit_bytes.value -
				    machine->committed_bytes.value)
		       : 0;
	if (process->data_bytes <= left)
		return false;
	snprintf(ret, size,
		"vm.overcommit_memory is 2, and of the %s it would be charged %s are left",
		human_bytes((double)process->data_bytes).text, human_bytes((double)left).text);
	return true;
}

void doctor_find_limit(const struct doctor_roots *roots, const struct doctor_machine *machine,
	const struct doctor_process *process, char *ret, size_t size)
{
	ret[0] = '\0';
	if (!is_memory_promised(machine, process, ret, size) &&
		!is_cgroup_full(roots, process, ret, size))
		is_user_full(roots, process, ret, size);
}
