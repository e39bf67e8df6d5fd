// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "target/thread_place.h"

#include "base/path.h"

#include <string.h>
#include <sys/syscall.h>

// The frames of the C library's own functions between a caller and its system call: within this many words.
// sem_wait() and pthread_cond_timedwait() of glibc 2.36 need less than 40.
#define LIBRARY_WORDS 64

// How much of a stack is searched for a signal frame. A handler that goes deeper has much to do.
#define HANDLER_WORDS 8192

static bool is_wait(long call)
{
	static const short calls[] = {
		SYS_poll,
		SYS_ppoll,
		SYS_select,
		SYS_pselect6,
		SYS_epoll_wait,
		SYS_epoll_pwait,
		441 /* epoll_pwait2 */,
		SYS_accept,
		SYS_accept4,
		SYS_nanosleep,
		SYS_clock_nanosleep,
		SYS_futex,
		SYS_read,
		SYS_recvfrom,
		SYS_recvmsg,
		SYS_wait4,
		SYS_waitid,
		SYS_pause,
		SYS_rt_sigsuspend,
		SYS_rt_sigtimedwait,
		SYS_semtimedop,
		SYS_msgrcv,
	};

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		if (calls[i] == call)
			return true;
	}
	return false;
}

// glibc was two libraries before 2.34. The dynamic linker calls malloc() with locks of its own held.
static bool is_c_library(const struct mapping *mapping)
{
	static const char *const names[] = {
		"libc.", "libc-2", "libpthread", "ld-musl", "ld-linux", "ld-2"};
	const char *name = mapping ? path_base_name(mapping->path) : "";

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strncmp(name, names[i], strlen(names[i])) == 0)
			return true;
	}
	return false;
}

static bool is_return_address(const struct target *target, remote_addr addr)
{
	const struct mapping *mapping = mappings_find(target_mappings(target), addr);
	unsigned char before[MACHINE_CODE_BEFORE];

	if (!mapping || !mapping->executable || addr - mapping->start < sizeof(before))
		return false;
	return target_read_some(target, addr - sizeof(before), before, sizeof(before)) ==
		       sizeof(before) &&
	       machine_is_after_call(before);
}

static remote_addr find_caller(const struct target *target, remote_addr stack)
{
	uint64_t words[LIBRARY_WORDS] = {0};

	target_read_some(target, stack, words, sizeof(words));
	for (size_t i = 0; i < LIBRARY_WORDS; i++) {
		if (is_return_address(target, words[i]) &&
			!is_c_library(mappings_find(target_mappings(target), words[i])))
			return words[i];
	}
	return 0;
}

bool thread_place_is_waiting(
	const struct stopped_thread *thread, const struct target *target, remote_addr *ret_caller)
{
	const struct machine_registers *registers = &thread->registers;
	struct target_thread where;

	if (!thread->stopped || machine_activity(registers) == MACHINE_RUNNING ||
		!is_wait(machine_system_call(thread->id, registers)))
		return false;
	machine_describe_thread(registers, &where);
	if (!is_c_library(mappings_find(target_mappings(target), where.program_counter)))
		return false;
	*ret_caller = find_caller(target, where.stack_pointer);
	return *ret_caller != 0;
}

remote_addr thread_place_lock(const struct stopped_thread *thread)
{
	return machine_system_call(thread->id, &thread->registers) == SYS_futex
		       ? machine_argument(&thread->registers)
		       : 0;
}

bool thread_place_is_in_event_loop(const struct stopped_thread *thread)
{
	long call = machine_system_call(thread->id, &thread->registers);

	return call == SYS_epoll_wait || call == SYS_epoll_pwait;
}

bool thread_place_is_outside_library(const struct stopped_thread *thread,
	const struct target *target, remote_addr *ret_addr, const char **ret_path)
{
	const struct mapping *mapping;
	struct target_thread where;

	if (!thread->stopped || machine_system_call(thread->id, &thread->registers) >= 0)
		return false;
	machine_describe_thread(&thread->registers, &where);
	mapping = mappings_find(target_mappings(target), where.program_counter);
	if (!mapping || !mapping->executable || !mapping->inode || is_c_library(mapping))
		return false;
	*ret_addr = where.program_counter;
	*ret_path = mapping->path;
	return true;
}

bool thread_place_is_in_handler(
	const struct stopped_thread *thread, const struct target *target, remote_addr signal_return)
{
	uint64_t words[HANDLER_WORDS] = {0};
	struct target_thread where;
	const struct mapping *stack;
	size_t size = sizeof(words);

	machine_describe_thread(&thread->registers, &where);
	stack = mappings_find(target_mappings(target), where.stack_pointer);
	if (stack && stack->end - where.stack_pointer < size)
		size = stack->end - where.stack_pointer;
	target_read_some(target, where.stack_pointer, words, size);
	for (size_t i = 0; i + MACHINE_SIGNAL_WORDS <= size / sizeof(*words); i++) {
		if (words[i] == signal_return &&
			machine_is_signal_frame(
				words + i, where.stack_pointer + i * sizeof(*words), signal_return))
			return true;
	}
	return false;
}

remote_addr thread_place_return_address(
	const struct machine_registers *registers, const struct target *target)
{
	struct target_thread where;
	remote_addr addr = 0;

	machine_describe_thread(registers, &where);
	target_read_some(target, where.stack_pointer, &addr, sizeof(addr));
	return addr;
}
