// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "doctor/doctor_checks.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/human.h"
#include "base/path.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const status_names[] = {
	[DOCTOR_OK] = "ok",
	[DOCTOR_WARN] = "warn",
	[DOCTOR_FAIL] = "fail",
	[DOCTOR_UNKNOWN] = "unknown",
};

static const char *const verdict_names[] = {
	[DOCTOR_READY] = "ready",
	[DOCTOR_NOT_READY] = "not-ready",
	[DOCTOR_UNSUPPORTED] = "unsupported",
};

const char *doctor_status_name(enum doctor_status status)
{
	return status_names[status];
}

const char *doctor_verdict_name(enum doctor_verdict verdict)
{
	return verdict_names[verdict];
}

void doctor_say(struct doctor_check *check, enum doctor_status status, const char *format, ...)
{
	va_list arguments;

	check->status = status;
	va_start(arguments, format);
	vsnprintf(check->what, sizeof(check->what), format, arguments);
	va_end(arguments);
}

void doctor_because(struct doctor_check *check, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(check->why, sizeof(check->why), format, arguments);
	va_end(arguments);
}

void doctor_advise(struct doctor_check *check, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(check->remedy, sizeof(check->remedy), format, arguments);
	va_end(arguments);
}

static const struct doctor_check *first_failure(const struct doctor_report *report)
{
	for (size_t i = 0; i < report->count; i++) {
		if (report->checks[i].status == DOCTOR_FAIL)
			return &report->checks[i];
	}
	return NULL;
}

static void judge_row(const struct doctor_facts *facts, const struct doctor_row *row,
	bool is_of_machine, struct doctor_report *report)
{
	const struct doctor_check *failure = first_failure(report);
	struct doctor_check *check = &report->checks[report->count];

	check->name = row->name;
	check->is_of_machine = is_of_machine;
	if (facts->python.stage < row->needs) {
		doctor_say(check, DOCTOR_UNKNOWN, "not looked at");
		check->is_waiting = true;
	} else {
		row->judge(facts, check);
	}
	if (check->is_waiting && failure)
		doctor_because(check, "the check '%s' failed", failure->name);
	report->count++;
}

static size_t count_rows(const struct doctor_row *rows)
{
	size_t count = 0;

	while (rows[count].name)
		count++;
	return count;
}

static void describe_process(const struct doctor_facts *facts, struct doctor_report *ret)
{
	const struct doctor_process *process = &facts->process;
	const char *name =
		process->executable[0] ? path_base_name(process->executable) : process->stat.name;

	if (facts->python.stage >= DOCTOR_STAGE_PYTHON)
		snprintf(ret->subject, sizeof(ret->subject), "%s %d (CPython %s, %s, %s thread%s)",
			name, process->pid, facts->python.version,
			human_bytes((double)process->rss_bytes).text,
			human_count(process->threads).text, process->threads == 1 ? "" : "s");
	else
		snprintf(ret->subject, sizeof(ret->subject), "%s %d",
			process->exists ? name : "process", process->pid);
}

static void describe_machine(const struct doctor_facts *facts, struct doctor_report *ret)
{
	snprintf(ret->subject, sizeof(ret->subject), "this machine (Linux %s), user %u",
		facts->machine.release, facts->machine.self.euid);
}

static void forecast(const struct doctor_facts *facts, struct doctor_report *ret)
{
	bool is_freeze = facts->python.answer.refusal[0];
	const struct doctor_costs *costs = is_freeze ? &facts->python.freeze : &facts->python.clone;

	ret->forecast = (struct doctor_forecast){
		.mode = is_freeze ? "freeze" : "clone",
		.stop_ms = costs->stop_ms,
		.extra_bytes = costs->extra_bytes,
		.headroom_bytes = costs->headroom_bytes,
	};
}

static void conclude_ready(const struct doctor_facts *facts, struct doctor_report *ret)
{
	const struct doctor_identity *self = &facts->machine.self;

	ret->verdict = DOCTOR_READY;
	if (facts->has_process)
		snprintf(ret->summary, sizeof(ret->summary),
			"ready: `shikari hunt %d` will stop it for about %s per snapshot (%s)",
			ret->pid, human_seconds(ret->forecast.stop_ms / 1e3).text,
			ret->forecast.mode);
	else if (doctor_has_capability(self, DOCTOR_CAP_SYS_PTRACE))
		snprintf(ret->summary, sizeof(ret->summary),
			"ready: hunts should work here; `shikari doctor PID` looks at a process");
	else
		snprintf(ret->summary, sizeof(ret->summary),
			"ready, for processes of user %u; `shikari doctor PID` looks at one",
			self->euid);
}

static void conclude(const struct doctor_facts *facts, struct doctor_report *ret)
{
	const struct doctor_check *failure = first_failure(ret);
	bool is_unsupported = failure && failure->is_unsupported;
	const char *remedy;

	if (!failure) {
		conclude_ready(facts, ret);
		return;
	}
	ret->verdict = is_unsupported ? DOCTOR_UNSUPPORTED : DOCTOR_NOT_READY;
	remedy = is_unsupported ? "" : failure->remedy;
	snprintf(ret->summary, sizeof(ret->summary), "%s: %s%s%s",
		is_unsupported ? "not supported" : "not ready", failure->what, *remedy ? "; " : "",
		remedy);
}

struct error *doctor_judge(const struct doctor_facts *facts, struct doctor_report *ret)
{
	static const struct doctor_row *const tables[] = {
		doctor_machine_rows, doctor_process_rows, doctor_python_rows, doctor_stop_rows};
	// Without a process, only what is said of the machine.
	size_t used = facts->has_process ? sizeof(tables) / sizeof(*tables) : 1, count = 0;

	for (size_t i = 0; i < used; i++)
		count += count_rows(tables[i]);
	ret->checks = mem_calloc(count, sizeof(*ret->checks));
	if (!ret->checks)
		return error_enomem();
	for (size_t i = 0; i < used; i++) {
		for (const struct doctor_row *row = tables[i]; row->name; row++)
			judge_row(facts, row, i == 0, ret);
	}
	if (facts->has_process)
		describe_process(facts, ret);
	else
		describe_machine(facts, ret);
	forecast(facts, ret);
	conclude(facts, ret);
	return NULL;
}
