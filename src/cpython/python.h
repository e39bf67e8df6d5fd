// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * What every reader of CPython's memory needs, in one place.
 *
 * struct python is one interpreter's memory at one moment: shared by all threads, constant once
 * opened. struct pycontext is one thread's way into it: it has the reader with its cache.
 */
#pragma once

#include "cpython/pylayout.h"
#include "cpython/pyreader.h"
#include "cpython/pytype.h"

struct python {
	const struct target *target;   /* borrowed */
	const struct pylayout *layout; /* static */
	struct pytypes *types;         /* owned */
	remote_addr runtime;           /* _PyRuntime */
	/** The dict of interned strings, whose references are not counted; 0 if not found. */
	remote_addr interned;
};

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
