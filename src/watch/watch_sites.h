// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Changes gathered by the place that made them: what a report says of who adds to a container.
 *
 * A site is where the innermost Python frame was. The stacks that led to it may differ: the commonest
 * one is told. Bounded: what is more than these limits is counted, not kept.
 */
#pragma once

#include "base/cleanup.h"
#include "watch/watch.h"

#define WATCH_SITES_MAX    32
#define WATCH_STACKS_MAX   16
#define WATCH_REQUESTS_MAX 16
#define WATCH_THREADS_MAX  8

/** All texts are owned. */
struct watch_site_frame {
	char *function, *file;
	uint32_t line;
};

struct watch_site_stack {
	struct watch_site_frame *frames; /* innermost first: the site itself */
	size_t count;
	bool is_cut;
	uint64_t hits;
	/** C functions that the site called (struct watch_change), of the first hit. Texts are owned. */
	struct watch_native *natives;
	size_t native_count;
};

struct watch_site_request {
	char *method, *path, *query;
	uint64_t hits;
};

struct watch_site_thread {
	char *name;
	uint64_t hits;
};

struct watch_site {
	uint64_t hits;
	/** Each sorted by hits, most first, by watch_sites_finish(). */
	struct watch_site_stack stacks[WATCH_STACKS_MAX];
	struct watch_site_request requests[WATCH_REQUESTS_MAX];
	struct watch_site_thread threads[WATCH_THREADS_MAX];
	size_t stack_count, request_count, thread_count;
};

struct watch_sites {
	struct watch_site *items; /* most hits first, after watch_sites_finish() */
	size_t count;
	/** All changes: of the sites, of those that were too many, and without a Python stack. */
	uint64_t hits, other_hits, unknown_hits;
};

/** False without memory. */
bool watch_sites_add(struct watch_sites *sites, const struct watch_change *change);
void watch_sites_finish(struct watch_sites *sites);
void watch_sites_deinit(struct watch_sites *sites);

static inline void cleanup_watch_sites_deinit(struct watch_sites *sites)
{
	watch_sites_deinit(sites);
}
