// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "check.h"

#include "target/seccomp.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/syscall.h>

#define FIELD(name)    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, name))
#define ANSWER(what)   BPF_STMT(BPF_RET | BPF_K, what)
#define COUNT(program) (sizeof(program) / sizeof((program)[0]))

static const struct seccomp_data clone_call = {
	.nr = SYS_clone, .arch = AUDIT_ARCH_X86_64, .args = {CLONE_FILES | CLONE_FS}};

static void jumps_lead_to_the_answer(void **state)
{
	// As container runtimes do it: the right machine, then clone without new namespaces.
	const struct sock_filter program[] = {
		FIELD(arch),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, 5),
		FIELD(nr),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 4),
		FIELD(args[0]),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x7e020000),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0),
		ANSWER(SECCOMP_RET_ERRNO | 1),
		ANSWER(SECCOMP_RET_ALLOW),
	};
	struct seccomp_data data = clone_call;

	(void)state;
	assert_int_equal(seccomp_run(program, COUNT(program), &data), SECCOMP_RET_ALLOW);
	data.args[0] |= CLONE_NEWUSER;
	assert_int_equal(seccomp_run(program, COUNT(program), &data), SECCOMP_RET_ERRNO | 1);
	data.arch = AUDIT_ARCH_I386;
	assert_int_equal(seccomp_run(program, COUNT(program), &data), SECCOMP_RET_ERRNO | 1);
}

static void memory_and_arithmetic_work(void **state)
{
	const struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_IMM, 40),
		BPF_STMT(BPF_ST, 3),
		BPF_STMT(BPF_LDX | BPF_IMM, 2),
		BPF_STMT(BPF_LD | BPF_IMM, 0),
		BPF_STMT(BPF_LD | BPF_MEM, 3),
		BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
		BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 1),
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
		BPF_STMT(BPF_ALU | BPF_XOR | BPF_X, 0),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};

	(void)state;
	assert_int_equal(seccomp_run(program, COUNT(program), &clone_call),
		84 ^ sizeof(struct seccomp_data));
}

static void broken_programs_kill(void **state)
{
	const struct sock_filter programs[][2] = {
		{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 4096), ANSWER(SECCOMP_RET_ALLOW)},
		{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, UINT32_MAX), ANSWER(SECCOMP_RET_ALLOW)},
		{BPF_STMT(BPF_ST, 16), ANSWER(SECCOMP_RET_ALLOW)},
		{BPF_STMT(BPF_LD | BPF_MEM, 99), ANSWER(SECCOMP_RET_ALLOW)},
		{BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), ANSWER(SECCOMP_RET_ALLOW)},
		{BPF_STMT(BPF_JMP | BPF_JA, UINT32_MAX), ANSWER(SECCOMP_RET_ALLOW)},
		{BPF_STMT(BPF_LD | BPF_IMM, 1), BPF_STMT(BPF_LD | BPF_IMM, 1)},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(programs); i++)
		assert_int_equal(
			seccomp_run(programs[i], 2, &clone_call), SECCOMP_RET_KILL_PROCESS);
	assert_int_equal(seccomp_run(NULL, 0, &clone_call), SECCOMP_RET_KILL_PROCESS);
}

static void random_programs_end(void **state)
{
	(void)state;
	srand(3);
	for (int round = 0; round < 20000; round++) {
		struct sock_filter program[24];

		for (size_t i = 0; i < COUNT(program); i++)
			program[i] = (struct sock_filter){(uint16_t)(rand() & 0xff),
				(uint8_t)rand(), (uint8_t)rand(), (uint32_t)rand() % 80};
		seccomp_run(program, COUNT(program), &clone_call);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(jumps_lead_to_the_answer),
		cmocka_unit_test(memory_and_arithmetic_work),
		cmocka_unit_test(broken_programs_kill),
		cmocka_unit_test(random_programs_end),
	};

	return cmocka_run_group_tests_name("seccomp", tests, NULL, NULL);
}
