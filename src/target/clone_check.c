// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "target/clone_check.h"

#include "base/alloc.h"
#include "base/error.h"
#include "target/huge_pool.h"
#include "target/process_internal.h"
#include "target/procfs.h"
#include "target/ptrace_stop.h"
#include "target/seccomp.h"
#include "target/signals_held.h"
#include "target/tracer.h"

#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#define STATUS_BYTES     16384
#define CAPABILITY_ADMIN 21

struct question {
	pid_t pid, thread;
	uint64_t call_addr;
	const char *refusal;
	double stopped_ms;
};

static char *read_status(pid_t id)
{
	char *text = NULL;
	size_t size;

	error_destroy(proc_read(&text, &size, STATUS_BYTES, "/proc/%d/status", id));
	return text;
}

static uint64_t number(const char *status, const char *field, int base)
{
	uint64_t value = 0;

	return status && proc_field(status, field, base, &value) ? value : 0;
}

// The kernel shows filters to nobody else: then there is no use in stopping a thread for them.
static bool may_read_filters(void)
{
	_cleanup_(mem_free) char *status = read_status(getpid());

	return number(status, "CapEff", 16) >> CAPABILITY_ADMIN & 1 &&
	       number(status, "Seccomp", 10) == SECCOMP_MODE_DISABLED;
}

static struct error *ask_filters(void *context)
{
	struct question *question = context;
	struct stopped_threads threads;
	struct error *error = ptrace_stop_one(question->pid, question->thread, &threads);

	if (error)
		return error;
	question->refusal = seccomp_refusal(question->thread, question->call_addr);
	question->stopped_ms = ptrace_release(&threads);
	return NULL;
}

static struct error *ask_in_tracer(struct question *question)
{
	_cleanup_(tracer_destroy) struct tracer *tracer = NULL;
	struct signals_held held;
	struct error *error = tracer_create(question->pid, &tracer);

	if (error)
		return error;
	signals_hold(&held);
	error = tracer_call(tracer, ask_filters, question);
	tracer_destroy(take(tracer));
	signals_let_go(&held);
	return error;
}

static struct error *ask_about_seccomp(struct question *question, uint64_t mode)
{
	if (mode == SECCOMP_MODE_STRICT)
		question->refusal = "it is confined by seccomp";
	else if (mode == SECCOMP_MODE_FILTER && !may_read_filters())
		question->refusal = "it has a seccomp filter, which may be read only with "
				    "CAP_SYS_ADMIN and without a filter of our own";
	else if (mode == SECCOMP_MODE_FILTER)
		return ask_in_tracer(question);
	return NULL;
}

struct error *clone_check(struct process *process, struct clone_answer *ret)
{
	_cleanup_(mappings_deinit) struct mappings mappings = {0};
	struct question question = {
		.pid = process_pid(process), .thread = process_memory_thread(process)};
	_cleanup_(mem_free) char *status = read_status(question.thread);
	_cleanup_(error_destroy) struct error *error = NULL;
	struct clone_answer answer = {0};
	struct machine_gadgets gadgets;
	const char *refusal = status ? machine_refusal(status) : NULL;

	error = mappings_read(question.thread, &mappings);
	if (!error)
		error = process_find_gadgets(process, &mappings, &gadgets);
	if (!error)
		error = huge_pool_check_process(process);
	if (!error && !refusal) {
		question.call_addr = gadgets.system_call;
		error = ask_about_seccomp(&question, number(status, "Seccomp", 10));
		refusal = question.refusal;
		answer.is_seccomp = refusal != NULL;
	}
	if (error && error_kind(error) != ERROR_UNSUPPORTED)
		return take(error);
	if (error)
		refusal = error_message(error);
	snprintf(answer.refusal, sizeof(answer.refusal), "%s", refusal ? refusal : "");
	answer.stopped_ms = question.stopped_ms;
	*ret = answer;
	return NULL;
}
