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
