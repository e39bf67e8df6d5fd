// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * How Python code calls what a hop leads through: shared by those who write paths and those who read
 * them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/** The name by which Python code knows a field of a built-in type: "__dict__" for "md_dict"; "" for what
 * it does not see (a cell is its variable, a proxy its mapping); the field itself where they agree. */
const char *path_field_name(const char *field);

/** 'abc' to abc, if it is that simple: a name, with dots in it if @p with_dots. */
bool path_unquote(const char *key, bool with_dots, char *ret, size_t size);
