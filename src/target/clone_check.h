// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Would a process let itself be cloned? Asked beforehand, for those who want to know without doing
 * it.
 */
#pragma once

#include "target/process.h"

#include <stddef.h>

/**
 * What would make CAPTURE_AUTO fall back to freeze, as far as it can be told from outside: "" if
 * nothing is known. Nothing is stopped, except where the process has a seccomp filter that we may
 * read: then its main thread is, for the fraction of a millisecond that reading takes.
 * *ret_stopped_ms says for how long.
 */
struct error *clone_check(
	struct process *process, char *ret_reason, size_t size, double *ret_stopped_ms);
