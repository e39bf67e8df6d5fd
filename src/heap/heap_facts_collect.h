// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Facts (heap_facts.h) of a heap whose target is still there.
 *
 *	1. each object once more, with labels: shapes, lengths, room, hashes of strings   (parallel)
 *	2. names and files of classes, functions, modules, code; keys
 *	3. threads with their frames; mappings
 */
#pragma once

#include "heap/heap_builder.h"
#include "heap/heap_facts.h"
#include "heap/heap_facts_options.h"
#include "heap/heap_texts.h"

/** @p builder is not changed, but for the caches of its reader. */
struct error *heap_facts_collect(struct heap_builder *builder,
	const struct heap_facts_options *options, struct heap_facts **ret);

// Between the files that do it.

/** Append a row to a table; @p text is NULL or "" for none. */
struct error *heap_facts_say(struct heap_facts *facts, struct heap_texts *texts,
	enum heap_fact table, node_id node, const char *text);
/** The hash of a string's characters, and which object it is. */
struct heap_string {
	uint64_t hash;
	node_id node;
};
DEFINE_VECTOR(heap_string_vector, struct heap_string)

/** Hash the object's characters if it is a str; false if it is none, cannot be read, or is longer than
 *  *budget, which its bytes are taken from: strings that claim the same memory are not read for ever. */
bool heap_string_hash(struct pycontext *context, remote_addr addr, uint64_t *budget, uint64_t *ret);
/** The strings that are there several times. Sorts @p strings. */
struct error *heap_facts_add_strings(
	struct heap_builder *builder, struct heap_facts *facts, struct heap_string_vector *strings);
