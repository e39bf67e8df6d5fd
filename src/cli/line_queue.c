// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "cli/line_queue.h"

#include "base/alloc.h"
#include "base/error.h"
#include "cli/command.h"

#include <pthread.h>
#include <signal.h>

#define LINES_MAX 4096

struct line_queue {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	char *lines[LINES_MAX]; /* a ring: count of them from first on */
	unsigned first, count;
	uint64_t dropped;
	bool is_ending, is_joined;
	struct error *error;
	int code;
};

static bool take_line(struct line_queue *queue, char **ret)
{
	pthread_mutex_lock(&queue->lock);
	while (queue->count == 0 && !queue->is_ending)
		pthread_cond_wait(&queue->changed, &queue->lock);
	*ret = queue->count ? queue->lines[queue->first] : NULL;
	if (*ret) {
		queue->first = (queue->first + 1) % LINES_MAX;
		queue->count--;
	}
	pthread_mutex_unlock(&queue->lock);
	return *ret != NULL;
}

static void note_result(struct line_queue *queue, struct error *error, int code)
{
	pthread_mutex_lock(&queue->lock);
	if (queue->error)
		error_destroy(error);
	else
		queue->error = error;
	queue->code = code;
	pthread_mutex_unlock(&queue->lock);
}

static void *write_lines(void *argument)
{
	struct line_queue *queue = argument;
	char *line;

	while (take_line(queue, &line)) {
		int code = EXIT_DONE;
		struct error *error = NULL;

		if (!line_queue_is_broken(queue))
			error = write_output(line, &code);
		mem_free(line);
		if (error || code != EXIT_DONE)
			note_result(queue, error, code);
	}
	return NULL;
}

struct error *line_queue_create(struct line_queue **ret)
{
	struct line_queue *queue = mem_calloc(1, sizeof(*queue));
	sigset_t all, before;
	int number;

	if (!queue)
		return error_enomem();
	pthread_mutex_init(&queue->lock, NULL);
	pthread_cond_init(&queue->changed, NULL);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	number = pthread_create(&queue->thread, NULL, write_lines, queue);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (number) {
		mem_free(queue);
		return error_system(number, "cannot start a thread");
	}
	*ret = queue;
	return NULL;
}

void line_queue_add(struct line_queue *queue, char *line)
{
	pthread_mutex_lock(&queue->lock);
	if (line && queue->count < LINES_MAX) {
		queue->lines[(queue->first + queue->count++) % LINES_MAX] = line;
		pthread_cond_signal(&queue->changed);
	} else {
		mem_free(line);
		queue->dropped++;
	}
	pthread_mutex_unlock(&queue->lock);
}

uint64_t line_queue_dropped(struct line_queue *queue)
{
	uint64_t dropped;

	pthread_mutex_lock(&queue->lock);
	dropped = queue->dropped;
	pthread_mutex_unlock(&queue->lock);
	return dropped;
}

bool line_queue_is_broken(struct line_queue *queue)
{
	bool is_broken;

	pthread_mutex_lock(&queue->lock);
	is_broken = queue->error || queue->code != EXIT_DONE;
	pthread_mutex_unlock(&queue->lock);
	return is_broken;
}

static void end_thread(struct line_queue *queue)
{
	if (queue->is_joined)
		return;
	pthread_mutex_lock(&queue->lock);
	queue->is_ending = true;
	pthread_cond_signal(&queue->changed);
	pthread_mutex_unlock(&queue->lock);
	pthread_join(queue->thread, NULL);
	queue->is_joined = true;
}

struct error *line_queue_finish(struct line_queue *queue, int *ret_code)
{
	end_thread(queue);
	*ret_code = queue->code;
	return take(queue->error);
}

void line_queue_destroy(struct line_queue *queue)
{
	if (!queue)
		return;
	end_thread(queue);
	error_destroy(queue->error);
	pthread_mutex_destroy(&queue->lock);
	pthread_cond_destroy(&queue->changed);
	mem_free(queue);
}
