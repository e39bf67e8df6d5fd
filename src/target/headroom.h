// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Memory that is left before somebody is killed for it.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

struct headroom {
	/** What headroom_bytes() gives. */
	uint64_t bytes;
	/** The limit of the memory cgroup that leaves least; UINT64_MAX if none has one. */
	uint64_t limit;
};

struct headroom headroom_read(pid_t pid);

/** The least of what the memory cgroups of @p pid (all levels up to the root, v1 and v2) and the
 *  machine leave free. */
uint64_t headroom_bytes(pid_t pid);
