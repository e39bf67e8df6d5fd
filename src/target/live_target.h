// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * The memory of a process that is running, or is held stopped by somebody.
 */
#pragma once

#include "target/process.h"

/** Read up to @p size bytes with process_vm_readv(); how many from the start could be read. */
size_t live_read(pid_t pid, remote_addr addr, void *buffer, size_t size);

struct error *live_target_create(struct process *process, struct target **ret);

/** The runs of pages of a process that hold something; see target_resident(). */
struct error *live_resident(
	pid_t pid, remote_addr start, remote_addr end, struct page_run_vector *runs);
