// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * What is known of a heap besides its graph, in columns: what a file can hold, and what answers a
 * graph's questions (struct heap_naming) when the target is gone.
 *
 * Labels. A node's edges are named by its *shape*: runs of edges that are called alike. A list's shape
 * is one run, "items from 0 on"; a dict's, "a key, then what is under it, and so on"; an instance's, a
 * run for each attribute. One run of a shape may have no length of its own: it takes what the others
 * leave of the node's edges, so that a list of three and one of a million have the same shape. What is
 * under a key is called after the key, which is the node before it, and whose text is in the table of
 * keys unless it is the name of its type in angle brackets.
 *
 * Tables. Pairs of a node and a number (a text, a length), ascending by node, with entries only where
 * the answer is not the usual one.
 *
 * Memory: 2 bytes per node for its shape, 12 per entry of a table, 17 per run of a shape, 8 per shape.
 */
#pragma once

#include "heap/heap_addresses.h"
#include "heap/heap_graph.h"
#include "heap/heap_threads.h"

/** Columns, in the order of the table in heap_facts.c. */
enum heap_fact {
	HEAP_FACT_TEXTS,     /* u8: texts one behind the other, each ending with NUL; 0 is "" */
	HEAP_FACT_RUN_KIND,  /* u8: enum heap_label_kind, or HEAP_RUN_PAIRS */
	HEAP_FACT_RUN_EDGES, /* u32: how many; HEAP_RUN_REST: what is left */
	HEAP_FACT_RUN_VALUE, /* u64: a text, or the first index */
	HEAP_FACT_SHAPE_END, /* u32: of shape i, the number after its last run */
	HEAP_FACT_SHAPE_OF,  /* u16, by node: number of its shape, plus one; 0: unknown */
	// Tables: the nodes (u32), then what is said of them (u64).
	HEAP_FACT_SHAPE, /* as HEAP_FACT_SHAPE_OF, where that says HEAP_SHAPE_ELSEWHERE */
	HEAP_FACT_SHAPE_VALUE,
	HEAP_FACT_NAME, /* text: heap_naming.name */
	HEAP_FACT_NAME_VALUE,
	HEAP_FACT_FILE, /* text: heap_naming.file */
	HEAP_FACT_FILE_VALUE,
	HEAP_FACT_KEY, /* text: how the object is written as a key */
	HEAP_FACT_KEY_VALUE,
	HEAP_FACT_LENGTH, /* of containers whose length is not that of their edges */
	HEAP_FACT_LENGTH_VALUE,
	HEAP_FACT_CAPACITY, /* of containers with room for more than they hold: for how many */
	HEAP_FACT_CAPACITY_VALUE,
	HEAP_FACT_BOUND, /* heap_naming.bound */
	HEAP_FACT_BOUND_VALUE,
	HEAP_FACT_FREE, /* text: a code object's free variables, in their order */
	HEAP_FACT_FREE_VALUE,
	HEAP_FACT_CONTENT, /* text: what a str, bytes or number is; only if asked for */
	HEAP_FACT_CONTENT_VALUE,
	// Threads, innermost frame first, and the frames' variables.
	HEAP_FACT_THREAD_NAME, /* u32: text */
	HEAP_FACT_THREAD_ID,   /* u64 */
	HEAP_FACT_THREAD_END,  /* u32: number after its last frame */
	HEAP_FACT_FRAME_NAME,  /* u32: text, "app.main" */
	HEAP_FACT_FRAME_FILE,  /* u32: text */
	HEAP_FACT_FRAME_LINE,  /* u32: 0 if unknown */
	HEAP_FACT_FRAME_END,   /* u32: number after its last variable */
	HEAP_FACT_LOCAL_NAME,  /* u32: text; "" for the value stack */
	HEAP_FACT_LOCAL_NODE,  /* u32 */
	// Strings of which there are several, most memory first.
	HEAP_FACT_STRING_NODE,   /* u32: one of them */
	HEAP_FACT_STRING_HASH,   /* u64: XXH3 of the characters */
	HEAP_FACT_STRING_LENGTH, /* u64: characters */
	HEAP_FACT_STRING_COUNT,  /* u32: how many */
	HEAP_FACT_STRING_BYTES,  /* u64: of all together */
	// Mappings.
	HEAP_FACT_MAPPING_START, /* u64 */
	HEAP_FACT_MAPPING_END,   /* u64 */
	HEAP_FACT_MAPPING_FLAGS, /* u8: readable 1, writable 2, executable 4, shared 8 */
	HEAP_FACT_MAPPING_PATH,  /* u32: text */
	HEAP_FACT_COUNT,
};

/** In HEAP_FACT_RUN_KIND: keys of a dict, each followed by what is under it. Edges of both. */
#define HEAP_RUN_PAIRS       64
/** In HEAP_FACT_RUN_EDGES. */
#define HEAP_RUN_REST        UINT32_MAX
/** In HEAP_FACT_SHAPE_OF. */
#define HEAP_SHAPE_ELSEWHERE UINT16_MAX
/** More are data, not structure: what has another shape has no labels. */
#define HEAP_SHAPES_MAX      (1u << 20)

struct heap_column {
	void *items; /* pages */
	uint64_t count, capacity;
};

struct heap_facts {
	struct heap_column columns[HEAP_FACT_COUNT];
	/** Objects whose references have no labels: there were too many shapes, or too many runs in
	 *  theirs, or they were another number when they were read again. */
	uint64_t nameless;
	/** Made by heap_facts_index(). */
	struct heap_run_index {
		uint32_t *starts; /* by run: edges of those before it in its shape with a length */
		uint32_t *rests;  /* by shape: the run that takes what is left; UINT32_MAX: none */
		uint64_t run_count, shape_count;
	} index;
};

/** Is it of what answers struct heap_naming's questions? The others are for questions to the facts themselves. */
static inline bool heap_fact_is_for_naming(enum heap_fact fact)
{
	return fact <= HEAP_FACT_FREE_VALUE && fact != HEAP_FACT_CAPACITY &&
	       fact != HEAP_FACT_CAPACITY_VALUE;
}

/** What a column is in a file and in memory. */
struct heap_fact_kind {
	uint32_t number; /* in a file: never changed, never used again */
	uint8_t width;
	uint8_t coding; /* enum store_coding */
};
extern const struct heap_fact_kind heap_fact_kinds[HEAP_FACT_COUNT];

void heap_facts_destroy(struct heap_facts *facts);
DEFINE_CLEANUP(struct heap_facts *, heap_facts_destroy)

/** Append an item to a column; false without memory. */
bool heap_facts_push(struct heap_facts *facts, enum heap_fact fact, uint64_t value);
uint64_t heap_facts_get(const struct heap_facts *facts, enum heap_fact fact, uint64_t index);
static inline uint64_t heap_facts_count(const struct heap_facts *facts, enum heap_fact fact)
{
	return facts->columns[fact].count;
}

/** What table @p table says of @p node; false if it says nothing. */
bool heap_facts_find(
	const struct heap_facts *facts, enum heap_fact table, node_id node, uint64_t *ret);
/** The first entry of @p node in a table, or where it would be. */
uint64_t heap_facts_lower_bound(const struct heap_facts *facts, enum heap_fact table, node_id node);
/** The number of a node's shape, plus one; 0: unknown. */
uint64_t heap_facts_shape_of(const struct heap_facts *facts, node_id node);
/** A text by its number. */
const char *heap_facts_text(const struct heap_facts *facts, uint64_t number);

/** Check what the questions below rely on: for facts from files. @p nodes is the graph's count. */
struct error *heap_facts_check(const struct heap_facts *facts, uint32_t nodes);
/** Make labels found by bisection, once all columns are there, and of a file are checked. ERROR_BAD_DATA: a
 *  shape has two runs that take what is left. */
struct error *heap_facts_index(struct heap_facts *facts);

// Questions. They are those of struct heap_naming, which heap_facts_name() fills.

struct heap_facts_names {
	const struct heap_graph *graph;
	const struct heap_facts *facts;
	const struct heap_addresses *addresses;
};

/** Let the graph's questions be answered by facts. @p names is what they have in hand; all of it is
 *  borrowed. */
void heap_facts_name(struct heap_graph *graph, struct heap_facts_names *names);
/** Number of items of a container. */
uint64_t heap_facts_length(
	const struct heap_facts *facts, const struct heap_graph *graph, node_id node);
/** Items that a container has room for: its length if it is full. */
uint64_t heap_facts_capacity(
	const struct heap_facts *facts, const struct heap_graph *graph, node_id node);
/** The threads; texts are the facts'. */
struct error *heap_facts_threads(const struct heap_facts *facts, struct heap_threads *ret);
