// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Hold back the signals by which people end programs while a process is in our hands.
 *
 * The target would survive, but a dead clone would stay behind in it. The signals are delivered, to
 * this thread, as soon as they are let go.
 */
#pragma once

#include <signal.h>

#define STOP_SIGNALS 3

struct signals_held {
	sigset_t before;
};

void signals_hold(struct signals_held *ret);
void signals_let_go(const struct signals_held *held);

/**
 * Ignore, in all our threads, the signals by which a terminal stops programs (Ctrl-Z): a tracer that is
 * stopped is one whose process waits for it. SIGSTOP cannot be ignored.
 */
struct stops_ignored {
	struct sigaction before[STOP_SIGNALS];
};

void stops_ignore(struct stops_ignored *ret);
void stops_heed(const struct stops_ignored *ignored);
