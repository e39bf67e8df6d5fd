// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Bisection.
 */
#pragma once

#include <stddef.h>

/** Of items 0 … count - 1, the index of the first for which @p condition, an expression of the index
 * @p i, does not hold; @p count if it holds for all. It must hold for all before that item and for none
 * behind it: `partition_point(i, runs->count, runs->items[i].end <= addr)` is the first run that ends
 * behind addr. (The name is that of the C++ standard library.) */
#define partition_point(i, count, condition)                                                       \
	({                                                                                         \
		size_t low_ = 0, high_ = (count);                                                  \
		while (low_ < high_) {                                                             \
			size_t i = low_ + (high_ - low_) / 2;                                      \
			if (condition)                                                             \
				low_ = i + 1;                                                      \
			else                                                                       \
				high_ = i;                                                         \
		}                                                                                  \
		low_;                                                                              \
	})
