// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Growable arrays, typed by macro.
 *
 *	DEFINE_VECTOR(addr_vector, uint64_t)
 *
 * defines `struct addr_vector { uint64_t *items; size_t count, capacity; }`, a zeroed one being
 * empty, with addr_vector_push() (false when memory is short) and addr_vector_deinit().
 */
#pragma once

#include "base/alloc.h"

#include <stdbool.h>
#include <stddef.h>

#define DEFINE_VECTOR(name, type)                                                                  \
	struct name {                                                                              \
		type *items;                                                                       \
		size_t count, capacity;                                                            \
	};                                                                                         \
	__attribute__((__unused__)) static inline bool name##_push(                                \
		struct name *vector, type value)                                                   \
	{                                                                                          \
		if (vector->count == vector->capacity) {                                           \
			size_t capacity = vector->capacity ? vector->capacity * 2 : 16;            \
			type *items = mem_realloc_array(vector->items, capacity, sizeof(type));    \
			if (!items)                                                                \
				return false;                                                      \
			vector->items = items;                                                     \
			vector->capacity = capacity;                                               \
		}                                                                                  \
		vector->items[vector->count++] = value;                                            \
		return true;                                                                       \
	}                                                                                          \
	__attribute__((__unused__)) static inline void name##_deinit(struct name *vector)          \
	{                                                                                          \
		mem_free(vector->items);                                                           \
		*vector = (struct name){0};                                                        \
	}                                                                                          \
	__attribute__((__unused__)) static inline void cleanup_##name##_deinit(                    \
		struct name *vector)                                                               \
	{                                                                                          \
		name##_deinit(vector);                                                             \
	}
