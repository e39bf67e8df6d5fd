// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * For those who make targets: what a source of bytes must provide.
 *
 * A source embeds struct target as its first member, fills it in, and returns the address of it.
 */
#pragma once

#include "target/target.h"

struct target_ops {
	/** Read up to @p size bytes from @p addr; returns how many from the start could be read, 0
	 * if none. Never blocks on the target's will. Must be thread-safe. */
	size_t (*read)(const struct target *target, remote_addr addr, void *buffer, size_t size);
	/** See target_read_pieces(); may be NULL (none). */
	size_t (*read_pieces)(
		const struct target *target, const struct target_piece *pieces, unsigned count);
	/** See target_borrow(); may be NULL. */
	const void *(*borrow)(const struct target *target, remote_addr addr, size_t *ret_size);
	/** See target_resident(); may be NULL (all). */
	struct error *(*resident)(const struct target *target, remote_addr start, remote_addr end,
		enum page_kind kind, struct page_run_vector *runs);
	/** Is the process behind the bytes gone? May be NULL (never). */
	bool (*is_gone)(const struct target *target);
	/** Release everything, the struct itself included; mappings and threads are already
	 * released. */
	void (*destroy)(struct target *target);
};

/** What all pictures of one process have in common; embedded in what they are made from. */
struct target_origin {
	const char *name, *executable; /* see target_name(), target_executable() */
	/** See target_open_file(). */
	struct error *(*open_file)(
		const struct target_origin *origin, const struct mapping *mapping, int *ret_fd);
};

struct target {
	const struct target_ops *ops;
	const struct target_origin *origin; /* borrowed; NULL: bytes of nobody (tests) */
	struct mappings mappings;           /* owned */
	struct target_thread *threads;      /* owned, mem_alloc */
	size_t thread_count;
};
