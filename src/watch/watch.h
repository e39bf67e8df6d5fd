// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Who changes a container: each change of its length, with the Python stack that made it.
 *
 * The word that says the length (pyobject_length_word()) is watched by the processor
 * (target/watchpoints.h). The thread that stores stands behind its store for as long as its stack is
 * read: frames, the line that each is at, and the request that is being served. Nothing else of the
 * process stops, and nothing happens between changes.
 *
 * Where that is refused, the word is looked at a thousand times a second, without stopping anybody, and
 * when it has moved, the stack of the thread that holds the GIL is read: the line is then near the
 * right one, not it (WATCH_POLLING).
 *
 * A change is growth if the length is more than it was before. Growth beyond what was seen so far is
 * told apart (is_record): a list that sorts itself is empty meanwhile (Objects/listobject.c), and a dict
 * of Python 2 that makes itself a bigger table counts from 0 (Objects/dictobject.c).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct process;
struct python;

/** WATCHPOINTS_MAX: so many the processor can watch. */
#define WATCH_OBJECTS_MAX 4
/** Frames of a stack that are kept, the innermost ones. */
#define WATCH_FRAMES_MAX  64
/** C functions that are kept, the innermost ones. */
#define WATCH_NATIVES_MAX 32

enum watch_method {
	WATCH_HARDWARE,
	WATCH_POLLING,
};

/** Where a thread is in one function. Texts are never NULL. */
struct watch_frame {
	const char *function; /* qualified where the version knows that (3.11), else its name */
	const char *file;
	uint32_t line; /* being executed; 0 if unknown */
};

/** Where a thread is in a C function. */
struct watch_native {
	const char *function; /* NULL: it has no symbol */
	const char *library;  /* the base name of the file that it is in */
	uint64_t offset;      /* in that file, by its own addresses */
	bool is_interpreter;  /* it is the file that has the interpreter */
};

/** The request being served, by the WSGI `environ` or ASGI `scope` of some frame; "" if none. */
struct watch_request {
	char method[16];
	char path[256];
	/** What follows the question mark: private, not for showing unless asked for. */
	char query[256];
};

/** One change of a length. Valid until the visitor returns. */
struct watch_change {
	unsigned object; /* its number */
	enum watch_method method;
	double at_s; /* since the watch began */
	uint64_t before, after;
	bool is_record; /* longer than ever since the watch began */
	/** The threading module's name of the thread, or the kernel's. */
	const char *thread;
	const struct watch_frame *frames; /* innermost first */
	size_t frame_count;
	bool is_cut; /* there are more */
	/** C functions that were called in the innermost frame, and did it: none if its own instruction did,
	 * or if they are not known (WATCH_POLLING). Innermost first. */
	const struct watch_native *natives;
	size_t native_count;
	struct watch_request request;
};

/** What becomes of the object's watch after a change. */
enum watch_verdict {
	WATCH_KEEP,
	WATCH_DROP,
};

struct watch_options {
	/** WATCH_POLLING: do not even try hardware. */
	enum watch_method method;
	double seconds_max; /* 0: no limit */
	/** Changes per second, on average, that are looked at. */
	unsigned rate_max;
	void *context;
	/** From now on nothing is missed. May be NULL. Called where on_change is. */
	void (*on_begin)(void *context);
	/** A change, told when its thread runs again. Called on another thread than watch_run()'s caller. */
	enum watch_verdict (*on_change)(void *context, const struct watch_change *change);
	/** Some 50 times a second: false ends the watch. May be NULL. */
	bool (*goes_on)(void *context);
};

/** How the watch of one object went. */
struct watch_object {
	uint64_t addr; /* given: the object */
	/** Given: @ref addr is that of a word, 8 bytes aligned to 8, of whatever meaning. */
	bool is_word;
	uint64_t holder; /* the object whose length is watched: itself, or its dict */
	/** There is no word to watch: nothing was. */
	bool is_unwatchable;
	/** It was freed meanwhile. */
	bool is_gone;
	uint64_t length_first, length_last;
	/** The shortest that it was for a while: at two looks in a row, of some fifty per second. A list
	 * is empty for a moment while it sorts itself. */
	uint64_t length_lowest;
	/** Changes seen; where the processor counts, stores that it saw. More stores than changes:
	 * some were missed, because of rate_max. */
	uint64_t changes, stores;
};

struct watch_report {
	enum watch_method method;
	/** Why it is not WATCH_HARDWARE; "" if it is, or was not wanted. */
	char fallback_reason[160];
	double seconds;
	uint64_t pauses; /* because of rate_max */
	double paused_s;
	/** What a thread was stopped for, per change, as far as we know: mean and worst. */
	double stopped_us_mean, stopped_us_max;
};

/**
 * Watch @p count objects (at most WATCH_OBJECTS_MAX) until the time is over, all are dropped, or
 * goes_on() says so. @p python is the running process's, opened live. ERROR_GONE if the process ends
 * meanwhile; what was seen until then was told. An object that cannot be watched is no error.
 */
struct error *watch_run(struct process *process, const struct python *python,
	struct watch_object *objects, unsigned count, const struct watch_options *options,
	struct watch_report *ret);
