// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * The bytes of a process: the interface of this layer.
 *
 * A struct target is memory that can be read by remote address, the mappings it consists of, the
 * files behind them, and the threads with their registers. Where the bytes come from (a copy-on-write
 * clone, a frozen copy, the running process, a core file, a test's or fuzzer's image) is the business
 * of who made it: capture.h, process.h, core_file.h, memory_image.h.
 *
 * Reading is thread-safe. What is read is untrusted; nothing here interprets it.
 */
#pragma once

#include "base/cleanup.h"
#include "target/mappings.h"
#include "target/resident_pages.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct error;
struct target;

/** General-purpose registers that may hold pointers, plus the two that place a thread. */
#define TARGET_THREAD_REGISTERS 16

/** A kernel thread of the target at the moment of the stop. */
struct target_thread {
	pid_t id;
	pid_t id_inside; /* as its own PID namespace has it */
	char name[16];   /* /proc/PID/task/ID/comm */
	remote_addr stack_pointer, program_counter;
	/** Where the thread's own storage is, which is what pthread_self() returns on x86-64 with glibc and
	 * musl; 0 if the thread was not stopped. */
	remote_addr thread_pointer;
	/** General-purpose registers, in the machine's order (x86-64: rax rbx rcx rdx rsi rdi rbp
	 * rsp r8 … r15). All zero if the thread was not stopped (live). */
	uint64_t registers[TARGET_THREAD_REGISTERS];
};

/** Read exactly @p size bytes, or fail with ERROR_FAULT (ERROR_GONE if the process ended). */
struct error *target_read(const struct target *target, remote_addr addr, void *buffer, size_t size);

/** Read what can be read of @p size bytes: pages that cannot be are filled with zeros. Returns the
 *  number of bytes that were really read (0 if nothing, or if the process is gone). Guard pages
 *  inside readable mappings are why this exists: glibc 2.42 puts them there. */
size_t target_read_some(const struct target *target, remote_addr addr, void *buffer, size_t size);

/** Bytes that are wanted from one place. */
struct target_piece {
	remote_addr addr;
	void *bytes;
	size_t size;
};

/** Read many pieces with one system call: a live target only (0 from others), for those that hold a thread up.
 *  Returns how many bytes of them, one after the other, were read; what follows the first page that cannot be
 *  read is to be read one by one. A page that is shared with a parent or child becomes the process's
 *  own by that (see live_read()): not for bulk. */
size_t target_read_pieces(
	const struct target *target, const struct target_piece *pieces, unsigned count);
#define TARGET_PIECES_MAX 64

/** Append the runs of pages within [start, end) of one mapping that hold something (resident or
 *  swapped out), ascending: mappings that were only reserved need not be read. Where that is not
 *  known, one run is all of it. */
struct error *target_resident(const struct target *target, remote_addr start, remote_addr end,
	struct page_run_vector *runs);
/** The same for those that RSS counts. Reading a clone brings pages into its memory: ask first. */
struct error *target_in_memory(const struct target *target, remote_addr start, remote_addr end,
	struct page_run_vector *runs);

/** The bytes at @p addr where they already are in our memory, or NULL if they have to be read.
 *  *ret_size says how many follow contiguously (at least 1). Valid as long as the target. */
const void *target_borrow(const struct target *target, remote_addr addr, size_t *ret_size);

const struct mappings *target_mappings(const struct target *target);
/** Threads at the stop, the main one first; empty for a memory image. */
const struct target_thread *target_threads(const struct target *target, size_t *ret_count);

/** Whose bytes they are, for messages: "process 4242", "process 4242 in app.core". */
const char *target_name(const struct target *target);
/** Path of the program in the target's own mount namespace, " (deleted)" kept; "" if unknown. */
const char *target_executable(const struct target *target);

/** Open, read-only, the file that @p mapping is of, also where the target sees other files than we.
 *  ERROR_NOT_FOUND if there is none, or only another one by that name. */
struct error *target_open_file(
	const struct target *target, const struct mapping *mapping, int *ret_fd);

/** Let go of the bytes. A clone is killed and reaped, leaving no trace in the process. NULL is
 * fine. */
void target_destroy(struct target *target);
DEFINE_CLEANUP(struct target *, target_destroy)
