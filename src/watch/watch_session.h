// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * One watch in progress: what both methods do with a change that they have noticed. Private to watch.c
 * and watch_polling.c.
 */
#pragma once

#include "target/process.h"
#include "watch/watch_natives.h"
#include "watch/watch_requests.h"
#include "watch/watch_stacks.h"

#define WATCH_THREAD_NAMES 64

struct watch_session {
	struct process *process;
	struct pycontext context; /* reads as little as it can */
	const struct watch_options *options;
	struct watch_report *report;
	struct watch_object *objects;
	double started_s;
	/** The objects that are watched: count of them, each with its number among objects. */
	unsigned count, numbers[WATCH_OBJECTS_MAX];
	remote_addr words[WATCH_OBJECTS_MAX], types[WATCH_OBJECTS_MAX];
	uint64_t highest[WATCH_OBJECTS_MAX];
	uint64_t looked[WATCH_OBJECTS_MAX]; /* the length at the last look */
	bool is_dropped[WATCH_OBJECTS_MAX];
	bool is_tracked[WATCH_OBJECTS_MAX]; /* the collector knew it when the watch began */
	struct watch_stacks *stacks;
	struct watch_natives *natives; /* NULL if there are none to be had */
	struct watch_stack stack;      /* of the change at hand */
	struct watch_change change;
	remote_addr state; /* its thread state, or 0 */
	pid_t thread;      /* the kernel's number; 0 if unknown */
	struct watch_thread_name {
		remote_addr state;
		uint64_t thread_id;
		char text[64];
	} names[WATCH_THREAD_NAMES];
	unsigned next_name;
};

/** Find the words to be watched. */
struct error *watch_session_init(struct watch_session *session, struct process *process,
	const struct python *python, struct watch_object *objects, unsigned count,
	const struct watch_options *options, struct watch_report *report);
void watch_session_deinit(struct watch_session *session);

/** The watch begins now: lengths are counted from here. */
void watch_session_begin(struct watch_session *session);

enum watch_noted {
	WATCH_NOTED_NOTHING, /* the length is what it was */
	WATCH_NOTED_CHANGE,
	WATCH_NOTED_GONE, /* the object is another one, or none */
};

/** The length of watched object @p watched is @p length now: note the change, and the stack of the thread
 * state @p state (0: not known). Quick: the thread may be standing still. */
enum watch_noted watch_session_note(struct watch_session *session, unsigned watched,
	uint64_t length, remote_addr state, pid_t thread);
/** Tell the visitor of it. */
enum watch_verdict watch_session_tell(struct watch_session *session, unsigned watched);
/** Look at the lengths, some fifty times a second; false if it is time to end. */
bool watch_session_goes_on(struct watch_session *session);

/** WATCH_POLLING. */
struct error *watch_by_polling(struct watch_session *session);
