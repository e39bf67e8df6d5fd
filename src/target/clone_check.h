// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Would a process let itself be cloned? Asked beforehand, for those who want to know without doing
 * it.
 */
#pragma once

#include "target/process.h"

#include <stdbool.h>

struct clone_answer {
	char refusal[200]; /* "" if nothing is known that would refuse */
	bool is_seccomp;   /* the process's seccomp filter does, or cannot be read */
	double stopped_ms; /* of one thread, for asking */
};

/**
 * What would make CAPTURE_AUTO fall back to freeze, as far as it can be told from outside. Nothing is
 * stopped, except where the process has a seccomp filter that we may read: then its main thread is,
 * for the fraction of a millisecond that reading takes.
 */
struct error *clone_check(struct process *process, struct clone_answer *ret);
