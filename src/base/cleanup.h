// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Cleanup by scope.
 *
 * A variable declared with `_cleanup_(free)` is released when its scope ends, whatever path
 * leaves it; take() hands the value to somebody else and disarms the cleanup:
 *
 *	_cleanup_(mem_free) char *path = NULL;
 *	...
 *	*ret = take(path);
 *	return NULL;
 */
#pragma once

#include <stdio.h>
#include <unistd.h>

#define _cleanup_(function) __attribute__((__cleanup__(cleanup_##function)))

/** Give away @p variable: its value, leaving NULL behind. */
#define take(variable)                                                                             \
	({                                                                                         \
		__auto_type take_value_ = (variable);                                              \
		(variable) = NULL;                                                                 \
		take_value_;                                                                       \
	})

/** Define the scope cleanup of a pointer type whose destroy function accepts NULL. */
#define DEFINE_CLEANUP(type, function)                                                             \
	static inline void cleanup_##function(type *pointer)                                       \
	{                                                                                          \
		function(*pointer);                                                                \
	}

/** A file descriptor that closes with its scope; negative means none. */
static inline void cleanup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_fclose(FILE **file)
{
	if (*file)
		fclose(*file);
}
