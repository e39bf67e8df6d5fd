// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * The same work on several cores.
 */
#pragma once

#include <stddef.h>

struct error;

/** How many workers parallel_run() should be given here: the cores this process may use, at most
 *  LIMIT_WORKERS. */
unsigned parallel_workers(void);

/** Run work(context, worker) for worker = 0 … workers-1, each in its own thread (the last one in the
 *  caller's), and wait for all. Returns the error of the lowest-numbered worker that failed; errors
 *  of the others are destroyed. A thread that cannot be started runs its work in the caller's. */
struct error *parallel_run(
	unsigned workers, struct error *(*work)(void *context, unsigned worker), void *context);
