// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Memory that is left before somebody is killed for it.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/** The least of what the memory cgroups of @p pid (all levels up to the root, v1 and v2) and the
 *  machine leave free. */
uint64_t headroom_bytes(pid_t pid);
