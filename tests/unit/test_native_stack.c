// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
// A child stands still in a function that we know, below one of the C library; its stack is copied, and
// unwound when the child is gone.
#include "check.h"

#include "base/alloc.h"
#include "target/live_target.h"
#include "target/machine.h"
#include "target/native_stack.h"
#include "target/process_internal.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static struct native_copy copy;

__attribute__((used, noinline)) static int native_test_inner(const void *left, const void *right)
{
	(void)left, (void)right;
	raise(SIGSTOP);
	return 0;
}

__attribute__((used, noinline)) static int native_test_middle(int *numbers)
{
	qsort(numbers, 2, sizeof(*numbers), native_test_inner);
	return numbers[0];
}

__attribute__((used, noinline)) static int native_test_outer(int number)
{
	int numbers[2] = {number, 1};

	return native_test_middle(numbers) + 1;
}

static pid_t start_child(void)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(native_test_outer(2));
	}
	assert_int_equal(waitpid(child, &status, WUNTRACED), child);
	assert_true(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	return child;
}

static void end_child(pid_t child)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

static void copy_child(const struct process *process)
{
	struct machine_registers registers;
	struct target_thread thread = {0};
	struct target_piece piece;
	pid_t pid = process_pid(process);

	assert_int_equal(ptrace(PTRACE_SEIZE, pid, NULL, NULL), 0);
	assert_int_equal(ptrace(PTRACE_INTERRUPT, pid, NULL, NULL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_success(machine_read_registers(pid, &registers));
	machine_describe_thread(&registers, &thread);
	piece = native_copy_begin(&copy, &thread);
	copy.size = live_read(process->memory_fd, piece.addr, piece.bytes, piece.size);
	assert_in_range(copy.size, 256, sizeof(copy.bytes));
}

static bool is_named(const struct native_frame *frame, const char *name)
{
	return frame->function && strcmp(frame->function, name) == 0;
}

static bool is_outer(void *context, const struct native_frame *frame)
{
	(void)context;
	return is_named(frame, "native_test_outer");
}

static bool is_none(void *context, const struct native_frame *frame)
{
	(void)frame;
	++*(size_t *)context;
	return false;
}

static size_t find(const struct native_frame *frames, size_t count, const char *name)
{
	size_t found = count;

	for (size_t i = 0; i < count; i++) {
		if (is_named(&frames[i], name))
			found = i;
	}
	return found;
}

static void functions_are_told_up_to_the_end(void **state)
{
	_cleanup_(process_destroy) struct process *process = NULL;
	_cleanup_(native_stacks_destroy) struct native_stacks *stacks = NULL;
	struct native_frame frames[NATIVE_FRAMES_MAX];
	pid_t child = start_child();
	size_t count, inner, middle;
	bool is_sorted = false;

	(void)state;
	assert_success(process_open(child, &process));
	assert_success(native_stacks_create(process, &stacks));
	copy_child(process);
	// Its libraries' files are open or opened now: that it is gone only means that no new one is found.
	count = native_stacks_walk(stacks, &copy, is_outer, NULL, frames);
	inner = find(frames, count, "native_test_inner");
	middle = find(frames, count, "native_test_middle");
	end_child(child);

	assert_true(inner < middle && middle < count);
	assert_true(is_named(&frames[count - 1], "native_test_outer"));
	assert_int_equal(middle + 2, count);
	assert_string_equal(frames[inner].library->name, "test_native_stack");
	assert_ptr_equal(frames[inner].library, frames[middle].library);
	// The C library's, or a sanitizer's before it.
	for (size_t i = inner + 1; i < middle; i++) {
		assert_ptr_not_equal(frames[i].library, frames[inner].library);
		is_sorted |= frames[i].function && strstr(frames[i].function, "qsort");
	}
	assert_true(is_sorted);
	for (size_t i = 1; i < count; i++)
		assert_true(frames[i].stack_pointer > frames[i - 1].stack_pointer);
	assert_in_range(frames[inner].pc, (remote_addr)&native_test_inner,
		(remote_addr)&native_test_inner + 256);
	assert_int_equal(
		frames[middle].pc - frames[middle].offset, frames[inner].pc - frames[inner].offset);
}

static void a_library_is_found_by_its_addresses(void **state)
{
	_cleanup_(process_destroy) struct process *process = NULL;
	_cleanup_(native_stacks_destroy) struct native_stacks *stacks = NULL;
	const struct native_library *library;
	pid_t child = start_child();

	(void)state;
	assert_success(process_open(child, &process));
	assert_success(native_stacks_create(process, &stacks));
	library = native_stacks_library(stacks, (remote_addr)&functions_are_told_up_to_the_end);
	assert_non_null(library);
	assert_string_equal(library->name, "test_native_stack");
	assert_true(native_stacks_has_function(library, "native_test_outer"));
	assert_false(native_stacks_has_function(library, "native_test"));
	assert_null(native_stacks_library(stacks, 16));
	end_child(child);
}

// Whatever is on it, a stack ends, and nobody reads beside the copy.
static void a_stack_of_nonsense_ends(void **state)
{
	_cleanup_(process_destroy) struct process *process = NULL;
	_cleanup_(native_stacks_destroy) struct native_stacks *stacks = NULL;
	struct native_frame frames[NATIVE_FRAMES_MAX];
	pid_t child = start_child();
	size_t asked = 0, count, whole;

	(void)state;
	assert_success(process_open(child, &process));
	assert_success(native_stacks_create(process, &stacks));
	copy_child(process);
	whole = native_stacks_walk(stacks, &copy, is_none, &asked, frames);
	assert_int_equal(asked, whole);
	assert_true(whole > 4);

	// Cut short: fewer frames, but the same ones.
	copy.size = 16;
	count = native_stacks_walk(stacks, &copy, is_none, &asked, frames);
	assert_in_range(count, 1, whole - 1);
	copy.size = 0;
	assert_int_equal(native_stacks_walk(stacks, &copy, is_none, &asked, frames), 1);
	// Every word leads to where the thread is already.
	copy.size = sizeof(copy.bytes);
	for (size_t i = 0; i < sizeof(copy.bytes); i += 8)
		memcpy(copy.bytes + i, &copy.registers.program_counter, 8);
	count = native_stacks_walk(stacks, &copy, is_none, &asked, frames);
	assert_in_range(count, 1, NATIVE_FRAMES_MAX);
	memset(copy.bytes, 0xff, sizeof(copy.bytes));
	count = native_stacks_walk(stacks, &copy, is_none, &asked, frames);
	assert_in_range(count, 1, 3);
	// In no file.
	copy.registers.program_counter = 16;
	assert_int_equal(native_stacks_walk(stacks, &copy, is_none, &asked, frames), 1);
	assert_null(frames[0].library);
	end_child(child);
}

static void no_memory_is_an_error(void **state)
{
	_cleanup_(process_destroy) struct process *process = NULL;
	pid_t child = start_child();
	unsigned failed = 0;

	(void)state;
	assert_success(process_open(child, &process));
	for (uint64_t i = 0; i < 12; i++) {
		struct native_stacks *stacks = NULL;
		struct error *error;

		alloc_fail_after(i);
		error = native_stacks_create(process, &stacks);
		alloc_fail_after(UINT64_MAX);
		failed += error != NULL;
		if (error)
			assert_null(stacks);
		error_destroy(error);
		native_stacks_destroy(stacks);
	}
	end_child(child);
	assert_true(failed > 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions_are_told_up_to_the_end),
		cmocka_unit_test(a_library_is_found_by_its_addresses),
		cmocka_unit_test(a_stack_of_nonsense_ends),
		cmocka_unit_test(no_memory_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
