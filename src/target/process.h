// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * A process that is running: who it is, and whether we may look at it.
 *
 * process_open() identifies the process by PID and start time, so that a PID that is given to
 * another program meanwhile is noticed, and refuses, with a message that says what to do, whatever
 * can never be looked at: no such process, a zombie, a kernel thread, a 32-bit program, a process
 * we may not ptrace, one that a debugger already traces.
 */
#pragma once

#include "base/cleanup.h"
#include "target/target.h"

#include <stdint.h>
#include <sys/types.h>

struct error;
struct process;

struct error *process_open(pid_t pid, struct process **ret);
void process_destroy(struct process *process);
DEFINE_CLEANUP(struct process *, process_destroy)

pid_t process_pid(const struct process *process);
/** The executable's path in the target's own mount namespace; " (deleted)" is kept. */
const char *process_executable(const struct process *process);
/** Command line, arguments joined by spaces, cut to a sensible length; may be "". */
const char *process_command_line(const struct process *process);

/** Write into the process's memory. Only while the threads that may use it are stopped. */
struct error *process_write(
	const struct process *process, remote_addr addr, const void *bytes, size_t size);

/** When it was started, in clock ticks since the machine was (proc(5)): with its id, who it is. */
uint64_t process_start_ticks(const struct process *process);

/** Numbers that change; 0 if they cannot be read. RSS is with huge pages of the pool (huge_pool.h),
 * which the kernel does not count. */
uint64_t process_rss_bytes(const struct process *process);
size_t process_thread_count(const struct process *process);
/** RSS, and PSS: what is shared counted in parts (0 where the kernel does not say). Takes a moment: the
 * kernel walks all page tables. */
struct error *process_read_usage(
	const struct process *process, uint64_t *ret_rss, uint64_t *ret_pss);

/** NULL if it still is the same process running the same program, else ERROR_GONE saying whether it
 *  ended or executed another program. */
struct error *process_check_same(const struct process *process);

/** Whatever failed: if the process ended or executed another program meanwhile, that is why. Takes
 *  @p error and returns it, or ERROR_GONE in its place; NULL stays NULL. */
struct error *process_explain(const struct process *process, struct error *error)
	__attribute__((__warn_unused_result__));

/** The process's own memory, read without stopping it: for finding the interpreter, and for
 *  `--mode live`. Reads may be torn. The target borrows @p process. */
struct error *process_target_live(struct process *process, struct target **ret);

/** Open, read-only, the file behind @p mapping as the target sees it (/proc/PID/root/…), also a
 * deleted one
 *  (/proc/PID/map_files/…). The inode is compared with the mapping's. */
struct error *process_open_file(
	const struct process *process, const struct mapping *mapping, int *ret_fd);
