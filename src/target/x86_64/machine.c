// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "target/machine.h"

#include "base/error.h"

#include <cpuid.h>
#include <elf.h>
#include <errno.h>
#include <linux/audit.h>
#include <string.h>
#include <sys/procfs.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>

_Static_assert(sizeof(struct user_regs_struct) <= sizeof(struct machine_registers), "too small");

// The red zone: what a function may use below its stack pointer without moving it.
#define RED_ZONE_BYTES 128

// __USER_CS of 64-bit code.
#define CODE_SEGMENT_64 0x33

#define DIRECTION_FLAG 0x400

// Results that the kernel keeps to itself: it enters the call again unless a handler runs first.
#define ERESTARTSYS           512
#define ERESTARTNOINTR        513
#define ERESTARTNOHAND        514
#define ERESTART_RESTARTBLOCK 516

// struct rt_sigframe without the pretcode and the siginfo, as arch/x86/include/uapi/asm/ucontext.h
// and sigcontext.h have it.
struct signal_context {
	uint64_t flags, link, stack_base, stack_flags, stack_size;
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, eflags;
	uint16_t cs, gs, fs, ss;
	uint64_t error, trap, old_mask, cr2, extended_state, reserved[8];
	uint64_t mask;
};

struct signal_frame {
	uint64_t return_address;
	struct signal_context context;
};

_Static_assert(sizeof(struct signal_frame) == 8 + 40 + 256 + 8, "not the kernel's layout");

#define CONTEXT_EXTENDED_STATE    1          // UC_FP_XSTATE
#define CONTEXT_STACK_SEGMENT     2          // UC_SIGCONTEXT_SS
#define CONTEXT_STRICT_SEGMENT    4          // UC_STRICT_RESTORE_SS
#define SIGNAL_STACK_LEAVE_ALONE  0x7fffffff // no valid flag: sigaltstack() refuses, and is ignored
#define EXTENDED_STATE_ALIGNMENT  64
#define EXTENDED_STATE_HEADER     512 // XSTATE_BV of the XSAVE area
#define EXTENDED_STATE_BYTES_MIN  (512 + 64)
#define EXTENDED_STATE_BYTES_MAX  (16 << 10)
#define EXTENDED_STATE_SOFTWARE   464 // struct _fpx_sw_bytes
#define EXTENDED_STATE_MAGIC      0x46505853u
#define EXTENDED_STATE_MAGIC_END  0x46505845u
#define EXTENDED_STATE_CPUID_LEAF 0xd

// CPU state that a task has only if it asked for it (AMX tile data). The kernel refuses a frame
// that is larger than what the task has, and falls back to the bare SSE registers.
#define DYNAMIC_FEATURES ((uint64_t)1 << 18)

static struct user_regs_struct *general(struct machine_registers *registers)
{
	return (struct user_regs_struct *)registers->words;
}

static const struct user_regs_struct *general_of(const struct machine_registers *registers)
{
	return (const struct user_regs_struct *)registers->words;
}

void machine_find_gadgets(
	const unsigned char *bytes, size_t size, remote_addr addr, struct machine_gadgets *gadgets)
{
	static const unsigned char system_call[] = {0x0f, 0x05, 0xc3};
	// mov $15,%rax; syscall (glibc, musl) and mov $15,%eax; syscall (others).
	static const unsigned char restorer[] = {0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05};
	static const unsigned char short_restorer[] = {0xb8, 0x0f, 0, 0, 0, 0x0f, 0x05};
	const unsigned char *found;

	if (!gadgets->system_call) {
		found = memmem(bytes, size, system_call, sizeof(system_call));
		if (found)
			gadgets->system_call = addr + (remote_addr)(found - bytes);
	}
	if (gadgets->signal_return)
		return;
	found = memmem(bytes, size, restorer, sizeof(restorer));
	if (!found)
		found = memmem(bytes, size, short_restorer, sizeof(short_restorer));
	if (found)
		gadgets->signal_return = addr + (remote_addr)(found - bytes);
}

struct error *machine_read_registers(pid_t thread, struct machine_registers *ret)
{
	if (ptrace(PTRACE_GETREGS, thread, NULL, ret->words) < 0)
		return error_system(errno, "cannot read the registers of thread %d", thread);
	return NULL;
}

struct error *machine_write_registers(pid_t thread, const struct machine_registers *registers)
{
	if (ptrace(PTRACE_SETREGS, thread, NULL, registers->words) < 0)
		return error_system(errno, "cannot set the registers of thread %d", thread);
	return NULL;
}

struct error *machine_read_vectors(pid_t thread, struct machine_vectors *ret)
{
	struct iovec vector = {ret->bytes, sizeof(ret->bytes)};

	if (ptrace(PTRACE_GETREGSET, thread, (void *)NT_X86_XSTATE, &vector) < 0)
		return error_system(errno, "cannot read the vector registers of thread %d", thread);
	ret->size = vector.iov_len;
	return NULL;
}

struct error *machine_write_vectors(pid_t thread, const struct machine_vectors *vectors)
{
	struct iovec vector = {(void *)vectors->bytes, vectors->size};

	if (ptrace(PTRACE_SETREGSET, thread, (void *)NT_X86_XSTATE, &vector) < 0)
		return error_system(errno, "cannot set the vector registers of thread %d", thread);
	return NULL;
}

bool machine_is_native(const struct machine_registers *registers)
{
	return general_of(registers)->cs == CODE_SEGMENT_64;
}

static bool in_system_call(const struct user_regs_struct *user)
{
	return (int64_t)user->orig_rax >= 0;
}

enum machine_activity machine_activity(const struct machine_registers *registers)
{
	const struct user_regs_struct *user = general_of(registers);

	if (!in_system_call(user))
		return MACHINE_RUNNING;
	switch (-(int64_t)user->rax) {
	case ERESTARTSYS:
	case ERESTARTNOINTR:
	case ERESTARTNOHAND:
		return MACHINE_WAITING;
	case ERESTART_RESTARTBLOCK:
		return MACHINE_WAITING_TIMED;
	default:
		return MACHINE_RUNNING;
	}
}

// Calls that say EINTR when stopped, and of which nothing has happened yet when they do.
static bool may_enter_again(uint64_t number)
{
	static const short calls[] = {
		SYS_read,
		SYS_readv,
		SYS_recvfrom,
		SYS_recvmsg,
		SYS_recvmmsg,
		SYS_accept,
		SYS_accept4,
		SYS_write,
		SYS_writev,
		SYS_sendto,
		SYS_sendmsg,
		SYS_sendmmsg,
		SYS_epoll_wait,
		SYS_epoll_pwait,
		441 /* epoll_pwait2 */,
		SYS_semop,
		SYS_semtimedop,
		SYS_rt_sigtimedwait,
		SYS_io_getevents,
		333 /* io_pgetevents */,
		426 /* io_uring_enter */,
		SYS_msgrcv,
		SYS_msgsnd,
		SYS_mq_timedreceive,
		SYS_mq_timedsend,
	};

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		if ((uint64_t)calls[i] == number)
			return true;
	}
	return false;
}

// The kernel has just decided to enter a timed wait again (get_nr_restart_syscall() in arch/x86): the call
// is the next thing to happen. But no more than this says that it is that one.
static bool is_about_to_restart(pid_t thread, const struct user_regs_struct *user)
{
	unsigned char code[MACHINE_CALL_BYTES];
	struct iovec local = {code, sizeof(code)}, remote = {(void *)user->rip, sizeof(code)};

	return in_system_call(user) && user->rax == SYS_restart_syscall &&
	       process_vm_readv(thread, &local, 1, &remote, 1, 0) == sizeof(code) &&
	       code[0] == 0x0f && code[1] == 0x05;
}

bool machine_hide_interruption(pid_t thread, struct machine_registers *registers)
{
	struct user_regs_struct *user = general(registers);

	if (is_about_to_restart(thread, user)) {
		user->rip += MACHINE_CALL_BYTES;
		user->rax = (uint64_t)-ERESTART_RESTARTBLOCK;
		return true;
	}
	if (!in_system_call(user) || (int64_t)user->rax != -EINTR ||
		!may_enter_again(user->orig_rax))
		return false;
	// The kernel decides when the thread goes on: EINTR if a handler runs, else again.
	user->rax = (uint64_t)-ERESTARTNOHAND;
	return true;
}

void machine_describe_thread(const struct machine_registers *registers, struct target_thread *ret)
{
	const struct user_regs_struct *user = general_of(registers);
	const uint64_t values[TARGET_THREAD_REGISTERS] = {
		user->rax,
		user->rbx,
		user->rcx,
		user->rdx,
		user->rsi,
		user->rdi,
		user->rbp,
		user->rsp,
		user->r8,
		user->r9,
		user->r10,
		user->r11,
		user->r12,
		user->r13,
		user->r14,
		user->r15,
	};

	ret->stack_pointer = user->rsp;
	ret->program_counter = user->rip;
	ret->thread_pointer = user->fs_base;
	memcpy(ret->registers, values, sizeof(values));
}

// System V Application Binary Interface, AMD64 Architecture Processor Supplement, figure 3.36 (DWARF
// Register Number Mapping): each number's place in struct target_thread.
static const unsigned char dwarf_order[] = {0, 3, 2, 1, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
#define DWARF_STACK_POINTER 7

_Static_assert(sizeof(dwarf_order) == TARGET_THREAD_REGISTERS, "each register once");

void machine_dwarf_registers(
	const struct target_thread *thread, struct machine_dwarf_registers *ret)
{
	*ret = (struct machine_dwarf_registers){
		.count = sizeof(dwarf_order), .stack_pointer = DWARF_STACK_POINTER};
	for (unsigned i = 0; i < ret->count; i++)
		ret->values[i] = thread->registers[dwarf_order[i]];
}

bool machine_describe_core_thread(const void *status, size_t size, struct target_thread *ret)
{
	struct machine_registers registers = {0};
	struct elf_prstatus it;

	_Static_assert(sizeof(it.pr_reg) == sizeof(struct user_regs_struct), "not the same");
	if (size != sizeof(it))
		return false;
	memcpy(&it, status, sizeof(it));
	memcpy(registers.words, it.pr_reg, sizeof(it.pr_reg));
	machine_describe_thread(&registers, ret);
	ret->id = ret->id_inside = it.pr_pid;
	return true;
}

uint16_t machine_elf_machine(void)
{
	return EM_X86_64;
}

// Size of the standard (not compacted) XSAVE area that holds @p features.
static uint32_t extended_state_size(uint64_t features)
{
	uint32_t end = EXTENDED_STATE_BYTES_MIN;

	for (uint32_t feature = 2; feature < 63; feature++) {
		uint32_t size, offset, ecx, edx;

		if (!(features >> feature & 1))
			continue;
		__cpuid_count(EXTENDED_STATE_CPUID_LEAF, feature, size, offset, ecx, edx);
		if (offset + size > end)
			end = offset + size;
	}
	return end;
}

static uint64_t enabled_features(void)
{
	uint32_t low, high;

	__asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return low | (uint64_t)high << 32;
}

// Read the thread's floating-point and vector state and dress it as the kernel does in a signal
// frame (save_xstate_epilog() in arch/x86/kernel/fpu/signal.c): software bytes that say what and
// how much is there, and a closing magic word.
static struct error *read_extended_state(pid_t thread, unsigned char *bytes, size_t *ret_size)
{
	struct iovec vector = {bytes, EXTENDED_STATE_BYTES_MAX};
	uint64_t used, features;
	uint32_t size, total;

	if (ptrace(PTRACE_GETREGSET, thread, (void *)NT_X86_XSTATE, &vector) < 0)
		return error_system(errno, "cannot read the vector registers of thread %d", thread);
	if (vector.iov_len < EXTENDED_STATE_BYTES_MIN)
		return error_create(ERROR_UNSUPPORTED, "the processor has no XSAVE state");
	memcpy(&used, bytes + EXTENDED_STATE_HEADER, sizeof(used));
	features = (enabled_features() & ~DYNAMIC_FEATURES) | used;
	size = extended_state_size(features);
	if (size > vector.iov_len)
		return error_create(
			ERROR_UNSUPPORTED, "the processor's XSAVE state is not understood");
	total = size + 4;
	memset(bytes + EXTENDED_STATE_SOFTWARE, 0, 48);
	memcpy(bytes + EXTENDED_STATE_SOFTWARE, &(uint32_t){EXTENDED_STATE_MAGIC}, 4);
	memcpy(bytes + EXTENDED_STATE_SOFTWARE + 4, &total, 4);
	memcpy(bytes + EXTENDED_STATE_SOFTWARE + 8, &features, 8);
	memcpy(bytes + EXTENDED_STATE_SOFTWARE + 16, &size, 4);
	memcpy(bytes + size, &(uint32_t){EXTENDED_STATE_MAGIC_END}, 4);
	*ret_size = total;
	return NULL;
}

static void fill_context(const struct user_regs_struct *user, struct signal_context *ret)
{
	*ret = (struct signal_context){
		.flags = CONTEXT_EXTENDED_STATE | CONTEXT_STACK_SEGMENT | CONTEXT_STRICT_SEGMENT,
		.stack_flags = SIGNAL_STACK_LEAVE_ALONE,
		.r8 = user->r8,
		.r9 = user->r9,
		.r10 = user->r10,
		.r11 = user->r11,
		.r12 = user->r12,
		.r13 = user->r13,
		.r14 = user->r14,
		.r15 = user->r15,
		.rdi = user->rdi,
		.rsi = user->rsi,
		.rbp = user->rbp,
		.rbx = user->rbx,
		.rdx = user->rdx,
		.rax = user->rax,
		.rcx = user->rcx,
		.rsp = user->rsp,
		.rip = user->rip,
		.eflags = user->eflags,
		.cs = (uint16_t)user->cs,
		.ss = (uint16_t)user->ss,
	};
}

// A timed wait that was stopped before goes on as restart_syscall(), and only the code that made
// the call still says which it was: "mov $number,%eax; syscall", as the C library does it. Where
// that is not so, the wait ends with EINTR if we are killed.
static uint64_t original_call(pid_t thread, const struct user_regs_struct *user)
{
	unsigned char code[7];
	struct iovec local = {code, sizeof(code)};
	struct iovec remote = {(void *)(user->rip - sizeof(code)), sizeof(code)};
	uint32_t number;

	if (user->orig_rax != SYS_restart_syscall ||
		process_vm_readv(thread, &local, 1, &remote, 1, 0) != sizeof(code) ||
		code[0] != 0xb8 || code[5] != 0x0f || code[6] != 0x05)
		return user->orig_rax;
	memcpy(&number, code + 1, sizeof(number));
	return number;
}

// rt_sigreturn does not restart system calls, so the frame of an interrupted thread leads to the
// system call instruction itself. A timed wait begins anew: rt_sigreturn forgets the restart block.
static void enter_again(
	pid_t thread, const struct machine_registers *registers, struct signal_context *context)
{
	if (machine_activity(registers) == MACHINE_RUNNING)
		return;
	context->rax = original_call(thread, general_of(registers));
	context->rip -= 2;
}

// From high to low addresses: the vector state, the child's frame, the thread's frame. The last is
// lowest since signal handlers that run in the midst of it push their own frames below.
struct error *machine_make_frame(pid_t thread, const struct machine_registers *registers,
	uint64_t mask, const struct machine_gadgets *gadgets, struct machine_frame *ret)
{
	const struct user_regs_struct *user = general_of(registers);
	unsigned char state[EXTENDED_STATE_BYTES_MAX + 4];
	struct signal_frame own = {0}, child = {0};
	remote_addr state_addr, child_addr, own_addr;
	struct error *error;
	size_t state_size = 0;

	error = read_extended_state(thread, state, &state_size);
	if (error)
		return error;
	state_addr = (user->rsp - RED_ZONE_BYTES - state_size) & ~(EXTENDED_STATE_ALIGNMENT - 1ull);
	child_addr = ((state_addr - sizeof(child)) & ~15ull) - 8;
	own_addr = ((child_addr - sizeof(own)) & ~15ull) - 8;

	own.return_address = child.return_address = gadgets->signal_return;
	fill_context(user, &own.context);
	own.context.extended_state = state_addr;
	own.context.mask = mask;
	enter_again(thread, registers, &own.context);
	fill_context(user, &child.context);
	child.context.flags &= ~(uint64_t)CONTEXT_EXTENDED_STATE;
	child.context.mask = UINT64_MAX;
	child.context.rax = SYS_exit;
	child.context.rdi = MACHINE_CHILD_EXIT_STATUS;
	child.context.rip = gadgets->system_call;
	child.context.rsp = child_addr;

	*ret = (struct machine_frame){
		.addr = own_addr, .stack = own_addr, .child_stack = child_addr};
	ret->way_back = own_addr + sizeof(own.return_address);
	ret->size = state_addr + state_size - own_addr;
	memcpy(ret->bytes, &own, sizeof(own));
	memcpy(ret->bytes + (child_addr - own_addr), &child, sizeof(child));
	memcpy(ret->bytes + (state_addr - own_addr), state, state_size);
	return NULL;
}

void machine_prepare_call(const struct machine_registers *registers,
	const struct machine_gadgets *gadgets, const struct machine_frame *frame, long number,
	const uint64_t arguments[6], struct machine_registers *ret)
{
	struct user_regs_struct *user = general(ret);

	*ret = *registers;
	user->rip = gadgets->system_call;
	user->rsp = frame->stack;
	user->rax = (uint64_t)number;
	// Not in a system call, as far as the kernel's restarting is concerned.
	user->orig_rax = (uint64_t)-1;
	user->rdi = arguments[0];
	user->rsi = arguments[1];
	user->rdx = arguments[2];
	user->r10 = arguments[3];
	user->r8 = arguments[4];
	user->r9 = arguments[5];
}

// A function is entered with a return address at an odd multiple of eight, so between two there is
// one more: that of a lone return, which ends the gadget of the system call.
void machine_add_functions(const struct machine_functions *functions,
	const struct machine_gadgets *gadgets, struct machine_frame *frame)
{
	uint64_t words[2 * MACHINE_FUNCTIONS_MAX] = {0};
	size_t count = 0;

	for (size_t i = 1; i < functions->count; i++) {
		words[count++] = gadgets->system_call + MACHINE_CALL_BYTES;
		words[count++] = functions->items[i];
	}
	memmove(frame->bytes + count * sizeof(*words), frame->bytes, frame->size);
	memcpy(frame->bytes, words, count * sizeof(*words));
	frame->size += count * sizeof(*words);
	frame->addr -= count * sizeof(*words);
	frame->stack = frame->addr;
}

void machine_prepare_functions(const struct machine_registers *registers,
	const struct machine_functions *functions, const struct machine_frame *frame,
	struct machine_registers *ret)
{
	struct user_regs_struct *user = general(ret);

	*ret = *registers;
	user->rip = functions->items[0];
	user->rsp = frame->stack;
	user->rdi = functions->arguments[0];
	user->rsi = functions->arguments[1];
	user->rax = 0;
	user->orig_rax = (uint64_t)-1;
	// As the calling convention has it: strings are walked upward.
	user->eflags &= ~(uint64_t)DIRECTION_FLAG;
}

bool machine_is_on_way_back(
	const struct machine_registers *registers, const struct machine_frame *frame)
{
	const struct user_regs_struct *user = general_of(registers);

	return user->orig_rax == SYS_rt_sigreturn && user->rsp == frame->way_back;
}

void machine_put_off_way_back(const struct machine_registers *registers,
	const struct machine_gadgets *gadgets, struct machine_registers *ret)
{
	*ret = *registers;
	general(ret)->rip = gadgets->signal_return;
	general(ret)->orig_rax = (uint64_t)-1;
}

long machine_system_call(pid_t thread, const struct machine_registers *registers)
{
	const struct user_regs_struct *user = general_of(registers);

	return in_system_call(user) ? (long)original_call(thread, user) : -1;
}

uint64_t machine_argument(const struct machine_registers *registers)
{
	return general_of(registers)->rdi;
}

void machine_interrupt_wait(struct machine_registers *registers)
{
	struct user_regs_struct *user = general(registers);

	if (machine_activity(registers) == MACHINE_RUNNING)
		return;
	user->rax = (uint64_t)-EINTR;
	// Not in a system call any more: the next stop must not take it for an interruption of its own.
	user->orig_rax = (uint64_t)-1;
}

// kernel/time/hrtimer.c and posix-timers.c: these two forget it when they begin, all others when they are
// interrupted themselves.
bool machine_forgets_wait(const struct machine_registers *registers)
{
	const struct user_regs_struct *user = general_of(registers);

	return user->orig_rax == SYS_nanosleep || user->orig_rax == SYS_clock_nanosleep ||
	       user->rax == (uint64_t)-ERESTART_RESTARTBLOCK;
}

void machine_begin_wait_anew(pid_t thread, struct machine_registers *registers)
{
	struct user_regs_struct *user = general(registers);

	if (machine_activity(registers) != MACHINE_WAITING_TIMED)
		return;
	user->rax = original_call(thread, user);
	user->rip -= MACHINE_CALL_BYTES;
	user->orig_rax = (uint64_t)-1;
}

uint64_t machine_thread_pointer(const struct machine_registers *registers)
{
	return general_of(registers)->fs_base;
}

bool machine_is_after_call(const unsigned char bytes[MACHINE_CODE_BEFORE])
{
	const unsigned char *end = bytes + MACHINE_CODE_BEFORE;

	// call rel32; call r/m64 in all its lengths (ff /2).
	if (end[-5] == 0xe8)
		return true;
	for (int length = 2; length <= MACHINE_CODE_BEFORE; length++) {
		if (end[-length] == 0xff && (end[1 - length] & 0x38) == 0x10)
			return true;
	}
	return false;
}

bool machine_is_signal_frame(
	const uint64_t words[MACHINE_SIGNAL_WORDS], remote_addr addr, remote_addr signal_return)
{
	struct signal_frame frame = {0};

	_Static_assert(offsetof(struct signal_frame, context.fs) < MACHINE_SIGNAL_WORDS * 8,
		"what is looked at is within");
	memcpy(&frame, words, MACHINE_SIGNAL_WORDS * sizeof(*words));
	return frame.return_address == signal_return && frame.context.link == 0 &&
	       frame.context.flags <= 7 && frame.context.cs == CODE_SEGMENT_64 &&
	       frame.context.rsp > addr;
}

int64_t machine_call_result(const struct machine_registers *registers)
{
	return (int64_t)general_of(registers)->rax;
}

bool machine_is_call_again(int64_t result)
{
	return result == -ERESTARTNOINTR || result == -ERESTARTSYS || result == -ERESTARTNOHAND;
}

bool machine_in_restartable_sequence(pid_t thread, const struct machine_registers *registers)
{
	// struct __ptrace_rseq_configuration; the address of the sequence is at offset 8 of the
	// area.
	struct {
		uint64_t addr;
		uint32_t size, signature, flags, padding;
	} area = {0};
	uint64_t sequence = 0;

	if (in_system_call(general_of(registers)))
		return false;
	if (ptrace(0x420f /* PTRACE_GET_RSEQ_CONFIGURATION */, thread, (void *)sizeof(area),
		    &area) <= 0 ||
		!area.addr)
		return false;
	errno = 0;
	sequence = (uint64_t)ptrace(PTRACE_PEEKDATA, thread, (void *)(area.addr + 8), NULL);
	return errno == 0 && sequence != 0;
}

uint32_t machine_audit_architecture(void)
{
	return AUDIT_ARCH_X86_64;
}

const char *machine_refusal(const char *status)
{
	// A shadow stack must agree with every return, the one into our frame too.
	const char *features = strstr(status, "\nx86_Thread_features:");
	const char *end = features ? strchr(features + 1, '\n') : NULL;

	if (end && memmem(features, (size_t)(end - features), "shstk", 5))
		return "it uses a shadow stack (CET)";
	return NULL;
}
