// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * What is known about the machine and the process, without judgement.
 *
 * What /proc and /sys say is read below folders that the caller names, so that tests can lay out
 * machines of any kind. What cannot be read stays unknown; nothing here fails.
 */
#pragma once

#include "target/clone_check.h"
#include "target/mappings.h"
#include "target/procfs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/** Where to read: "/proc" and "/sys". */
struct doctor_roots {
	const char *proc, *sys;
};

struct doctor_number {
	bool is_known;
	int64_t value;
};

/** Bits of a set of capabilities (linux/capability.h). */
enum doctor_capability {
	DOCTOR_CAP_SYS_PTRACE = 19,
	DOCTOR_CAP_SYS_ADMIN = 21,
	DOCTOR_CAP_SYS_RESOURCE = 24,
	DOCTOR_CAP_PERFMON = 38,
};

/** A line of /proc/PID/status and what else two processes can be compared by. */
struct doctor_identity {
	uid_t uid, euid;
	uint64_t capabilities;
	struct doctor_number seccomp; /* 0, 1 (strict), 2 (filter) */
	bool has_no_new_privs;
	/** As readlink() gives them, "user:[4026531837]"; "" if they may not be read. */
	char user_namespace[64], pid_namespace[64], mount_namespace[64];
	bool is_initial_user_namespace;
	char label[128]; /* of AppArmor or SELinux; "" if there is none */
};

static inline bool doctor_has_capability(
	const struct doctor_identity *identity, enum doctor_capability capability)
{
	return identity->capabilities >> capability & 1;
}

/** How it went to try something. */
struct doctor_attempt {
	bool was_made;
	int error;  /* errno, or 0 */
	int signal; /* that ended the attempt, or 0: a seccomp filter that kills */
};

static inline bool doctor_attempt_worked(const struct doctor_attempt *attempt)
{
	return attempt->was_made && !attempt->error && !attempt->signal;
}

/** Hardware breakpoints by perf events. */
struct doctor_breakpoints {
	struct doctor_attempt open;
	bool fires;    /* a write to our own memory was noticed */
	unsigned free; /* how many could be had at once */
};

struct doctor_machine {
	char release[64]; /* "6.1.0-18-amd64" */
	unsigned release_major, release_minor;
	struct doctor_identity self;
	struct doctor_number yama; /* kernel.yama.ptrace_scope */
	bool selinux_denies_ptrace;
	struct doctor_number perf_paranoid;
	bool proc_hides_others;  /* hidepid */
	unsigned cgroup_version; /* that accounts memory: 1, 2; 0: none */
	uint64_t headroom_bytes; /* UINT64_MAX: no limit */
	struct doctor_number overcommit;
	struct doctor_number commit_limit_bytes, committed_bytes;
	char huge_pages[16]; /* "always", "madvise", "never"; "" unknown */
	/* Tried on a child of ours: */
	struct doctor_attempt ptrace, read_process, read_memory, read_pagemap;
	bool has_pagemap_scan;
	struct doctor_breakpoints breakpoints;
};

void doctor_machine_read(const struct doctor_roots *roots, struct doctor_machine *ret);

/** The class of an ELF file's head. */
struct doctor_elf {
	bool is_known;
	bool is_elf, is_64_bit, is_native;
};

struct doctor_process {
	pid_t pid;
	bool exists;
	bool is_hidden; /* it exists, but /proc does not show it */
	bool is_self;
	pid_t leader; /* another one: this is a thread's id */
	pid_t thread; /* through which it can be looked at: the first that has not ended; 0: none */
	struct proc_stat stat;
	struct doctor_identity identity;
	struct doctor_number is_dumpable;
	pid_t tracer;
	char tracer_name[32];
	uint64_t rss_bytes, threads;
	uint64_t data_bytes; /* private and writable, touched or not: what a clone is charged for */
	int watch_signal;    /* see quiet_signal_of(); 0 also if unknown */
	char waits_in[64];   /* the kernel's function */
	char executable[256];
	struct doctor_elf elf;
	struct doctor_number root_is_readable;
	struct doctor_number processes_max; /* of its user (RLIMIT_NPROC); unknown: no limit */
	char allocator[32];                 /* PYTHONMALLOC or -X dev; "" if it is not set */
	bool environment_is_known;
	/* Tried: */
	struct doctor_attempt attach;
	struct doctor_attempt watch;
};

void doctor_process_read(const struct doctor_roots *roots, pid_t pid, struct doctor_process *ret);

/** What CPython would take as PYTHONMALLOC: from its environment and options, both as the kernel
 *  gives them, NUL between strings. Copied to @p ret; "" if nothing is said. */
void doctor_find_allocator(const char *environment, size_t environment_size,
	const char *command_line, size_t command_line_size, char *ret, size_t size);

/** How far the interpreter could be entered. The last one that was reached. */
enum doctor_stage {
	DOCTOR_STAGE_NONE,    /* there is no process */
	DOCTOR_STAGE_PROCESS, /* there is one, that is a program */
	DOCTOR_STAGE_OPEN,    /* its memory can be read */
	DOCTOR_STAGE_PYTHON,  /* it is a CPython that is supported */
	DOCTOR_STAGE_LAYOUT,  /* the layout was found to fit */
};

struct doctor_costs {
	bool is_known, is_affordable;
	double stop_ms;
	uint64_t extra_bytes, headroom_bytes;
};

struct doctor_python {
	enum doctor_stage stage;
	/** Why it ended there; "" if it did not. */
	char obstacle[300];
	bool obstacle_is_unsupported;
	char version[32];  /* "3.11.2" */
	char layout[32];   /* "cpython-3.11" */
	char library[256]; /* the file that has the interpreter */
	bool is_static;    /* that is the executable */
	size_t interpreters;
	const char *malloc_kind; /* malloc_kind() */
	bool clone_is_known;
	struct clone_answer answer;
	struct doctor_costs clone, freeze;
};

/** Open the process and its interpreter; real, not below roots. */
void doctor_python_read(pid_t pid, struct doctor_python *ret);

/** Limits of the machine, the user and the cgroup by which the kernel would refuse a clone: why, in
 *  @p ret; "" if none is reached. */
void doctor_find_limit(const struct doctor_roots *roots, const struct doctor_machine *machine,
	const struct doctor_process *process, char *ret, size_t size);

struct doctor_facts {
	struct doctor_machine machine;
	bool has_process;
	struct doctor_process process;
	struct doctor_python python;
};
