// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "target/watchpoints.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/limits.h"
#include "target/process_internal.h"
#include "target/procfs.h"
#include "target/signals_held.h"
#include "target/tracer.h"
#include "target/watched_threads.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TICK_NS                 20000000L
// Interrupts a wait that would last until the next stop: see start_ticking().
#define TICK_SIGNAL             (SIGRTMIN + 7)
#define CHECK_S                 0.25
// As waitid() tells stops.
#define PTRACE_EVENT_OF(status) ((status) >> 8)
#define SIGNAL_OF(status)       ((status)&0xff)

struct watch {
	struct process *process;
	struct tracer *tracer;
	const struct watchpoints_options *options;
	const struct watchpoint_visitor *visitor;
	struct watchpoints_report *report;
	struct watched_threads threads;
	bool is_over;
	bool has_heard, has_stores; /* signals of ours, what the processor counts */
	double budget, budget_at_s, paused_at_s;
};

static void let_go(pid_t thread, int signal)
{
	ptrace(PTRACE_CONT, thread, NULL, (long)signal);
}

// A token bucket: the rate fills it, hits empty it.
static void fill_budget(struct watch *watch)
{
	double now = monotonic_seconds();

	watch->budget += (now - watch->budget_at_s) * watch->options->rate_max;
	if (watch->budget > WATCHPOINTS_BURST)
		watch->budget = WATCHPOINTS_BURST;
	watch->budget_at_s = now;
}

static void pause_if_spent(struct watch *watch)
{
	fill_budget(watch);
	watch->budget -= 1;
	if (watch->budget >= 1 || watch->threads.is_off)
		return;
	watched_threads_switch(&watch->threads, false);
	watch->paused_at_s = monotonic_seconds();
	watch->report->pauses++;
}

static void count_pause(struct watch *watch)
{
	watch->report->paused_s += monotonic_seconds() - watch->paused_at_s;
}

// Not for one hit at a time: switching off and on costs more than that.
static void go_on_if_saved(struct watch *watch)
{
	double enough = watch->options->rate_max / 4.0;

	fill_budget(watch);
	if (enough > WATCHPOINTS_BURST / 2.0)
		enough = WATCHPOINTS_BURST / 2.0;
	if (!watch->threads.is_off || watch->budget < enough)
		return;
	count_pause(watch);
	watched_threads_switch(&watch->threads, true);
}

// Which of its watchpoints this signal is from; -1 if it is none of ours.
static int number_of(const struct watch *watch, const struct watched_thread *thread)
{
	siginfo_t info;

	if (!thread || ptrace(PTRACE_GETSIGINFO, thread->id, NULL, &info) < 0 ||
		(info.si_code != POLL_IN && info.si_code != POLL_HUP))
		return -1;
	for (unsigned i = 0; i < watch->threads.count; i++) {
		if (thread->fds[i] >= 0 && thread->fds[i] == info.si_fd)
			return (int)i;
	}
	// One that was dropped after the store: of no use to anybody else.
	return WATCHPOINTS_MAX;
}

static void obey(struct watch *watch, unsigned number, enum watchpoint_verdict verdict)
{
	if (verdict == WATCHPOINT_DROP)
		watch->is_over |= !watched_threads_drop(&watch->threads, number);
	watch->is_over |= verdict == WATCHPOINT_END;
}

static enum watchpoint_verdict visit(
	struct watch *watch, const struct watched_thread *thread, unsigned number)
{
	struct watchpoint_hit hit = {.thread = thread->id, .number = number};
	struct machine_registers registers;
	struct error *error = machine_read_registers(thread->id, &registers);

	if (error) {
		error_destroy(error);
		return WATCHPOINT_KEEP;
	}
	machine_describe_thread(&registers, &hit.registers);
	watch->report->hits[number]++;
	return watch->visitor->hit(watch->visitor->context, &hit);
}

static void note_time(struct watchpoints_report *report, double took)
{
	report->handled_s += took;
	if (took > report->handled_s_max)
		report->handled_s_max = took;
}

static void on_hit(struct watch *watch, const struct watched_thread *thread, unsigned number)
{
	double begun = monotonic_seconds();
	enum watchpoint_verdict verdict = visit(watch, thread, number);

	pause_if_spent(watch);
	let_go(thread->id, 0);
	note_time(watch->report, monotonic_seconds() - begun);
	// The kernel likes to wake it where we are: not behind what is done next.
	sched_yield();
	obey(watch, number, verdict);
	if (verdict == WATCHPOINT_KEEP && watch->visitor->after)
		obey(watch, number, watch->visitor->after(watch->visitor->context));
}

// Only because we trace it, a thread wakes for signals that it ignores. Some system calls say EINTR then,
// even if no handler runs: see machine_hide_interruption().
static void hide_interruption(pid_t id)
{
	struct machine_registers registers;
	struct error *error = machine_read_registers(id, &registers);

	if (!error && machine_hide_interruption(id, &registers))
		error = machine_write_registers(id, &registers);
	error_destroy(error);
}

static void on_signal(struct watch *watch, pid_t id, int signal)
{
	struct watched_thread *thread = watched_threads_find(&watch->threads, id);
	int number = signal == watch->threads.signal ? number_of(watch, thread) : -1;

	if (number < 0) {
		hide_interruption(id);
		let_go(id, signal);
		return;
	}
	watch->has_heard = true;
	if (number < WATCHPOINTS_MAX && !watch->is_over)
		on_hit(watch, thread, (unsigned)number);
	else
		let_go(id, 0);
}

// A thread is born, standing still: nothing of it has run yet.
static struct error *on_birth(struct watch *watch, pid_t id)
{
	struct watched_thread *thread = watched_threads_find(&watch->threads, id);
	struct error *error = NULL;

	if (!watched_threads_include(&watch->threads, id) ||
		watch->threads.list.count >= LIMIT_THREADS) {
		watched_threads_forget(&watch->threads, id);
		ptrace(PTRACE_DETACH, id, NULL, NULL);
		return NULL;
	}
	if (!thread)
		error = watched_threads_note(&watch->threads, id, &thread);
	// It unblocks what its creator had not blocked by itself.
	if (!error) {
		thread->is_born = true;
		error = watched_threads_arm(&watch->threads, thread);
	}
	watched_thread_let_run(id);
	return error;
}

// The new thread of one whose mask we have changed inherits that. Its birth may have been told already.
static struct error *inherit_unblocked(struct watch *watch, pid_t creator, pid_t child)
{
	const struct watched_thread *from = watched_threads_find(&watch->threads, creator);
	struct watched_thread *thread = watched_threads_find(&watch->threads, child);
	struct signal_unblocked unblocked;

	if (!from || !from->unblocked.is_unblocked || watch->threads.list.count >= LIMIT_THREADS ||
		!watched_threads_include(&watch->threads, child))
		return NULL;
	unblocked = from->unblocked;
	if (!thread) {
		struct error *error = watched_threads_note(&watch->threads, child, &thread);

		if (error)
			return error;
	}
	thread->unblocked = unblocked;
	return NULL;
}

static struct error *on_clone(struct watch *watch, pid_t id)
{
	struct error *error = NULL;
	unsigned long child;

	if (ptrace(PTRACE_GETEVENTMSG, id, NULL, &child) == 0)
		error = inherit_unblocked(watch, id, (pid_t)child);
	let_go(id, 0);
	return error;
}

// The other threads are gone, and this one has the first one's number now.
static struct error *on_exec(struct watch *watch, pid_t id)
{
	const struct watched_thread *thread;
	unsigned long former;

	// Until this stop is taken, a thread that was not the first one refuses all requests (kernel/ptrace.c,
	// looks_like_a_spurious_pid()).
	waitpid(id, NULL, __WALL | WNOHANG);
	if (ptrace(PTRACE_GETEVENTMSG, id, NULL, &former) == 0) {
		thread = watched_threads_find(&watch->threads, (pid_t)former);
		if (thread)
			quiet_signal_block_again(id, watch->threads.signal, &thread->unblocked);
	}
	while (watch->threads.list.count)
		watched_threads_forget(&watch->threads, watch->threads.list.items[0].id);
	return error_create(ERROR_GONE, "process %d has executed another program meanwhile",
		process_pid(watch->process));
}

// By an interruption of ours, a group stop, or its end.
static void on_interrupted(struct watch *watch, struct watched_thread *thread)
{
	if (thread->is_late) {
		hide_interruption(thread->id);
		quiet_signal_unblock(thread->id, watch->threads.signal, &thread->unblocked);
		thread->is_late = false;
	}
	watched_thread_let_run(thread->id);
}

// Those whose number may have gone to another since.
static void forget_dead(struct watch *watch)
{
	_cleanup_(pid_vector_deinit) struct pid_vector ids = {0};

	tracer_noted_dead(watch->tracer, &ids);
	for (size_t i = 0; i < ids.count; i++)
		watched_threads_forget(&watch->threads, ids.items[i]);
}

static struct error *on_stop(struct watch *watch, pid_t id, int status)
{
	struct watched_thread *thread;

	switch (PTRACE_EVENT_OF(status)) {
	case 0:
		on_signal(watch, id, SIGNAL_OF(status));
		return NULL;
	case PTRACE_EVENT_CLONE:
		return on_clone(watch, id);
	case PTRACE_EVENT_EXEC:
		return on_exec(watch, id);
	case PTRACE_EVENT_STOP:
		forget_dead(watch);
		thread = watched_threads_find(&watch->threads, id);
		if (!thread || !thread->is_born)
			return on_birth(watch, id);
		on_interrupted(watch, thread);
		return NULL;
	default:
		let_go(id, 0);
		return NULL;
	}
}

static void ignore_tick(int number)
{
	(void)number;
}

// There is no waitpid() with a time-out, and naps between looks would be felt by a thread that
// waits: a timer's signal interrupts it, again and again, in case one comes before the call.
static struct error *start_ticking(timer_t *ret)
{
	struct sigaction action = {.sa_handler = ignore_tick};
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = TICK_SIGNAL};
	struct itimerspec interval = {{0, TICK_NS}, {0, TICK_NS}};
	sigset_t set;

	event._sigev_un._tid = gettid();
	sigemptyset(&set);
	sigaddset(&set, TICK_SIGNAL);
	if (sigaction(TICK_SIGNAL, &action, NULL) < 0 ||
		timer_create(CLOCK_MONOTONIC, &event, ret) < 0)
		return error_system(errno, "cannot make a timer");
	timer_settime(*ret, 0, &interval, NULL);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	return NULL;
}

static void stop_ticking(timer_t timer)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, TICK_SIGNAL);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	timer_delete(timer);
}

// The kernel does not say that it sends no signal: sigio_perm() in fs/fcntl.c refuses silently.
static struct error *check_hearing(struct watch *watch)
{
	if (watch->has_heard)
		return NULL;
	if (watch->has_stores)
		return error_create(ERROR_UNSUPPORTED,
			"the processor sees stores, but its signals do not arrive (another user's "
			"process, a security module, or threads that block them)");
	watch->has_stores = watched_threads_have_stores(&watch->threads);
	return NULL;
}

static struct error *check(struct watch *watch)
{
	struct error *error = process_check_same(watch->process);

	forget_dead(watch);
	if (!error)
		error = quiet_signal_check(process_pid(watch->process), watch->threads.signal);
	return error ? error : check_hearing(watch);
}

/*
 * A stop is looked at, but not taken: if we are killed before the thread goes on, the kernel delivers the
 * signal that it stopped for. It forgets one that a dead tracer had taken (kernel/exit.c,
 * wait_task_stopped(): exit_code).
 */
static pid_t wait_for_any(bool *ret_has_ended, int *ret_status)
{
	siginfo_t info = {0};

	if (waitid(P_ALL, 0, &info, WEXITED | WSTOPPED | WNOWAIT | __WALL | __WNOTHREAD) < 0)
		return -1;
	*ret_has_ended = info.si_code != CLD_TRAPPED && info.si_code != CLD_STOPPED;
	*ret_status = info.si_status;
	if (*ret_has_ended)
		waitpid(info.si_pid, NULL, __WALL | __WNOTHREAD | WNOHANG);
	return info.si_pid;
}

static struct error *serve_next(struct watch *watch)
{
	bool has_ended;
	int status;
	pid_t id = wait_for_any(&has_ended, &status);

	if (id < 0 && errno == ECHILD)
		return error_create(
			ERROR_GONE, "process %d has ended", process_pid(watch->process));
	if (id > 0 && !has_ended)
		return on_stop(watch, id, status);
	if (id > 0)
		watched_threads_forget(&watch->threads, id);
	return NULL;
}

// Until it is over. A visitor's tick comes between stops, also if they come without end.
static struct error *wait_and_serve(struct watch *watch)
{
	double ticked_s = monotonic_seconds(), checked_s = ticked_s;

	while (!watch->is_over) {
		struct error *error = serve_next(watch);
		double now = monotonic_seconds();

		if (!error && now - checked_s >= CHECK_S) {
			error = check(watch);
			checked_s = now;
		}
		if (error)
			return error;
		if (now - ticked_s < TICK_NS / 1e9)
			continue;
		ticked_s = now;
		go_on_if_saved(watch);
		watch->is_over |= !watch->visitor->tick(watch->visitor->context);
	}
	return NULL;
}

static void disarm(struct watch *watch)
{
	if (watch->threads.is_off)
		count_pause(watch);
	watched_threads_release(&watch->threads);
	memcpy(watch->report->stores, watch->threads.stores, sizeof(watch->report->stores));
}

// What is still traced at the end is let go by the kernel when the tracer ends: that stops nobody.
static struct error *watch_work(void *context)
{
	struct watch *watch = context;
	timer_t timer = NULL;
	struct error *error = start_ticking(&timer);

	if (error)
		return error;
	watch->budget = WATCHPOINTS_BURST;
	watch->budget_at_s = monotonic_seconds();
	error = watched_threads_attach(&watch->threads);
	if (!error && watch->visitor->armed)
		watch->visitor->armed(watch->visitor->context);
	if (!error)
		error = wait_and_serve(watch);
	stop_ticking(timer);
	disarm(watch);
	return error;
}

struct error *watchpoints_run(struct process *process, const struct watchpoint *points,
	unsigned count, const struct watchpoints_options *options,
	const struct watchpoint_visitor *visitor, struct watchpoints_report *ret)
{
	_cleanup_(tracer_destroy) struct tracer *tracer = NULL;
	struct watch watch = {
		.process = process,
		.threads = {.process = process, .points = points, .count = count},
		.options = options,
		.visitor = visitor,
		.report = ret,
	};
	// Each stop would wake some other thread of ours: SIGCHLD is blocked in the tracer, so it is not ignored.
	const struct sigaction no_stops = {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDSTOP};
	struct sigaction before;
	struct stops_ignored stops;
	struct error *error;

	*ret = (struct watchpoints_report){0};
	error = quiet_signal_choose(process_pid(process), &watch.threads.signal);
	if (!error)
		error = tracer_create(process_pid(process), &tracer);
	if (error)
		return process_explain(process, error);
	watch.tracer = tracer;
	stops_ignore(&stops);
	sigaction(SIGCHLD, &no_stops, &before);
	error = tracer_call(tracer, watch_work, &watch);
	tracer_destroy(take(tracer));
	sigaction(SIGCHLD, &before, NULL);
	stops_heed(&stops);
	return process_explain(process, error);
}
