// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "doctor/doctor_checks.h"

#include "base/human.h"
#include "cpython/pylayout.h"

#include <string.h>

static void judge_interpreter(const struct doctor_facts *facts, struct doctor_check *check)
{
	const struct doctor_python *python = &facts->python;

	if (python->stage >= DOCTOR_STAGE_PYTHON) {
		doctor_say(check, DOCTOR_OK, "CPython %s, %s %s", python->version,
			python->is_static ? "static in" : "in the library", python->library);
		return;
	}
	doctor_say(check, DOCTOR_FAIL, "%s", python->obstacle);
	doctor_because(check, "shikari reads only interpreters whose structures it knows");
	doctor_advise(check,
		"give the number of a process that runs CPython %s; to look for one: pgrep -af "
		"python",
		pylayout_supported());
	check->is_unsupported = python->obstacle_is_unsupported;
}

static void judge_layout(const struct doctor_facts *facts, struct doctor_check *check)
{
	const struct doctor_python *python = &facts->python;

	if (python->stage >= DOCTOR_STAGE_LAYOUT) {
		doctor_say(check, DOCTOR_OK, "the layout %s fits: sys.hexversion was found by it",
			python->layout);
		return;
	}
	doctor_say(check, DOCTOR_FAIL, "the layout %s does not fit", python->layout);
	doctor_because(check, "%s", python->obstacle);
	doctor_advise(check, "if it has only just started, try again; else the Python is a changed "
			     "one, please report it");
	check->is_unsupported = python->obstacle_is_unsupported;
}

static bool is_pymalloc(const char *name)
{
	return !*name || strncmp(name, "pymalloc", 8) == 0 || strncmp(name, "debug", 5) == 0 ||
	       strcmp(name, "default") == 0;
}

static void judge_allocator(const struct doctor_facts *facts, struct doctor_check *check)
{
	const struct doctor_process *process = &facts->process;

	if (!process->environment_is_known) {
		doctor_say(check, DOCTOR_UNKNOWN, "its environment cannot be read");
		return;
	}
	if (!process->allocator[0]) {
		doctor_say(check, DOCTOR_OK, "objects are in pymalloc's pools");
		return;
	}
	doctor_say(check, DOCTOR_OK, "objects are in pymalloc's pools (PYTHONMALLOC=%s)",
		process->allocator);
	if (is_pymalloc(process->allocator))
		return;
	doctor_say(check, DOCTOR_WARN, "objects are not in pymalloc's pools (PYTHONMALLOC=%s)",
		process->allocator);
	doctor_because(check, "objects are then found only through references and the collector's "
			      "lists: those that only C code holds are missed");
	doctor_advise(check, "nothing, or restart the service without PYTHONMALLOC");
}

static void judge_malloc(const struct doctor_facts *facts, struct doctor_check *check)
{
	if (facts->python.malloc_kind)
		doctor_say(check, DOCTOR_OK, "malloc is that of %s", facts->python.malloc_kind);
	else
		doctor_say(check, DOCTOR_UNKNOWN,
			"whose malloc it uses cannot be seen: it is "
			"linked statically");
}

static void judge_interpreters(const struct doctor_facts *facts, struct doctor_check *check)
{
	size_t count = facts->python.interpreters;

	doctor_say(check, DOCTOR_OK, "%zu interpreter%s", count,
		count == 1 ? "" : "s: all are looked at");
}

const struct doctor_row doctor_python_rows[] = {
	{"interpreter", DOCTOR_STAGE_OPEN, judge_interpreter},
	{"layout", DOCTOR_STAGE_PYTHON, judge_layout},
	{"interpreters", DOCTOR_STAGE_LAYOUT, judge_interpreters},
	{"allocator", DOCTOR_STAGE_PYTHON, judge_allocator},
	{"malloc", DOCTOR_STAGE_PYTHON, judge_malloc},
	{0},
};
