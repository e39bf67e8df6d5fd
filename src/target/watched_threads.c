// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "target/watched_threads.h"

#include "base/error.h"
#include "base/limits.h"
#include "target/breakpoint.h"
#include "target/process_internal.h"
#include "target/procfs.h"
#include "target/ptrace_stop.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <unistd.h>

#define STATUS_BYTES   16384
#define PTRACE_OPTIONS (PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC)

// Each thread and each word is a descriptor.
static void allow_many_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

struct watched_thread *watched_threads_find(struct watched_threads *threads, pid_t id)
{
	for (size_t i = 0; i < threads->list.count; i++) {
		if (threads->list.items[i].id == id)
			return &threads->list.items[i];
	}
	return NULL;
}

static void close_event(
	struct watched_threads *threads, struct watched_thread *thread, unsigned number)
{
	if (thread->fds[number] < 0)
		return;
	threads->stores[number] += breakpoint_count(thread->fds[number]);
	close(thread->fds[number]);
	thread->fds[number] = -1;
}

static void close_events(struct watched_threads *threads, struct watched_thread *thread)
{
	for (unsigned i = 0; i < threads->count; i++)
		close_event(threads, thread, i);
}

struct error *watched_threads_arm(struct watched_threads *threads, struct watched_thread *thread)
{
	struct error *error = NULL;

	for (unsigned i = 0; !error && i < threads->count; i++) {
		if (!threads->is_dropped[i])
			error = breakpoint_open(thread->id, threads->points[i].addr,
				threads->signal, !threads->is_off, &thread->fds[i]);
	}
	return error;
}

struct error *watched_threads_note(
	struct watched_threads *threads, pid_t id, struct watched_thread **ret)
{
	struct watched_thread thread = {.id = id, .fds = {-1, -1, -1, -1}};

	if (!watched_thread_vector_push(&threads->list, thread))
		return error_enomem();
	*ret = &threads->list.items[threads->list.count - 1];
	return NULL;
}

void watched_threads_forget(struct watched_threads *threads, pid_t id)
{
	struct watched_thread *thread = watched_threads_find(threads, id);

	if (!thread)
		return;
	close_events(threads, thread);
	*thread = threads->list.items[--threads->list.count];
}

bool watched_threads_include(const struct watched_threads *threads, pid_t id)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d", process_pid(threads->process), id);
	return access(path, F_OK) == 0;
}

void watched_thread_let_run(pid_t id)
{
	siginfo_t info;

	if (ptrace(PTRACE_GETSIGINFO, id, NULL, &info) == 0 && info.si_signo != SIGTRAP)
		ptrace(PTRACE_LISTEN, id, NULL, NULL);
	else
		ptrace(PTRACE_CONT, id, NULL, NULL);
}

// False if it ended.
static bool unblock_stopping(struct watched_threads *threads, struct watched_thread *thread)
{
	struct stopped_thread stopped = {.id = thread->id};

	if (ptrace_interrupt(&stopped))
		quiet_signal_unblock(thread->id, threads->signal, &thread->unblocked);
	watched_thread_let_run(thread->id);
	// In a vfork(), for example: on_interrupted() will see it.
	thread->is_late = stopped.late;
	return stopped.stopped || stopped.late || watched_threads_include(threads, thread->id);
}

// Not traced by us: because it ends, was born by a thread that is traced, or somebody else traces it.
static struct error *explain_refusal(pid_t id, int number)
{
	_cleanup_(mem_free) char *status = NULL;
	uint64_t owner;
	size_t size;

	if (number == ESRCH)
		return NULL;
	if (number != EPERM)
		return error_system(number, "cannot trace thread %d", id);
	error_destroy(proc_read(&status, &size, STATUS_BYTES, "/proc/%d/status", id));
	if (!status || strstr(status, "\nState:\tZ") || strstr(status, "\nState:\tX") ||
		!proc_field(status, "TracerPid", 10, &owner) || (pid_t)owner == gettid())
		return NULL;
	if (owner)
		return error_create(ERROR_UNSUPPORTED,
			"the process is traced already (by a debugger, or another shikari)");
	return error_create(ERROR_UNSUPPORTED, "thread %d must not be traced", id);
}

static struct error *seize(struct watched_threads *threads, pid_t id)
{
	struct watched_thread *thread;
	struct error *error;

	if (ptrace(PTRACE_SEIZE, id, NULL, (void *)(long)PTRACE_OPTIONS) < 0)
		return explain_refusal(id, errno);
	error = watched_threads_note(threads, id, &thread);
	if (!error)
		thread->is_born = true;
	return error;
}

static struct error *arm_from(struct watched_threads *threads, size_t from)
{
	while (from < threads->list.count) {
		struct watched_thread *thread = &threads->list.items[from];
		struct error *error = NULL;

		if (quiet_signal_is_blocked(thread->id, threads->signal) &&
			!unblock_stopping(threads, thread)) {
			watched_threads_forget(threads, thread->id);
			continue;
		}
		error = watched_threads_arm(threads, thread);
		if (error)
			return error;
		from++;
	}
	return NULL;
}

// A thread is born by one that runs: when the list has none that is not traced, all are, and those
// born later are traced from their birth. All are seized before one is interrupted: as in ptrace_stop.c,
// a signal that is ignored is not while some are traced, and interrupts the others.
struct error *watched_threads_attach(struct watched_threads *threads)
{
	_cleanup_(pid_vector_deinit) struct pid_vector ids = {0};
	pid_t pid = process_pid(threads->process);
	bool any;

	allow_many_descriptors();
	do {
		struct error *error = proc_list_threads(pid, &ids);
		size_t before = threads->list.count;

		for (size_t i = 0; !error && i < ids.count && i < LIMIT_THREADS; i++) {
			if (!watched_threads_find(threads, ids.items[i]))
				error = seize(threads, ids.items[i]);
		}
		any = threads->list.count > before;
		if (!error)
			error = arm_from(threads, before);
		if (error)
			return error;
	} while (any && threads->list.count < LIMIT_THREADS);
	return threads->list.count ? NULL : process_check_same(threads->process);
}

void watched_threads_switch(struct watched_threads *threads, bool is_on)
{
	threads->is_off = !is_on;
	for (size_t i = 0; i < threads->list.count; i++) {
		for (unsigned k = 0; k < threads->count; k++) {
			if (threads->list.items[i].fds[k] >= 0)
				breakpoint_switch(threads->list.items[i].fds[k], is_on);
		}
	}
}

bool watched_threads_drop(struct watched_threads *threads, unsigned number)
{
	bool any = false;

	threads->is_dropped[number] = true;
	for (size_t i = 0; i < threads->list.count; i++)
		close_event(threads, &threads->list.items[i], number);
	for (unsigned i = 0; i < threads->count; i++)
		any |= !threads->is_dropped[i];
	return any;
}

bool watched_threads_have_stores(const struct watched_threads *threads)
{
	for (size_t i = 0; i < threads->list.count; i++) {
		for (unsigned k = 0; k < threads->count; k++) {
			int fd = threads->list.items[i].fds[k];

			if (fd >= 0 && breakpoint_count(fd))
				return true;
		}
	}
	return false;
}

static void restore_mask(struct watched_threads *threads, const struct watched_thread *thread)
{
	struct stopped_thread stopped = {.id = thread->id};

	if (ptrace_interrupt(&stopped))
		quiet_signal_block_again(thread->id, threads->signal, &thread->unblocked);
	// Not PTRACE_CONT: that would wake a process that is stopped by SIGSTOP.
	ptrace(PTRACE_DETACH, thread->id, NULL, NULL);
}

void watched_threads_release(struct watched_threads *threads)
{
	for (size_t i = 0; i < threads->list.count; i++)
		close_events(threads, &threads->list.items[i]);
	for (size_t i = 0; i < threads->list.count; i++) {
		if (threads->list.items[i].unblocked.is_unblocked)
			restore_mask(threads, &threads->list.items[i]);
	}
	watched_thread_vector_deinit(&threads->list);
}
