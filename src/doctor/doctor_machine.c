// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "doctor/doctor_facts.h"

#include "base/alloc.h"
#include "base/error.h"
#include "doctor/doctor_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOUNTS_BYTES ((size_t)4 << 20)

static void read_release(const struct doctor_roots *roots, struct doctor_machine *ret)
{
	doctor_read_word(
		ret->release, sizeof(ret->release), "%s/sys/kernel/osrelease", roots->proc);
	if (sscanf(ret->release, "%5u.%5u", &ret->release_major, &ret->release_minor) != 2)
		ret->release_major = ret->release_minor = 0;
}

// The mount at /proc, if it is of a kind that hides processes: "… /proc … - proc proc rw,hidepid=2".
static bool is_hiding(const char *line)
{
	const char *rest = strstr(line, " - proc "), *option;
	char mount[16];

	if (!rest || sscanf(line, "%*s %*s %*s %*s %15s", mount) != 1 ||
		strcmp(mount, "/proc") != 0)
		return false;
	option = strstr(rest, "hidepid=");
	return option && strncmp(option + 8, "0", 1) != 0 && strncmp(option + 8, "off", 3) != 0;
}

static bool read_hiding(const struct doctor_roots *roots)
{
	_cleanup_(mem_free) char *text =
		doctor_read_text(MOUNTS_BYTES, "%s/self/mountinfo", roots->proc);
	bool hides = false;
	char *rest = NULL;

	if (!text)
		return false;
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		hides = hides || is_hiding(line);
	return hides;
}

// "4:memory:/path" is version 1, "0::/path" version 2; a machine can have both, and then memory is
// accounted where its name is.
static unsigned read_cgroup_version(const struct doctor_roots *roots)
{
	_cleanup_(mem_free) char *text =
		doctor_read_text(DOCTOR_STATUS_BYTES, "%s/self/cgroup", roots->proc);
	unsigned version = 0;
	char *rest = NULL;

	if (!text)
		return 0;
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char controllers[128] = "";

		if (strncmp(line, "0::", 3) == 0)
			version = version ? version : 2;
		else if (sscanf(line, "%*u:%127[^:]:", controllers) == 1 &&
			 strstr(controllers, "memory"))
			version = 1;
	}
	return version;
}

static void read_commit(const struct doctor_roots *roots, struct doctor_machine *ret)
{
	_cleanup_(mem_free) char *text =
		doctor_read_text(DOCTOR_STATUS_BYTES, "%s/meminfo", roots->proc);
	uint64_t limit, committed;

	ret->overcommit = doctor_read_number("%s/sys/vm/overcommit_memory", roots->proc);
	if (!text || !proc_field(text, "CommitLimit", 10, &limit) ||
		!proc_field(text, "Committed_AS", 10, &committed))
		return;
	ret->commit_limit_bytes = (struct doctor_number){true, (int64_t)(limit * 1024)};
	ret->committed_bytes = (struct doctor_number){true, (int64_t)(committed * 1024)};
}

// "always [madvise] never": the one in brackets.
static void read_huge_pages(const struct doctor_roots *roots, struct doctor_machine *ret)
{
	_cleanup_(mem_free) char *text = doctor_read_text(
		DOCTOR_STATUS_BYTES, "%s/kernel/mm/transparent_hugepage/enabled", roots->sys);
	const char *open = text ? strchr(text, '[') : NULL;

	if (!open || sscanf(open, "[%15[a-z]]", ret->huge_pages) != 1)
		ret->huge_pages[0] = '\0';
}

void doctor_machine_read(const struct doctor_roots *roots, struct doctor_machine *ret)
{
	char deny[8];

	*ret = (struct doctor_machine){.headroom_bytes = UINT64_MAX};
	read_release(roots, ret);
	doctor_read_identity(roots, "self", &ret->self);
	ret->yama = doctor_read_number("%s/sys/kernel/yama/ptrace_scope", roots->proc);
	doctor_read_word(deny, sizeof(deny), "%s/fs/selinux/booleans/deny_ptrace", roots->sys);
	ret->selinux_denies_ptrace = deny[0] == '1';
	ret->perf_paranoid = doctor_read_number("%s/sys/kernel/perf_event_paranoid", roots->proc);
	ret->proc_hides_others = read_hiding(roots);
	ret->cgroup_version = read_cgroup_version(roots);
	read_commit(roots, ret);
	read_huge_pages(roots, ret);
}
