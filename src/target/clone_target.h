// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * A copy-on-write clone of a process, held for reading.
 *
 * The clone is a child of the target with exit signal 0, which the target's own wait calls do not
 * see. It is traced from birth and never executes an instruction of its own. It shares the table of
 * open files with the target (CLONE_FILES), so that a connection which the target closes is closed,
 * and it is the first to be killed when memory gets short.
 */
#pragma once

#include "target/process.h"

#include <sched.h>

/** Of the clone() call; exit signal 0 in the low byte: the parent is told nothing. */
#define CLONE_TARGET_FLAGS (CLONE_FILES | CLONE_FS)

/** Take it. ERROR_UNSUPPORTED if this process cannot be cloned (the message is the reason); nothing
 *  was changed then. *ret_stopped_ms is added to, also on failure. */
struct error *clone_target_create(
	struct process *process, struct target **ret, double *ret_stopped_ms);
