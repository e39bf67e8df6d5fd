// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * The state of an interpreter: its interpreters, threads and collector.
 */
#pragma once

#include "base/vector.h"
#include "cpython/python.h"

/** The interpreter states, the main one first; python->interpreters has those at open. */
struct error *pyruntime_interpreters(struct pycontext *context, struct addr_vector *ret);
/** The thread states of one interpreter. */
struct error *pyruntime_threads(
	struct pycontext *context, remote_addr interpreter, struct addr_vector *ret);

/** The most heads that pyruntime_gc_heads() gives. */
#define PYRUNTIME_GC_HEADS_MAX 4
/** The heads of the collector's lists that an interpreter's objects are on. Returns their number. */
size_t pyruntime_gc_heads(struct pycontext *context, remote_addr interpreter,
	remote_addr ret[PYRUNTIME_GC_HEADS_MAX]);
/** The head of the list of what no collection looks at (gc.freeze(), 3.7 on); 0 if there is none. */
remote_addr pyruntime_permanent_generation(struct pycontext *context, remote_addr interpreter);

/** The thread states that hold a GIL at this moment, at most @p max of them: one, unless interpreters
 * have a GIL of their own (3.12). Returns how many. */
size_t pyruntime_gil_holders(struct pycontext *context, remote_addr *ret, size_t max);
/** Is a thread holding the GIL; is a collection running in any interpreter? */
bool pyruntime_gil_is_held(struct pycontext *context);
bool pyruntime_is_collecting(struct pycontext *context);
/** Is the cyclic collector enabled in the main interpreter (gc.isenabled())? Before 3.7 that is
 * seen once it should have run twice. */
bool pyruntime_collector_is_enabled(struct pycontext *context);

/** sys.modules of an interpreter, or 0. */
remote_addr pyruntime_modules(struct pycontext *context, remote_addr interpreter);

/** The name that the threading module gave to the thread with this `thread_id`, or "" (then the
 * caller has the kernel's name). */
void pyruntime_thread_name(struct pycontext *context, remote_addr interpreter, remote_addr thread,
	char *ret, size_t size);

/** "3.11.2", "3.13.0rc1". */
void pyruntime_version_text(uint32_t version_hex, char *ret, size_t size);
