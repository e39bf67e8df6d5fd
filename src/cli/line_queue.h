// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Lines on their way to standard output, written by a thread of their own.
 *
 * Whoever has them written never waits for whoever reads them: a pager that nobody scrolls must not
 * hold up a process that is being watched. What does not fit is dropped and counted.
 */
#pragma once

#include "base/cleanup.h"

#include <stdbool.h>
#include <stdint.h>

struct error;
struct line_queue;

struct error *line_queue_create(struct line_queue **ret);
/** Takes @p line, which ends with a newline; NULL (no memory) is counted as dropped. */
void line_queue_add(struct line_queue *queue, char *line);
/** Lines that were dropped. */
uint64_t line_queue_dropped(struct line_queue *queue);
/** Can nothing be written any more? */
bool line_queue_is_broken(struct line_queue *queue);
/** Write what is left (it may take as long as the reader takes), and end the thread. The error that
 * writing met, if any: a closed pipe is told by *ret_code, as in write_output(). */
struct error *line_queue_finish(struct line_queue *queue, int *ret_code);
/** NULL is fine. */
void line_queue_destroy(struct line_queue *queue);
DEFINE_CLEANUP(struct line_queue *, line_queue_destroy)
