// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "target/tracer.h"

#include "base/alloc.h"
#include "base/error.h"
#include "target/procfs.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STATUS_BYTES  16384
#define NS_PER_SECOND 1000000000L

// How often the caller looks after a tracer that takes its time.
#define WATCH_NS 100000000L

struct tracer {
	pthread_t thread;
	pid_t id;
	pid_t target;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct error *(*work)(void *context); /* NULL: nothing to do */
	void *context;
	struct error *result;
	struct pid_vector noted_dead;
	bool end;
};

static void *tracer_main(void *argument)
{
	struct tracer *tracer = argument;

	// Waits within a stop are short: they should not be rounded up to the usual 50 µs.
	prctl(PR_SET_TIMERSLACK, 1000);
	pthread_mutex_lock(&tracer->lock);
	tracer->id = gettid();
	while (!tracer->end) {
		if (tracer->work) {
			struct error *(*work)(void *context) = tracer->work;
			struct error *result;

			pthread_mutex_unlock(&tracer->lock);
			result = work(tracer->context);
			pthread_mutex_lock(&tracer->lock);
			tracer->result = result;
			tracer->work = NULL;
			pthread_cond_broadcast(&tracer->changed);
		} else {
			pthread_cond_wait(&tracer->changed, &tracer->lock);
		}
	}
	pthread_mutex_unlock(&tracer->lock);
	return NULL;
}

struct error *tracer_create(pid_t target, struct tracer **ret)
{
	struct tracer *tracer = mem_calloc(1, sizeof(*tracer));
	sigset_t all, before;
	int number;

	if (!tracer)
		return error_enomem();
	tracer->target = target;
	pthread_mutex_init(&tracer->lock, NULL);
	pthread_cond_init(&tracer->changed, NULL);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	number = pthread_create(&tracer->thread, NULL, tracer_main, tracer);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (number) {
		mem_free(tracer);
		return error_system(number, "cannot start a thread");
	}
	*ret = tracer;
	return NULL;
}

static bool is_dead_and_ours(const struct tracer *tracer, pid_t id)
{
	_cleanup_(mem_free) char *status = NULL;
	uint64_t owner = 0;
	size_t size;

	error_destroy(proc_read(&status, &size, STATUS_BYTES, "/proc/%d/status", id));
	return status && strstr(status, "\nState:\tZ") &&
	       proc_field(status, "TracerPid", 10, &owner) && (pid_t)owner == tracer->id;
}

// When a thread of the target executes another program, the kernel kills its other threads, waits
// until their tracer has taken note of that, and holds a lock meanwhile on which attaching to the
// first thread sleeps: the tracer would wait for itself. Any thread of ours may take note.
static void take_note_of_dead(struct tracer *tracer)
{
	_cleanup_(pid_vector_deinit) struct pid_vector threads = {0};

	error_destroy(proc_list_threads(tracer->target, &threads));
	for (size_t i = 0; i < threads.count; i++) {
		siginfo_t info = {0};

		if (is_dead_and_ours(tracer, threads.items[i]) &&
			waitid(P_PID, (id_t)threads.items[i], &info, WEXITED | WNOHANG | __WALL) ==
				0 &&
			info.si_pid)
			pid_vector_push(&tracer->noted_dead, threads.items[i]);
	}
}

struct error *tracer_call(
	struct tracer *tracer, struct error *(*work)(void *context), void *context)
{
	struct error *result;

	pthread_mutex_lock(&tracer->lock);
	tracer->context = context;
	tracer->work = work;
	pthread_cond_broadcast(&tracer->changed);
	while (tracer->work) {
		struct timespec until;

		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += WATCH_NS;
		until.tv_sec += until.tv_nsec / NS_PER_SECOND;
		until.tv_nsec %= NS_PER_SECOND;
		if (pthread_cond_clockwait(
			    &tracer->changed, &tracer->lock, CLOCK_MONOTONIC, &until) != 0)
			take_note_of_dead(tracer);
	}
	result = tracer->result;
	tracer->result = NULL;
	pthread_mutex_unlock(&tracer->lock);
	return result;
}

void tracer_noted_dead(struct tracer *tracer, struct pid_vector *ret)
{
	// Whoever takes note holds the lock until all are in the list.
	pthread_mutex_lock(&tracer->lock);
	pid_vector_deinit(ret);
	*ret = tracer->noted_dead;
	tracer->noted_dead = (struct pid_vector){0};
	pthread_mutex_unlock(&tracer->lock);
}

// pthread_join() returns a little before the kernel has let go of what the thread traced.
static void wait_for_end(pid_t id)
{
	for (int i = 0; i < 10000 && id > 0 && tgkill(getpid(), id, 0) == 0; i++)
		usleep(20);
}

void tracer_destroy(struct tracer *tracer)
{
	if (!tracer)
		return;
	pthread_mutex_lock(&tracer->lock);
	tracer->end = true;
	pthread_cond_broadcast(&tracer->changed);
	pthread_mutex_unlock(&tracer->lock);
	pthread_join(tracer->thread, NULL);
	wait_for_end(tracer->id);
	pthread_cond_destroy(&tracer->changed);
	pthread_mutex_destroy(&tracer->lock);
	pid_vector_deinit(&tracer->noted_dead);
	mem_free(tracer);
}
