// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Which reader understands the objects of a type, for those who read types (pytype.c).
 */
#pragma once

#include "cpython/pytype.h"

/** The type at @p addr, or NULL. */
static inline const struct pytype *pytypes_at(const struct pytypes *types, remote_addr addr)
{
	uint32_t index = pytypes_find(types, addr);

	return index == PYTYPE_NONE ? NULL : &types->list.items[index];
}

/** Made by a class statement; types->class_dealloc and has_c_fields must be known. */
static inline bool pytypes_is_python_class(const struct pytypes *types, const struct pytype *type)
{
	return type->is_heap && type->dealloc == types->class_dealloc && !type->has_c_fields;
}

/** The value of a name in a type's dict, or 0. */
remote_addr pytype_find_in_dict(
	struct pyreader *reader, const struct pylayout *layout, remote_addr dict, const char *name);

/** Set the kind and what belongs to it: the layout of the nearest base that a reader knows (`object` at
 * last), and the bytes that unknown C types below it add. */
void pytype_set_kind(struct pyreader *reader, const struct pylayout *layout,
	const struct pytypes *types, struct pytype *type);
