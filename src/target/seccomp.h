// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Would a thread's seccomp filters let our system calls pass?
 *
 * Nearly every container has a filter, and nearly every filter allows what we need; one that does
 * not may kill the process. So the filters are read (which needs root) and executed here, on the
 * very calls that would be injected.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct sock_filter;
struct seccomp_data;

/** Why system calls must not be injected into @p thread, which is stopped under our ptrace; NULL if
 *  they may. @p call_addr is where the system call instruction is. */
const char *seccomp_refusal(pid_t thread, uint64_t call_addr);

/** What a filter answers (SECCOMP_RET_…); a program that is not well formed kills. */
uint32_t seccomp_run(
	const struct sock_filter *program, size_t length, const struct seccomp_data *data);
