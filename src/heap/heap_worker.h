// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * One thread's part in building a graph: its readers, and what it found since the last round ended.
 *
 * For the files that make up the builder, in the order of the work: heap_pools.c, heap_objects.c,
 * heap_others.c, heap_rounds.c. A worker's edges use provisional numbers for objects outside the
 * pools, counted on from those that are known; the end of a round makes them final.
 */
#pragma once

#include "cpython/pymalloc.h"
#include "heap/heap_builder.h"

/** Memory is read in windows: large enough for the copy to run at full speed, small enough for the
 *  cache. */
#define HEAP_WINDOW_BYTES        (1u << 20)
/** Objects whose references wait together in one batch. */
#define HEAP_PENDING_MAX         512
/** Edges that a worker's array has room for at first, and that are moved at once. */
#define HEAP_EDGES_START         (1u << 20)
/** Types met on objects but missing in the tree of subclasses, per run. */
#define HEAP_UNKNOWN_TYPES_MAX   4096
#define HEAP_UNKNOWN_TYPES_SLOTS (2 * HEAP_UNKNOWN_TYPES_MAX)

struct found_pool {
	remote_addr addr;
	uint64_t starts[PYMALLOC_POOL_WORDS];
};

struct big_size {
	node_id node;
	uint64_t size;
};

// A block of malloc that an object leads to (struct pyblock).
struct owned_block {
	remote_addr addr;
	uint64_t size;
	node_id node;
	uint32_t distance;
};

DEFINE_VECTOR(owned_block_vector, struct owned_block)
DEFINE_VECTOR(pool_vector, struct found_pool)
DEFINE_VECTOR(big_vector, struct big_size)

// Objects outside pools that one worker met in this round: address → index in `found`, or NONE if
// what is there is no object.
struct other_slot {
	remote_addr addr;
	uint32_t index;
};

struct other_table {
	struct other_slot *slots;
	uint32_t slot_count, used;
	struct addr_vector found;
	struct node_vector count; /* references to found[i] */
};

/** One of heap_builder.team. */
struct heap_worker {
	struct heap_builder *builder;
	struct pycontext context, probe;
	struct pyscan scan;
	uint8_t *window;
	struct pool_vector pools;

	uint32_t *edges;
	size_t edge_count, edge_capacity;
	struct {
		node_id node;
		uint32_t end; /* in the scan's batch */
	} pending[HEAP_PENDING_MAX];
	uint32_t pending_count;
	uint32_t first_node, end_node; /* rows made in this round */
	/** Only this worker touches the residuals of its own nodes; references to the other
	 * workers' are counted when all have read theirs. An atomic operation per reference would
	 * cost more than looking at the references once again. */
	bool is_exclusive;

	struct other_table others;
	struct node_vector inferred;
	struct unknown_types {
		struct addr_vector list;
		remote_addr slots[HEAP_UNKNOWN_TYPES_SLOTS]; /* the same, hashed */
	} unknown_types;
	struct big_vector big_sizes;
	struct owned_block_vector blocks;
	/** Memory of objects (pyscan.part), and the object that is being read. */
	struct heap_part_vector parts;
	node_id part_of;
	uint64_t objects, bytes, torn, dropped, torn_pools;
	struct error *failure; /* found where there is nobody to return it to */
};

/** Memory is short, where there is nobody to return that to: the first failure is the one to tell.
 */
void heap_worker_fail(struct heap_worker *worker);

/** The bytes of a window (at most HEAP_WINDOW_BYTES): where they are, or copied into the worker's
 *  buffer. NULL if none can be read. */
const uint8_t *heap_worker_read_window(struct heap_worker *worker, remote_addr addr, uint64_t size);

/** A type, or an old-style class, that is not in the table: to be looked at when all is read. */
void heap_worker_note_unknown_type(struct heap_worker *worker, remote_addr type);

/** The provisional number of an object outside the pools, or HEAP_NODE_NONE if none is at @p addr.
 */
node_id heap_worker_find_other(struct heap_worker *worker, remote_addr addr);
/** Forget what was found: it has final numbers now. */
void heap_worker_reset_others(struct heap_worker *worker);

/** There is room for 4 billion references. */
struct error *heap_worker_too_many_edges(void);
/** The scan's part: keep it. */
void heap_worker_keep_part(struct pyscan *scan, remote_addr addr, uint32_t distance);
/** The scan's flush: look up the batch, append edges, count references. */
void heap_worker_resolve(struct pyscan *scan);
/** The same, also where no reference waits but objects do. */
void heap_worker_hand_over(struct heap_worker *worker);
/** Is the node one whose row this worker makes in this round? */
static inline bool heap_worker_owns(const struct heap_worker *worker, node_id node)
{
	return node - worker->first_node < worker->end_node - worker->first_node;
}

/** Read the object at @p addr, whose bytes from its start on are at @p object, and give it its row.
 */
void heap_worker_read_object(struct heap_worker *worker, node_id node, remote_addr addr,
	const uint8_t *object, size_t size);
/** The same for one outside the pools, of which no bytes are at hand. */
void heap_worker_read_other(struct heap_worker *worker, node_id node);

// Steps of the builder.

/** Pass 1: find the pools and the objects in them, and number these; *ret_end is the next number.
 */
struct error *heap_builder_find_pools(struct heap_builder *builder, uint32_t *ret_end);
/** Pass 2: read all objects in pools. */
struct error *heap_builder_read_pools(struct heap_builder *builder);
/** All objects are read: the blocks that only one of them leads to are part of its size. */
struct error *heap_builder_settle_blocks(struct heap_builder *builder);
/** Make room for nodes up to @p count. */
struct error *heap_builder_resize_nodes(struct heap_builder *builder, uint32_t count);
