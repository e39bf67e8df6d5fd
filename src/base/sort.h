// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * qsort() that takes an empty array for what it is: qsort(NULL, 0, …) is undefined.
 */
#pragma once

#include <stdlib.h>

static inline void sort_items(
	void *items, size_t count, size_t size, int (*compare)(const void *, const void *))
{
	if (count > 1)
		qsort(items, count, size, compare);
}
