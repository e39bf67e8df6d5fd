// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * The checks: one row each, pure functions of the facts.
 *
 * To add one: a row in a doctor_checks_*.c with its function, a line
 * in docs/json.md, a test in tests/unit/test_doctor_checks.c.
 */
#pragma once

#include "doctor/doctor.h"
#include "doctor/doctor_facts.h"

struct doctor_row {
	const char *name;
	/** What has to be reached for it to make sense; without, the check waits. */
	enum doctor_stage needs;
	/** Judge: set the status and texts of @p check. */
	void (*judge)(const struct doctor_facts *facts, struct doctor_check *check);
};

/** Each ends with a row without a name. */
extern const struct doctor_row doctor_machine_rows[];
extern const struct doctor_row doctor_process_rows[];
extern const struct doctor_row doctor_python_rows[];
extern const struct doctor_row doctor_stop_rows[];

/** Judge all facts: checks, verdict and summary of a zeroed report. */
struct error *doctor_judge(const struct doctor_facts *facts, struct doctor_report *ret);

/* For the rows. */

void doctor_say(struct doctor_check *check, enum doctor_status status, const char *format, ...)
	__attribute__((__format__(__printf__, 3, 4)));
void doctor_because(struct doctor_check *check, const char *format, ...)
	__attribute__((__format__(__printf__, 2, 3)));
void doctor_advise(struct doctor_check *check, const char *format, ...)
	__attribute__((__format__(__printf__, 2, 3)));
