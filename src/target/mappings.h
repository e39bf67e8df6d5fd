// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * The target's address space: what is mapped where, in address order.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct error;

/** An address in the target; never a pointer of ours. */
typedef uint64_t remote_addr;

struct mapping {
	remote_addr start, end;
	uint64_t offset; /* of start in the file */
	uint64_t inode;  /* 0: not a file */
	uint32_t device_major, device_minor;
	bool readable, writable, executable, shared;
	/** As /proc/PID/maps says: a path in the target's mount namespace, "[heap]", "[stack]", …
	 * or "". Owned by the list. A deleted file keeps its " (deleted)". */
	const char *path;
};

/** All mappings, sorted by address, none overlapping. */
struct mappings {
	struct mapping *items;
	size_t count;
	char *text; /* holds the paths */
};

/** Read /proc/PID/maps; @p pid may be a thread's id. A zeroed struct is empty. */
struct error *mappings_read(pid_t pid, struct mappings *ret);
/** Parse text in the format of /proc/PID/maps; for tests and fuzzing. Takes a copy of @p text. */
struct error *mappings_parse(const char *text, size_t length, struct mappings *ret);
void mappings_deinit(struct mappings *mappings);

static inline void cleanup_mappings_deinit(struct mappings *mappings)
{
	mappings_deinit(mappings);
}

/** Index of the first mapping that ends after @p addr: the one that holds it, or the next one;
 *  mappings->count if there is none. */
size_t mappings_lower_bound(const struct mappings *mappings, remote_addr addr);

/** The mapping that holds @p addr, or NULL. */
const struct mapping *mappings_find(const struct mappings *mappings, remote_addr addr);

/** Private memory of no file. */
static inline bool mapping_is_anonymous(const struct mapping *mapping)
{
	return !mapping->shared && !mapping->inode;
}

/** May @p addr be read and written? Objects are where this is so. */
static inline bool mappings_is_writable(const struct mappings *mappings, remote_addr addr)
{
	const struct mapping *mapping = mappings_find(mappings, addr);

	return mapping && mapping->readable && mapping->writable;
}
