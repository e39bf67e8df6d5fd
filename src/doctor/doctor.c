// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "doctor/doctor.h"

#include "base/alloc.h"
#include "base/error.h"
#include "doctor/doctor_attempts.h"
#include "doctor/doctor_checks.h"
#include "target/headroom.h"

#include <unistd.h>

#define KERNEL_THREAD_FLAG 0x00200000 // PF_KTHREAD

static bool is_program(const struct doctor_process *process)
{
	return process->exists && process->thread && !process->is_self &&
	       process->leader == process->pid && !(process->stat.flags & KERNEL_THREAD_FLAG);
}

struct error *doctor_examine(pid_t pid, struct doctor_report *ret)
{
	const struct doctor_roots roots = {.proc = "/proc", .sys = "/sys"};
	struct doctor_facts facts = {.has_process = pid != 0};

	doctor_machine_read(&roots, &facts.machine);
	facts.machine.headroom_bytes = headroom_bytes(getpid());
	doctor_attempts_on_machine(&facts.machine);
	if (pid) {
		doctor_process_read(&roots, pid, &facts.process);
		doctor_attempts_on_process(&facts.machine, &facts.process);
		if (is_program(&facts.process))
			doctor_python_read(pid, &facts.python);
		// What is known of the process itself is the better reason.
		if (facts.python.clone_is_known && !facts.python.answer.refusal[0])
			doctor_find_limit(&roots, &facts.machine, &facts.process,
				facts.python.answer.refusal, sizeof(facts.python.answer.refusal));
	}
	*ret = (struct doctor_report){.pid = pid};
	return doctor_judge(&facts, ret);
}

void doctor_report_deinit(struct doctor_report *report)
{
	mem_free(report->checks);
	*report = (struct doctor_report){0};
}
