// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "target/seccomp.h"

#include "base/alloc.h"
#include "base/error.h"
#include "target/clone_target.h"
#include "target/machine.h"
#include "target/procfs.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#define STATUS_BYTES 16384
// More filters than anybody stacks; the kernel bounds their total size.
#define FILTERS_MAX  64

// The machine of classic BPF (linux/filter.h): an accumulator, an index, sixteen words of memory.
struct bpf {
	uint32_t a, x, memory[BPF_MEMWORDS];
};

static bool load(struct bpf *bpf, const struct sock_filter *at, const struct seccomp_data *data)
{
	uint32_t value;

	switch (BPF_MODE(at->code)) {
	case BPF_ABS:
		if (at->k > sizeof(*data) - 4 || at->k % 4)
			return false;
		memcpy(&value, (const char *)data + at->k, 4);
		break;
	case BPF_IMM:
		value = at->k;
		break;
	case BPF_MEM:
		if (at->k >= BPF_MEMWORDS)
			return false;
		value = bpf->memory[at->k];
		break;
	case BPF_LEN:
		value = sizeof(*data);
		break;
	default:
		return false;
	}
	*(BPF_CLASS(at->code) == BPF_LD ? &bpf->a : &bpf->x) = value;
	return true;
}

static bool calculate(struct bpf *bpf, const struct sock_filter *at)
{
	uint32_t by = BPF_SRC(at->code) == BPF_X ? bpf->x : at->k;

	switch (BPF_OP(at->code)) {
	case BPF_ADD:
		bpf->a += by;
		return true;
	case BPF_SUB:
		bpf->a -= by;
		return true;
	case BPF_MUL:
		bpf->a *= by;
		return true;
	case BPF_DIV:
		bpf->a = by ? bpf->a / by : 0;
		return by != 0;
	case BPF_OR:
		bpf->a |= by;
		return true;
	case BPF_AND:
		bpf->a &= by;
		return true;
	case BPF_XOR:
		bpf->a ^= by;
		return true;
	case BPF_LSH:
		bpf->a = by < 32 ? bpf->a << by : 0;
		return true;
	case BPF_RSH:
		bpf->a = by < 32 ? bpf->a >> by : 0;
		return true;
	case BPF_NEG:
		bpf->a = -bpf->a;
		return true;
	default:
		return false;
	}
}

// How many instructions are skipped.
static bool jump(const struct bpf *bpf, const struct sock_filter *at, size_t *ret)
{
	uint32_t with = BPF_SRC(at->code) == BPF_X ? bpf->x : at->k;

	switch (BPF_OP(at->code)) {
	case BPF_JA:
		*ret = at->k;
		return true;
	case BPF_JEQ:
		*ret = bpf->a == with ? at->jt : at->jf;
		return true;
	case BPF_JGT:
		*ret = bpf->a > with ? at->jt : at->jf;
		return true;
	case BPF_JGE:
		*ret = bpf->a >= with ? at->jt : at->jf;
		return true;
	case BPF_JSET:
		*ret = bpf->a & with ? at->jt : at->jf;
		return true;
	default:
		return false;
	}
}

static bool store(struct bpf *bpf, const struct sock_filter *at)
{
	if (at->k >= BPF_MEMWORDS)
		return false;
	bpf->memory[at->k] = BPF_CLASS(at->code) == BPF_ST ? bpf->a : bpf->x;
	return true;
}

// Jumps only lead forward: it ends.
uint32_t seccomp_run(
	const struct sock_filter *program, size_t length, const struct seccomp_data *data)
{
	struct bpf bpf = {0};
	bool good = true;

	for (size_t i = 0; i < length && good; i++) {
		const struct sock_filter *at = &program[i];
		size_t skip = 0;

		switch (BPF_CLASS(at->code)) {
		case BPF_LD:
		case BPF_LDX:
			good = load(&bpf, at, data);
			break;
		case BPF_ST:
		case BPF_STX:
			good = store(&bpf, at);
			break;
		case BPF_ALU:
			good = calculate(&bpf, at);
			break;
		case BPF_JMP:
			good = jump(&bpf, at, &skip);
			i += skip;
			break;
		case BPF_MISC:
			if (BPF_MISCOP(at->code) == BPF_TAX)
				bpf.x = bpf.a;
			else
				bpf.a = bpf.x;
			break;
		case BPF_RET:
			return BPF_RVAL(at->code) == BPF_A ? bpf.a : at->k;
		}
	}
	return SECCOMP_RET_KILL_PROCESS;
}

static bool allows(const struct sock_filter *program, size_t length, uint64_t call_addr)
{
	// What an injection executes: the call, the way back, and in a child that nobody holds, the
	// end.
	const struct seccomp_data calls[] = {
		{.nr = SYS_clone, .args = {CLONE_TARGET_FLAGS}},
		{.nr = SYS_wait4},
		{.nr = SYS_rt_sigreturn},
		{.nr = SYS_exit, .args = {MACHINE_CHILD_EXIT_STATUS}},
		{.nr = SYS_restart_syscall},
	};

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		struct seccomp_data data = calls[i];
		uint32_t action;

		data.arch = machine_audit_architecture();
		data.instruction_pointer = call_addr + MACHINE_CALL_BYTES;
		action = seccomp_run(program, length, &data) & SECCOMP_RET_ACTION_FULL;
		if (action != SECCOMP_RET_ALLOW && action != SECCOMP_RET_LOG)
			return false;
	}
	return true;
}

// 1: passes, 0: does not, -1: no such filter, errno says why.
static int ask_filter(pid_t thread, unsigned long index, uint64_t call_addr)
{
	_cleanup_(mem_free) struct sock_filter *program = NULL;
	long length = ptrace(PTRACE_SECCOMP_GET_FILTER, thread, (void *)index, NULL);

	if (length < 0)
		return -1;
	if (length == 0 || length > BPF_MAXINSNS)
		return 0;
	program = mem_calloc((size_t)length, sizeof(*program));
	if (!program || ptrace(PTRACE_SECCOMP_GET_FILTER, thread, (void *)index, program) != length)
		return 0;
	return allows(program, (size_t)length, call_addr);
}

const char *seccomp_refusal(pid_t thread, uint64_t call_addr)
{
	_cleanup_(mem_free) char *status = NULL;
	uint64_t mode = SECCOMP_MODE_DISABLED;
	size_t size;

	error_destroy(proc_read(&status, &size, STATUS_BYTES, "/proc/%d/status", thread));
	if (!status || !proc_field(status, "Seccomp", 10, &mode) || mode == SECCOMP_MODE_DISABLED)
		return NULL;
	for (unsigned long i = 0; mode == SECCOMP_MODE_FILTER && i < FILTERS_MAX; i++) {
		int answer = ask_filter(thread, i, call_addr);

		if (answer == 0)
			return "a seccomp filter of it forbids the system calls that cloning needs";
		if (answer < 0 && errno == ENOENT)
			return NULL;
		if (answer < 0)
			return "it has a seccomp filter, which only root (CAP_SYS_ADMIN) may read";
	}
	return "it is confined by seccomp";
}
