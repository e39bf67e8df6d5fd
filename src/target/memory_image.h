// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Bytes given by a test or a fuzzer, looking like a target.
 */
#pragma once

#include "target/target.h"

struct memory_image_segment {
	remote_addr addr; /* page-aligned */
	const void *bytes;
	size_t size; /* a multiple of 4096 */
	bool writable;
	const char *path; /* as in /proc/PID/maps, may be "" */
	uint64_t inode;   /* 0: not a file */
};

/** Segments sorted by address, not overlapping. Their bytes are borrowed and must outlive the
 * target. */
struct error *memory_image_create(
	const struct memory_image_segment *segments, size_t count, struct target **ret);
