// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Leak suspects: which growth is a leak, ranked, with the evidence for it.
 *
 * A leak is memory that is added at a steady rate, is not let go of, and has no bound. So no suspect
 * is what is
 *
 *	bounded     a container that cannot pass a known length (deque maxlen, lru_cache maxsize), or that
 *	            its owner has a number for, by a name that says so (growth_bounds.c), if there is memory
 *	            for as many of its new items, and that is at most eight times what the process has;
 *	            siblings that all are;
 *	shrinking   smaller in a later snapshot: it is emptied now and then;
 *	slowing     growing by less than a quarter of its first pace in the last interval: a warm-up.
 *	            For what only the interpreter and libraries hold: below a half; and while modules
 *	            are imported in numbers, nothing of theirs is a suspect but sys.modules itself, if it retains
 *	            a quarter of the growth of all objects: modules of a program keep one another;
 *	churning    a container most of whose old items are gone although it is not much longer: its
 *	            length wanders; a holder whose entries are others now; what is another object
 *	            than it was, at the same address;
 *	answered    what comes with the items of one that is bounded or slowing, up to three objects each;
 *	noise       less than any leak that matters (SUSPECTS_* below).
 *
 * Growth is reported once, at the accumulation point: the deepest single container that accounts
 * for 70 % of what is above it; where many side by side do, and none stands out, their holder; where
 * it is all over a structure of containers, the deepest that has all of it.
 * Containers that grow in step, item by item, are filled by the same code and are one suspect: not
 * the one of weak references, which follow what the other holds; with threads it is enough that they
 * grow by about as much. Those that read the same, as the list that each thread has in a threading.local, are one.
 * Of a container and an index of its items inside it, the container is told.
 *
 * Of what is no container: garbage that the collector should have met; objects that only unexplained references
 * hold, if they are half of the growth of all objects, which then explain types and paths "held by C code"; and
 * memory of C code, if it grows without a suspect among the objects: what objects lead to grows with them, and if it
 * is more than what they are seen to hold, that is said of them.
 *
 * Confidence is a product: what the kind of evidence is worth (a container seen growing 0.95, a
 * buffer 0.9, a holder, chain or threads 0.85, garbage and unexplained references 0.8, memory of C code 0.7,
 * a type alone 0.6), times
 *	0.5 … 1    steadiness: slowest interval's rate over the fastest
 *	0.9 … 1    how often growth was seen: 2 intervals, 3, more
 *	0.8 … 1    share of the growth of all objects that it explains
 *	0.5, 0.8   most, or some, old items are gone: a queue that is not drained fast enough?
 *	0.9        a mapping: a cache that is still filling looks the same
 *	0.8        not a place in the user's own code
 *	0.7        grew by less than 1 % of its length
 *	0.3        a class's list of subclasses: weak references, which follow the classes; others that
 *	           grow in step with one, or of which some are gone
 * Below SUSPECTS_CONFIDENCE_MIN it is only a note. Rank: bytes per minute times confidence.
 */
#pragma once

#include "analysis/growth.h"

/** Sixteen items and a kilobyte in the time of a hunt, and a kilobyte per minute (1.4 MB a day):
 * the least that anybody would mend. */
#define SUSPECTS_CONTAINER_ITEMS_MIN  16
#define SUSPECTS_CONTAINER_BYTES_MIN  1024
#define SUSPECTS_BYTES_PER_MINUTE_MIN 1024
/** Buffers grow by doubling or by eighths: less is one step of a small one. */
#define SUSPECTS_BUFFER_BYTES_MIN     8192
/** Under a holder, objects of requests in flight come and go by the dozen. */
#define SUSPECTS_HOLDER_OBJECTS_MIN   64
#define SUSPECTS_HOLDER_BYTES_MIN     8192
/** A type without a holder is weak evidence: it must be a tenth of the growth of all objects. */
#define SUSPECTS_TYPE_OBJECTS_MIN     1000
#define SUSPECTS_TYPE_SHARE_MIN       0.1
#define SUSPECTS_THREADS_MIN          3
#define SUSPECTS_CONFIDENCE_MIN       0.3

enum suspect_kind {
	SUSPECT_CONTAINER,
	SUSPECT_HOLDER,  /* many small objects or containers under one named dominator */
	SUSPECT_CHAIN,   /* the same, each held by the one before: a linked list */
	SUSPECT_BUFFER,  /* one string, bytearray, array that is made longer and longer */
	SUSPECT_TYPE,    /* objects of one type, without a single holder */
	SUSPECT_GARBAGE, /* unreachable objects that the collector does not take */
	SUSPECT_THREAD,
	SUSPECT_REFERENCES, /* objects held only by references that nothing found explains */
	SUSPECT_NATIVE,     /* memory of C code, while Python objects do not grow */
};

/** "container", "holder", "garbage-cycles", "unexplained-references", "native", … */
const char *suspect_kind_name(enum suspect_kind kind);

/** All texts are owned. */
struct suspect {
	enum suspect_kind kind;
	char *path; /* "metrics.Profiler.results"; "" for garbage */
	char *type; /* "list"; "" if there is none */
	char *summary;
	double confidence;
	uint64_t length_first, length_last; /* items, bytes, objects or threads, by kind */
	uint64_t objects, bytes;            /* newly held */
	double bytes_per_minute;
	/** Of the growth of all objects, 0 … 1. */
	double share;
	struct suspect_item {
		char *type;
		uint64_t objects, bytes;
	} * items;
	size_t item_count;
	char **held_by;
	size_t held_by_count;
	char **evidence;
	size_t evidence_count;
	/** Addresses of what is made longer, as in struct growth_candidate: what to watch to see who
	 * adds to it. */
	uint64_t growers[GROWTH_GROWERS_MAX];
	size_t grower_count;
	/** It was at another address before: another one takes its place now and then. */
	bool is_replaced;
	/** Some of its old items are gone. */
	bool lets_go;
	/** Address of the object that holds it; 0 if there is none. */
	uint64_t owner;
};

enum suspects_collector {
	SUSPECTS_COLLECTOR_UNKNOWN,
	SUSPECTS_COLLECTOR_ENABLED,
	SUSPECTS_COLLECTOR_DISABLED,
};

struct suspects {
	struct suspect *items; /* best first */
	size_t count;
	char **notes;
	size_t note_count;
	/** One sentence: the finding, or why there is none. */
	char *summary;
	/** Why it is no leak, in a word: "bounded", "slowing", "comes-and-goes", "kept" (free, but kept by
	 *  an allocator), "native" (C code, not steadily), "nothing-grew", "not-steady"; NULL if there is a
	 *  suspect. Static. */
	const char *reason;
};

/** @p view has at least GROWTH_MOMENTS_MIN moments. @p ret is untouched on failure. */
struct error *suspects_find(
	const struct growth_view *view, enum suspects_collector collector, struct suspects *ret);
void suspects_deinit(struct suspects *suspects);

/** Take suspect number @p index out: what was seen since contradicts it. The reason becomes a note. */
struct error *suspects_dismiss(struct suspects *suspects, size_t index, const char *reason);

static inline void cleanup_suspects_deinit(struct suspects *suspects)
{
	suspects_deinit(suspects);
}

/** Texts in a row, each owned; false without memory. */
bool suspects_add_text(char ***texts, size_t *count, const char *format, ...)
	__attribute__((__format__(__printf__, 3, 4)));
