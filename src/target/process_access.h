// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * May this process be looked into, and if not: why, and what would help.
 */
#pragma once

#include "target/procfs.h"

/** There is nothing in /proc of a process that was asked for. */
struct error *process_explain_missing(pid_t pid);

/** Not a thread, the kernel's own, shikari itself, or a process that has ended. */
struct error *process_check_kind(pid_t pid, const struct proc_stat *stat);

/** There can be only one tracer. @p thread: a living one. */
struct error *process_check_tracer(pid_t thread);

/** /proc/THREAD/mem for reading; the caller closes it. ERROR_DENIED with the reason: Yama, users,
 *  capabilities, security modules. */
struct error *process_open_memory(pid_t pid, pid_t thread, int *ret_fd);

/** A 64-bit ELF program? */
struct error *process_check_program(pid_t pid, pid_t thread);
