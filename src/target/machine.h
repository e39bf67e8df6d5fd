// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * What depends on the processor: registers, system calls by hand, signal frames.
 *
 * One folder per architecture implements all of this (x86_64/); no other file of the layer knows a
 * register's name. The thread in question is always stopped under ptrace by the calling thread.
 */
#pragma once

#include "target/target.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct error;

/** General-purpose registers as ptrace gives them; only the machine knows what is where. */
struct machine_registers {
	uint64_t words[40];
};

/** Instructions that are already in the target's memory. 0: not found. */
struct machine_gadgets {
	remote_addr system_call;   /* a system call, then a return */
	remote_addr signal_return; /* what a signal handler returns to */
};

/** The longest of the instruction sequences. */
#define MACHINE_GADGET_BYTES 16

/** Look in @p bytes, which are at @p addr of the target, for what @p gadgets does not have yet. */
void machine_find_gadgets(
	const unsigned char *bytes, size_t size, remote_addr addr, struct machine_gadgets *gadgets);

struct error *machine_read_registers(pid_t thread, struct machine_registers *ret);
struct error *machine_write_registers(pid_t thread, const struct machine_registers *registers);

/** Floating-point and vector registers, which functions use as they like. */
struct machine_vectors {
	size_t size;
	unsigned char bytes[16 << 10];
};

struct error *machine_read_vectors(pid_t thread, struct machine_vectors *ret);
struct error *machine_write_vectors(pid_t thread, const struct machine_vectors *vectors);

/** Does the thread execute code of the kind we know (64-bit)? */
bool machine_is_native(const struct machine_registers *registers);

/** Where the stop met a thread, from best to worst for being chosen to execute a system call. */
enum machine_activity {
	/** In its own code, or on its way back from a system call that is complete. */
	MACHINE_RUNNING,
	/** In a system call that the kernel will simply enter again. */
	MACHINE_WAITING,
	/** In a system call with a relative time-out, of which the kernel remembers the end. If we
	 * are killed in the middle of an injection that memory is lost, and the wait starts anew.
	 */
	MACHINE_WAITING_TIMED,
};

enum machine_activity machine_activity(const struct machine_registers *registers);

/**
 * Some system calls fail with EINTR when a thread was merely stopped (epoll_wait, a receive with a
 * time-out, …: see signal(7)). Change @p registers so that the kernel enters such a call again,
 * unless a signal handler runs first. Returns false, and changes nothing, if this is not one.
 *
 * A thread that was stopped just before it enters a timed wait again is taken back to the moment before, in
 * which it shows as one that waits.
 */
bool machine_hide_interruption(pid_t thread, struct machine_registers *registers);

void machine_describe_thread(const struct machine_registers *registers, struct target_thread *ret);

/** The same, and its id, from NT_PRSTATUS of a core file; false if that is another machine's. */
bool machine_describe_core_thread(const void *status, size_t size, struct target_thread *ret);

/** e_machine of core files whose threads these are. */
uint16_t machine_elf_machine(void);

/** The general-purpose registers by the numbers that DWARF gives them, from 0 on: what a stack is unwound
 * with. The program counter is told apart. */
#define MACHINE_DWARF_REGISTERS_MAX 32
struct machine_dwarf_registers {
	uint64_t values[MACHINE_DWARF_REGISTERS_MAX];
	unsigned count, stack_pointer; /* how many, and which of them */
};
void machine_dwarf_registers(
	const struct target_thread *thread, struct machine_dwarf_registers *ret);

/** Bytes to be written below a thread's stack, which bring it back to where it was. */
struct machine_frame {
	remote_addr addr; /* where the bytes belong */
	size_t size;
	remote_addr stack;       /* stack pointer for the injected system calls */
	remote_addr child_stack; /* for a child that is born by one of them */
	remote_addr way_back;    /* stack pointer when the last thing it does, the return, begins */
	unsigned char bytes[32 << 10];
};

/** Exit status of a child that was let go before it could be held: how to tell it is ours. */
#define MACHINE_CHILD_EXIT_STATUS 0x5a

/**
 * Make the frame for @p thread, whose registers are @p registers and whose signal mask is @p mask.
 * When the thread executes the system call of @p gadgets with its stack pointer at ret->stack, then
 * whatever comes of it, it returns into the frame and from there to exactly where it was: all
 * registers, floating-point and vector state and signal mask. A child returns into exit().
 */
struct error *machine_make_frame(pid_t thread, const struct machine_registers *registers,
	uint64_t mask, const struct machine_gadgets *gadgets, struct machine_frame *ret);

/** Registers with which the thread executes system call @p number next, returning into @p frame. */
void machine_prepare_call(const struct machine_registers *registers,
	const struct machine_gadgets *gadgets, const struct machine_frame *frame, long number,
	const uint64_t arguments[6], struct machine_registers *ret);

#define MACHINE_FUNCTIONS_MAX 4

/** Functions to be called one after the other. The first gets the arguments, the others none; what they
 * return is lost. */
struct machine_functions {
	remote_addr items[MACHINE_FUNCTIONS_MAX];
	size_t count;
	uint64_t arguments[2];
};

/** Put before @p frame what makes the functions return into each other, and the last into the frame. */
void machine_add_functions(const struct machine_functions *functions,
	const struct machine_gadgets *gadgets, struct machine_frame *frame);

/** Registers with which the thread calls the functions, and goes back by @p frame. */
void machine_prepare_functions(const struct machine_registers *registers,
	const struct machine_functions *functions, const struct machine_frame *frame,
	struct machine_registers *ret);

/** At the entry of a system call: is it the one by which @p frame leads back? */
bool machine_is_on_way_back(
	const struct machine_registers *registers, const struct machine_frame *frame);
/** Registers for that moment: the system call is left out, and comes once more if the thread runs. */
void machine_put_off_way_back(const struct machine_registers *registers,
	const struct machine_gadgets *gadgets, struct machine_registers *ret);

/** The system call a stopped thread is in or was stopped at, or -1; and its first argument. */
long machine_system_call(pid_t thread, const struct machine_registers *registers);
uint64_t machine_argument(const struct machine_registers *registers);
/** If the wait that a thread was stopped in would be entered again: let it return EINTR. */
void machine_interrupt_wait(struct machine_registers *registers);
/** At the exit of a system call: did it overwrite what the kernel remembers of a timed wait that was
 * interrupted (its "restart block")? Such a wait can only begin anew: change @p registers for that. */
bool machine_forgets_wait(const struct machine_registers *registers);
void machine_begin_wait_anew(pid_t thread, struct machine_registers *registers);
/** What pthread_self() is in this thread (glibc and musl keep it where thread-local data is). */
uint64_t machine_thread_pointer(const struct machine_registers *registers);

/** Bytes of code before a return address that machine_is_after_call() looks at. */
#define MACHINE_CODE_BEFORE 7
/** Does a call instruction end these bytes? */
bool machine_is_after_call(const unsigned char bytes[MACHINE_CODE_BEFORE]);

/** Words of a signal frame that machine_is_signal_frame() looks at. */
#define MACHINE_SIGNAL_WORDS 32
/** Could a signal frame, as the kernel builds it, begin with these words, at @p addr of a stack? */
bool machine_is_signal_frame(
	const uint64_t words[MACHINE_SIGNAL_WORDS], remote_addr addr, remote_addr signal_return);

/** What the system call returned. */
int64_t machine_call_result(const struct machine_registers *registers);
/** Is that a request of the kernel to call again? */
bool machine_is_call_again(int64_t result);

/** As seccomp filters call this architecture. */
uint32_t machine_audit_architecture(void);
/** Length of the system call instruction. */
#define MACHINE_CALL_BYTES 2

/** Why threads with this /proc/PID/status must not be diverted at all, or NULL. */
const char *machine_refusal(const char *status);

/** Is the thread, in its own code, inside a restartable sequence (rseq(2))? Such a thread must not
 * be diverted: the kernel would forget that the sequence has to be aborted. */
bool machine_in_restartable_sequence(pid_t thread, const struct machine_registers *registers);
