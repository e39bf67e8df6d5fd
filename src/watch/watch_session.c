// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "watch/watch_session.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/limits.h"
#include "cpython/pyobject.h"
#include "cpython/pyruntime.h"
#include "target/procfs.h"

#include <stdio.h>
#include <string.h>

// The pages of a deep stack, its code and its names: many more slots than these are, so that they get one each.
#define CACHE_SLOTS 4096

// Is it on a list of the collector?
static bool is_tracked(struct watch_session *session, remote_addr object)
{
	const struct pylayout *layout = session->context.python->layout;
	const uint8_t *head = pyreader_bytes(
		&session->context.reader, object - layout->gc_head.size, layout->gc_head.size);

	return head && pyobject_gc_next(layout, head) != 0;
}

static void add_word(struct watch_session *session, unsigned number)
{
	struct watch_object *object = &session->objects[number];
	const struct pylayout *layout = session->context.python->layout;
	unsigned at = session->count;
	remote_addr word = object->addr;

	if (!object->is_word)
		word = pyobject_length_word(&session->context, object->addr, &object->holder);

	object->is_unwatchable = !word || word % 8;
	if (object->is_unwatchable)
		return;
	session->numbers[at] = number;
	session->words[at] = word;
	session->types[at] = object->is_word ? 0
					     : pyreader_pointer(&session->context.reader,
						       object->holder + layout->object.ob_type);
	session->count++;
}

void watch_session_begin(struct watch_session *session)
{
	session->started_s = monotonic_seconds();
	pyreader_forget(&session->context.reader);
	for (unsigned i = 0; i < session->count; i++) {
		struct watch_object *object = &session->objects[session->numbers[i]];

		object->length_first =
			pyreader_pointer(&session->context.reader, session->words[i]);
		object->length_last = object->length_lowest = object->length_first;
		session->highest[i] = session->looked[i] = object->length_first;
		session->is_tracked[i] = !object->is_word && is_tracked(session, object->holder);
	}
	if (session->options->on_begin)
		session->options->on_begin(session->options->context);
}

struct error *watch_session_init(struct watch_session *session, struct process *process,
	const struct python *python, struct watch_object *objects, unsigned count,
	const struct watch_options *options, struct watch_report *report)
{
	struct error *err;

	*session = (struct watch_session){
		.process = process,
		.options = options,
		.report = report,
		.objects = objects,
	};
	err = pycontext_init(&session->context, python, CACHE_SLOTS);
	session->context.reader.by_page = true;
	if (!err)
		err = watch_stacks_create(&session->stacks);
	for (unsigned i = 0; !err && i < count && i < WATCH_OBJECTS_MAX; i++)
		add_word(session, i);
	return err;
}

void watch_session_deinit(struct watch_session *session)
{
	watch_natives_destroy(session->natives);
	watch_stacks_destroy(session->stacks);
	pycontext_deinit(&session->context);
}

static void look(struct watch_session *session)
{
	for (unsigned i = 0; i < session->count; i++) {
		struct watch_object *object = &session->objects[session->numbers[i]];
		uint64_t before = session->looked[i], now;

		if (target_read_some(session->context.python->target, session->words[i], &now,
			    sizeof(now)) != sizeof(now))
			continue;
		session->looked[i] = now;
		now = now > before ? now : before;
		if (now < object->length_lowest)
			object->length_lowest = now;
	}
}

bool watch_session_goes_on(struct watch_session *session)
{
	const struct watch_options *options = session->options;

	look(session);
	if (options->seconds_max > 0 &&
		monotonic_seconds() - session->started_s >= options->seconds_max)
		return false;
	return !options->goes_on || options->goes_on(options->context);
}

// Dicts are on the collector's lists only while they hold what it is interested in (up to 3.13:
// MAINTAIN_TRACKING() in Objects/dictobject.c), bytearrays never. But who empties one has a reference of
// his own besides that of its holder; one that is being made has none yet. Attributes are deleted without
// a reference to the __dict__.
static bool is_new(
	struct watch_session *session, unsigned watched, const struct pytype *type, uint64_t length)
{
	const struct watch_object *object = &session->objects[session->numbers[watched]];
	const struct pylayout *layout = session->context.python->layout;
	bool is_exact_dict = type->kind == PYKIND_DICT && !type->is_heap;
	uint64_t word;

	if (!type->is_gc || is_exact_dict)
		return length == 0 && object->holder == object->addr &&
		       pyreader_u64(&session->context.reader,
			       object->holder + layout->object.ob_refcnt, &word) &&
		       pylayout_refcnt(layout, word) == 1;
	// All others get their length before they are put on a list, and stay there for life, but for those that
	// the interpreter takes off and keeps, as the list of audit hooks (Python/sysmodule.c).
	return is_tracked(session, object->holder) != session->is_tracked[watched];
}

// The object was freed, and something else is at its address: of another type; with a length that nothing
// has; or of the same type, and just being made. Freed lists and dicts are kept for the next ones, so
// that the last is what happens most often.
static bool is_gone(struct watch_session *session, unsigned watched, uint64_t length)
{
	const struct watch_object *object = &session->objects[session->numbers[watched]];
	const struct python *python = session->context.python;
	uint32_t type;

	if (object->is_word)
		return false;
	type = pytypes_find(python->types, session->types[watched]);
	return length > LIMIT_ITEMS ||
	       pyreader_pointer(
		       &session->context.reader, object->holder + python->layout->object.ob_type) !=
		       session->types[watched] ||
	       (type != PYTYPE_NONE &&
		       is_new(session, watched, &python->types->list.items[type], length));
}

enum watch_noted watch_session_note(struct watch_session *session, unsigned watched,
	uint64_t length, remote_addr state, pid_t thread)
{
	struct watch_object *object = &session->objects[session->numbers[watched]];
	struct watch_change *change = &session->change;

	if (is_gone(session, watched, length)) {
		object->is_gone = true;
		return WATCH_NOTED_GONE;
	}
	if (length == object->length_last)
		return WATCH_NOTED_NOTHING;
	*change = (struct watch_change){
		.object = session->numbers[watched],
		.method = session->report->method,
		.at_s = monotonic_seconds() - session->started_s,
		.before = object->length_last,
		.after = length,
		.is_record = length > session->highest[watched],
		.frames = session->stack.frames,
	};
	object->length_last = length;
	object->changes++;
	if (change->is_record)
		session->highest[watched] = length;
	session->state = state;
	session->thread = thread;
	session->stack.count = 0;
	session->stack.is_cut = false;
	if (state) {
		watch_stacks_read(session->stacks, &session->context, state, &session->stack);
		watch_request_read(&session->context, &session->stack, &change->request);
	}
	change->frame_count = session->stack.count;
	change->is_cut = session->stack.is_cut;
	return WATCH_NOTED_CHANGE;
}

// The kernel calls the main thread like the program; threading would call it like this.
static void read_kernels_name(const struct watch_session *session, char *ret, size_t size)
{
	pid_t pid = process_pid(session->process);
	_cleanup_(mem_free) char *text = NULL;
	size_t ignored;

	if (session->thread && session->thread != pid)
		error_destroy(proc_read(
			&text, &ignored, size, "/proc/%d/task/%d/comm", pid, session->thread));
	if (text)
		text[strcspn(text, "\n")] = '\0';
	snprintf(ret, size, "%s", text ? text : session->thread == pid ? "MainThread" : "");
}

// A thread that has only just started is not on threading's list yet: its name may be another one later.
static void read_name(struct watch_session *session, struct watch_thread_name *ret)
{
	const struct addr_vector *interpreters = &session->context.python->interpreters;

	for (size_t i = 0; session->state && !ret->text[0] && i < interpreters->count; i++)
		pyruntime_thread_name(&session->context, interpreters->items[i], session->state,
			ret->text, sizeof(ret->text));
	if (ret->text[0])
		return;
	read_kernels_name(session, ret->text, sizeof(ret->text));
	ret->state = 0;
}

// Threads are few, and finding a name takes time: those met last are kept.
static const char *name_thread(struct watch_session *session)
{
	uint64_t id = pyreader_pointer(&session->context.reader,
		session->state + session->context.python->layout->tstate.thread_id);
	struct watch_thread_name *name;

	for (unsigned i = 0; session->state && i < WATCH_THREAD_NAMES; i++) {
		name = &session->names[i];
		if (name->state == session->state && name->thread_id == id)
			return name->text;
	}
	name = &session->names[session->next_name++ % WATCH_THREAD_NAMES];
	*name = (struct watch_thread_name){.state = session->state, .thread_id = id};
	read_name(session, name);
	return name->text;
}

enum watch_verdict watch_session_tell(struct watch_session *session, unsigned watched)
{
	enum watch_verdict verdict;

	session->change.thread = name_thread(session);
	session->change.natives =
		watch_natives_unwind(session->natives, &session->change.native_count);
	verdict = session->options->on_change(session->options->context, &session->change);
	session->is_dropped[watched] = verdict == WATCH_DROP;
	return verdict;
}
