// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "heap/heap_worker.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"

#include <string.h>

// A batch is handed over when it is this full, so that few objects are split.
#define BATCH_FULL (PYSCAN_BATCH * 3 / 4)
// A count past this is no count; it keeps the residual in its 31 bits.
#define REFCNT_MAX (1 << 30)

struct error *heap_worker_too_many_edges(void)
{
	return error_create(ERROR_UNSUPPORTED, "more than 4 billion references");
}

// False, and a failure, if there is no room.
static bool reserve_edges(struct heap_worker *worker, size_t more)
{
	size_t capacity = worker->edge_capacity ? worker->edge_capacity : HEAP_EDGES_START;
	uint32_t *edges;

	if (worker->edge_count + more <= worker->edge_capacity)
		return true;
	if (worker->edge_count + more > UINT32_MAX) {
		worker->failure = heap_worker_too_many_edges();
		return false;
	}
	while (capacity < worker->edge_count + more)
		capacity += capacity / 2;
	edges = pages_realloc(worker->edges, worker->edge_capacity, capacity, sizeof(*edges));
	if (!edges) {
		heap_worker_fail(worker);
		return false;
	}
	worker->edges = edges;
	worker->edge_capacity = capacity;
	return true;
}

static inline void adjust_residual(struct heap_worker *worker, node_id node, int32_t change)
{
	int32_t *residual = &worker->builder->residual[node];

	if (!worker->is_exclusive)
		__atomic_fetch_add(residual, change, __ATOMIC_RELAXED);
	else if (heap_worker_owns(worker, node))
		*residual += change;
}

static void add_edge(struct heap_worker *worker, uint64_t ref, node_id node)
{
	struct heap_builder *builder = worker->builder;
	uint32_t known = builder->addresses.first_other + builder->addresses.other_count;
	bool is_inferred = ref & PYREF_INFERRED;

	if (node == HEAP_NODE_NONE) {
		worker->dropped += !is_inferred;
		return;
	}
	worker->edges[worker->edge_count++] = node | (is_inferred ? HEAP_EDGE_INFERRED : 0);
	if (is_inferred) {
		if (!node_vector_push(&worker->inferred, node))
			heap_worker_fail(worker);
	} else if (node < known) {
		adjust_residual(worker, node, -1);
	} else {
		worker->others.count.items[node - known]++;
	}
}

// Look up the whole batch: three loops, so that the cache misses of its references overlap.
void heap_worker_resolve(struct pyscan *scan)
{
	struct heap_worker *worker = scan->user;
	struct heap_builder *builder = worker->builder;
	const struct heap_addresses *addresses = &builder->addresses;
	uint32_t pools[PYSCAN_BATCH];
	node_id nodes[PYSCAN_BATCH];
	uint32_t next = 0;

	if (worker->failure || !reserve_edges(worker, scan->count)) {
		worker->pending_count = 0;
		return;
	}
	for (uint32_t i = 0; i < scan->count; i++) {
		uint64_t addr = scan->refs[i] & PYREF_ADDRESS;

		pools[i] = heap_addresses_pool(addresses, addr);
		if (pools[i] != UINT32_MAX)
			__builtin_prefetch(
				&addresses->granules[(size_t)pools[i] * addresses->words_per_pool +
						     ((addr & ((1ull << addresses->pool_shift) -
								      1)) >>
							     addresses->granule_shift) /
							     64]);
	}
	// The analyzer does not see that these loops fill as many as the next ones read.
	// NOLINTBEGIN(clang-analyzer-core.*)
	for (uint32_t i = 0; i < scan->count; i++) {
		uint64_t addr = scan->refs[i] & PYREF_ADDRESS;

		nodes[i] = pools[i] == UINT32_MAX
				   ? HEAP_NODE_NONE
				   : heap_addresses_in_pool(addresses, pools[i], addr);
		if (nodes[i] != HEAP_NODE_NONE)
			__builtin_prefetch(&builder->residual[nodes[i]], 1);
		else
			nodes[i] = heap_worker_find_other(worker, addr);
	}
	for (uint32_t p = 0; p < worker->pending_count; p++) {
		for (; next < worker->pending[p].end; next++)
			add_edge(worker, scan->refs[next], nodes[next]);
		builder->graph->first_edge[worker->pending[p].node + 1] =
			(uint32_t)worker->edge_count;
	}
	for (; next < scan->count; next++)
		add_edge(worker, scan->refs[next], nodes[next]);
	// NOLINTEND(clang-analyzer-core.*)
	worker->pending_count = 0;
}

void heap_worker_hand_over(struct heap_worker *worker)
{
	heap_worker_resolve(&worker->scan);
	worker->scan.count = 0;
}

static uint32_t kind_flags(enum pykind kind)
{
	switch (kind) {
	case PYKIND_LIST:
	case PYKIND_DICT:
	case PYKIND_DEFAULTDICT:
	case PYKIND_ODICT:
	case PYKIND_SET:
	case PYKIND_DEQUE:
	case PYKIND_RING:
		return HEAP_NODE_CONTAINER;
	case PYKIND_TYPE:
		return HEAP_NODE_TYPE;
	case PYKIND_MODULE:
		return HEAP_NODE_MODULE;
	default:
		return 0;
	}
}

static const struct mapping *mapping_of_file(const struct heap_builder *builder, remote_addr addr)
{
	const struct mapping *mapping = mappings_find(target_mappings(builder->target), addr);

	return mapping && mapping->inode ? mapping : NULL;
}

void heap_worker_keep_part(struct pyscan *scan, remote_addr addr, uint32_t distance)
{
	struct heap_worker *worker = scan->user;

	if (!heap_part_vector_push(
		    &worker->parts, (struct heap_part){addr, worker->part_of, distance}))
		heap_worker_fail(worker);
}

static void keep_blocks(struct heap_worker *worker, node_id node)
{
	const struct pyscan *scan = &worker->scan;

	for (uint32_t i = 0; i < scan->block_count; i++) {
		const struct pyblock *block = &scan->blocks[i];

		if (worker->blocks.count == LIMIT_BLOCKS)
			return;
		if (!owned_block_vector_push(&worker->blocks,
			    (struct owned_block){block->addr, block->size, node, block->distance}))
			heap_worker_fail(worker);
	}
}

// What is known of a node from its header and its scan.
static void finish_object(
	struct heap_worker *worker, node_id node, uint64_t refcnt, uint64_t gc_next)
{
	struct heap_builder *builder = worker->builder;
	const struct pylayout *layout = builder->python->layout;
	const struct pytypes *types = builder->python->types;
	const struct pytype *type = worker->scan.type;
	uint32_t flags = kind_flags(type->kind);
	uint32_t index = (uint32_t)(type - types->list.items);
	uint64_t size = worker->scan.size;

	if (gc_next)
		flags |= HEAP_NODE_TRACKED;
	if (type->has_legacy_finalizer)
		flags |= HEAP_NODE_UNCOLLECTABLE;
	refcnt = pylayout_refcnt(layout, refcnt);
	if (layout->traits.immortal_refcnt && refcnt >= layout->traits.immortal_refcnt)
		flags |= HEAP_NODE_STATIC;
	if (refcnt > REFCNT_MAX)
		refcnt = REFCNT_MAX;
	adjust_residual(worker, node, (int32_t)refcnt);
	if (builder->audit)
		builder->audit->refcnt[node] = (uint32_t)refcnt;
	// Type 0 is the root's.
	builder->graph->node_word[node] = (index + 1) | flags;
	if (size < HEAP_SIZE_ELSEWHERE)
		builder->graph->size[node] = (uint16_t)size;
	else if (!big_vector_push(&worker->big_sizes, (struct big_size){node, size}))
		heap_worker_fail(worker);
	keep_blocks(worker, node);
	worker->objects++;
	worker->bytes += size;
	worker->torn += worker->scan.is_torn;
	worker->pending[worker->pending_count].node = node;
	worker->pending[worker->pending_count++].end = worker->scan.count;
	if (worker->pending_count == HEAP_PENDING_MAX || worker->scan.count >= BATCH_FULL)
		heap_worker_hand_over(worker);
}

// The next object on a GC list, if it is in no pool: large objects are found through their
// neighbours.
static void note_neighbour(struct heap_worker *worker, uint64_t gc_next)
{
	remote_addr addr = gc_next + worker->builder->python->layout->gc_head.size;

	if (heap_addresses_pool(&worker->builder->addresses, addr) == UINT32_MAX)
		heap_worker_find_other(worker, addr);
}

static uint64_t gc_next_of(
	const struct pylayout *layout, const struct pytype *type, const uint8_t *object)
{
	return type->is_gc ? pyobject_gc_next(layout, object - layout->gc_head.size) : 0;
}

// Something else is there by now (only where the target runs): a row without edges all the same.
static void finish_lost(struct heap_worker *worker, node_id node)
{
	struct heap_builder *builder = worker->builder;

	worker->scan.type = &builder->python->types->list.items[builder->plain_type];
	worker->scan.size = worker->scan.block_count = 0;
	worker->scan.is_torn = true;
	finish_object(worker, node, 0, 0);
}

// An instance of an old-style class counts as one of that class.
static void name_old_instance(struct heap_worker *worker, remote_addr addr)
{
	const struct python *python = worker->builder->python;
	uint32_t offset = python->layout->old_instance.in_class, index;
	remote_addr class;

	if (!pylayout_has(offset) || worker->scan.type->kind != PYKIND_FIELDS ||
		strcmp(worker->scan.type->tp_name, "instance") != 0)
		return;
	class = pyreader_pointer(&worker->probe.reader, addr + offset);
	index = pytypes_find_old_class(python->types, class);
	if (index != PYTYPE_NONE)
		worker->scan.type = &python->types->list.items[index];
	else
		heap_worker_note_unknown_type(worker, class);
}

void heap_worker_read_object(struct heap_worker *worker, node_id node, remote_addr addr,
	const uint8_t *object, size_t size)
{
	const struct python *python = worker->builder->python;
	const struct pylayout *layout = python->layout;
	uint32_t type = pytypes_find(python->types, load_u64(object + layout->object.ob_type));
	uint64_t gc_next;

	if (type == PYTYPE_NONE) {
		finish_lost(worker, node);
		return;
	}
	gc_next = gc_next_of(layout, &python->types->list.items[type], object);
	worker->part_of = node;
	pyobject_scan(&worker->scan, type, addr, object, size);
	name_old_instance(worker, addr);
	if (gc_next)
		note_neighbour(worker, gc_next);
	finish_object(worker, node, load_u64(object + layout->object.ob_refcnt), gc_next);
}

// An object outside the pools: read it, and give it a row even if it cannot be.
void heap_worker_read_other(struct heap_worker *worker, node_id node)
{
	struct heap_builder *builder = worker->builder;
	const struct pylayout *layout = builder->python->layout;
	remote_addr addr = heap_addresses_of(&builder->addresses, node);
	uint64_t refcnt = pyreader_pointer(&worker->probe.reader, addr + layout->object.ob_refcnt);
	uint64_t gc_next = 0;

	worker->part_of = node;
	if (!pyobject_scan_at(&worker->scan, addr)) {
		finish_lost(worker, node);
		return;
	}
	name_old_instance(worker, addr);
	// Static types have no GC head, although their type's flags say so.
	if (worker->scan.type->is_gc &&
		!(worker->scan.type->kind == PYKIND_TYPE &&
			!(pyreader_pointer(&worker->probe.reader, addr + layout->type.tp_flags) &
				PYTYPE_FLAG_HEAP))) {
		const uint8_t *head = pyreader_bytes(
			&worker->probe.reader, addr - layout->gc_head.size, layout->gc_head.size);

		gc_next = head ? pyobject_gc_next(layout, head) : 0;
	}
	if (gc_next)
		note_neighbour(worker, gc_next);
	finish_object(worker, node, refcnt, gc_next);
	if (mapping_of_file(builder, addr) ||
		(addr >= builder->data_start && addr < builder->data_end) ||
		(worker->scan.type->kind == PYKIND_TYPE && !gc_next &&
			!(pyreader_pointer(&worker->probe.reader, addr + layout->type.tp_flags) &
				PYTYPE_FLAG_HEAP)))
		builder->graph->node_word[node] |= HEAP_NODE_STATIC;
}
