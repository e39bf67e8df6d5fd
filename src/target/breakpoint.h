// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Hardware breakpoints by perf_event_open(2): a signal to the thread for each of its stores to a word.
 *
 * The signal is F_SETSIG's, with si_fd the descriptor and si_code POLL_IN. Stores by the kernel (read(2)
 * into a buffer) are not seen. Closing the descriptor takes the breakpoint away.
 */
#pragma once

#include "target/target.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct error;

/** One that is switched off and sends no signal: its descriptor, or -1 and errno. Thread 0 is the caller. */
int breakpoint_try(pid_t thread, remote_addr addr);
/** Watch the 8 bytes at @p addr (aligned to 8) in one thread. *ret is the descriptor, or -1: the thread
 * has ended. ERROR_UNSUPPORTED, with the reason, where that is refused. */
struct error *breakpoint_open(pid_t thread, remote_addr addr, int signal, bool is_on, int *ret);
void breakpoint_switch(int fd, bool is_on);
/** Stores so far while it was on. */
uint64_t breakpoint_count(int fd);
