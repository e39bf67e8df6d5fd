// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "watch/watch_natives.h"

#include "base/alloc.h"
#include "base/error.h"

#include <string.h>

struct watch_natives {
	const struct process *process;
	struct native_stacks *stacks;
	remote_addr inside; /* an address of the interpreter's binary */
	/** Its evaluation function has a symbol. */
	bool is_named;
	bool has_copy;
	struct native_copy copy;
	remote_addr evaluation; /* on the copied stack, or 0 */
	struct native_frame frames[NATIVE_FRAMES_MAX];
	struct watch_native items[WATCH_NATIVES_MAX];
};

static const char *const evaluations[] = {
	"_PyEval_EvalFrame",
	"PyEval_EvalFrame",
	"_TAIL_CALL_",
};

static bool has_named_evaluation(struct watch_natives *natives)
{
	const struct native_library *library =
		native_stacks_library(natives->stacks, natives->inside);

	return library && (native_stacks_has_function(library, "_PyEval_EvalFrameDefault") ||
				  native_stacks_has_function(library, "PyEval_EvalFrameEx"));
}

struct error *watch_natives_create(
	const struct process *process, const struct python *python, struct watch_natives **ret)
{
	_cleanup_(watch_natives_destroy) struct watch_natives *natives =
		mem_calloc(1, sizeof(*natives));
	struct error *err;

	if (!natives)
		return error_enomem();
	err = native_stacks_create(process, &natives->stacks);
	if (err)
		return err;
	natives->process = process;
	natives->inside = python->types->type_type;
	natives->is_named = has_named_evaluation(natives);
	*ret = take(natives);
	return NULL;
}

void watch_natives_destroy(struct watch_natives *natives)
{
	if (!natives)
		return;
	native_stacks_destroy(natives->stacks);
	mem_free(natives);
}

struct target_piece watch_natives_begin(
	struct watch_natives *natives, const struct target_thread *registers)
{
	natives->has_copy = false;
	return native_copy_begin(&natives->copy, registers);
}

void watch_natives_copied(struct watch_natives *natives, size_t size, remote_addr evaluation)
{
	remote_addr stack_pointer = natives->copy.registers.stack_pointer;

	natives->copy.size = size;
	natives->has_copy = true;
	// Elsewhere it is none of this stack.
	natives->evaluation = evaluation - stack_pointer < size ? evaluation : 0;
}

static bool is_interpreter(const struct watch_natives *natives, const struct native_frame *frame)
{
	const struct native_library *library = frame->library;

	return library && natives->inside >= library->start && natives->inside < library->end;
}

static bool is_evaluation(const struct watch_natives *natives, const struct native_frame *frame)
{
	if (!frame->function || !is_interpreter(natives, frame))
		return false;
	for (size_t i = 0; i < sizeof(evaluations) / sizeof(*evaluations); i++) {
		if (strncmp(frame->function, evaluations[i], strlen(evaluations[i])) == 0)
			return true;
	}
	return false;
}

// The evaluation function's frame has that address in it: it begins behind.
static bool is_behind(const struct watch_natives *natives, const struct native_frame *frame)
{
	return natives->evaluation && frame->stack_pointer > natives->evaluation;
}

static bool is_end(void *context, const struct native_frame *frame)
{
	const struct watch_natives *natives = context;

	if (!natives->evaluation && !natives->is_named)
		return is_interpreter(natives, frame);
	return is_behind(natives, frame) || is_evaluation(natives, frame);
}

// How many of the frames are between.
static size_t count_between(const struct watch_natives *natives, size_t count)
{
	const struct native_frame *last = &natives->frames[count - 1];

	if (is_behind(natives, last))
		return count > 2 ? count - 2 : 0;
	return !last->library || is_end((void *)natives, last) ? count - 1 : count;
}

const struct watch_native *watch_natives_unwind(struct watch_natives *natives, size_t *ret_count)
{
	size_t count;

	*ret_count = 0;
	if (!natives || !natives->has_copy)
		return NULL;
	natives->has_copy = false;
	count = native_stacks_walk(
		natives->stacks, &natives->copy, is_end, natives, natives->frames);
	if (count)
		count = count_between(natives, count);
	if (count > WATCH_NATIVES_MAX)
		count = WATCH_NATIVES_MAX;
	for (size_t i = 0; i < count; i++) {
		const struct native_frame *frame = &natives->frames[i];

		natives->items[i] = (struct watch_native){
			.function = frame->function,
			.library = frame->library->name,
			.offset = frame->offset,
			.is_interpreter = is_interpreter(natives, frame),
		};
	}
	*ret_count = count;
	return natives->items;
}
