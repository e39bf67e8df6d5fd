// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "target/inject.h"

#include "base/error.h"
#include "target/seccomp.h"

#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

// No system call of ours takes that long: copying the page tables of 1 TB takes half a minute.
#define CALL_SECONDS_MAX 60.0

// Everything a thread may have below its stack pointer while in use, and our frame.
#define STACK_ROOM_BYTES (RED_ZONE_ROOM + sizeof(((struct machine_frame *)0)->bytes))
#define RED_ZONE_ROOM    256

static struct error *thread_ended(const struct injection *injection)
{
	injection->thread->stopped = false;
	return error_create(ERROR_GONE, "thread %d ended meanwhile", injection->thread->id);
}

static struct error *resume(const struct injection *injection, int request, int signal)
{
	if (ptrace((enum __ptrace_request)request, injection->thread->id, NULL, (long)signal) == 0)
		return NULL;
	if (errno == ESRCH)
		return thread_ended(injection);
	return error_system(errno, "cannot continue thread %d", injection->thread->id);
}

static struct error *set_mask(const struct injection *injection, uint64_t mask)
{
	if (ptrace(PTRACE_SETSIGMASK, injection->thread->id, (void *)sizeof(mask), &mask) < 0)
		return error_system(
			errno, "cannot set the signal mask of thread %d", injection->thread->id);
	return NULL;
}

const char *injection_refusal(const struct stopped_thread *thread, const struct mappings *mappings,
	const struct machine_gadgets *gadgets)
{
	struct target_thread description;
	const struct mapping *stack;

	if (!thread->stopped)
		return "it ended";
	if (!machine_is_native(&thread->registers))
		return "it runs 32-bit code";
	machine_describe_thread(&thread->registers, &description);
	stack = mappings_find(mappings, description.stack_pointer);
	if (!stack || !stack->writable || stack->shared)
		return "its stack is not where a stack should be";
	// The kernel lets the main stack grow only by the thread itself.
	if (description.stack_pointer - stack->start < STACK_ROOM_BYTES)
		return "its stack has no room";
	if (machine_in_restartable_sequence(thread->id, &thread->registers))
		return "it is in a restartable sequence";
	return seccomp_refusal(thread->id, gadgets->system_call);
}

struct error *injection_begin(
	struct stopped_thread *thread, const struct machine_gadgets *gadgets, struct injection *ret)
{
	struct iovec local, remote;
	struct error *error;
	long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE;

	ret->thread = thread;
	ret->gadgets = *gadgets;
	// In ppoll(), sigsuspend() and the like this is the mask outside of the call; the call is
	// entered again and sets its own. A signal that only the call blocks can slip in between.
	if (ptrace(PTRACE_GETSIGMASK, thread->id, (void *)sizeof(ret->mask), &ret->mask) < 0)
		return error_system(errno, "cannot read the signal mask of thread %d", thread->id);
	error = machine_make_frame(thread->id, &thread->registers, ret->mask, gadgets, &ret->frame);
	if (error)
		return error;
	local = (struct iovec){ret->frame.bytes, ret->frame.size};
	remote = (struct iovec){(void *)ret->frame.addr, ret->frame.size};
	if (process_vm_writev(thread->id, &local, 1, &remote, 1, 0) != (ssize_t)ret->frame.size)
		return error_system(errno, "cannot write below the stack of thread %d", thread->id);
	// Never PTRACE_O_EXITKILL here: this is the target, not the clone.
	if (ptrace(PTRACE_SETOPTIONS, thread->id, NULL, options) < 0)
		return error_system(errno, "cannot trace thread %d", thread->id);
	return NULL;
}

struct error *injection_end(struct injection *injection)
{
	// First the mask, then the registers: as long as these lead into the frame, all is well.
	struct error *error = set_mask(injection, injection->mask);

	if (!error)
		error = machine_write_registers(
			injection->thread->id, &injection->thread->registers);
	if (error && error_kind(error) == ERROR_GONE)
		injection->thread->stopped = false;
	return error;
}

// Signals that an instruction of ours would cause: our gadget is not what it was. Not to be passed
// on.
static bool is_our_fault(int signal)
{
	return signal == SIGSEGV || signal == SIGBUS || signal == SIGILL || signal == SIGTRAP ||
	       signal == SIGSYS || signal == SIGFPE;
}

// Detaching then, which passes no signal on, swallows it.
static struct error *give_up(struct injection *injection, int signal)
{
	struct error *error = injection_end(injection);

	if (error)
		return error;
	return error_create(ERROR_SYSTEM, "a system call in thread %d caused signal %d",
		injection->thread->id, signal);
}

// Let the thread run to the exit of its system call. It stops at the entry, at the birth of a
// child, at group stops and (SIGSTOP cannot be blocked) signals, and at the exit.
static struct error *run_to_exit(struct injection *injection, pid_t *ret_child)
{
	pid_t thread = injection->thread->id;
	int signal = 0, stops = 0;
	unsigned long child;

	for (;;) {
		struct error *error = resume(injection, PTRACE_SYSCALL, signal);

		if (error)
			return error;
		switch (ptrace_wait(thread, CALL_SECONDS_MAX, &signal)) {
		case PTRACE_ENDED:
			return thread_ended(injection);
		case PTRACE_TIMED_OUT:
			injection->thread->stopped = false;
			return error_create(ERROR_SYSTEM, "thread %d does not come back", thread);
		case PTRACE_STOPPED_CLONE:
			if (ptrace(PTRACE_GETEVENTMSG, thread, NULL, &child) == 0)
				*ret_child = (pid_t)child;
			break;
		case PTRACE_STOPPED_SYSCALL:
			if (++stops == 2)
				return NULL;
			break;
		case PTRACE_STOPPED_SIGNAL:
			if (is_our_fault(signal))
				return give_up(injection, signal);
			break;
		case PTRACE_STOPPED_BY_US:
			break;
		}
	}
}

// From the exit of the system call on to the place where the kernel looks for signals, which is
// where it found the thread when we first stopped it.
static struct error *run_to_stop(struct injection *injection)
{
	int signal = 0;

	if (ptrace(PTRACE_INTERRUPT, injection->thread->id, NULL, NULL) < 0)
		return thread_ended(injection);
	for (;;) {
		struct error *error = resume(injection, PTRACE_CONT, signal);

		if (error)
			return error;
		switch (ptrace_wait(injection->thread->id, CALL_SECONDS_MAX, &signal)) {
		case PTRACE_STOPPED_BY_US:
			return NULL;
		case PTRACE_ENDED:
			return thread_ended(injection);
		case PTRACE_TIMED_OUT:
			injection->thread->stopped = false;
			return error_create(ERROR_SYSTEM, "thread %d does not stop again",
				injection->thread->id);
		default:
			break;
		}
	}
}

struct error *injection_call(struct injection *injection, long number, const uint64_t arguments[6],
	int64_t *ret, pid_t *ret_child)
{
	struct machine_registers registers;
	pid_t thread = injection->thread->id;
	struct error *error;

	*ret_child = 0;
	machine_prepare_call(&injection->thread->registers, &injection->gadgets, &injection->frame,
		number, arguments, &registers);
	// First the registers, then the mask: the way back restores both.
	error = machine_write_registers(thread, &registers);
	if (!error)
		error = set_mask(injection, UINT64_MAX);
	if (!error)
		error = run_to_exit(injection, ret_child);
	if (!error)
		error = machine_read_registers(thread, &registers);
	if (!error)
		error = run_to_stop(injection);
	if (error)
		return error;
	*ret = machine_call_result(&registers);
	return NULL;
}
