// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * What every reader of CPython's memory needs, in one place.
 *
 * struct python is one interpreter's memory at one moment: shared by all threads, constant once
 * opened. struct pycontext is one thread's way into it: it has the reader with its cache.
 */
#pragma once

#include "base/vector.h"
#include "cpython/pylayout.h"
#include "cpython/pyreader.h"
#include "cpython/pytype.h"

DEFINE_VECTOR(addr_vector, remote_addr)

struct python {
	const struct target *target; /* borrowed */
	const struct pylayout
		*layout; /* owned: a row, with what the target itself says laid over it */
	const struct pylayout *row; /* static: that row */
	struct pytypes *types;      /* owned */
	uint32_t version_hex;       /* PY_VERSION_HEX */
	/** _PyRuntime; 0 before 3.7, where its parts are variables of their own. */
	remote_addr runtime;
	remote_addr interpreters_head; /* where the pointer to the first interpreter is */
	/** Before 3.7: the variables _PyGC_generation0 and _PyThreadState_Current, or 0. */
	remote_addr generation0, current_thread;
	/** The interpreter states at open, the main one first; at least one. Owned. */
	struct addr_vector interpreters;
	/** The dicts of interned strings, whose references are not counted. Owned. */
	struct addr_vector interned;
	/** Bytes of a character of Python 2's unicode. */
	unsigned old_unicode_width;
	/** For each of the row's debug_offsets, did the target say it? NULL if it has none. Owned. */
	bool *said;
};

/** Is @p dict one of the dicts of interned strings? */
static inline bool python_is_interned(const struct python *python, remote_addr dict)
{
	for (size_t i = 0; i < python->interned.count; i++) {
		if (python->interned.items[i] == dict)
			return true;
	}
	return false;
}

struct pycontext {
	const struct python *python;
	struct pyreader reader;
};

struct error *pycontext_init(
	struct pycontext *context, const struct python *python, uint32_t cache_slots);
void pycontext_deinit(struct pycontext *context);

static inline void cleanup_pycontext_deinit(struct pycontext *context)
{
	pycontext_deinit(context);
}
