// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "cpython/pystack.h"

#include "base/error.h"
#include "base/limits.h"
#include "cpython/pyruntime.h"

// More interpreters with a GIL of their own are not looked at first.
#define HOLDERS_MAX 16

// Python functions that call each other without C code between them; who calls that deep is not told.
#define ENTRY_FRAMES_MAX 256

static bool is_of(struct pycontext *context, remote_addr thread, remote_addr thread_pointer)
{
	const struct pylayout *layout = context->python->layout;

	return pyreader_pointer(&context->reader, thread + layout->tstate.thread_id) ==
	       thread_pointer;
}

static remote_addr find_among_all(struct pycontext *context, remote_addr thread_pointer)
{
	const struct addr_vector *interpreters = &context->python->interpreters;
	remote_addr found = 0;

	for (size_t i = 0; !found && i < interpreters->count; i++) {
		_cleanup_(addr_vector_deinit) struct addr_vector threads = {0};

		error_destroy(pyruntime_threads(context, interpreters->items[i], &threads));
		for (size_t k = 0; !found && k < threads.count; k++) {
			if (is_of(context, threads.items[k], thread_pointer))
				found = threads.items[k];
		}
	}
	return found;
}

remote_addr pystack_find_thread(struct pycontext *context, remote_addr thread_pointer)
{
	remote_addr holders[HOLDERS_MAX];
	size_t count = pyruntime_gil_holders(context, holders, HOLDERS_MAX);

	if (!thread_pointer)
		return 0;
	for (size_t i = 0; i < count; i++) {
		if (is_of(context, holders[i], thread_pointer))
			return holders[i];
	}
	return find_among_all(context, thread_pointer);
}

remote_addr pystack_evaluation(struct pycontext *context, remote_addr thread)
{
	const struct pylayout *layout = context->python->layout;
	struct pychain chain = {0};
	struct pyframe frame = {0};

	if (thread && pylayout_has(layout->tstate.cframe))
		return pyreader_pointer(&context->reader, thread + layout->tstate.cframe);
	if (!thread || pylayout_has(layout->frame.f_localsplus))
		return 0;
	frame.previous = pyframe_innermost(context, thread);
	while (pychain_goes_on(&chain, frame.previous) && chain.steps < ENTRY_FRAMES_MAX) {
		if (!pyframe_read(context, frame.previous, &frame))
			break;
		if (frame.owner == PYFRAME_OTHER)
			return frame.addr;
	}
	return 0;
}

size_t pystack_read(struct pycontext *context, remote_addr thread, struct pystack_frame *ret,
	size_t max, bool *ret_is_cut)
{
	remote_addr addr = pyframe_innermost(context, thread);
	struct pychain chain = {0};
	size_t count = 0;

	*ret_is_cut = false;
	while (pychain_goes_on(&chain, addr) && chain.steps < LIMIT_FRAMES) {
		struct pystack_frame frame;

		if (!pyframe_read(context, addr, &frame.frame))
			break;
		addr = frame.frame.previous;
		if (!frame.frame.code ||
			!pyframe_instruction(context, &frame.frame, &frame.instruction) ||
			pyframe_is_incomplete(context, &frame.frame, frame.instruction))
			continue;
		if (count == max) {
			*ret_is_cut = true;
			break;
		}
		ret[count++] = frame;
	}
	return count;
}
