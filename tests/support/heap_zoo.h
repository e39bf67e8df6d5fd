// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * One of each kind of object that the heap writer knows, held by sys.modules or by a thread's frame.
 */
#pragma once

#include "cpython/pyruntime_place.h"
#include "heap_writer.h"

#define ZOO_CHAIN_LENGTH 60
#define ZOO_FLOATS       120

struct heap_zoo {
	struct heap_writer *writer;
	struct target *target;
	struct pyruntime_place place;
	/** 0 where the version has no such thing. */
	remote_addr list, tuple, dict, split, set, deque, odict, cache, generator, instance, chain,
		cls;
	remote_addr hidden; /* its class is in nobody's list of subclasses */
	remote_addr floats[ZOO_FLOATS];
	remote_addr local, frame_code, frame; /* what the thread runs */
};

void heap_zoo_write(struct heap_zoo *zoo, const struct pylayout *layout);
void heap_zoo_drop(struct heap_zoo *zoo);
