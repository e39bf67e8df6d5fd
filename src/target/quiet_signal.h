// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * A signal that a process ignores by default and does not handle: one that a tracer may have sent to its
 * threads, for without the tracer it does nothing. And whether threads have it blocked.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct error;

/** For a process that handles the signals of @p caught (bit n - 1 is signal n: SigCgt of
 * /proc/PID/status): SIGURG or SIGWINCH; 0 if it handles both. */
int quiet_signal_of(uint64_t caught);
/** The same of a process; ERROR_UNSUPPORTED if the process handles both. */
struct error *quiet_signal_choose(pid_t pid, int *ret);
/** ERROR_UNSUPPORTED if the process handles it by now. */
struct error *quiet_signal_check(pid_t pid, int signal);
bool quiet_signal_is_blocked(pid_t thread, int signal);

/** How a thread had a signal blocked. All zeros: it had not, or was left as it was. */
struct signal_unblocked {
	bool is_unblocked;
	uint64_t mask_before;
};

/** In a thread that stands still, in the caller's hands. What is left of it if we die is a signal that
 * does nothing. */
void quiet_signal_unblock(pid_t thread, int signal, struct signal_unblocked *ret);
/** Block it again, unless the thread has set its mask itself since. */
void quiet_signal_block_again(pid_t thread, int signal, const struct signal_unblocked *unblocked);
