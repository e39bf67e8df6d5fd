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

struct signals_held {
	sigset_t before;
};

void signals_hold(struct signals_held *ret);
void signals_let_go(const struct signals_held *held);
