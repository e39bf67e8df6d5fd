// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * The memory of a process that is running, or is held stopped by somebody.
 */
#pragma once

#include "target/process.h"

/**
 * Read up to @p size bytes through an open /proc/PID/mem; how many from the start could be read.
 *
 * Not process_vm_readv(): it pins the pages it reads, and since Linux 5.19 pinning a page that is
 * shared copy-on-write gives the process a copy of its own first (FAULT_FLAG_UNSHARE). Reading a
 * clone, or a worker that was forked, would so double its memory, and runs at a third of the speed
 * (1.4 against 4.7 GB/s measured on a forked child of 400 MB, 6.18).
 */
size_t live_read(int memory_fd, remote_addr addr, void *buffer, size_t size);

struct error *live_target_create(struct process *process, struct target **ret);

/** The runs of pages of a process that are of a kind; see target_resident(). */
struct error *live_resident(pid_t pid, remote_addr start, remote_addr end, enum page_kind kind,
	struct page_run_vector *runs);
