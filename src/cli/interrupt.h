// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * SIGINT, SIGTERM and SIGHUP end a hunt early but in order; a second one ends the program at once
 * (which leaves the target unharmed too: captures heal themselves).
 */
#pragma once

/** Once, at the start. */
void interrupt_install(void);
/** The signal that came, or 0. */
int interrupt_signal(void);
/** Sleep until CLOCK_MONOTONIC says @p until_s, or a signal comes. */
void interrupt_sleep_until(double until_s);
