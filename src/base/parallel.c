// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "base/parallel.h"

#include "base/error.h"
#include "base/limits.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>

struct task {
	struct error *(*work)(void *context, unsigned worker);
	void *context;
	unsigned worker;
	struct error *result;
};

unsigned parallel_workers(void)
{
	cpu_set_t set;
	int count = 1;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		count = CPU_COUNT(&set);
	if (count < 1)
		return 1;
	return count > LIMIT_WORKERS ? LIMIT_WORKERS : (unsigned)count;
}

static void *run_task(void *argument)
{
	struct task *task = argument;

	task->result = task->work(task->context, task->worker);
	return NULL;
}

struct error *parallel_run(
	unsigned workers, struct error *(*work)(void *context, unsigned worker), void *context)
{
	struct task tasks[LIMIT_WORKERS];
	pthread_t threads[LIMIT_WORKERS];
	bool started[LIMIT_WORKERS] = {false};
	struct error *first = NULL;

	if (workers > LIMIT_WORKERS)
		workers = LIMIT_WORKERS;
	for (unsigned i = 0; i < workers; i++) {
		tasks[i] = (struct task){.work = work, .context = context, .worker = i};
		if (i + 1 < workers)
			started[i] = !pthread_create(&threads[i], NULL, run_task, &tasks[i]);
		if (!started[i])
			run_task(&tasks[i]);
	}
	for (unsigned i = 0; i < workers; i++) {
		if (started[i])
			pthread_join(threads[i], NULL);
		if (!first)
			first = tasks[i].result;
		else
			error_destroy(tasks[i].result);
	}
	return first;
}
