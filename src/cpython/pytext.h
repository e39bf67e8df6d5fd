// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Reading text and small values for showing: str, bytes, int, and look-ups in dicts by name.
 *
 * Nothing here is on the hot path. Results are always NUL-terminated, valid UTF-8 (what is not is
 * written as \xNN or \uNNNN), cut to the buffer at a character's boundary.
 */
#pragma once

#include "cpython/python.h"
#include "cpython/pystr.h"

/** Where the characters of a str of any kind are (also of Python 2's unicode); false if it is none. */
bool pytext_view(struct pycontext *context, remote_addr str, struct pystr *ret);

/** The text of a str object; false (and "") if it is not one or cannot be read. */
bool pytext_str(struct pycontext *context, remote_addr str, char *ret, size_t size);

/** A C string of the target; false (and "") if it cannot be read. Unprintable bytes are escaped. */
bool pytext_c_string(struct pycontext *context, remote_addr addr, char *ret, size_t size);

/** How Python would write a dict key: 'users', 17, None, (1, 'a'), b'…', or <type at 0x…>. Text
 * that does not look like an identifier, a path or a short name is private: it becomes <str>. */
void pytext_key(struct pycontext *context, remote_addr object, char *ret, size_t size);

/** An int object of up to 63 bits and a sign. */
bool pytext_int(struct pycontext *context, remote_addr object, int64_t *ret);

/** The value under a str key of a dict object, or 0. */
remote_addr pydict_find(struct pycontext *context, remote_addr dict, const char *key);

/** An attribute kept in an instance's dict or inline values, by name, or 0. */
remote_addr pyinstance_attribute(struct pycontext *context, remote_addr object, const char *name);

/** Where the dict, or the instance, has its reference to that value: the word that is stored to when
 * another takes its place. 0 if there is none. Good until the table is made anew. */
remote_addr pydict_slot(struct pycontext *context, remote_addr dict, const char *key);
remote_addr pyinstance_slot(struct pycontext *context, remote_addr object, const char *name);
