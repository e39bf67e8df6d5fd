// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * What a process had in its memory at one moment, copied while all its threads were stopped.
 *
 * Copied is what can change: private writable mappings, as far as they hold anything. Code and
 * read-only data are read from the process when they are asked for.
 */
#pragma once

#include "target/process.h"

/** *ret_stopped_ms is added to, also on failure. */
struct error *frozen_copy_create(
	struct process *process, struct target **ret, double *ret_stopped_ms);
