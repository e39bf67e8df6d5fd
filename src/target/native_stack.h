// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * The C functions that a thread is in: copied while it stands still, unwound when it runs again.
 *
 * While the thread stands still, its registers and the top of its stack are copied (some microseconds).
 * Unwinding that copy is elfutils' business (libdw: libdwfl), by the call frame information that each
 * library is loaded with (.eh_frame), which strip leaves alone. Functions' names are those that are in
 * the file itself (elf_file.h): nothing is looked for elsewhere, neither files of debug information nor
 * servers that have such.
 *
 * Bounded by the copy: what lies deeper in the stack is not seen. Code that is in no file (a JIT's) ends
 * a stack, as does code without call frame information, unless it keeps frame pointers.
 */
#pragma once

#include "target/process.h"

/** The top of the stack: an evaluation function of CPython takes half a kilobyte, C functions less. */
#define NATIVE_STACK_BYTES (16 << 10)
/** Frames of one stack that are told. */
#define NATIVE_FRAMES_MAX  64

struct native_copy {
	struct target_thread registers;
	size_t size;
	unsigned char bytes[NATIVE_STACK_BYTES]; /* from the stack pointer on */
};

/** A file with code that is loaded. */
struct native_library {
	const char *name; /* its base name */
	remote_addr start, end;
};

struct native_frame {
	remote_addr pc; /* being executed; of a caller, in its call */
	/** The frame reaches from here to where that of its caller begins. */
	remote_addr stack_pointer;
	const struct native_library *library; /* NULL: in no file */
	const char *function;                 /* NULL: it has no symbol */
	uint64_t offset; /* of @ref pc, by the file's own addresses (readelf, addr2line) */
};

/** Where the copy is to be read from, of a thread that stands still with these registers: who reads it sets
 * its size to what could be read. */
struct target_piece native_copy_begin(
	struct native_copy *copy, const struct target_thread *registers);

struct native_stacks;

/** Borrows @p process. */
struct error *native_stacks_create(const struct process *process, struct native_stacks **ret);
void native_stacks_destroy(struct native_stacks *stacks);
DEFINE_CLEANUP(struct native_stacks *, native_stacks_destroy)

/** The library that has @p addr (code or data), or NULL. Valid until the next walk. */
const struct native_library *native_stacks_library(struct native_stacks *stacks, remote_addr addr);
/** Has it a function of this name? */
bool native_stacks_has_function(const struct native_library *library, const char *function);

/**
 * The frames of a copy, the innermost first, up to one that is the end as is_end() says, to one of which the
 * caller is not known, or to NATIVE_FRAMES_MAX. Returns how many; what they point to is valid until the next
 * walk, as libraries that were loaded meanwhile may make all be read anew.
 */
size_t native_stacks_walk(struct native_stacks *stacks, const struct native_copy *copy,
	bool (*is_end)(void *context, const struct native_frame *frame), void *context,
	struct native_frame ret[NATIVE_FRAMES_MAX]);
