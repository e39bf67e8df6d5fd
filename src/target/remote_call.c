// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "target/remote_call.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "target/process_internal.h"
#include "target/procfs.h"
#include "target/tracer.h"

#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STATUS_BYTES 16384

// Between two looks for a thread that will do: short at first, for most moments are good ones.
#define PAUSE_US_MIN 1000
#define PAUSE_US_MAX 50000

// The other threads of the process are kept waiting no longer.
#define ALONE_SECONDS_MAX 0.05

struct run {
	struct process *process;
	const struct remote_call_ops *ops;
	void *context;
	bool (*is_enough)(void);
	double begin_until_s, until_s;
	struct mappings mappings;
	struct machine_gadgets gadgets;
	struct remote_call_report report;
	bool is_over;
};

// A thread that was chosen, and what has become of it.
struct following {
	struct stopped_threads threads;
	struct remote_call_plan plan;
	struct injection injection; /* of the first functions */
	double since_s;
	bool are_others_free;
	bool has_ended;                  /* the first functions */
	struct machine_functions second; /* those that are called at the point */
	bool has_called;                 /* these */
};

static bool is_time_up(const struct run *run)
{
	return monotonic_seconds() >= run->until_s || (run->is_enough && run->is_enough());
}

static void let_others_go(struct run *run, struct following *following)
{
	if (following->are_others_free)
		return;
	following->are_others_free = true;
	run->report.stopped_ms +=
		ptrace_release_others(&following->threads, following->plan.thread);
}

// Have the functions called that belong at the point where the thread is.
static struct error *call_at_point(struct run *run, struct injection *outer,
	const struct machine_registers *registers, const struct machine_functions *functions,
	bool is_after)
{
	struct stopped_thread there = *outer->thread;
	enum injection_event event;
	struct injection inner;
	double since = monotonic_seconds();
	struct error *error;

	there.registers = *registers;
	error = injection_begin_functions(&there, &run->gadgets, functions, false, &inner);
	if (!error)
		error = injection_run(&inner, -1, run->until_s, run->is_enough, &event, NULL);
	outer->thread->stopped = there.stopped;
	if (error)
		return error;
	run->report.call_ms = (monotonic_seconds() - since) * 1e3;
	run->report.away_ms += is_after ? run->report.call_ms : 0;
	if (event == INJECTION_TIMED_OUT) {
		run->report.is_left = true;
		outer->thread->stopped = false;
		return NULL;
	}
	run->report.is_done = true;
	injection_pass_on(&inner, outer);
	error = injection_end(&inner);
	outer->thread->stopped = there.stopped;
	return error;
}

static bool is_within(const struct machine_registers *registers, const struct injection *injection)
{
	struct target_thread where;

	machine_describe_thread(registers, &where);
	return where.stack_pointer >= injection->frame.addr &&
	       where.stack_pointer < injection->frame.way_back;
}

// What is not the point that was waited for is passed by.
static struct error *visit_point(
	struct run *run, struct following *following, const struct machine_registers *registers)
{
	struct injection *injection = &following->injection;
	bool is_ours = is_within(registers, injection);
	struct error *error = run->ops->arrive(
		run->context, injection->thread, registers, is_ours, &following->second);

	following->has_called = !error && following->second.count > 0;
	if (!following->has_called)
		return error;
	return call_at_point(run, injection, registers, &following->second, !is_ours);
}

// The first functions have returned: the thread goes back to its own code.
static struct error *finish_first(struct run *run, struct following *following)
{
	struct error *error = injection_end(&following->injection);

	let_others_go(run, following);
	if (following->plan.point == REMOTE_CALL_AFTER)
		run->report.away_ms += (monotonic_seconds() - following->threads.since) * 1e3;
	following->has_ended = true;
	if (following->plan.point == REMOTE_CALL_NO_POINT) {
		run->report.is_done = true;
		run->report.call_ms = (monotonic_seconds() - following->since_s) * 1e3;
	}
	return error;
}

// No more to wait for, unless it is that the others stand still.
static bool is_to_be_left(struct run *run, struct following *following)
{
	bool is_early = !following->are_others_free;

	let_others_go(run, following);
	return !is_early || is_time_up(run);
}

static double time_for(const struct run *run, const struct following *following)
{
	double alone_s = following->since_s + ALONE_SECONDS_MAX;

	return !following->are_others_free && alone_s < run->until_s ? alone_s : run->until_s;
}

static struct error *follow(struct run *run, struct following *following)
{
	struct stopped_thread *thread = following->injection.thread;
	enum remote_call_point point = following->plan.point;

	while (!following->has_ended || (point == REMOTE_CALL_AFTER && !following->has_called)) {
		struct machine_registers registers;
		enum injection_event event;
		struct error *error = injection_run(&following->injection,
			point && !following->has_called ? SYS_sched_yield : -1,
			time_for(run, following), run->is_enough, &event, &registers);

		if (!error && event == INJECTION_RETURNED)
			error = finish_first(run, following);
		if (!error && event == INJECTION_AT_CALL)
			error = visit_point(run, following, &registers);
		if (error || !thread->stopped)
			return error;
		if (event == INJECTION_TIMED_OUT && is_to_be_left(run, following)) {
			run->report.is_left = !following->has_ended;
			thread->stopped = false;
			// In its own code it is met as by any stop.
			if (following->has_ended)
				ptrace_interrupt(thread);
			return NULL;
		}
	}
	return NULL;
}

static struct error *divert(struct run *run, struct following *following)
{
	struct stopped_thread *thread = &following->threads.items[following->plan.thread];
	struct error *error = injection_begin_functions(thread, &run->gadgets,
		&following->plan.functions, following->plan.holds_signals, &following->injection);

	if (error)
		return error;
	run->report.thread = thread->id;
	following->since_s = monotonic_seconds();
	if (!following->plan.is_alone)
		let_others_go(run, following);
	return follow(run, following);
}

static struct error *try_work(void *context)
{
	struct run *run = context;
	_cleanup_(mem_free) struct following *following = mem_calloc(1, sizeof(*following));
	struct error *error;
	double away_ms;

	if (!following)
		return error_enomem();
	error = ptrace_stop_all(process_pid(run->process), &following->threads);
	if (error)
		return error;
	run->report.tries++;
	following->plan.thread = REMOTE_CALL_NO_THREAD;
	error = run->ops->choose(
		run->context, &following->threads, &run->gadgets, &run->mappings, &following->plan);
	run->report.reason = following->plan.reason;
	if (!error && following->plan.thread < following->threads.count)
		error = divert(run, following);
	let_others_go(run, following);
	away_ms = ptrace_release(&following->threads);
	// Between the two calls it was in its own code.
	if (run->report.thread && following->plan.point != REMOTE_CALL_AFTER)
		run->report.away_ms += away_ms;
	run->is_over = run->report.is_done || run->report.is_left;
	return error;
}

static struct error *try_once(struct run *run)
{
	_cleanup_(tracer_destroy) struct tracer *tracer = NULL;
	struct error *error = tracer_create(process_pid(run->process), &tracer);

	return error ? error : tracer_call(tracer, try_work, run);
}

struct stopped_work {
	pid_t pid;
	struct error *(*work)(void *context);
	void *context;
	double *stopped_ms;
};

static struct error *do_stopped(void *context)
{
	struct stopped_work *stopped = context;
	struct stopped_threads threads;
	struct error *error = ptrace_stop_all(stopped->pid, &threads);

	if (error)
		return error;
	error = stopped->work(stopped->context);
	*stopped->stopped_ms += ptrace_release(&threads);
	return error;
}

struct error *remote_stopped(struct process *process, struct error *(*work)(void *context),
	void *context, double *stopped_ms)
{
	_cleanup_(tracer_destroy) struct tracer *tracer = NULL;
	struct stopped_work stopped = {process_pid(process), work, context, stopped_ms};
	struct error *error = tracer_create(process_pid(process), &tracer);

	return error ? error : tracer_call(tracer, do_stopped, &stopped);
}

static struct error *check_state(const struct run *run)
{
	_cleanup_(mem_free) char *status = NULL;
	const char *refusal;
	struct proc_stat stat;
	struct error *error = proc_read_stat(process_memory_thread(run->process), &stat);
	size_t size;

	if (error)
		return error;
	if (stat.state == 'T')
		return error_create(ERROR_UNSAFE,
			"process %d is stopped (SIGSTOP): nothing can be called in it before it is "
			"continued",
			process_pid(run->process));
	error = proc_read(&status, &size, STATUS_BYTES, "/proc/%d/status",
		process_memory_thread(run->process));
	refusal = error ? NULL : machine_refusal(status);
	return refusal ? error_create(ERROR_UNSUPPORTED, "%s", refusal) : error;
}

static struct error *prepare(struct run *run)
{
	struct error *error = check_state(run);

	mappings_deinit(&run->mappings);
	run->mappings = (struct mappings){0};
	if (!error)
		error = mappings_read(process_memory_thread(run->process), &run->mappings);
	if (!error)
		error = process_find_gadgets(run->process, &run->mappings, &run->gadgets);
	return error;
}

static bool is_late(const struct run *run)
{
	return monotonic_seconds() >= run->begin_until_s || is_time_up(run);
}

// A thread that does not stop, as in vfork(), will not wait for long.
static bool may_pass(const struct run *run, const struct error *error)
{
	return error_kind(error) == ERROR_SYSTEM && !run->report.thread &&
	       process_is_alive(run->process);
}

struct error *remote_call_run(struct process *process, const struct remote_call_ops *ops,
	void *context, const struct remote_patience *patience, struct remote_call_report *ret)
{
	double now = monotonic_seconds();
	struct run run = {.process = process,
		.ops = ops,
		.context = context,
		.is_enough = patience->is_enough,
		.begin_until_s = now + patience->begin_s,
		.until_s = now + patience->end_s};
	struct error *error = NULL;
	useconds_t pause_us = PAUSE_US_MIN;

	while (!error && !run.is_over) {
		error = prepare(&run);
		if (!error)
			error = try_once(&run);
		if (error && may_pass(&run, error) && !is_late(&run)) {
			error_destroy(error);
			error = NULL;
			run.report.failures++;
		}
		if (error || run.is_over || is_late(&run))
			break;
		usleep(pause_us);
		pause_us = pause_us * 2 < PAUSE_US_MAX ? pause_us * 2 : PAUSE_US_MAX;
	}
	mappings_deinit(&run.mappings);
	*ret = run.report;
	return process_explain(process, error);
}
