// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "cli/interrupt.h"

#include "base/clock.h"

#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <time.h>

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};

static volatile sig_atomic_t came;

static void remember(int number)
{
	came = number;
}

void interrupt_install(void)
{
	struct sigaction action = {.sa_handler = remember, .sa_flags = (int)SA_RESETHAND};
	struct sigaction old;

	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
		// Ignored by who started us (nohup): stay so.
		if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler == SIG_IGN)
			continue;
		sigaction(signals[i], &action, NULL);
	}
}

int interrupt_signal(void)
{
	return came;
}

// Signals are let in only while ppoll() sleeps: none can slip in between the check and the sleep.
void interrupt_sleep_until(double until_s)
{
	sigset_t ours, before;

	sigemptyset(&ours);
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		sigaddset(&ours, signals[i]);
	sigprocmask(SIG_BLOCK, &ours, &before);
	while (!came) {
		double left = until_s - monotonic_seconds();
		struct timespec timeout;

		if (left <= 0)
			break;
		timeout.tv_sec = (time_t)left;
		timeout.tv_nsec = (long)((left - (double)timeout.tv_sec) * 1e9);
		ppoll(NULL, 0, &timeout, &before);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
}
