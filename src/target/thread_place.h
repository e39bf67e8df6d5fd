// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Where a stopped thread is: what can be told from its registers and the words on its stack.
 */
#pragma once

#include "target/elf_file.h"
#include "target/process.h"
#include "target/ptrace_stop.h"

/**
 * Is the thread blocked in a system call that waits for something to happen (poll, accept, a lock, …; not
 * one that works, as write() does), made by the C library for somebody who called it directly? That one's
 * return address is *ret_caller: the first on the stack, within what the library's own frames may need,
 * that leads out of the library. Nobody holds a lock of malloc there, which waits for nothing but locks,
 * and for these while it has none.
 */
bool thread_place_is_waiting(
	const struct stopped_thread *thread, const struct target *target, remote_addr *ret_caller);

/** If it waits for a lock (a futex), where that is; else 0. */
remote_addr thread_place_lock(const struct stopped_thread *thread);

/** Does it wait in epoll_wait(), as event loops do, which have no business with others meanwhile? */
bool thread_place_is_in_event_loop(const struct stopped_thread *thread);

/** Does it execute code of a mapped file other than the C library and the dynamic linker? Then it is not in
 * the midst of malloc() or free(), which call nobody. *ret_path is that file, of the target's mappings. */
bool thread_place_is_outside_library(const struct stopped_thread *thread,
	const struct target *target, remote_addr *ret_addr, const char **ret_path);

/** Is there a signal frame on its stack, so that a handler runs? What is left of an old one may look
 * the same. */
bool thread_place_is_in_handler(const struct stopped_thread *thread, const struct target *target,
	remote_addr signal_return);

/** The word on top of its stack: where a function that was just entered returns to. 0 if unreadable. */
remote_addr thread_place_return_address(
	const struct machine_registers *registers, const struct target *target);
