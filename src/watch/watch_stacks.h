// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Stacks with names, fast: what is known of a code object is kept.
 *
 * The first time that a function is met, its names are read; after that one look at the code object
 * tells that it is still the same one, not another at its address. A cache that is full begins anew.
 */
#pragma once

#include "cpython/pystack.h"
#include "watch/watch.h"

struct watch_stacks;

struct watch_stack {
	struct pystack_frame raw[WATCH_FRAMES_MAX];
	struct watch_frame frames[WATCH_FRAMES_MAX]; /* texts belong to the cache */
	/** The local variables of each frame that may tell the request, or PYCODE_NO_LOCAL. */
	uint32_t environ[WATCH_FRAMES_MAX], scope[WATCH_FRAMES_MAX];
	size_t count;
	bool is_cut;
};

struct error *watch_stacks_create(struct watch_stacks **ret);
void watch_stacks_destroy(struct watch_stacks *stacks);
DEFINE_CLEANUP(struct watch_stacks *, watch_stacks_destroy)

/** The stack of a thread state. Texts are valid until the next call. What cannot be read is left out. */
void watch_stacks_read(struct watch_stacks *stacks, struct pycontext *context, remote_addr thread,
	struct watch_stack *ret);
