// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * The threads of a target, from what a stop found.
 */
#pragma once

#include "target/ptrace_stop.h"
#include "target/target.h"

/** Fill in the names and how they know themselves, as far as the threads still exist. */
void thread_names_read(pid_t pid, struct target_thread *threads, size_t count);

/** Describe all stopped threads, the main one first; the array is the caller's. */
struct error *thread_list_create(
	const struct stopped_threads *stopped, struct target_thread **ret, size_t *ret_count);
