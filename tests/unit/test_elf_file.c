// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
// The program under test is this one: it knows where its own symbols are.
#include "check.h"

#include "target/elf_file.h"
#include "target/process.h"

#include <elf.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

extern const char __executable_start;
extern int __libc_start_main(void);

__attribute__((used)) uint64_t elf_test_table[16] = {1};

__attribute__((used, noinline)) static int elf_test_function(int value)
{
	return value + 1;
}

static char *image;
static size_t image_size;

static int read_image(void **state)
{
	FILE *file = fopen("/proc/self/exe", "r");
	bool is_read = false;

	(void)state;
	if (!file)
		return -1;
	if (fseek(file, 0, SEEK_END) == 0) {
		image_size = (size_t)ftell(file);
		rewind(file);
		image = malloc(image_size);
		is_read = image && fread(image, 1, image_size, file) == image_size;
	}
	return fclose(file) == 0 && is_read ? 0 : -1;
}

static int free_image(void **state)
{
	(void)state;
	free(image);
	return 0;
}

static void check_symbols(const struct elf_file *file)
{
	remote_addr addr = 0, table = (remote_addr)elf_test_table;
	uint64_t size = 0, offset = 0;

	assert_true(elf_file_find(file, "elf_test_table", &addr, &size));
	assert_int_equal(addr, table);
	assert_int_equal(size, sizeof(elf_test_table));
	assert_true(elf_file_find(file, "elf_test_function", &addr, &size));
	assert_int_equal(addr, (remote_addr)&elf_test_function);
	assert_false(elf_file_find(file, "elf_test", &addr, &size));
	assert_string_equal(elf_file_symbol_at(file, table + 24, &offset), "elf_test_table");
	assert_int_equal(offset, 24);
	assert_string_equal(
		elf_file_function_at(file, (remote_addr)&elf_test_function + 1, &offset),
		"elf_test_function");
	assert_int_equal(offset, 1);
	assert_null(elf_file_symbol_at(file, 16, &offset));
	assert_null(elf_file_symbol_at(file, UINT64_MAX, &offset));
	assert_true(elf_file_find_section(file, ".data", &addr, &size));
	assert_true(addr <= table && table < addr + size);
	assert_false(elf_file_find_section(file, ".PyRuntime", &addr, &size));
	// Not loaded, so it is nowhere.
	assert_false(elf_file_find_section(file, ".symtab", &addr, &size));
}

static void symbols_are_found_in_bytes(void **state)
{
	_cleanup_(elf_file_destroy) struct elf_file *file = NULL;

	(void)state;
	assert_success(
		elf_file_open_bytes(image, image_size, (uint64_t)&__executable_start, &file));
	check_symbols(file);
}

// A forked child has everything where we have it.
static pid_t start_child(void)
{
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	return child;
}

static void the_load_address_is_found(void **state)
{
	_cleanup_(process_destroy) struct process *process = NULL;
	_cleanup_(target_destroy) struct target *target = NULL;
	const struct mappings *mappings;
	// From code, from data, and for a library from a function of it.
	const remote_addr places[] = {(remote_addr)&elf_test_function, (remote_addr)elf_test_table};
	_cleanup_(elf_file_destroy) struct elf_file *libc = NULL;
	remote_addr addr;
	uint64_t size;
	pid_t child = start_child();

	(void)state;
	assert_success(process_open(child, &process));
	assert_success(process_target_live(process, &target));
	mappings = target_mappings(target);
	for (size_t i = 0; i < 2; i++) {
		_cleanup_(elf_file_destroy) struct elf_file *file = NULL;

		assert_success(elf_file_open(target, mappings_find(mappings, places[i]), &file));
		check_symbols(file);
	}
	assert_success(elf_file_open(
		target, mappings_find(mappings, (remote_addr)&__libc_start_main), &libc));
	assert_true(elf_file_find(libc, "__libc_start_main", &addr, &size));
	assert_int_equal(addr, (remote_addr)&__libc_start_main);
	assert_failure(elf_file_open(target, mappings_find(mappings, (remote_addr)&addr), &libc),
		ERROR_NOT_FOUND);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

static void other_files_are_refused(void **state)
{
	struct elf_file *file;
	char header[sizeof(Elf64_Ehdr)];

	(void)state;
	assert_failure(elf_file_open_bytes("", 0, 0, &file), ERROR_UNSUPPORTED);
	assert_failure(elf_file_open_bytes("#!/bin/sh\n", 10, 0, &file), ERROR_UNSUPPORTED);
	assert_failure(elf_file_open_bytes(image, 20, 0, &file), ERROR_UNSUPPORTED);
	memcpy(header, image, sizeof(header));
	header[EI_CLASS] = ELFCLASS32;
	assert_failure(elf_file_open_bytes(header, sizeof(header), 0, &file), ERROR_UNSUPPORTED);
	memcpy(header, image, sizeof(header));
	((Elf64_Ehdr *)header)->e_machine = EM_AARCH64;
	assert_failure(elf_file_open_bytes(header, sizeof(header), 0, &file), ERROR_UNSUPPORTED);
}

// Change a few bytes at random, mostly where the tables are, and use whatever opens.
static void damaged_files_do_no_harm(void **state)
{
	Elf64_Ehdr header;

	(void)state;
	srand(2);
	memcpy(&header, image, sizeof(header));
	for (int round = 0; round < 1500; round++) {
		_cleanup_(elf_file_destroy) struct elf_file *file = NULL;
		char *copy = malloc(image_size);
		size_t size = round % 5 ? image_size : (size_t)rand() % image_size;
		remote_addr addr;
		uint64_t value;

		memcpy(copy, image, image_size);
		for (int i = rand() % 6; i >= 0; i--) {
			size_t base = i % 2 ? header.e_shoff : 0;

			copy[(base + (size_t)rand() % 2048) % image_size] = (char)rand();
		}
		error_destroy(elf_file_open_bytes(copy, size, (uint64_t)rand() << 40, &file));
		if (file) {
			elf_file_find(file, "elf_test_table", &addr, &value);
			elf_file_symbol_at(file, (remote_addr)elf_test_table, &value);
			elf_file_find_section(file, ".data", &addr, &value);
		}
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(symbols_are_found_in_bytes),
		cmocka_unit_test(the_load_address_is_found),
		cmocka_unit_test(other_files_are_refused),
		cmocka_unit_test(damaged_files_do_no_harm),
	};

	elf_test_function(0);
	return cmocka_run_group_tests_name("elf_file", tests, read_image, free_image);
}
