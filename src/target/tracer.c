// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "target/tracer.h"

#include "base/alloc.h"
#include "base/error.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <unistd.h>

struct tracer {
	pthread_t thread;
	pid_t id;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct error *(*work)(void *context); /* NULL: nothing to do */
	void *context;
	struct error *result;
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
			tracer->result = tracer->work(tracer->context);
			tracer->work = NULL;
			pthread_cond_broadcast(&tracer->changed);
		} else {
			pthread_cond_wait(&tracer->changed, &tracer->lock);
		}
	}
	pthread_mutex_unlock(&tracer->lock);
	return NULL;
}

struct error *tracer_create(struct tracer **ret)
{
	struct tracer *tracer = mem_calloc(1, sizeof(*tracer));
	sigset_t all, before;
	int number;

	if (!tracer)
		return error_enomem();
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

struct error *tracer_call(
	struct tracer *tracer, struct error *(*work)(void *context), void *context)
{
	struct error *result;

	pthread_mutex_lock(&tracer->lock);
	tracer->context = context;
	tracer->work = work;
	pthread_cond_broadcast(&tracer->changed);
	while (tracer->work)
		pthread_cond_wait(&tracer->changed, &tracer->lock);
	result = tracer->result;
	tracer->result = NULL;
	pthread_mutex_unlock(&tracer->lock);
	return result;
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
	mem_free(tracer);
}
