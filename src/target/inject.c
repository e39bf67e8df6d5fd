// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "target/inject.h"

#include "base/alloc.h"
#include "base/error.h"
#include "target/procfs.h"
#include "target/seccomp.h"

#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

// No system call of ours takes that long: copying the page tables of 1 TB takes half a minute.
#define CALL_SECONDS_MAX 60.0

#define ENTRY_AND_EXIT 2
#define EXIT_ONLY      1

// How often the caller's patience is asked for.
#define LOOK_SECONDS 0.02

#define STATUS_BYTES 16384

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

static struct error *set_options(const struct injection *injection, long options)
{
	// Never PTRACE_O_EXITKILL here: this is the target, not the clone.
	if (ptrace(PTRACE_SETOPTIONS, injection->thread->id, NULL, options) == 0)
		return NULL;
	return error_system(errno, "cannot trace thread %d", injection->thread->id);
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

static struct error *make_frame(
	struct stopped_thread *thread, const struct machine_gadgets *gadgets, struct injection *ret)
{
	ret->thread = thread;
	ret->gadgets = *gadgets;
	ret->is_running = ret->in_call = ret->is_on_way_back = ret->was_signalled = false;
	ret->is_wait_forgotten = false;
	// In ppoll(), sigsuspend() and the like this is the mask outside of the call; the call is
	// entered again and sets its own. A signal that only the call blocks can slip in between.
	if (ptrace(PTRACE_GETSIGMASK, thread->id, (void *)sizeof(ret->mask), &ret->mask) < 0)
		return error_system(errno, "cannot read the signal mask of thread %d", thread->id);
	return machine_make_frame(thread->id, &thread->registers, ret->mask, gadgets, &ret->frame);
}

static struct error *write_frame(const struct injection *injection)
{
	const struct machine_frame *frame = &injection->frame;
	struct iovec local = {(void *)frame->bytes, frame->size};
	struct iovec remote = {(void *)frame->addr, frame->size};

	if (process_vm_writev(injection->thread->id, &local, 1, &remote, 1, 0) ==
		(ssize_t)frame->size)
		return NULL;
	return error_system(
		errno, "cannot write below the stack of thread %d", injection->thread->id);
}

struct error *injection_begin(
	struct stopped_thread *thread, const struct machine_gadgets *gadgets, struct injection *ret)
{
	struct error *error = make_frame(thread, gadgets, ret);

	if (!error)
		error = write_frame(ret);
	if (!error)
		error = set_options(ret, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE);
	return error;
}

// First the mask, then the registers: as long as these lead into the frame, all is well.
static struct error *put_back(struct injection *injection)
{
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
	struct error *error = put_back(injection);

	if (error)
		return error;
	return error_create(ERROR_SYSTEM, "a system call in thread %d caused signal %d",
		injection->thread->id, signal);
}

// Let the thread run to the exit of its system call. It stops at the entry, at the birth of a
// child, at group stops and (SIGSTOP cannot be blocked) signals, and at the exit.
static struct error *run_to_exit(struct injection *injection, int stop_count, pid_t *ret_child)
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
			if (++stops == stop_count)
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

static bool has_handler(pid_t thread, int signal)
{
	_cleanup_(mem_free) char *status = NULL;
	uint64_t caught = 0;
	size_t size;

	error_destroy(proc_read(&status, &size, STATUS_BYTES, "/proc/%d/status", thread));
	return status && proc_field(status, "SigCgt", 16, &caught) && caught >> (signal - 1) & 1;
}

// Not cloned children: those that the functions start are the program's own.
struct error *injection_begin_functions(struct stopped_thread *thread,
	const struct machine_gadgets *gadgets, const struct machine_functions *functions,
	bool holds_signals, struct injection *ret)
{
	struct machine_registers registers;
	struct error *error = make_frame(thread, gadgets, ret);

	if (error)
		return error;
	machine_add_functions(functions, gadgets, &ret->frame);
	error = machine_read_vectors(thread->id, &ret->vectors);
	if (!error)
		error = write_frame(ret);
	if (!error)
		error = set_options(ret, PTRACE_O_TRACESYSGOOD);
	if (error)
		return error;
	machine_prepare_functions(&thread->registers, functions, &ret->frame, &registers);
	// First the registers, then the mask: the way back restores both.
	error = machine_write_registers(thread->id, &registers);
	if (!error && holds_signals)
		error = set_mask(ret, UINT64_MAX);
	return error;
}

// The next stop, or PTRACE_TIMED_OUT.
static enum ptrace_event wait_until(
	pid_t thread, double until_s, bool (*is_enough)(void), int *ret_signal)
{
	for (;;) {
		double left = until_s - monotonic_seconds();
		enum ptrace_event event = ptrace_wait(thread,
			left > LOOK_SECONDS ? LOOK_SECONDS : (left > 0 ? left : 0), ret_signal);

		if (event != PTRACE_TIMED_OUT || left <= 0 || (is_enough && is_enough()))
			return event;
	}
}

// At the entry or exit of a system call. True: that is what was waited for.
static bool note_call(struct injection *injection, long call,
	const struct machine_registers *registers, enum injection_event *ret)
{
	pid_t thread = injection->thread->id;

	injection->in_call = !injection->in_call;
	if (injection->in_call && machine_is_on_way_back(registers, &injection->frame)) {
		injection->is_on_way_back = true;
		*ret = INJECTION_RETURNED;
		return true;
	}
	if (!injection->in_call)
		injection->is_wait_forgotten |= machine_forgets_wait(registers);
	*ret = INJECTION_AT_CALL;
	return !injection->in_call && call >= 0 && machine_system_call(thread, registers) == call;
}

struct error *injection_run(struct injection *injection, long call, double until_s,
	bool (*is_enough)(void), enum injection_event *ret, struct machine_registers *ret_registers)
{
	pid_t thread = injection->thread->id;
	int signal = 0;

	for (;;) {
		struct machine_registers registers;
		struct error *error =
			injection->is_running ? NULL : resume(injection, PTRACE_SYSCALL, signal);

		if (error)
			return error;
		injection->is_running = false;
		switch (wait_until(thread, until_s, is_enough, &signal)) {
		case PTRACE_ENDED:
			return thread_ended(injection);
		case PTRACE_TIMED_OUT:
			injection->is_running = true;
			*ret = INJECTION_TIMED_OUT;
			return NULL;
		case PTRACE_STOPPED_SYSCALL:
			error = machine_read_registers(thread, &registers);
			if (error)
				return error;
			if (!note_call(injection, call, &registers, ret))
				break;
			if (ret_registers)
				*ret_registers = registers;
			return NULL;
		case PTRACE_STOPPED_SIGNAL:
			injection->was_signalled |= has_handler(thread, signal);
			break;
		default:
			break;
		}
	}
}

// The call that leads back must not be executed, and must come again if we die now.
static struct error *put_off_way_back(struct injection *injection)
{
	pid_t thread = injection->thread->id, born;
	struct machine_registers registers, again;
	struct error *error = set_mask(injection, UINT64_MAX);

	if (!error)
		error = machine_read_registers(thread, &registers);
	if (error)
		return error;
	machine_put_off_way_back(&registers, &injection->gadgets, &again);
	error = machine_write_registers(thread, &again);
	if (!error)
		error = run_to_exit(injection, EXIT_ONLY, &born);
	return error ? error : run_to_stop(injection);
}

void injection_pass_on(const struct injection *inner, struct injection *outer)
{
	outer->was_signalled |= inner->was_signalled;
	outer->is_wait_forgotten |= inner->is_wait_forgotten;
}

struct error *injection_end(struct injection *injection)
{
	struct error *error = NULL;

	if (injection->is_on_way_back) {
		error = put_off_way_back(injection);
		if (!error)
			error = machine_write_vectors(injection->thread->id, &injection->vectors);
	}
	injection->is_on_way_back = injection->in_call = false;
	injection->frame.way_back = 0;
	// The kernel would have ended the wait when the handler had run.
	if (injection->was_signalled)
		machine_interrupt_wait(&injection->thread->registers);
	else if (injection->is_wait_forgotten)
		machine_begin_wait_anew(injection->thread->id, &injection->thread->registers);
	injection->is_wait_forgotten = false;
	return error ? error : put_back(injection);
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
		error = run_to_exit(injection, ENTRY_AND_EXIT, ret_child);
	if (!error)
		error = machine_read_registers(thread, &registers);
	if (!error)
		error = run_to_stop(injection);
	if (error)
		return error;
	*ret = machine_call_result(&registers);
	return NULL;
}
