// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "base/error.h"
#include "cpython/pyruntime.h"
#include "watch/watch_session.h"

#include <time.h>

// A thread that holds the GIL keeps it for 5 ms if others want it (sys.getswitchinterval()): a look each
// millisecond most often finds the one that stored still at it.
#define PAUSE_NS    1000000L
#define TICK_S      0.02
#define CHECK_S     0.25
// Interpreters may have a GIL each.
#define HOLDERS_MAX 16

// The thread that changed it is likely the one that has the GIL now.
static remote_addr running_thread(struct pycontext *context)
{
	remote_addr holders[HOLDERS_MAX];

	return pyruntime_gil_holders(context, holders, HOLDERS_MAX) ? holders[0] : 0;
}

static void look(struct watch_session *session)
{
	for (unsigned i = 0; i < session->count; i++) {
		uint64_t length;

		if (session->is_dropped[i])
			continue;
		pyreader_forget(&session->context.reader);
		if (!pyreader_u64(&session->context.reader, session->words[i], &length))
			length = UINT64_MAX;
		switch (watch_session_note(
			session, i, length, running_thread(&session->context), 0)) {
		case WATCH_NOTED_NOTHING:
			break;
		case WATCH_NOTED_GONE:
			session->is_dropped[i] = true;
			break;
		case WATCH_NOTED_CHANGE:
			watch_session_tell(session, i);
			break;
		}
	}
}

static bool any_left(const struct watch_session *session)
{
	for (unsigned i = 0; i < session->count; i++) {
		if (!session->is_dropped[i])
			return true;
	}
	return false;
}

// Looks are as many as rate_max allows, if that is less than one each PAUSE_NS.
static void pause_between(const struct watch_session *session)
{
	long rate = session->options->rate_max;
	long pause = rate > 0 && 1000000000L / rate > PAUSE_NS ? 1000000000L / rate : PAUSE_NS;
	const struct timespec time = {pause / 1000000000L, pause % 1000000000L};

	nanosleep(&time, NULL);
}

struct error *watch_by_polling(struct watch_session *session)
{
	double checked_s = monotonic_seconds(), ticked_s = checked_s;

	watch_session_begin(session);
	while (any_left(session)) {
		double now = monotonic_seconds();

		if (now - checked_s >= CHECK_S) {
			struct error *err = process_check_same(session->process);

			if (err)
				return err;
			checked_s = now;
		}
		if (now - ticked_s >= TICK_S) {
			if (!watch_session_goes_on(session))
				return NULL;
			ticked_s = now;
		}
		look(session);
		pause_between(session);
	}
	return NULL;
}
