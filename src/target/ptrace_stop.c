// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "target/ptrace_stop.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "target/procfs.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>

// A thread that does not stop within this time sits in the kernel, and its fellows must not wait
// for it any longer. Typical is a thread in vfork(), which waits for a child to execute a program.
#define STOP_SECONDS_MAX      0.25
// After this time a thread that sleeps uninterruptibly is given up.
#define STOP_SECONDS_PATIENCE 0.02

// A thread that was killed needs that long at most to be dead.
#define DEATH_SECONDS_MAX 0.05

// Wait actively at first: most threads stop within some 10 µs.
#define SPIN_SECONDS      50e-6
#define NAP_SECONDS_MAX   200e-6
#define PTRACE_EVENT_BITS 16

static enum ptrace_event classify(int status, int *ret_signal)
{
	int event = status >> PTRACE_EVENT_BITS;

	if (!WIFSTOPPED(status))
		return PTRACE_ENDED;
	if (event == PTRACE_EVENT_STOP)
		return PTRACE_STOPPED_BY_US;
	if (event == PTRACE_EVENT_CLONE)
		return PTRACE_STOPPED_CLONE;
	if (WSTOPSIG(status) == (SIGTRAP | 0x80))
		return PTRACE_STOPPED_SYSCALL;
	*ret_signal = WSTOPSIG(status);
	return PTRACE_STOPPED_SIGNAL;
}

// Short naps at first, then longer ones: a wait is prolonged by 6 % at most.
static void nap(double waited)
{
	struct timespec time = {0};
	double seconds = waited / 16;

	if (waited < SPIN_SECONDS) {
		sched_yield();
		return;
	}
	time.tv_nsec = (long)((seconds < NAP_SECONDS_MAX ? seconds : NAP_SECONDS_MAX) * 1e9);
	nanosleep(&time, NULL);
}

enum ptrace_event ptrace_wait(pid_t thread, double seconds_max, int *ret_signal)
{
	double start = monotonic_seconds();

	*ret_signal = 0;
	for (;;) {
		double waited = monotonic_seconds() - start;
		int status;
		// There is no waitpid() with a time-out.
		pid_t id = waitpid(thread, &status, __WALL | WNOHANG);

		if (id == thread)
			return classify(status, ret_signal);
		if (id < 0 && errno != EINTR)
			return PTRACE_ENDED;
		if (waited > seconds_max)
			return PTRACE_TIMED_OUT;
		nap(waited);
	}
}

static bool is_ending(pid_t thread)
{
	struct proc_stat stat;
	struct error *error = proc_read_stat(thread, &stat);

	if (error) {
		error_destroy(error);
		return true;
	}
	return stat.state == 'Z' || stat.state == 'X';
}

static struct error *append(struct stopped_threads *threads, pid_t id)
{
	if (threads->count == threads->capacity) {
		size_t capacity = threads->capacity ? threads->capacity * 2 : 64;
		struct stopped_thread *items =
			mem_realloc_array(threads->items, capacity, sizeof(*items));

		if (!items)
			return error_enomem();
		threads->items = items;
		threads->capacity = capacity;
	}
	threads->items[threads->count++] = (struct stopped_thread){.id = id};
	return NULL;
}

// Take hold of @p id, which goes on; a thread that ends is none of our business.
static struct error *seize(pid_t id, struct stopped_threads *threads)
{
	struct stopped_thread *thread;
	struct error *error = append(threads, id);

	if (error)
		return error;
	thread = &threads->items[threads->count - 1];
	if (ptrace(PTRACE_SEIZE, id, NULL, NULL) == 0) {
		thread->stopped = true;
		return NULL;
	}
	if (errno == ESRCH || (errno == EPERM && is_ending(id)))
		return NULL;
	return error_system(errno, "cannot stop thread %d", id);
}

// Not before all are seized. A signal that is ignored, such as SIGCHLD, is not while the thread that
// it is sent to is traced: it interrupts any other thread of the process. One that is not yet seized
// would return EINTR to the program, and the threads that we interrupt take the processor from us
// between two calls.
static void interrupt_all(struct stopped_threads *threads, size_t from)
{
	if (threads->since == 0)
		threads->since = monotonic_seconds();
	for (size_t i = from; i < threads->count; i++) {
		// Fails only if the thread is gone; waiting for it will tell.
		if (threads->items[i].stopped)
			ptrace(PTRACE_INTERRUPT, threads->items[i].id, NULL, NULL);
	}
}

// A busy machine may take its time to let a thread run to its stop; one that is in the kernel for
// long shows as such.
static enum ptrace_event wait_patiently(pid_t thread, int *ret_signal)
{
	enum ptrace_event event = ptrace_wait(thread, STOP_SECONDS_PATIENCE, ret_signal);
	struct proc_stat stat = {0};

	if (event != PTRACE_TIMED_OUT)
		return event;
	error_destroy(proc_read_stat(thread, &stat));
	return stat.state == 'D' ? event : ptrace_wait(thread, STOP_SECONDS_MAX, ret_signal);
}

// Between attaching and interrupting, a thread may have met a signal: let it take it. The handler's
// frame is built, but not one of its instructions is executed, for the interruption is pending.
static struct error *await_stop(struct stopped_thread *thread)
{
	for (;;) {
		int signal;

		switch (wait_patiently(thread->id, &signal)) {
		case PTRACE_STOPPED_BY_US:
			return NULL;
		case PTRACE_ENDED:
			thread->stopped = false;
			return NULL;
		case PTRACE_TIMED_OUT:
			thread->stopped = false;
			thread->late = true;
			return error_create(ERROR_SYSTEM,
				"thread %d does not stop: it sits in the kernel (a vfork, a dead "
				"file server, a frozen cgroup)",
				thread->id);
		default:
			ptrace(PTRACE_CONT, thread->id, NULL, (long)signal);
		}
	}
}

static struct error *read_registers(struct stopped_thread *thread)
{
	struct error *error;

	if (!thread->stopped)
		return NULL;
	error = machine_read_registers(thread->id, &thread->registers);
	if (!error && machine_hide_interruption(thread->id, &thread->registers))
		error = machine_write_registers(thread->id, &thread->registers);
	if (error && error_kind(error) == ERROR_GONE) {
		// Killed while it was stopped.
		error_destroy(error);
		thread->stopped = false;
		return NULL;
	}
	return error;
}

bool ptrace_interrupt(struct stopped_thread *thread)
{
	struct error *error;

	thread->stopped = ptrace(PTRACE_INTERRUPT, thread->id, NULL, NULL) == 0;
	error = thread->stopped ? await_stop(thread) : NULL;
	if (!error)
		error = read_registers(thread);
	if (error)
		thread->stopped = false;
	error_destroy(error);
	return thread->stopped;
}

static struct error *stop_all_from(struct stopped_threads *threads, size_t from)
{
	struct error *error = NULL;

	interrupt_all(threads, from);
	for (size_t i = from; i < threads->count; i++) {
		struct error *other;

		if (!threads->items[i].stopped)
			continue;
		other = await_stop(&threads->items[i]);
		if (!other)
			other = read_registers(&threads->items[i]);
		if (!error)
			error = other;
		else
			error_destroy(other);
	}
	return error;
}

// The kernel lists threads in the order of their birth, so a known one is most often found where
// the last one was: *cursor is behind it.
static bool is_known(const struct stopped_threads *threads, pid_t id, size_t *cursor)
{
	if (*cursor < threads->count && threads->items[*cursor].id == id) {
		(*cursor)++;
		return true;
	}
	for (size_t i = 0; i < threads->count; i++) {
		if (threads->items[i].id == id) {
			*cursor = i + 1;
			return true;
		}
	}
	return false;
}

// One pass over the list of threads: stop those that are new, and wait for them.
static struct error *stop_new_threads(
	pid_t pid, struct stopped_threads *threads, struct pid_vector *ids, bool *ret_any)
{
	size_t before = threads->count, cursor = 0;
	struct error *error = proc_list_threads(pid, ids), *other;

	for (size_t i = 0; i < ids->count && !error; i++) {
		// In the first pass all are new, and the list can be long.
		if (before == 0 || !is_known(threads, ids->items[i], &cursor))
			error = seize(ids->items[i], threads);
	}
	other = stop_all_from(threads, before);
	*ret_any = threads->count > before;
	if (error)
		error_destroy(other);
	return error ? error : other;
}

struct error *ptrace_stop_all(pid_t pid, struct stopped_threads *ret)
{
	_cleanup_(pid_vector_deinit) struct pid_vector ids = {0};
	struct stopped_threads threads = {0};
	struct error *error = NULL;
	bool any = true;

	// A thread is born by a thread that runs: when all known ones are stopped and the list has
	// no other, all are. Ends, since each round but the last stops at least one.
	while (any && !error && threads.count < LIMIT_THREADS)
		error = stop_new_threads(pid, &threads, &ids, &any);
	if (!error && any)
		error = error_create(ERROR_UNSUPPORTED, "process %d has more than %d threads", pid,
			LIMIT_THREADS);
	if (!error && threads.count == 0)
		error = error_create(ERROR_GONE, "process %d has ended", pid);
	if (error) {
		ptrace_release(&threads);
		return error;
	}
	*ret = threads;
	return NULL;
}

struct error *ptrace_stop_one(pid_t pid, pid_t thread, struct stopped_threads *ret)
{
	struct stopped_threads threads = {0};
	struct error *error = seize(thread, &threads);

	if (!error)
		error = stop_all_from(&threads, 0);
	if (!error && !threads.items[0].stopped)
		error = error_create(ERROR_GONE, "thread %d of process %d has ended", thread, pid);
	if (error) {
		ptrace_release(&threads);
		return error;
	}
	*ret = threads;
	return NULL;
}

// A thread that was late is met when it comes, so that its system call is begun again like those of the
// others. If it does not come, the kernel lets go of it when its tracer ends, and the call it
// sits in may return EINTR then.
static void release_late(struct stopped_thread *thread)
{
	int signal;

	switch (ptrace_wait(thread->id, STOP_SECONDS_MAX, &signal)) {
	case PTRACE_STOPPED_BY_US:
		thread->stopped = true;
		error_destroy(read_registers(thread));
		ptrace(PTRACE_DETACH, thread->id, NULL, NULL);
		break;
	case PTRACE_STOPPED_SIGNAL:
		// The handler runs: that is an interruption of the program's own.
		ptrace(PTRACE_DETACH, thread->id, NULL, (long)signal);
		break;
	default:
		break;
	}
}

double ptrace_release_others(struct stopped_threads *threads, size_t keep)
{
	int signal;

	for (size_t i = 0; i < threads->count; i++) {
		struct stopped_thread *thread = &threads->items[i];

		if (i == keep || !thread->stopped)
			continue;
		if (ptrace(PTRACE_DETACH, thread->id, NULL, NULL) < 0)
			ptrace_wait(thread->id, DEATH_SECONDS_MAX, &signal);
		thread->stopped = false;
	}
	return (monotonic_seconds() - threads->since) * 1e3;
}

double ptrace_release(struct stopped_threads *threads)
{
	double stopped_ms;
	int signal;

	for (size_t i = 0; i < threads->count; i++) {
		struct stopped_thread *thread = &threads->items[i];

		// One that was killed meanwhile is dead for good when its tracer has taken note.
		if (thread->stopped && ptrace(PTRACE_DETACH, thread->id, NULL, NULL) < 0)
			ptrace_wait(thread->id, DEATH_SECONDS_MAX, &signal);
	}
	stopped_ms = threads->count ? (monotonic_seconds() - threads->since) * 1e3 : 0;
	for (size_t i = 0; i < threads->count; i++) {
		if (threads->items[i].late)
			release_late(&threads->items[i]);
	}
	mem_free(threads->items);
	*threads = (struct stopped_threads){0};
	return stopped_ms;
}
