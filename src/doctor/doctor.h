// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * What works here and what does not: the machine, and a process if one is named.
 *
 * First facts are collected (doctor_facts.h): what /proc and /sys say, what happens when a thing is
 * tried, what the interpreter looks like. Then each row of a table of checks (doctor_checks.h) makes
 * a judgement of them. Nothing is changed in the process, and it is not stopped, but for a moment of
 * one thread where a seccomp filter has to be read (clone_check.h).
 *
 * A process that cannot be looked at is an answer here, not an error.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct error;

enum doctor_status {
	DOCTOR_OK,
	DOCTOR_WARN,    /* hunts work, something of them does not */
	DOCTOR_FAIL,    /* hunts do not work */
	DOCTOR_UNKNOWN, /* could not be found out */
};

/** "ok", "warn", "fail", "unknown". */
const char *doctor_status_name(enum doctor_status status);

/** Longer texts are cut. They may hold what the target says of itself: clean them for terminals. */
#define DOCTOR_TEXT_BYTES 400

struct doctor_check {
	const char *name; /* "kernel", "attach": a part of the interface */
	enum doctor_status status;
	/** Not of the process. */
	bool is_of_machine;
	/** Not looked at because an earlier check failed: status is DOCTOR_UNKNOWN. */
	bool is_waiting;
	/** A failure that no permission mends: another kind of program, or of machine. */
	bool is_unsupported;
	char what[DOCTOR_TEXT_BYTES];   /* what was found */
	char why[DOCTOR_TEXT_BYTES];    /* what follows from it; "" if all is well */
	char remedy[DOCTOR_TEXT_BYTES]; /* what to do; "" if nothing */
};

enum doctor_verdict {
	DOCTOR_READY,
	DOCTOR_NOT_READY,
	DOCTOR_UNSUPPORTED,
};

/** "ready", "not-ready", "unsupported". */
const char *doctor_verdict_name(enum doctor_verdict verdict);

/** What a snapshot would cost; of no meaning unless the verdict is DOCTOR_READY. */
struct doctor_forecast {
	const char *mode; /* "clone" or "freeze"; static */
	double stop_ms;
	uint64_t extra_bytes;
	uint64_t headroom_bytes; /* UINT64_MAX: no limit */
};

struct doctor_report {
	pid_t pid; /* 0: only the machine was looked at */
	/** Who it is: "python3 4242 (CPython 3.11.2, 212 MB, 5 threads)", or the machine. */
	char subject[DOCTOR_TEXT_BYTES];
	struct doctor_check *checks; /* owned */
	size_t count;
	enum doctor_verdict verdict;
	char summary[3 *
		     DOCTOR_TEXT_BYTES]; /* one line: ready, or what is in the way, and what to do */
	struct doctor_forecast forecast;
};

/** Look at this machine and, if @p pid is not 0, at that process. */
struct error *doctor_examine(pid_t pid, struct doctor_report *ret);
void doctor_report_deinit(struct doctor_report *report);

static inline void cleanup_doctor_report_deinit(struct doctor_report *report)
{
	doctor_report_deinit(report);
}
