// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * The memory of a small CPython process in a file: recorded once, then read and changed as bytes.
 *
 * What is kept: private readable memory that is no code, of files only what the interpreter's
 * binary and what is writable. Little-endian:
 *
 *	"SHKIMAG2"  u32 version_hex  u32 segments
 *	u64 _PyRuntime  u64 PyType_Type  u64 interp_head  u64 _PyGC_generation0
 *	u64 _PyThreadState_Current  u32 bytes of the path; the path of the interpreter's binary
 *	per segment: u64 address  u64 size  u64 inode  u32 writable  u32 bytes of its path; path; bytes
 */
#pragma once

#include "cpython/pyruntime_place.h"
#include "target/memory_image.h"

/** Stop process @p pid for a moment and write its memory to @p path. */
struct error *heap_image_record(pid_t pid, const char *path);

/** Write what there is of an interpreter. */
struct error *heap_image_write(
	const struct target *target, const struct pyruntime_place *place, const char *path);

struct heap_image {
	struct pyruntime_place place; /* has no ELF file */
	struct memory_image_segment *segments;
	uint8_t **bytes; /* of each segment, to be changed at will */
	size_t count;
};

struct error *heap_image_load(const char *path, struct heap_image *ret);
void heap_image_deinit(struct heap_image *image);

/** The byte of the image at @p addr with at least @p size behind it, or NULL. */
uint8_t *heap_image_at(const struct heap_image *image, remote_addr addr, size_t size);
