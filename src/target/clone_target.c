// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "target/clone_target.h"

#include "base/alloc.h"
#include "base/error.h"
#include "target/inject.h"
#include "target/live_target.h"
#include "target/process_internal.h"
#include "target/procfs.h"
#include "target/signals_held.h"
#include "target/target_ops.h"
#include "target/thread_names.h"
#include "target/tracer.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define STATUS_BYTES      16384
#define CHILD_SECONDS_MAX 10.0
#define OOM_SCORE_FIRST   1000

// How often a clone is called again when signals come in between.
#define CLONE_TRIES_MAX 16

// Tries with a thread that does not stop, and the pause between them in µs.
#define TRIES_MAX 5
#define TRY_PAUSE 100000

struct clone_target {
	struct target target;
	struct process *process; /* borrowed */
	struct tracer *tracer;   /* holds the clone; NULL before it is made */
	pid_t clone;
	pid_t clone_inside; /* as the target knows it, which waits for it */
	int memory_fd;      /* the clone's /proc/PID/mem */
	// While it is made:
	struct mappings before; /* the target's, a little before the stop */
	struct machine_gadgets gadgets;
	struct pid_vector leftovers; /* as the target knows them */
	bool is_disturbed;           /* signals kept coming in between */
	double stopped_ms;
};

static size_t clone_read(const struct target *target, remote_addr addr, void *buffer, size_t size)
{
	return live_read(((const struct clone_target *)target)->memory_fd, addr, buffer, size);
}

static struct error *clone_resident(const struct target *target, remote_addr start, remote_addr end,
	enum page_kind kind, struct page_run_vector *runs)
{
	return live_resident(((const struct clone_target *)target)->clone, start, end, kind, runs);
}

static bool clone_is_gone(const struct target *target)
{
	char byte;

	// With an address space, address 0 is a fault; without one, nothing is there to be read.
	return pread(((const struct clone_target *)target)->memory_fd, &byte, 1, 0) == 0;
}

// A clone that an earlier run left behind when it was killed: dead, unknown to its parent, and
// marked as ours by how it ended. A genuine child of this kind would have to be made with exit
// signal 0, and end by SIGKILL with the highest OOM score, or with our very exit status.
static bool is_leftover(pid_t child, pid_t parent)
{
	_cleanup_(mem_free) char *score = NULL;
	struct proc_stat stat;
	struct error *error = proc_read_stat(child, &stat);
	size_t size;

	if (error) {
		error_destroy(error);
		return false;
	}
	if (stat.state != 'Z' || stat.exit_signal != 0 || stat.parent != parent)
		return false;
	if (stat.exit_code == MACHINE_CHILD_EXIT_STATUS << 8)
		return true;
	error_destroy(proc_read(&score, &size, 64, "/proc/%d/oom_score_adj", child));
	return stat.exit_code == SIGKILL && score && strtol(score, NULL, 10) == OOM_SCORE_FIRST;
}

static struct error *find_leftovers(pid_t pid, struct pid_vector *ret)
{
	struct error *error = proc_list_children(pid, ret);
	size_t kept = 0;

	for (size_t i = 0; i < ret->count; i++) {
		if (is_leftover(ret->items[i], pid))
			ret->items[kept++] = proc_id_inside(ret->items[i]);
	}
	ret->count = kept;
	return error;
}

// Choose a thread and prepare it. Best is one that runs or whose system call is simply entered
// again (see enum machine_activity); among equals the main one, whose stack is known to be a stack.
static struct error *begin_somewhere(struct stopped_threads *threads,
	const struct mappings *mappings, const struct machine_gadgets *gadgets,
	struct injection *ret)
{
	const char *reason = "no thread of it could be used";

	for (int activity = MACHINE_RUNNING; activity <= MACHINE_WAITING_TIMED; activity++) {
		for (size_t i = 0; i < threads->count; i++) {
			struct stopped_thread *thread = &threads->items[i];
			const char *refusal;
			struct error *error;

			if (!thread->stopped ||
				(int)machine_activity(&thread->registers) != activity)
				continue;
			refusal = injection_refusal(thread, mappings, gadgets);
			if (refusal) {
				reason = refusal;
				continue;
			}
			error = injection_begin(thread, gadgets, ret);
			if (!error)
				return NULL;
			error_destroy(error);
		}
	}
	return error_create(ERROR_UNSUPPORTED, "no thread can be diverted: %s", reason);
}

static struct error *reap(struct injection *injection, pid_t child)
{
	// __WALL, for the exit signal is not SIGCHLD; WNOHANG, so that it never blocks.
	uint64_t arguments[6] = {(uint64_t)child, 0, WNOHANG | __WALL, 0};
	int64_t result;
	pid_t born;

	return injection_call(injection, SYS_wait4, arguments, &result, &born);
}

static struct error *make_clone(
	struct injection *injection, pid_t *ret, pid_t *ret_inside, bool *ret_is_disturbed)
{
	uint64_t arguments[6] = {CLONE_TARGET_FLAGS, injection->frame.child_stack};
	int64_t result = 0;
	int tries = 0;

	// The kernel does not clone while a signal waits that cannot be blocked (SIGSTOP), but asks
	// for another call once it was taken.
	do {
		struct error *error = injection_call(injection, SYS_clone, arguments, &result, ret);

		if (error)
			return error;
	} while (machine_is_call_again(result) && ++tries < CLONE_TRIES_MAX);
	*ret_is_disturbed = machine_is_call_again(result);
	if (*ret_is_disturbed)
		return error_create(
			ERROR_UNSUPPORTED, "signals that it gets keep it from being cloned");
	if (result < 0)
		return error_create(ERROR_UNSUPPORTED, "the kernel refused to clone it: %s",
			strerror((int)-result));
	if (*ret <= 0)
		return error_create(ERROR_SYSTEM, "the clone was not seen");
	*ret_inside = (pid_t)result;
	return NULL;
}

// If memory gets short, the clone must be killed rather than the target.
static void offer_to_oom_killer(pid_t clone)
{
	_cleanup_(close) int fd = -1;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", clone);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0)
		dprintf(fd, "%d", OOM_SCORE_FIRST);
}

// The clone stops before its first instruction. Only it may die with us: PTRACE_O_EXITKILL on a
// thread of the target would kill the target.
static struct error *hold_clone(pid_t clone)
{
	int signal;

	switch (ptrace_wait(clone, CHILD_SECONDS_MAX, &signal)) {
	case PTRACE_STOPPED_BY_US:
	case PTRACE_STOPPED_SIGNAL:
		break;
	default:
		return error_create(ERROR_GONE, "the clone was killed");
	}
	if (ptrace(PTRACE_SETOPTIONS, clone, NULL, (long)PTRACE_O_EXITKILL) < 0)
		return error_system(errno, "cannot hold the clone");
	return NULL;
}

static struct error *clone_stopped(struct clone_target *clone, struct stopped_threads *threads)
{
	struct injection injection;
	struct error *error;

	if (!process_is_alive(clone->process))
		return process_check_same(clone->process);
	error = begin_somewhere(threads, &clone->before, &clone->gadgets, &injection);
	if (error)
		return error;
	for (size_t i = 0; i < clone->leftovers.count && !error; i++)
		error = reap(&injection, clone->leftovers.items[i]);
	if (!error)
		error = make_clone(
			&injection, &clone->clone, &clone->clone_inside, &clone->is_disturbed);
	if (clone->clone > 0)
		offer_to_oom_killer(clone->clone);
	// After a refusal the thread has to be put back all the same.
	if (!error || error_kind(error) == ERROR_UNSUPPORTED) {
		struct error *other = injection_end(&injection);

		if (!error)
			return other;
		error_destroy(other);
	}
	return error;
}

static struct error *clone_work(void *context)
{
	struct clone_target *clone = context;
	struct stopped_threads threads;
	struct error *error, *other = NULL;

	error = ptrace_stop_all(process_pid(clone->process), &threads);
	if (error)
		return error;
	error = clone_stopped(clone, &threads);
	if (!error)
		error = thread_list_create(
			&threads, &clone->target.threads, &clone->target.thread_count);
	clone->stopped_ms += ptrace_release(&threads);
	if (clone->clone > 0)
		other = hold_clone(clone->clone);
	if (!error)
		return other;
	error_destroy(other);
	return error;
}

static const char *read_refusal(pid_t pid)
{
	_cleanup_(mem_free) char *status = NULL;
	size_t size;

	error_destroy(proc_read(&status, &size, STATUS_BYTES, "/proc/%d/status", pid));
	if (!status)
		return NULL;
	return machine_refusal(status);
}

// After unshare(CLONE_NEWPID) the next child is the init of a new PID namespace. Ours must not be that:
// when it ends, the process could have no more children.
static bool has_children_elsewhere(pid_t thread)
{
	char path[64], own[64] = "", childrens[64] = "";
	struct stat stat;

	snprintf(path, sizeof(path), "/proc/%d/ns/pid", thread);
	if (readlink(path, own, sizeof(own) - 1) < 0)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/ns/pid_for_children", thread);
	if (lstat(path, &stat) < 0)
		return false;
	// As long as there is no init, it cannot be read.
	return readlink(path, childrens, sizeof(childrens) - 1) < 0 || strcmp(own, childrens) != 0;
}

// All that can be done before the stop.
static struct error *prepare(struct clone_target *clone)
{
	pid_t thread = process_memory_thread(clone->process);
	const char *refusal = read_refusal(thread);
	struct error *error;

	if (refusal)
		return error_create(ERROR_UNSUPPORTED, "%s", refusal);
	if (has_children_elsewhere(thread))
		return error_create(
			ERROR_UNSUPPORTED, "its children belong to another PID namespace");
	error = mappings_read(thread, &clone->before);
	if (!error)
		error = process_find_gadgets(clone->process, &clone->before, &clone->gadgets);
	if (!error)
		error = find_leftovers(process_pid(clone->process), &clone->leftovers);
	return error;
}

// A thread that waits in vfork() cannot be stopped, but will not wait for long. Nor do signals come at
// all times faster than we can clone.
static bool may_pass(const struct clone_target *clone, const struct error *error)
{
	return (error_kind(error) == ERROR_SYSTEM || clone->is_disturbed) && clone->clone <= 0 &&
	       process_is_alive(clone->process);
}

static struct error *stop_and_clone(struct clone_target *clone)
{
	for (int try = 1;; try++) {
		struct error *error = tracer_create(process_pid(clone->process), &clone->tracer);

		clone->is_disturbed = false;
		if (!error)
			error = tracer_call(clone->tracer, clone_work, clone);
		if (!error)
			return NULL;
		// Whatever is still traced is let go, the clone is killed.
		tracer_destroy(take(clone->tracer));
		if (try == TRIES_MAX || !may_pass(clone, error))
			return error;
		error_destroy(error);
		usleep(TRY_PAUSE);
	}
}

static struct error *reap_through(pid_t pid, pid_t thread, const struct mappings *mappings,
	const struct machine_gadgets *gadgets, pid_t child)
{
	struct stopped_threads threads;
	struct injection injection;
	struct error *error, *other;

	error = ptrace_stop_one(pid, thread, &threads);
	if (error)
		return error;
	error = begin_somewhere(&threads, mappings, gadgets, &injection);
	if (!error) {
		error = reap(&injection, child);
		other = error ? NULL : injection_end(&injection);
		error = error ? error : other;
	}
	ptrace_release(&threads);
	return error;
}

// Any thread may wait for a child of the process: one is stopped, the others do not notice.
static struct error *reap_clone(struct clone_target *clone)
{
	_cleanup_(mappings_deinit) struct mappings mappings = {0};
	_cleanup_(pid_vector_deinit) struct pid_vector threads = {0};
	pid_t pid = process_pid(clone->process);
	struct machine_gadgets gadgets;
	struct error *error;

	if (!process_still_exists(clone->process))
		return NULL;
	// It may have executed another program meanwhile; the clone is its child all the same.
	error = mappings_read(process_memory_thread(clone->process), &mappings);
	if (!error)
		error = process_find_gadgets(clone->process, &mappings, &gadgets);
	if (!error)
		error = proc_list_threads(pid, &threads);
	if (error)
		return error;
	for (size_t i = 0; i < threads.count; i++) {
		error_destroy(error);
		error = reap_through(
			pid, threads.items[i], &mappings, &gadgets, clone->clone_inside);
		if (!error)
			return NULL;
	}
	return error;
}

static struct error *reap_work(void *context)
{
	return reap_clone(context);
}

static struct error *kill_work(void *context)
{
	struct clone_target *clone = context;
	int signal;

	kill(clone->clone, SIGKILL);
	while (ptrace_wait(clone->clone, CHILD_SECONDS_MAX, &signal) < PTRACE_ENDED)
		continue;
	return NULL;
}

// Kill the clone and make the target forget it. Where the only thread waits in vfork(), that takes
// a second try; what remains in the end is taken away by the next capture.
static void end_clone(struct clone_target *clone)
{
	struct error *error = tracer_call(clone->tracer, kill_work, clone);

	for (int try = 1; !error && try <= TRIES_MAX; try++) {
		error = tracer_call(clone->tracer, reap_work, clone);
		if (!error)
			return;
		tracer_destroy(take(clone->tracer));
		error_destroy(error);
		usleep(TRY_PAUSE);
		error = tracer_create(process_pid(clone->process), &clone->tracer);
	}
	error_destroy(error);
}

static void clone_destroy(struct target *target)
{
	struct clone_target *clone = (struct clone_target *)target;
	struct signals_held held;

	signals_hold(&held);
	if (clone->tracer)
		end_clone(clone);
	tracer_destroy(clone->tracer);
	signals_let_go(&held);
	if (clone->memory_fd >= 0)
		close(clone->memory_fd);
	mappings_deinit(&clone->before);
	pid_vector_deinit(&clone->leftovers);
	mem_free(clone);
}

static struct error *open_clone_memory(struct clone_target *clone)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/mem", clone->clone);
	clone->memory_fd = open(path, O_RDONLY | O_CLOEXEC);
	return clone->memory_fd < 0 ? error_system(errno, "cannot read the clone") : NULL;
}

static const struct target_ops clone_ops = {
	.read = clone_read,
	.resident = clone_resident,
	.is_gone = clone_is_gone,
	.destroy = clone_destroy,
};

struct error *clone_target_create(
	struct process *process, struct target **ret, double *ret_stopped_ms)
{
	struct clone_target *clone = mem_calloc(1, sizeof(*clone));
	struct error *error;

	if (!clone)
		return error_enomem();
	clone->target.ops = &clone_ops;
	clone->target.origin = &process->origin;
	clone->memory_fd = -1;
	clone->process = process;
	error = prepare(clone);
	if (!error)
		error = stop_and_clone(clone);
	*ret_stopped_ms += clone->stopped_ms;
	if (!error)
		error = mappings_read(clone->clone, &clone->target.mappings);
	if (!error)
		error = open_clone_memory(clone);
	if (error) {
		target_destroy(&clone->target);
		return error;
	}
	thread_names_read(process_pid(process), clone->target.threads, clone->target.thread_count);
	*ret = &clone->target;
	return NULL;
}
