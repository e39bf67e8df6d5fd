// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "watch/watch.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "cpython/pystack.h"
#include "target/watchpoints.h"
#include "watch/watch_session.h"

#include <assert.h>
#include <stdio.h>

static_assert(WATCH_OBJECTS_MAX == WATCHPOINTS_MAX, "as many as the processor has");

// Ticks in which lengths differ from what they were, and not one hit came.
#define BLIND_TICKS_MAX 25

struct hardware_watch {
	struct watch_session *session;
	unsigned blind_ticks;
	bool is_seeing, is_blind;
	unsigned watched; /* the one with the change at hand */
	bool has_change;
};

static void on_armed(void *context)
{
	watch_session_begin(((struct hardware_watch *)context)->session);
}

// All that is needed of a stack, most of it by one system call: the pages that the last one needed, and the
// C stack. If such a page is gone, that is read by itself.
static size_t read_stack(struct watch_session *session, const struct target_thread *registers)
{
	struct pyreader *reader = &session->context.reader;
	struct target_piece piece = {0};
	size_t size;

	if (session->natives)
		piece = watch_natives_begin(session->natives, registers);
	size = pyreader_hurry(reader, &piece);
	if (size || !piece.size)
		return size;
	return target_read_some(reader->target, piece.addr, piece.bytes, piece.size);
}

static enum watchpoint_verdict on_hit(void *context, const struct watchpoint_hit *hit)
{
	struct hardware_watch *watch = context;
	struct watch_session *session = watch->session;
	struct pyreader *reader = &session->context.reader;
	enum watch_noted noted = WATCH_NOTED_GONE;
	size_t copied = read_stack(session, &hit->registers);
	remote_addr state;
	uint64_t length;

	watch->is_seeing = true;
	watch->watched = hit->number;
	state = pystack_find_thread(&session->context, hit->registers.thread_pointer);
	if (pyreader_u64(reader, session->words[hit->number], &length))
		noted = watch_session_note(session, hit->number, length, state, hit->thread);
	watch->has_change = noted == WATCH_NOTED_CHANGE;
	if (watch->has_change && session->natives)
		watch_natives_copied(
			session->natives, copied, pystack_evaluation(&session->context, state));
	pyreader_relax(reader);
	return noted == WATCH_NOTED_GONE ? WATCHPOINT_DROP : WATCHPOINT_KEEP;
}

static enum watchpoint_verdict after_hit(void *context)
{
	struct hardware_watch *watch = context;

	if (!watch->has_change || watch_session_tell(watch->session, watch->watched) == WATCH_KEEP)
		return WATCHPOINT_KEEP;
	return WATCHPOINT_DROP;
}

// Some virtual machines have debug registers that can be set and do nothing.
static bool is_blind(struct hardware_watch *watch)
{
	const struct watch_session *session = watch->session;
	bool has_moved = false;

	for (unsigned i = 0; i < session->count; i++)
		has_moved |=
			session->looked[i] != session->objects[session->numbers[i]].length_first;
	watch->blind_ticks = has_moved && !watch->is_seeing ? watch->blind_ticks + 1 : 0;
	return watch->blind_ticks > BLIND_TICKS_MAX;
}

static bool on_tick(void *context)
{
	struct hardware_watch *watch = context;

	watch->is_blind = is_blind(watch);
	return !watch->is_blind && watch_session_goes_on(watch->session);
}

static struct error *watch_by_hardware(struct watch_session *session)
{
	struct hardware_watch watch = {.session = session};
	const struct watchpoint_visitor visitor = {.context = &watch,
		.armed = on_armed,
		.hit = on_hit,
		.after = after_hit,
		.tick = on_tick};
	const struct watchpoints_options options = {.rate_max = session->options->rate_max};
	struct watchpoint points[WATCH_OBJECTS_MAX];
	struct watchpoints_report report;
	uint64_t hits = 0;
	struct error *err;

	// Now, as nobody waits: a watch goes on without.
	error_destroy(
		watch_natives_create(session->process, session->context.python, &session->natives));
	for (unsigned i = 0; i < session->count; i++)
		points[i].addr = session->words[i];
	err = watchpoints_run(
		session->process, points, session->count, &options, &visitor, &report);
	for (unsigned i = 0; i < session->count; i++) {
		session->objects[session->numbers[i]].stores = report.stores[i];
		hits += report.hits[i];
	}
	session->report->pauses = report.pauses;
	session->report->paused_s = report.paused_s;
	session->report->stopped_us_mean = hits ? report.handled_s * 1e6 / (double)hits : 0;
	session->report->stopped_us_max = report.handled_s_max * 1e6;
	if (!err && watch.is_blind)
		return error_create(
			ERROR_UNSUPPORTED, "hardware breakpoints were set, and did not fire");
	return err;
}

static struct error *run(struct watch_session *session)
{
	struct watch_report *report = session->report;
	struct error *err = NULL;

	if (session->count == 0)
		return NULL;
	if (session->options->method == WATCH_HARDWARE) {
		err = watch_by_hardware(session);
		if (!err || error_kind(err) != ERROR_UNSUPPORTED)
			return err;
		snprintf(report->fallback_reason, sizeof(report->fallback_reason), "%s",
			error_message(err));
		error_destroy(err);
	}
	report->method = WATCH_POLLING;
	// Of those that the processor counted until it was refused, nobody knows how many were seen.
	for (unsigned i = 0; i < session->count; i++)
		session->objects[session->numbers[i]].stores = 0;
	return watch_by_polling(session);
}

struct error *watch_run(struct process *process, const struct python *python,
	struct watch_object *objects, unsigned count, const struct watch_options *options,
	struct watch_report *ret)
{
	struct watch_session *session = mem_alloc(sizeof(*session));
	struct error *err;

	*ret = (struct watch_report){.method = options->method};
	if (!session)
		return error_enomem();
	err = watch_session_init(session, process, python, objects, count, options, ret);
	if (!err)
		err = run(session);
	ret->seconds = session->started_s > 0 ? monotonic_seconds() - session->started_s : 0;
	watch_session_deinit(session);
	mem_free(session);
	return err;
}
