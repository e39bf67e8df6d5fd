// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * The words of global data and stacks: addresses that may be references to objects.
 *
 * For heap_roots.c and heap_settle.c.
 */
#pragma once

#include "heap/heap_builder.h"

/** The writable data of a library or executable, with the bss behind it. */
struct heap_data_range {
	remote_addr start, end;
	const struct mapping *file; /* whose data it is */
};

/** The next range from mapping number *index on; false at the end. */
bool heap_words_next_range(
	const struct heap_builder *builder, size_t *index, struct heap_data_range *ret);

typedef struct error *(*heap_word_visitor)(
	struct heap_builder *builder, remote_addr where, uint64_t value, void *user);

/** Visit the aligned words of a range whose values could be addresses of objects. */
struct error *heap_words_visit(struct heap_builder *builder, remote_addr start, remote_addr end,
	heap_word_visitor visit, void *user);

/** Note all words of global data that lead to objects, and these objects (builder->global_words).
 */
struct error *heap_words_collect(struct heap_builder *builder);

/** The object at @p value is owned by the word at @p where, which is not looked at again: a root. */
struct error *heap_roots_note_owned(struct heap_builder *builder, remote_addr where,
	remote_addr value, enum heap_root_kind kind, const char *name);

/** Note what CPython's static variables own, as far as their shape tells (up to 3.9): the names in
 * the type attribute cache, the str objects beside their C strings, those of one character. */
struct error *heap_statics_collect(struct heap_builder *builder);

/** Order of addresses, for qsort() and bsearch(). */
int heap_words_compare(const void *left, const void *right);
