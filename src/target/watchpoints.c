// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "target/watchpoints.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/vector.h"
#include "target/live_target.h"
#include "target/process_internal.h"
#include "target/procfs.h"
#include "target/ptrace_stop.h"
#include "target/tracer.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STATUS_BYTES            16384
#define TICK_NS                 20000000L
// Interrupts a wait that would last until the next stop: see start_ticking().
#define TICK_SIGNAL             (SIGRTMIN + 7)
#define PTRACE_OPTIONS          (PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC)
#define PTRACE_EVENT_OF(status) ((status) >> 16)

// A thread that is traced, and its breakpoints.
struct watched_thread {
	pid_t id;
	int fds[WATCHPOINTS_MAX]; /* -1: none */
	bool is_unblocked;        /* its mask is not what it was */
};

DEFINE_VECTOR(watched_threads, struct watched_thread)

struct watch {
	struct process *process;
	const struct watchpoint *points;
	unsigned count;
	const struct watchpoints_options *options;
	const struct watchpoint_visitor *visitor;
	struct watchpoints_report *report;
	struct watched_threads threads;
	int signal;
	bool is_dropped[WATCHPOINTS_MAX];
	bool is_paused, is_over;
	double budget, budget_at_s, paused_at_s;
};

// SIGURG: out-of-band data on a socket, which nobody uses but Go's runtime. SIGWINCH: a terminal's
// size, of interest to programs with a terminal, and gunicorn.
static const int signals[] = {SIGURG, SIGWINCH};

static bool has_bit(uint64_t set, int signal)
{
	return set >> (signal - 1) & 1;
}

int watchpoints_signal(uint64_t caught)
{
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
		if (!has_bit(caught, signals[i]))
			return signals[i];
	}
	return 0;
}

static struct error *choose_signal(pid_t pid, int *ret)
{
	_cleanup_(mem_free) char *status = NULL;
	uint64_t caught;
	size_t size;
	struct error *error = proc_read(&status, &size, STATUS_BYTES, "/proc/%d/status", pid);

	if (error)
		return error;
	if (!proc_field(status, "SigCgt", 16, &caught))
		return error_create(
			ERROR_SYSTEM, "cannot read which signals process %d handles", pid);
	*ret = watchpoints_signal(caught);
	if (*ret)
		return NULL;
	return error_create(ERROR_UNSUPPORTED,
		"the process handles SIGURG and SIGWINCH, and there is no other signal that is "
		"harmless");
}

// Each thread and each word is a descriptor.
static void allow_many_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int open_event(pid_t thread, remote_addr addr)
{
	struct perf_event_attr attributes = {
		.type = PERF_TYPE_BREAKPOINT,
		.size = sizeof(attributes),
		.bp_type = HW_BREAKPOINT_W,
		.bp_addr = addr,
		.bp_len = HW_BREAKPOINT_LEN_8,
		.sample_period = 1,
		.wakeup_events = 1,
		.exclude_kernel = 1,
		.exclude_hv = 1,
		.disabled = 1,
		.remove_on_exec = 1,
	};
	int fd = (int)syscall(
		SYS_perf_event_open, &attributes, thread, -1, -1, PERF_FLAG_FD_CLOEXEC);

	if (fd < 0 && (errno == EINVAL || errno == E2BIG)) {
		// Before Linux 5.13. The descriptors close a moment later then, when we hear of it.
		attributes.remove_on_exec = 0;
		fd = (int)syscall(
			SYS_perf_event_open, &attributes, thread, -1, -1, PERF_FLAG_FD_CLOEXEC);
	}
	return fd;
}

static struct error *event_refused(int number)
{
	switch (number) {
	case EACCES:
	case EPERM:
		return error_create(ERROR_UNSUPPORTED,
			"perf events are not allowed here (kernel.perf_event_paranoid, or a "
			"container's seccomp filter)");
	case ENOSPC:
	case EBUSY:
		return error_create(ERROR_UNSUPPORTED,
			"the processor's debug registers are in use, or there are none");
	case ENOENT:
	case ENOSYS:
	case EOPNOTSUPP:
	case ENODEV:
		return error_create(
			ERROR_UNSUPPORTED, "this kernel or machine has no hardware breakpoints");
	default:
		return error_system(number, "cannot set a hardware breakpoint");
	}
}

// Whom to tell of each store, and how; then the breakpoint is on.
static bool direct_event(const struct watch *watch, int fd, pid_t thread)
{
	struct f_owner_ex owner = {.type = F_OWNER_TID, .pid = thread};

	return fcntl(fd, F_SETOWN_EX, &owner) == 0 && fcntl(fd, F_SETSIG, watch->signal) == 0 &&
	       fcntl(fd, F_SETFL, O_ASYNC | O_NONBLOCK) == 0 &&
	       (watch->is_paused || ioctl(fd, PERF_EVENT_IOC_ENABLE, 0) == 0);
}

static struct watched_thread *find_thread(struct watch *watch, pid_t id)
{
	for (size_t i = 0; i < watch->threads.count; i++) {
		if (watch->threads.items[i].id == id)
			return &watch->threads.items[i];
	}
	return NULL;
}

static uint64_t count_of_event(int fd)
{
	uint64_t count = 0;

	return read(fd, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

static void close_event(struct watch *watch, struct watched_thread *thread, unsigned number)
{
	if (thread->fds[number] < 0)
		return;
	watch->report->stores[number] += count_of_event(thread->fds[number]);
	close(thread->fds[number]);
	thread->fds[number] = -1;
}

static void close_events(struct watch *watch, struct watched_thread *thread)
{
	for (unsigned i = 0; i < watch->count; i++)
		close_event(watch, thread, i);
}

// A thread that ended meanwhile is none of our business.
static struct error *arm_thread(struct watch *watch, struct watched_thread *thread)
{
	for (unsigned i = 0; i < watch->count; i++) {
		if (watch->is_dropped[i])
			continue;
		thread->fds[i] = open_event(thread->id, watch->points[i].addr);
		if (thread->fds[i] < 0 && errno == ESRCH)
			return NULL;
		if (thread->fds[i] < 0)
			return event_refused(errno);
		if (!direct_event(watch, thread->fds[i], thread->id) && errno != ESRCH)
			return error_system(errno, "cannot direct a hardware breakpoint");
	}
	return NULL;
}

static struct error *note_thread(struct watch *watch, pid_t id, struct watched_thread **ret)
{
	struct watched_thread thread = {.id = id, .fds = {-1, -1, -1, -1}};

	if (!watched_threads_push(&watch->threads, thread))
		return error_enomem();
	*ret = &watch->threads.items[watch->threads.count - 1];
	return NULL;
}

// Set whether a thread that stands still has our signal blocked. What is left of it if we die is a
// signal that does nothing.
static void set_blocked(struct watch *watch, struct watched_thread *thread, bool is_blocked)
{
	uint64_t mask, bit = 1ull << (watch->signal - 1);

	if (ptrace(PTRACE_GETSIGMASK, thread->id, (void *)sizeof(mask), &mask) < 0)
		return;
	if (!(mask & bit) == !is_blocked)
		return;
	mask ^= bit;
	if (ptrace(PTRACE_SETSIGMASK, thread->id, (void *)sizeof(mask), &mask) == 0)
		thread->is_unblocked = !is_blocked;
}

static bool is_blocking(const struct watch *watch, pid_t thread)
{
	_cleanup_(mem_free) char *status = NULL;
	uint64_t blocked = 0;
	size_t size;

	error_destroy(proc_read(&status, &size, STATUS_BYTES, "/proc/%d/status", thread));
	return status && proc_field(status, "SigBlk", 16, &blocked) &&
	       has_bit(blocked, watch->signal);
}

static void set_blocked_stopping(
	struct watch *watch, struct watched_thread *thread, bool is_blocked)
{
	struct stopped_thread stopped = {.id = thread->id};

	if (ptrace_interrupt(&stopped))
		set_blocked(watch, thread, is_blocked);
	ptrace(PTRACE_CONT, thread->id, NULL, NULL);
}

static struct error *attach(struct watch *watch, pid_t id)
{
	struct watched_thread *thread;
	struct error *error;

	if (ptrace(PTRACE_SEIZE, id, NULL, (void *)(long)PTRACE_OPTIONS) < 0)
		return errno == ESRCH || errno == EPERM
			       ? NULL
			       : error_system(errno, "cannot trace thread %d", id);
	error = note_thread(watch, id, &thread);
	if (!error && is_blocking(watch, id))
		set_blocked_stopping(watch, thread, false);
	return error ? error : arm_thread(watch, thread);
}

// A thread is born by one that runs: when the list has none that is not traced, all are, and those
// born later are traced from their birth.
static struct error *attach_all(struct watch *watch)
{
	_cleanup_(pid_vector_deinit) struct pid_vector ids = {0};
	pid_t pid = process_pid(watch->process);
	size_t before;

	do {
		struct error *error = proc_list_threads(pid, &ids);

		before = watch->threads.count;
		for (size_t i = 0; !error && i < ids.count && i < LIMIT_THREADS; i++) {
			if (!find_thread(watch, ids.items[i]))
				error = attach(watch, ids.items[i]);
		}
		if (error)
			return error;
	} while (watch->threads.count > before && watch->threads.count < LIMIT_THREADS);
	return watch->threads.count ? NULL : process_check_same(watch->process);
}

static void let_go(pid_t thread, int signal)
{
	ptrace(PTRACE_CONT, thread, NULL, (long)signal);
}

static void control_events(struct watch *watch, unsigned long request)
{
	for (size_t i = 0; i < watch->threads.count; i++) {
		for (unsigned k = 0; k < watch->count; k++) {
			if (watch->threads.items[i].fds[k] >= 0)
				ioctl(watch->threads.items[i].fds[k], request, 0);
		}
	}
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
	if (watch->budget >= 1 || watch->is_paused)
		return;
	control_events(watch, PERF_EVENT_IOC_DISABLE);
	watch->is_paused = true;
	watch->paused_at_s = monotonic_seconds();
	watch->report->pauses++;
}

static void end_pause(struct watch *watch)
{
	watch->is_paused = false;
	watch->report->paused_s += monotonic_seconds() - watch->paused_at_s;
}

// Not for one hit at a time: switching off and on costs more than that.
static void go_on_if_saved(struct watch *watch)
{
	double enough = watch->options->rate_max / 4.0;

	fill_budget(watch);
	if (enough > WATCHPOINTS_BURST / 2.0)
		enough = WATCHPOINTS_BURST / 2.0;
	if (!watch->is_paused || watch->budget < enough)
		return;
	end_pause(watch);
	control_events(watch, PERF_EVENT_IOC_ENABLE);
}

static void drop(struct watch *watch, unsigned number)
{
	bool any = false;

	watch->is_dropped[number] = true;
	for (size_t i = 0; i < watch->threads.count; i++)
		close_event(watch, &watch->threads.items[i], number);
	for (unsigned i = 0; i < watch->count; i++)
		any |= !watch->is_dropped[i];
	if (!any)
		watch->is_over = true;
}

// Which of its watchpoints this signal is from; -1 if it is none of ours.
static int number_of(const struct watch *watch, const struct watched_thread *thread)
{
	siginfo_t info;

	if (!thread || ptrace(PTRACE_GETSIGINFO, thread->id, NULL, &info) < 0 ||
		(info.si_code != POLL_IN && info.si_code != POLL_HUP))
		return -1;
	for (unsigned i = 0; i < watch->count; i++) {
		if (thread->fds[i] >= 0 && thread->fds[i] == info.si_fd)
			return (int)i;
	}
	// One that was dropped after the store: of no use to anybody else.
	return WATCHPOINTS_MAX;
}

static void obey(struct watch *watch, unsigned number, enum watchpoint_verdict verdict)
{
	if (verdict == WATCHPOINT_DROP)
		drop(watch, number);
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
	if (live_read(watch->process->memory_fd, watch->points[number].addr, &hit.value,
		    sizeof(hit.value)) != sizeof(hit.value))
		return WATCHPOINT_DROP;
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
	obey(watch, number, verdict);
	if (verdict == WATCHPOINT_KEEP && watch->visitor->after)
		obey(watch, number, watch->visitor->after(watch->visitor->context));
}

static void on_signal(struct watch *watch, pid_t id, int signal)
{
	struct watched_thread *thread = find_thread(watch, id);
	int number = signal == watch->signal ? number_of(watch, thread) : -1;

	if (number < 0)
		let_go(id, signal);
	else if (number < WATCHPOINTS_MAX && !watch->is_over)
		on_hit(watch, thread, (unsigned)number);
	else
		let_go(id, 0);
}

// Is it a thread of the process? clone() can make other things that say they are.
static bool is_thread_of(pid_t pid, pid_t id)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d", pid, id);
	return access(path, F_OK) == 0;
}

// A thread is born, standing still: nothing of it has run yet.
static struct error *on_birth(struct watch *watch, pid_t id)
{
	struct watched_thread *thread;
	struct error *error = NULL;

	if (!is_thread_of(process_pid(watch->process), id)) {
		ptrace(PTRACE_DETACH, id, NULL, NULL);
		return NULL;
	}
	if (watch->threads.count < LIMIT_THREADS) {
		error = note_thread(watch, id, &thread);
		// It unblocks what its creator had not blocked by itself.
		if (!error)
			error = arm_thread(watch, thread);
	}
	let_go(id, 0);
	return error;
}

static void on_end(struct watch *watch, pid_t id)
{
	struct watched_thread *thread = find_thread(watch, id);

	if (!thread)
		return;
	close_events(watch, thread);
	*thread = watch->threads.items[--watch->threads.count];
}

static struct error *on_stop(struct watch *watch, pid_t id, int status)
{
	switch (PTRACE_EVENT_OF(status)) {
	case 0:
		on_signal(watch, id, WSTOPSIG(status));
		return NULL;
	case PTRACE_EVENT_EXEC:
		return error_create(ERROR_GONE, "process %d has executed another program meanwhile",
			process_pid(watch->process));
	case PTRACE_EVENT_STOP:
		if (!find_thread(watch, id))
			return on_birth(watch, id);
		// Stopped by SIGSTOP and the like: stays so, and tells us when it goes on.
		if (WSTOPSIG(status) != SIGTRAP)
			ptrace(PTRACE_LISTEN, id, NULL, NULL);
		else
			let_go(id, 0);
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

// Until it is over. A visitor's tick comes between stops, also if they come without end.
static struct error *wait_and_serve(struct watch *watch)
{
	double ticked_s = monotonic_seconds();

	while (!watch->is_over) {
		struct error *error = NULL;
		int status = 0;
		pid_t id = waitpid(-1, &status, __WALL | __WNOTHREAD);

		if (id < 0 && errno == ECHILD)
			return error_create(
				ERROR_GONE, "process %d has ended", process_pid(watch->process));
		if (id > 0 && WIFSTOPPED(status))
			error = on_stop(watch, id, status);
		else if (id > 0)
			on_end(watch, id);
		if (error)
			return error;
		if (monotonic_seconds() - ticked_s < TICK_NS / 1e9)
			continue;
		ticked_s = monotonic_seconds();
		go_on_if_saved(watch);
		watch->is_over |= !watch->visitor->tick(watch->visitor->context);
	}
	return NULL;
}

static void disarm(struct watch *watch)
{
	if (watch->is_paused)
		end_pause(watch);
	for (size_t i = 0; i < watch->threads.count; i++)
		close_events(watch, &watch->threads.items[i]);
	for (size_t i = 0; i < watch->threads.count; i++) {
		if (watch->threads.items[i].is_unblocked)
			set_blocked_stopping(watch, &watch->threads.items[i], true);
	}
	watched_threads_deinit(&watch->threads);
}

// What is still traced at the end is let go by the kernel when the tracer ends: that stops nobody.
static struct error *watch_work(void *context)
{
	struct watch *watch = context;
	timer_t timer;
	struct error *error = start_ticking(&timer);

	if (error)
		return error;
	watch->budget = WATCHPOINTS_BURST;
	watch->budget_at_s = monotonic_seconds();
	error = attach_all(watch);
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
		.points = points,
		.count = count,
		.options = options,
		.visitor = visitor,
		.report = ret,
	};
	struct error *error;

	*ret = (struct watchpoints_report){0};
	allow_many_descriptors();
	error = choose_signal(process_pid(process), &watch.signal);
	if (!error)
		error = tracer_create(process_pid(process), &tracer);
	if (!error)
		error = tracer_call(tracer, watch_work, &watch);
	return process_explain(process, error);
}
