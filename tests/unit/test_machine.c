// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/** How functions are lined up on a stack, and what is told from code and words of a stack. */
#include "target/machine.h"
#include "target/process_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define YIELD   0x1000
#define RETURN  0x2000
#define RESTORE 0x3000

static uint64_t word_at(const struct machine_frame *frame, remote_addr addr)
{
	uint64_t word;

	assert_true(addr >= frame->addr && addr + sizeof(word) <= frame->addr + frame->size);
	memcpy(&word, frame->bytes + (addr - frame->addr), sizeof(word));
	return word;
}

// What the processor does: each function is entered with the stack as the calling convention has it, and
// returns to the word on top.
static void test_functions_return_into_each_other(void **state)
{
	const struct machine_gadgets gadgets = {.system_call = 0x500, .signal_return = RESTORE};
	const remote_addr stack = 0x7ffff008;

	(void)state;
	for (size_t count = 1; count <= MACHINE_FUNCTIONS_MAX; count++) {
		struct machine_functions functions = {.count = count};
		struct machine_frame frame = {
			.addr = stack, .stack = stack, .way_back = stack + 8, .size = 64};
		remote_addr top;

		memcpy(frame.bytes, &(uint64_t){RESTORE}, 8);
		for (size_t i = 0; i < count; i++)
			functions.items[i] = YIELD + i;
		machine_add_functions(&functions, &gadgets, &frame);
		top = frame.stack;
		for (size_t i = 0; i < count; i++) {
			assert_int_equal(top % 16, 8);
			if (i == count - 1)
				break;
			// A return and nothing else, then the next.
			assert_int_equal(word_at(&frame, top), 0x500 + MACHINE_CALL_BYTES);
			assert_int_equal(word_at(&frame, top + 8), YIELD + i + 1);
			top += 16;
		}
		assert_int_equal(word_at(&frame, top), RESTORE);
		assert_int_equal(top + 8, frame.way_back);
	}
}

static void test_code_before_a_return_address(void **state)
{
	static const struct {
		unsigned char bytes[MACHINE_CODE_BEFORE];
		bool is_call;
	} rows[] = {
		{{0x90, 0x90, 0xe8, 1, 2, 3, 4}, true},              /* call rel32 */
		{{0x90, 0x90, 0x90, 0x90, 0x90, 0xff, 0xd0}, true},  /* call *%rax */
		{{0x90, 0x90, 0x90, 0x90, 0x41, 0xff, 0xd4}, true},  /* call *%r12 */
		{{0x90, 0xff, 0x15, 1, 2, 3, 4}, true},              /* call *x(%rip) */
		{{0xff, 0x94, 0x24, 1, 2, 3, 4}, true},              /* call *x(%rsp) */
		{{0x90, 0x90, 0x90, 0x90, 0xff, 0x50, 0x18}, true},  /* call *x(%rax) */
		{{0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90}, false}, /* nop */
		{{0x90, 0x90, 0xe9, 1, 2, 3, 4}, false},             /* jmp */
		{{0x90, 0x90, 0x90, 0x90, 0x90, 0xff, 0xe0}, false}, /* jmp *%rax */
		{{0x90, 0x90, 0x48, 0x8b, 0x44, 0x24, 0x08}, false}, /* mov */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(machine_is_after_call(rows[i].bytes), rows[i].is_call);
}

// struct rt_sigframe of arch/x86: return address, uc_flags, uc_link, …, rsp, rip, eflags, cs.
static void test_signal_frames(void **state)
{
	uint64_t words[MACHINE_SIGNAL_WORDS] = {
		[0] = RESTORE, [1] = 7, [21] = 0x7fff2000, [22] = 0x401000, [24] = 0x33};

	(void)state;
	assert_true(machine_is_signal_frame(words, 0x7fff1000, RESTORE));
	assert_false(machine_is_signal_frame(words, 0x7fff1000, RETURN));
	// It was interrupted further up.
	assert_false(machine_is_signal_frame(words, 0x7fff3000, RESTORE));
	words[2] = 1;
	assert_false(machine_is_signal_frame(words, 0x7fff1000, RESTORE));
	words[2] = 0;
	words[24] = 0;
	assert_false(machine_is_signal_frame(words, 0x7fff1000, RESTORE));
}

#define CODE_BYTES ((size_t)32 << 20)

static size_t resident_bytes(unsigned char *code)
{
	static unsigned char pages[CODE_BYTES / 4096];
	size_t count = 0;

	assert_int_equal(mincore(code, CODE_BYTES, pages), 0);
	for (size_t i = 0; i < sizeof(pages); i++)
		count += pages[i] & 1;
	return count * 4096;
}

// A library that is mapped is not read, and so not made resident, for what the C library has.
static void test_search_leaves_large_libraries_alone(void **state)
{
	struct machine_gadgets gadgets = {0};
	struct mappings mappings = {0};
	char name[] = "/tmp/libcrypto-XXXXXX";
	int file = mkstemp(name);
	unsigned char *code;

	(void)state;
	assert_true(file >= 0);
	unlink(name);
	assert_int_equal(ftruncate(file, CODE_BYTES), 0);
	code = mmap(NULL, CODE_BYTES, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0);
	assert_true(code != MAP_FAILED);
	assert_null(mappings_read(getpid(), &mappings));
	assert_null(machine_gadgets_search(getpid(), &mappings, &gadgets));
	assert_int_not_equal(gadgets.system_call, 0);
	assert_int_not_equal(gadgets.signal_return, 0);
	assert_true(resident_bytes(code) < CODE_BYTES / 4);
	mappings_deinit(&mappings);
	munmap(code, CODE_BYTES);
	close(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_functions_return_into_each_other),
		cmocka_unit_test(test_code_before_a_return_address),
		cmocka_unit_test(test_signal_frames),
		cmocka_unit_test(test_search_leaves_large_libraries_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
