// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "target/signals_held.h"

#include <pthread.h>
#include <stddef.h>

void signals_hold(struct signals_held *ret)
{
	// The terminal's stop signal too: it would stop us with the target in our hands.
	static const int signals[] = {
		SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU, SIGPIPE};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaddset(&set, signals[i]);
	pthread_sigmask(SIG_BLOCK, &set, &ret->before);
}

void signals_let_go(const struct signals_held *held)
{
	pthread_sigmask(SIG_SETMASK, &held->before, NULL);
}

static const int stop_signals[STOP_SIGNALS] = {SIGTSTP, SIGTTIN, SIGTTOU};

void stops_ignore(struct stops_ignored *ret)
{
	const struct sigaction ignore = {.sa_handler = SIG_IGN};

	for (size_t i = 0; i < STOP_SIGNALS; i++)
		sigaction(stop_signals[i], &ignore, &ret->before[i]);
}

void stops_heed(const struct stops_ignored *ignored)
{
	for (size_t i = 0; i < STOP_SIGNALS; i++)
		sigaction(stop_signals[i], &ignored->before[i], NULL);
}
