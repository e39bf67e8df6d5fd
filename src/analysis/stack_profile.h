// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * A heap as stacks: each object counts where its path (paths.h) leads, root first, so that a flame graph
 * shows who holds the memory.
 *
 * A frame is a reference and the type of what it leads to: ".cache (dict)". Items are all "[]", and keys
 * that are no names too. A chain that repeats itself (a linked list, a tree) is folded: its objects count
 * where it begins. What has no path is below "unreachable". All objects are in it, each once.
 *
 * Memory: 8 bytes per node while it is made, then 40 to 48 per place, of which there are at most
 * STACK_PLACES_MAX; what does not fit counts for the place above it.
 */
#pragma once

#include "analysis/paths.h"
#include "base/text_table.h"

#define STACK_PLACES_MAX (1u << 20)
#define STACK_DEPTH_MAX  256

struct stack_place {
	uint32_t above;          /* a place before this one; place 0 is above all, and its own */
	uint32_t text;           /* of the frame, in texts */
	uint32_t depth;          /* place 0: 0 */
	uint64_t objects, bytes; /* that end here */
};

struct stack_profile {
	struct stack_place *places; /* owned */
	uint32_t count, capacity;
	struct text_table texts; /* number 0 is "" */
	uint32_t *slots;         /* place, by what is above it and text; 0: none */
	uint32_t slot_count;
};

struct error *stack_profile_create(
	const struct heap_graph *graph, const struct paths *paths, struct stack_profile **ret);
void stack_profile_destroy(struct stack_profile *profile);
DEFINE_CLEANUP(struct stack_profile *, stack_profile_destroy)
