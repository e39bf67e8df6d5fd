// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * What the notes of an ELF core file say: threads, mapped files, who the process was.
 *
 * The formats are the kernel's (fs/binfmt_elf.c, include/uapi/linux/elfcore.h), which gdb's gcore
 * writes too:
 *
 *	NT_PRSTATUS   struct elf_prstatus, one for each thread: its id and registers
 *	NT_PRPSINFO   struct elf_prpsinfo: PID, name, command line (80 bytes of it)
 *	NT_AUXV       Elf64_auxv_t[]: where the program's headers, the vdso and the random bytes are
 *	NT_FILE       uint64_t count, page_size; then count × { start, end, offset in pages };
 *	              then count paths, each with its NUL
 */
#pragma once

#include "target/target.h"

#include <libelf.h>

struct core_mapped_file {
	remote_addr start, end;
	uint64_t offset;  /* bytes */
	const char *path; /* owned by the notes, or static; " (deleted)" is kept */
};

/** Addresses of the process that the kernel told it at its start; 0 if it did not. */
struct core_auxv {
	remote_addr program_headers; /* AT_PHDR */
	remote_addr vdso;            /* AT_SYSINFO_EHDR */
	remote_addr random;          /* AT_RANDOM: 16 bytes that are those of one execve() */
};

struct core_notes {
	pid_t pid; /* 0 if unknown */
	char name[17], command_line[81];
	struct core_auxv auxv;
	struct target_thread *threads; /* the main one first. Owned */
	size_t thread_count;
	struct core_mapped_file *files; /* by address, none overlapping. Owned */
	size_t file_count;
	char *paths; /* owned */
};

/**
 * Read the notes in @p size bytes at @p offset of the file that @p elf is of. Odd notes are passed
 * over; ERROR_BAD_DATA if there is none that says which files were mapped.
 */
struct error *core_notes_read(Elf *elf, uint64_t offset, uint64_t size, struct core_notes *ret);
void core_notes_deinit(struct core_notes *notes);
