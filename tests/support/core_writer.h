// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Core files written by hand: as the kernel lays them out, program headers, notes, memory; or as gcore
 * does, with the notes last.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CORE_WRITER_PAGE 4096

struct core_writer_segment {
	uint64_t addr, size; /* in memory */
	const void *bytes;   /* NULL: filled with the low byte of the segment's number, plus one */
	uint64_t present;    /* bytes in the file */
	uint32_t flags;      /* PF_R … */
};

struct core_writer_file {
	uint64_t start, end, offset;
	const char *path;
};

struct core_writer {
	const struct core_writer_segment *segments;
	size_t segment_count;
	const struct core_writer_file *files;
	size_t file_count;
	int pid;
	const char *name;
	int threads[4]; /* ids, until one is 0; stack pointers are 0x7000 + the id */
	uint64_t program_headers, random, vdso; /* of the auxiliary vector */
	bool has_no_files, notes_are_last;
};

/** The bytes of it, to be freed with free(). NULL without memory. */
char *core_writer_finish(const struct core_writer *writer, size_t *ret_size);
