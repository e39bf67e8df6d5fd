// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "cpython/pyruntime.h"

#include "base/error.h"
#include "base/limits.h"
#include "cpython/pydict.h"
#include "cpython/pytext.h"

#include <stdio.h>

// A linked list of states: at most @p limit; one that is torn into a circle ends.
static struct error *follow_list(struct pycontext *context, remote_addr first, uint32_t next_offset,
	size_t limit, struct addr_vector *ret)
{
	struct pychain chain = {0};

	for (remote_addr state = first; ret->count < limit && pychain_goes_on(&chain, state);) {
		if (!addr_vector_push(ret, state))
			return error_enomem();
		state = pyreader_pointer(&context->reader, state + next_offset);
	}
	return NULL;
}

struct error *pyruntime_interpreters(struct pycontext *context, struct addr_vector *ret)
{
	const struct pylayout *layout = context->python->layout;
	remote_addr head_at = context->python->interpreters_head;
	remote_addr head = head_at ? pyreader_pointer(&context->reader, head_at) : 0;
	struct error *err;

	if (!head)
		return error_create(ERROR_BAD_DATA,
			"the process has no Python interpreter yet, or not any more");
	err = follow_list(context, head, layout->interp.next, LIMIT_INTERPRETERS, ret);
	// New interpreters are put in front; the main one is the last.
	for (size_t i = 0; !err && i < ret->count / 2; i++) {
		remote_addr swap = ret->items[i];

		ret->items[i] = ret->items[ret->count - 1 - i];
		ret->items[ret->count - 1 - i] = swap;
	}
	return err;
}

struct error *pyruntime_threads(
	struct pycontext *context, remote_addr interpreter, struct addr_vector *ret)
{
	const struct pylayout *layout = context->python->layout;

	return follow_list(context,
		pyreader_pointer(&context->reader, interpreter + layout->interp.threads_head),
		layout->tstate.next, LIMIT_THREADS, ret);
}

static remote_addr gil_holder(
	struct pycontext *context, remote_addr locked_word, remote_addr holder_word)
{
	uint32_t locked = 0;

	pyreader_u32(&context->reader, locked_word, &locked);
	return locked == 1 ? pyreader_pointer(&context->reader, holder_word) : 0;
}

// The thread state that holds the GIL of interpreter number @p index, or 0.
static remote_addr holder_of_interpreter(struct pycontext *context, size_t index)
{
	const struct python *python = context->python;
	const struct pylayout *layout = python->layout;
	remote_addr gil;

	if (!python->runtime)
		return index == 0 && python->current_thread
			       ? pyreader_pointer(&context->reader, python->current_thread)
			       : 0;
	if (pylayout_has(layout->runtime.gil_locked))
		return index == 0
			       ? gil_holder(context, python->runtime + layout->runtime.gil_locked,
					 python->runtime + layout->runtime.gil_last_holder)
			       : 0;
	gil = pyreader_pointer(
		&context->reader, python->interpreters.items[index] + layout->interp.gil);
	return gil ? gil_holder(context, gil + layout->gil.locked, gil + layout->gil.last_holder)
		   : 0;
}

size_t pyruntime_gil_holders(struct pycontext *context, remote_addr *ret, size_t max)
{
	size_t count = 0;

	for (size_t i = 0; i < context->python->interpreters.count && count < max; i++) {
		remote_addr holder = holder_of_interpreter(context, i);

		// Interpreters may share one.
		if (holder && (count == 0 || ret[count - 1] != holder))
			ret[count++] = holder;
	}
	return count;
}

bool pyruntime_gil_is_held(struct pycontext *context)
{
	remote_addr holder;

	return pyruntime_gil_holders(context, &holder, 1) > 0;
}

// The collector's state: each interpreter's, or (3.7 and 3.8) that of all. 0: not in one place.
static remote_addr gc_state(const struct python *python, remote_addr interpreter)
{
	if (pylayout_has(python->layout->interp.gc))
		return interpreter + python->layout->interp.gc;
	return pylayout_has(python->layout->runtime.gc)
		       ? python->runtime + python->layout->runtime.gc
		       : 0;
}

remote_addr pyruntime_permanent_generation(struct pycontext *context, remote_addr interpreter)
{
	const struct pylayout *layout = context->python->layout;
	remote_addr state = gc_state(context->python, interpreter);

	return state && pylayout_has(layout->gc.permanent_generation)
		       ? state + layout->gc.permanent_generation
		       : 0;
}

size_t pyruntime_gc_heads(
	struct pycontext *context, remote_addr interpreter, remote_addr ret[PYRUNTIME_GC_HEADS_MAX])
{
	const struct pylayout *layout = context->python->layout;
	remote_addr state = gc_state(context->python, interpreter);
	remote_addr permanent = pyruntime_permanent_generation(context, interpreter);
	remote_addr generations = 0;
	size_t count = 0;

	if (!state && context->python->generation0)
		generations = pyreader_pointer(&context->reader, context->python->generation0);
	else if (state && pylayout_has(layout->gc.generations))
		generations = state + layout->gc.generations;
	for (unsigned i = 0; generations && i < 3; i++)
		ret[count++] = generations + (uint64_t)i * layout->gc_generation.size;
	if (state && !generations) {
		ret[count++] = state + layout->gc.young;
		ret[count++] = state + layout->gc.old;
		ret[count++] = state + layout->gc.old + layout->gc_generation.size;
	}
	if (permanent)
		ret[count++] = permanent;
	return count;
}

// An int of the collector's state in some interpreter: of the main one, or any that is not 0.
static uint32_t gc_state_value(
	struct pycontext *context, uint32_t offset, bool any, uint32_t unknown)
{
	const struct addr_vector *interpreters = &context->python->interpreters;
	uint32_t value = unknown;

	for (size_t i = 0; i < (any ? interpreters->count : 1); i++) {
		remote_addr state = gc_state(context->python, interpreters->items[i]);

		if (state)
			pyreader_u32(&context->reader, state + offset, &value);
		if (value)
			break;
	}
	return value;
}

bool pyruntime_is_collecting(struct pycontext *context)
{
	return gc_state_value(context, context->python->layout->gc.collecting, true, 0) != 0;
}

// Before 3.7 `enabled` is a static variable that no symbol leads to. But an enabled collector starts at the
// next allocation once the count of the youngest generation is above its threshold: where it is far above,
// nothing starts it. struct gc_generation { PyGC_Head head; int threshold, count; }
static bool is_far_above_threshold(struct pycontext *context)
{
	remote_addr head = pyreader_pointer(&context->reader, context->python->generation0);
	uint32_t threshold = 0, count = 0;

	if (!head)
		return false;
	head += context->python->layout->gc_head.size;
	pyreader_u32(&context->reader, head, &threshold);
	pyreader_u32(&context->reader, head + 4, &count);
	return (int32_t)count > 0 && count / 2 > threshold;
}

bool pyruntime_collector_is_enabled(struct pycontext *context)
{
	if (context->python->generation0)
		return !is_far_above_threshold(context);
	return gc_state_value(context, context->python->layout->gc.enabled, false, 1) != 0;
}

remote_addr pyruntime_modules(struct pycontext *context, remote_addr interpreter)
{
	return interpreter ? pyreader_pointer(&context->reader,
				     interpreter + context->python->layout->interp.modules)
			   : 0;
}

void pyruntime_thread_name(struct pycontext *context, remote_addr interpreter, remote_addr thread,
	char *ret, size_t size)
{
	const struct pylayout *layout = context->python->layout;
	remote_addr threading =
		pydict_find(context, pyruntime_modules(context, interpreter), "threading");
	remote_addr dict =
		threading ? pyreader_pointer(&context->reader, threading + layout->module.md_dict)
			  : 0;
	remote_addr active = dict ? pydict_find(context, dict, "_active") : 0;
	uint64_t ident = pyreader_pointer(&context->reader, thread + layout->tstate.thread_id);
	struct pydict_table table;
	remote_addr key, value, name;
	int64_t number;

	ret[0] = '\0';
	if (!active || !pydict_read(&context->reader, layout, active, &table))
		return;
	for (uint64_t i = 0; pydict_entry(&context->reader, &table, i, &key, &value); i++) {
		if (key && value && pytext_int(context, key, &number) &&
			(uint64_t)number == ident) {
			name = pyinstance_attribute(context, value, "_name");
			if (!name) // 2.7
				name = pyinstance_attribute(context, value, "_Thread__name");
			pytext_str(context, name, ret, size);
			return;
		}
	}
}

void pyruntime_version_text(uint32_t version_hex, char *ret, size_t size)
{
	static const char *const levels[16] = {[0xa] = "a", [0xb] = "b", [0xc] = "rc"};
	unsigned level = version_hex >> 4 & 0xf, serial = version_hex & 0xf;

	if (levels[level])
		snprintf(ret, size, "%u.%u.%u%s%u", version_hex >> 24, version_hex >> 16 & 0xff,
			version_hex >> 8 & 0xff, levels[level], serial);
	else
		snprintf(ret, size, "%u.%u.%u", version_hex >> 24, version_hex >> 16 & 0xff,
			version_hex >> 8 & 0xff);
}
