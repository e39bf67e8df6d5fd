// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "heap/heap_builder.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/parallel.h"
#include "cpython/pymalloc.h"
#include "heap/heap_graph_build.h"

#include <string.h>
#include <time.h>

// Memory is read in windows: large enough for the copy to run at full speed, small enough for the cache.
#define WINDOW_BYTES (1u << 20)
// Cache for what objects point to: 32 MiB per worker holds the pools of several size classes that were
// filled at the same time, which is where an object's tables are.
#define WORKER_CACHE_SLOTS 2048
#define PROBE_CACHE_SLOTS  256
// Objects whose references wait together in one batch.
#define PENDING_MAX 512
// A batch is handed over when it is this full, so that few objects are split.
#define BATCH_FULL (PYSCAN_BATCH * 3 / 4)
#define EDGES_START (1u << 20)
// Slots of a worker's table of objects outside pools, at first.
#define OTHERS_START        256
// A round of fewer objects than this is not worth waking the other workers: a chain of large
// objects, each known only to the one before it, takes a round per object.
#define SHARED_ROUND_MIN    256
// A count past this is no count; it keeps the residual in its 31 bits.
#define REFCNT_MAX (1 << 30)
// Types met on objects but missing in the tree of subclasses, per run.
#define UNKNOWN_TYPES_MAX   4096
#define UNKNOWN_TYPES_SLOTS (2 * UNKNOWN_TYPES_MAX)
// Runs again after unknown types were learnt.
#define LEARN_ROUNDS_MAX 2

struct window {
	remote_addr addr;
	uint64_t size;
};

struct found_pool {
	remote_addr addr;
	uint64_t starts[PYMALLOC_POOL_WORDS];
};

struct big_size {
	node_id node;
	uint64_t size;
};

DEFINE_VECTOR(window_vector, struct window)
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

struct build_worker {
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
	} pending[PENDING_MAX];
	uint32_t pending_count;
	uint32_t first_node, end_node; /* rows made in this round */
	/** Only this worker touches the residuals of its own nodes; references to the other workers'
	 *  are counted when all have read theirs. An atomic operation per reference would cost more
	 *  than looking at the references once again. */
	bool is_exclusive;

	struct other_table others;
	struct node_vector inferred;
	struct unknown_types {
		struct addr_vector list;
		remote_addr slots[UNKNOWN_TYPES_SLOTS]; /* the same, hashed */
	} unknown_types;
	struct big_vector big_sizes;
	uint64_t objects, bytes, torn, dropped, torn_pools;
	struct error *failure; /* found where there is nobody to return it to */
};

// Memory is short, where there is nobody to return that to: the first failure is the one to tell.
static void fail(struct build_worker *worker)
{
	if (!worker->failure)
		worker->failure = error_enomem();
}

// ---- windows -------------------------------------------------------------------------------

// Where pools and their neighbours live: private writable memory that is no file's.
static bool may_hold_pools(const struct mapping *mapping)
{
	return mapping->readable && mapping->writable && !mapping->shared && !mapping->inode &&
		strncmp(mapping->path, "[stack", 6) != 0;
}

// Windows over the runs of pages that hold something. They end at round addresses, so that what is
// neighbouring in memory is read together; two runs in one window make one window. No window begins
// before the end of the last: everything after relies on each pool being there once, in order.
static bool add_windows(struct window_vector *windows, const struct page_run *run,
	const struct mapping *mapping, uint64_t pool_bytes)
{
	remote_addr low = (mapping->start + pool_bytes - 1) & ~(pool_bytes - 1);
	remote_addr high = mapping->end & ~(pool_bytes - 1);
	remote_addr addr = run->start & ~(uint64_t)(WINDOW_BYTES - 1);

	for (; addr < run->end; addr += WINDOW_BYTES) {
		remote_addr start = addr > low ? addr : low;
		remote_addr end = addr + WINDOW_BYTES < high ? addr + WINDOW_BYTES : high;

		const struct window *last = windows->count ? &windows->items[windows->count - 1] : NULL;

		if (start >= end || (last && start < last->addr + last->size))
			continue;
		if (!window_vector_push(windows, (struct window){start, end - start}))
			return false;
	}
	return true;
}

static struct error *list_windows(const struct heap_builder *builder, struct window_vector *ret)
{
	const struct mappings *mappings = target_mappings(builder->target);
	_cleanup_(page_run_vector_deinit) struct page_run_vector runs = {0};

	for (size_t i = 0; i < mappings->count; i++) {
		const struct mapping *mapping = &mappings->items[i];
		struct error *err;

		if (!may_hold_pools(mapping))
			continue;
		runs.count = 0;
		err = target_resident(builder->target, mapping->start, mapping->end, &runs);
		if (err)
			return err;
		for (size_t j = 0; j < runs.count; j++) {
			if (!add_windows(ret, &runs.items[j], mapping,
				    builder->python->layout->traits.pool_bytes))
				return error_enomem();
		}
	}
	return NULL;
}

// The bytes of a window: where they are, or copied into the worker's buffer.
static const uint8_t *read_window(struct build_worker *worker, remote_addr addr, uint64_t size)
{
	const struct target *target = worker->builder->target;
	size_t got;
	const uint8_t *bytes = target_borrow(target, addr, &got);

	if (bytes && got >= size)
		return bytes;
	return target_read_some(target, addr, worker->window, size) ? worker->window : NULL;
}

// ---- pass 1: pools and objects -------------------------------------------------------------

struct pool_job {
	struct heap_builder *builder;
	const struct window *windows;
	size_t first[LIMIT_WORKERS + 1]; /* windows of each worker */
};

static struct error *read_pools(
	struct build_worker *worker, const struct window *window, const uint8_t *bytes)
{
	const struct python *python = worker->builder->python;
	uint32_t pool_bytes = python->layout->traits.pool_bytes;

	for (uint64_t offset = 0; offset + pool_bytes <= window->size; offset += pool_bytes) {
		struct found_pool found = {.addr = window->addr + offset};
		struct pypool pool;

		if (!pymalloc_is_pool(python->layout, bytes + offset))
			continue;
		pymalloc_read_pool(python->layout, python->types, found.addr, bytes + offset, &pool);
		worker->torn_pools += pool.is_torn;
		if (!pool.object_count)
			continue;
		memcpy(found.starts, pool.objects, sizeof(found.starts));
		if (!pool_vector_push(&worker->pools, found))
			return error_enomem();
	}
	return NULL;
}

static struct error *find_pools(void *context, unsigned index)
{
	struct pool_job *job = context;
	struct build_worker *worker = &job->builder->team[index];

	for (size_t i = job->first[index]; i < job->first[index + 1]; i++) {
		const struct window *window = &job->windows[i];
		const uint8_t *bytes = read_window(worker, window->addr, window->size);
		struct error *err = bytes ? read_pools(worker, window, bytes) : NULL;

		if (err)
			return err;
	}
	return NULL;
}

// A worker may look at twice the words there are: enough for any real heap, too little for a target
// whose tables all claim the same megabytes.
static void bound_words(struct heap_builder *builder, const struct window_vector *windows)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < windows->count; i++)
		bytes += windows->items[i].size;
	builder->words_max = 2 * bytes / 8 + LIMIT_STATIC_WORDS;
	for (unsigned i = 0; i < builder->workers; i++)
		builder->team[i].scan.words_max = builder->words_max;
}

static struct error *pass_one(struct heap_builder *builder, uint32_t *ret_end)
{
	_cleanup_(window_vector_deinit) struct window_vector windows = {0};
	struct pool_job job = {.builder = builder};
	struct error *err = list_windows(builder, &windows);

	if (err)
		return err;
	job.windows = windows.items;
	bound_words(builder, &windows);
	for (unsigned i = 0; i <= builder->workers; i++)
		job.first[i] = windows.count * i / builder->workers;
	err = parallel_run(builder->workers, find_pools, &job);
	if (err)
		return err;
	for (unsigned i = 0; i < builder->workers; i++) {
		struct pool_vector *pools = &builder->team[i].pools;

		for (size_t j = 0; j < pools->count; j++) {
			err = heap_addresses_add_pool(
				&builder->addresses, pools->items[j].addr, pools->items[j].starts);
			if (err)
				return err;
		}
		builder->stats.torn_pools += builder->team[i].torn_pools;
		pool_vector_deinit(pools);
	}
	builder->stats.pools = builder->addresses.pool_count;
	return heap_addresses_number(&builder->addresses, ret_end);
}

// ---- objects outside pools -----------------------------------------------------------------

static struct other_slot *find_slot(struct other_slot *slots, uint32_t count, remote_addr addr)
{
	uint32_t i = (uint32_t)((addr >> 3) * 0x9e3779b97f4a7c15ull >> 32) & (count - 1);

	while (slots[i].addr && slots[i].addr != addr)
		i = (i + 1) & (count - 1);
	return &slots[i];
}

static bool grow_others(struct other_table *table)
{
	uint32_t count = table->slot_count ? table->slot_count * 2 : OTHERS_START;
	struct other_slot *slots = mem_calloc(count, sizeof(*slots));

	if (!slots)
		return false;
	for (uint32_t i = 0; i < table->slot_count; i++) {
		if (table->slots[i].addr)
			*find_slot(slots, count, table->slots[i].addr) = table->slots[i];
	}
	mem_free(table->slots);
	table->slots = slots;
	table->slot_count = count;
	return true;
}

static void reset_others(struct other_table *table)
{
	// A table that was large once would be cleared in full after each of many small rounds.
	if (table->slot_count > OTHERS_START && table->used < table->slot_count / 16) {
		mem_free(take(table->slots));
		table->slot_count = 0;
	} else if (table->used) {
		memset(table->slots, 0, table->slot_count * sizeof(*table->slots));
	}
	table->used = 0;
	table->found.count = 0;
	table->count.count = 0;
}

// Items that are inside an object end where its memory ends: what only looks like an object seldom
// has a length that fits.
static bool items_fit(const struct heap_builder *builder, const struct pytype *type,
	remote_addr addr, uint64_t ob_size)
{
	const struct mapping *mapping = mappings_find(target_mappings(builder->target), addr);
	uint64_t count = (int64_t)ob_size < 0 ? 0 - ob_size : ob_size;

	switch (type->kind) {
	case PYKIND_INT:
	case PYKIND_BYTES:
	case PYKIND_TUPLE:
	case PYKIND_STRUCTSEQ:
		return mapping && type->itemsize &&
		       count <= (mapping->end - addr) / (uint64_t)type->itemsize;
	case PYKIND_STR: // its length is in the same place
		return mapping && count <= (mapping->end - addr);
	default:
		return mapping != NULL;
	}
}

// Two pointers in a row look like a count and a type if the first is small: heaps of executables that
// are not position-independent begin at low addresses.
static bool is_rather_pointer(const struct heap_builder *builder, uint64_t refcnt)
{
	const struct mapping *mapping =
		refcnt % 8 ? NULL : mappings_find(target_mappings(builder->target), refcnt);

	return mapping && mapping->writable;
}

// Each once: many objects can have the same unknown type.
static void note_unknown_type(struct build_worker *worker, remote_addr type)
{
	struct unknown_types *unknown = &worker->unknown_types;
	uint32_t i =
		(uint32_t)((type >> 4) * 0x9e3779b97f4a7c15ull >> 32) & (UNKNOWN_TYPES_SLOTS - 1);

	if (!type || type % 8 || unknown->list.count == UNKNOWN_TYPES_MAX ||
		!mappings_find(target_mappings(worker->builder->target), type))
		return;
	while (unknown->slots[i] && unknown->slots[i] != type)
		i = (i + 1) & (UNKNOWN_TYPES_SLOTS - 1);
	if (unknown->slots[i])
		return;
	if (addr_vector_push(&unknown->list, type))
		unknown->slots[i] = type;
	else
		fail(worker);
}

// Is there an object at @p addr? Remembers types that are not known yet.
static bool is_object(struct build_worker *worker, remote_addr addr)
{
	const struct pylayout *layout = worker->builder->python->layout;
	const uint8_t *bytes;
	const struct pytypes *types = worker->builder->python->types;
	uint64_t refcnt, type;
	uint32_t index;

	if (addr % 8)
		return false;
	bytes = pyreader_bytes(
		&worker->probe.reader, addr, layout->object.ob_size + sizeof(uint64_t));
	if (!bytes)
		return false;
	refcnt = load_u64(bytes + layout->object.ob_refcnt);
	type = load_u64(bytes + layout->object.ob_type);
	if (!refcnt || refcnt >= 1ull << 32 || is_rather_pointer(worker->builder, refcnt))
		return false;
	index = pytypes_find(types, type);
	if (index != PYTYPE_NONE)
		return items_fit(worker->builder, &types->list.items[index], addr,
			load_u64(bytes + layout->object.ob_size));
	note_unknown_type(worker, type);
	return false;
}

// The provisional number of an object outside the pools, or NONE.
static node_id find_other(struct build_worker *worker, remote_addr addr)
{
	struct heap_builder *builder = worker->builder;
	struct other_table *table = &worker->others;
	node_id node = heap_addresses_other(&builder->addresses, addr);
	struct other_slot *slot;

	if (node != HEAP_NODE_NONE || !addr)
		return node;
	if (table->used * 2 >= table->slot_count && !grow_others(table)) {
		fail(worker);
		return HEAP_NODE_NONE;
	}
	slot = find_slot(table->slots, table->slot_count, addr);
	if (!slot->addr) {
		*slot = (struct other_slot){.addr = addr, .index = UINT32_MAX};
		table->used++;
		if (is_object(worker, addr)) {
			slot->index = (uint32_t)table->found.count;
			if (!addr_vector_push(&table->found, addr) ||
				!node_vector_push(&table->count, 0)) {
				fail(worker);
				slot->index = UINT32_MAX;
			}
		}
	}
	if (slot->index == UINT32_MAX)
		return HEAP_NODE_NONE;
	return builder->addresses.first_other + builder->addresses.other_count + slot->index;
}

struct error *heap_builder_note_other(struct heap_builder *builder, remote_addr addr)
{
	struct build_worker *worker = &builder->team[0];
	uint32_t pool = heap_addresses_pool(&builder->addresses, addr);

	if (pool == UINT32_MAX ||
		heap_addresses_in_pool(&builder->addresses, pool, addr) == HEAP_NODE_NONE)
		find_other(worker, addr);
	return take(worker->failure);
}

// ---- edges ---------------------------------------------------------------------------------

static struct error *too_many_edges(void)
{
	return error_create(ERROR_UNSUPPORTED, "more than 4 billion references");
}

// False, and a failure, if there is no room.
static bool reserve_edges(struct build_worker *worker, size_t more)
{
	size_t capacity = worker->edge_capacity ? worker->edge_capacity : EDGES_START;
	uint32_t *edges;

	if (worker->edge_count + more <= worker->edge_capacity)
		return true;
	if (worker->edge_count + more > UINT32_MAX) {
		worker->failure = too_many_edges();
		return false;
	}
	while (capacity < worker->edge_count + more)
		capacity += capacity / 2;
	edges = pages_realloc(worker->edges, worker->edge_capacity, capacity, sizeof(*edges));
	if (!edges) {
		fail(worker);
		return false;
	}
	worker->edges = edges;
	worker->edge_capacity = capacity;
	return true;
}

static inline bool is_own(const struct build_worker *worker, node_id node)
{
	return node - worker->first_node < worker->end_node - worker->first_node;
}

static inline void adjust_residual(struct build_worker *worker, node_id node, int32_t change)
{
	int32_t *residual = &worker->builder->residual[node];

	if (!worker->is_exclusive)
		__atomic_fetch_add(residual, change, __ATOMIC_RELAXED);
	else if (is_own(worker, node))
		*residual += change;
}

static void add_edge(struct build_worker *worker, uint64_t ref, node_id node)
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
			fail(worker);
	} else if (node < known) {
		adjust_residual(worker, node, -1);
	} else {
		worker->others.count.items[node - known]++;
	}
}

// Look up the whole batch: three loops, so that the cache misses of its references overlap.
static void resolve_batch(struct pyscan *scan)
{
	struct build_worker *worker = scan->user;
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
					((addr & ((1ull << addresses->pool_shift) - 1)) >>
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
			nodes[i] = find_other(worker, addr);
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

static void hand_over(struct build_worker *worker)
{
	resolve_batch(&worker->scan);
	worker->scan.count = 0;
}

// ---- one object ----------------------------------------------------------------------------

static uint32_t kind_flags(enum pykind kind)
{
	switch (kind) {
	case PYKIND_LIST:
	case PYKIND_DICT:
	case PYKIND_DEFAULTDICT:
	case PYKIND_ODICT:
	case PYKIND_SET:
	case PYKIND_DEQUE:
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

// What is known of a node from its header and its scan.
static void finish_object(struct build_worker *worker, node_id node, uint64_t refcnt, uint64_t gc_next)
{
	struct heap_builder *builder = worker->builder;
	const struct pytypes *types = builder->python->types;
	const struct pytype *type = worker->scan.type;
	uint32_t flags = kind_flags(type->kind);
	uint32_t index = (uint32_t)(type - types->list.items);
	uint64_t size = worker->scan.size;

	if (gc_next)
		flags |= HEAP_NODE_TRACKED;
	if (type->has_legacy_finalizer)
		flags |= HEAP_NODE_UNCOLLECTABLE;
	if (refcnt >= builder->python->layout->traits.immortal_refcnt)
		flags |= HEAP_NODE_STATIC;
	if (refcnt > REFCNT_MAX)
		refcnt = REFCNT_MAX;
	adjust_residual(worker, node, (int32_t)refcnt);
	if (builder->audit)
		builder->audit->refcnt[node] = (uint32_t)refcnt;
	// Type 0 is the root's.
	builder->graph->node_word[node] = (index + 1) | flags;
	if (size < UINT32_MAX)
		builder->graph->size[node] = (uint32_t)size;
	else if (!big_vector_push(&worker->big_sizes, (struct big_size){node, size}))
		fail(worker);
	worker->objects++;
	worker->bytes += size;
	worker->torn += worker->scan.is_torn;
	worker->pending[worker->pending_count].node = node;
	worker->pending[worker->pending_count++].end = worker->scan.count;
	if (worker->pending_count == PENDING_MAX || worker->scan.count >= BATCH_FULL)
		hand_over(worker);
}

// The next object on a GC list, if it is in no pool: large objects are found through their neighbours.
static void note_neighbour(struct build_worker *worker, uint64_t gc_next)
{
	remote_addr addr = gc_next + worker->builder->python->layout->gc_head.size;

	if (heap_addresses_pool(&worker->builder->addresses, addr) == UINT32_MAX)
		find_other(worker, addr);
}

static uint64_t gc_next_of(const struct pylayout *layout, const struct pytype *type,
	const uint8_t *object)
{
	if (!type->is_gc)
		return 0;
	// The low bits are flags of the collector.
	return load_u64(object - layout->gc_head.size + layout->gc_head.next) & ~3ull;
}

// Something else is there by now (only where the target runs): a row without edges all the same.
static void finish_lost(struct build_worker *worker, node_id node)
{
	struct heap_builder *builder = worker->builder;

	worker->scan.type = &builder->python->types->list.items[builder->plain_type];
	worker->scan.size = 0;
	worker->scan.is_torn = true;
	finish_object(worker, node, 0, 0);
}

static void read_object(struct build_worker *worker, node_id node, remote_addr addr,
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
	pyobject_scan(&worker->scan, type, addr, object, size);
	if (gc_next)
		note_neighbour(worker, gc_next);
	finish_object(worker, node, load_u64(object + layout->object.ob_refcnt), gc_next);
}

// ---- pass 2: all objects in pools ----------------------------------------------------------

struct object_job {
	struct heap_builder *builder;
	uint32_t first[LIMIT_WORKERS + 1]; /* pools, or others, of each worker */
};

static void read_pool_objects(struct build_worker *worker, uint32_t pool, const uint8_t *bytes)
{
	const struct heap_addresses *addresses = &worker->builder->addresses;
	const struct heap_granules *words =
		&addresses->granules[(size_t)pool * addresses->words_per_pool];
	size_t pool_bytes = (size_t)1 << addresses->pool_shift;

	for (uint32_t i = 0; i < addresses->words_per_pool; i++) {
		node_id node = words[i].base;

		for (uint64_t bits = words[i].starts; bits; bits &= bits - 1, node++) {
			size_t offset = ((size_t)i * 64 + (size_t)__builtin_ctzll(bits))
				<< addresses->granule_shift;

			read_object(worker, node, addresses->pool_addr[pool] + offset,
				bytes + offset, pool_bytes - offset);
		}
	}
}

// Pools that follow each other in memory, read together.
static uint32_t adjacent_pools(const struct heap_addresses *addresses, uint32_t pool, uint32_t end)
{
	uint64_t pool_bytes = 1ull << addresses->pool_shift;
	uint32_t count = 1;

	while (pool + count < end && count < WINDOW_BYTES / pool_bytes &&
		addresses->pool_addr[pool + count] == addresses->pool_addr[pool] + count * pool_bytes)
		count++;
	return count;
}

static struct error *read_all_objects(void *context, unsigned index)
{
	struct object_job *job = context;
	struct build_worker *worker = &job->builder->team[index];
	const struct heap_addresses *addresses = &job->builder->addresses;
	size_t pool_bytes = (size_t)1 << addresses->pool_shift;
	uint32_t end = job->first[index + 1], count;

	for (uint32_t pool = job->first[index]; pool < end; pool += count) {
		const uint8_t *bytes;

		count = adjacent_pools(addresses, pool, end);
		bytes = read_window(worker, addresses->pool_addr[pool], count * pool_bytes);
		if (!bytes) {
			// Gone since the first pass (live): every node must have a row all the same.
			memset(worker->window, 0, count * pool_bytes);
			bytes = worker->window;
		}
		for (uint32_t i = 0; i < count; i++)
			read_pool_objects(worker, pool + i, bytes + i * pool_bytes);
		if (worker->failure)
			return take(worker->failure);
	}
	hand_over(worker);
	return take(worker->failure);
}

// Count the references that the other workers found to this one's nodes.
static struct error *count_foreign(void *context, unsigned index)
{
	struct object_job *job = context;
	const struct build_worker *team = job->builder->team, *worker = &team[index];
	int32_t *residual = job->builder->residual;

	for (unsigned i = 0; i < job->builder->workers; i++) {
		const uint32_t *edges = team[i].edges;

		for (size_t j = 0; i != index && j < team[i].edge_count; j++) {
			// An inferred edge, being marked, is nobody's.
			if (is_own(worker, edges[j]))
				residual[edges[j]]--;
		}
	}
	return NULL;
}

// Append the rows that a worker made in this round behind all rows so far.
static struct error *append_rows(struct heap_builder *builder, struct build_worker *worker)
{
	size_t total = builder->edge_count + worker->edge_count;
	uint32_t *first_edge = builder->graph->first_edge;

	if (total > UINT32_MAX)
		return too_many_edges();
	if (!builder->edges) {
		builder->edges = take(worker->edges);
		builder->edge_capacity = worker->edge_capacity;
	} else if (worker->edge_count) {
		uint32_t *edges = pages_realloc(
			builder->edges, builder->edge_capacity, total, sizeof(*edges));

		if (!edges)
			return error_enomem();
		builder->edges = edges;
		builder->edge_capacity = total;
		// From the back, giving the source back as we go: the peak stays that of one copy.
		for (size_t left = worker->edge_count; left;) {
			size_t from = left > EDGES_START ? left - EDGES_START : 0;

			memcpy(edges + builder->edge_count + from, worker->edges + from,
				(left - from) * sizeof(*edges));
			pages_discard_tail(worker->edges, from * sizeof(*edges),
				left * sizeof(*edges));
			left = from;
		}
		for (node_id node = worker->first_node; node < worker->end_node; node++)
			first_edge[node + 1] += (uint32_t)builder->edge_count;
	} else {
		for (node_id node = worker->first_node; node < worker->end_node; node++)
			first_edge[node + 1] = (uint32_t)builder->edge_count;
	}
	builder->edge_count = total;
	pages_free(worker->edges, worker->edge_capacity, sizeof(uint32_t));
	worker->edges = NULL;
	worker->edge_count = worker->edge_capacity = 0;
	return NULL;
}

static struct error *resize_nodes(struct heap_builder *builder, uint32_t count)
{
	struct error *err = heap_graph_resize_nodes(builder->graph, count);
	struct heap_audit *audit = builder->audit;
	uint32_t capacity = builder->residual_capacity;
	void **arrays[4] = {(void **)&builder->residual};
	size_t array_count = 1;

	if (err || count <= capacity)
		return err;
	while (capacity < count)
		capacity += capacity / 8 + 4096;
	if (audit) {
		arrays[array_count++] = (void **)&audit->refcnt;
		arrays[array_count++] = (void **)&audit->exact;
		arrays[array_count++] = (void **)&audit->inferred;
	}
	if (!pages_realloc_all(arrays, array_count, builder->residual_capacity, capacity,
		    sizeof(uint32_t)))
		return error_enomem();
	if (audit)
		audit->count = capacity;
	builder->residual_capacity = capacity;
	return NULL;
}

// Give the others that a worker met their final numbers, and put these into its edges.
static struct error *number_others(struct heap_builder *builder, struct build_worker *worker,
	uint32_t known, struct node_vector *numbers)
{
	numbers->count = 0;
	for (size_t i = 0; i < worker->others.found.count; i++) {
		remote_addr addr = worker->others.found.items[i];
		node_id node = heap_addresses_other(&builder->addresses, addr);
		struct error *err;

		if (node == HEAP_NODE_NONE) {
			err = heap_addresses_add_other(&builder->addresses, addr, &node);
			if (err)
				return err;
		}
		err = resize_nodes(
			builder, builder->addresses.first_other + builder->addresses.other_count);
		if (err)
			return err;
		if (!node_vector_push(numbers, node))
			return error_enomem();
		builder->residual[node] -= (int32_t)worker->others.count.items[i];
	}
	for (size_t i = 0; i < worker->edge_count; i++) {
		node_id node = worker->edges[i] & HEAP_EDGE_NODE;

		if (node >= known)
			worker->edges[i] = numbers->items[node - known] |
				(worker->edges[i] & HEAP_EDGE_INFERRED);
	}
	for (size_t i = 0; i < worker->inferred.count; i++) {
		node_id node = worker->inferred.items[i];

		if (node >= known)
			node = numbers->items[node - known];
		if (!node_vector_push(&builder->inferred, node))
			return error_enomem();
	}
	worker->inferred.count = 0;
	reset_others(&worker->others);
	return NULL;
}

static struct error *end_round(struct heap_builder *builder)
{
	_cleanup_(node_vector_deinit) struct node_vector numbers = {0};
	uint32_t known = builder->addresses.first_other + builder->addresses.other_count;

	for (unsigned i = 0; i < builder->workers; i++) {
		struct build_worker *worker = &builder->team[i];
		struct error *err = number_others(builder, worker, known, &numbers);

		if (!err)
			err = append_rows(builder, worker);
		if (err)
			return err;
		for (size_t j = 0; j < worker->big_sizes.count; j++) {
			err = heap_graph_set_size(builder->graph, worker->big_sizes.items[j].node,
				worker->big_sizes.items[j].size);
			if (err)
				return err;
		}
		worker->big_sizes.count = 0;
	}
	return NULL;
}

static struct error *pass_two(struct heap_builder *builder)
{
	const struct heap_addresses *addresses = &builder->addresses;
	struct object_job job = {.builder = builder};
	struct error *err;
	uint32_t pool = 0;

	// Equal shares of objects, cut at pools.
	for (unsigned i = 1; i < builder->workers; i++) {
		uint32_t share = (uint32_t)((uint64_t)addresses->first_other * i / builder->workers);

		while (pool < addresses->pool_count &&
			addresses->granules[(size_t)pool * addresses->words_per_pool].base < share)
			pool++;
		job.first[i] = pool;
	}
	job.first[builder->workers] = addresses->pool_count;
	for (unsigned i = 0; i < builder->workers; i++) {
		struct build_worker *worker = &builder->team[i];

		worker->first_node = job.first[i] < addresses->pool_count
			? addresses->granules[(size_t)job.first[i] * addresses->words_per_pool].base
			: addresses->first_other;
		if (i)
			builder->team[i - 1].end_node = worker->first_node;
	}
	builder->team[builder->workers - 1].end_node = addresses->first_other;
	for (unsigned i = 0; i < builder->workers; i++)
		builder->team[i].is_exclusive = true;
	err = parallel_run(builder->workers, read_all_objects, &job);
	if (!err)
		err = parallel_run(builder->workers, count_foreign, &job);
	for (unsigned i = 0; i < builder->workers; i++)
		builder->team[i].is_exclusive = false;
	return err ? err : end_round(builder);
}

// ---- rounds over the others ----------------------------------------------------------------

// An object outside the pools: read it, and give it a row even if it cannot be.
static void read_other(struct build_worker *worker, node_id node)
{
	struct heap_builder *builder = worker->builder;
	const struct pylayout *layout = builder->python->layout;
	remote_addr addr = heap_addresses_of(&builder->addresses, node);
	uint64_t refcnt = pyreader_pointer(&worker->probe.reader, addr + layout->object.ob_refcnt);
	uint64_t gc_next = 0;

	if (!pyobject_scan_at(&worker->scan, addr)) {
		finish_lost(worker, node);
		return;
	}
	// Static types have no GC head, although their type's flags say so.
	if (worker->scan.type->is_gc && !(worker->scan.type->kind == PYKIND_TYPE &&
						!(pyreader_pointer(&worker->probe.reader,
							  addr + layout->type.tp_flags) &
							PYTYPE_FLAG_HEAP)))
		gc_next = pyreader_pointer(&worker->probe.reader,
				  addr - layout->gc_head.size + layout->gc_head.next) &
			~3ull;
	if (gc_next)
		note_neighbour(worker, gc_next);
	finish_object(worker, node, refcnt, gc_next);
	if (mapping_of_file(builder, addr) ||
		(worker->scan.type->kind == PYKIND_TYPE && !gc_next &&
			!(pyreader_pointer(&worker->probe.reader, addr + layout->type.tp_flags) &
				PYTYPE_FLAG_HEAP)))
		builder->graph->node_word[node] |= HEAP_NODE_STATIC;
}

static struct error *read_others(void *context, unsigned index)
{
	struct object_job *job = context;
	struct build_worker *worker = &job->builder->team[index];

	for (node_id node = job->first[index]; node < job->first[index + 1]; node++) {
		read_other(worker, node);
		if (worker->failure)
			break;
	}
	hand_over(worker);
	return take(worker->failure);
}

struct error *heap_builder_run_rounds(struct heap_builder *builder)
{
	for (;;) {
		struct object_job job = {.builder = builder};
		node_id first, end;
		unsigned workers;
		struct error *err;

		// What was noted outside a round is only in the workers' tables yet.
		for (unsigned i = 0; i < builder->workers; i++)
			builder->team[i].first_node = builder->team[i].end_node = 0;
		first = builder->addresses.first_other + builder->rows_of_others;
		err = end_round(builder);
		if (err)
			return err;
		end = builder->addresses.first_other + builder->addresses.other_count;
		if (first == end)
			return NULL;
		workers = end - first < SHARED_ROUND_MIN ? 1 : builder->workers;
		for (unsigned i = 0; i <= builder->workers; i++)
			job.first[i] =
				i < workers
					? first + (uint32_t)((uint64_t)(end - first) * i / workers)
					: end;
		for (unsigned i = 0; i < builder->workers; i++) {
			builder->team[i].first_node = job.first[i];
			builder->team[i].end_node = job.first[i + 1];
		}
		err = parallel_run(workers, read_others, &job);
		if (!err)
			err = end_round(builder);
		if (err)
			return err;
		builder->rows_of_others = end - builder->addresses.first_other;
	}
}

// ---- the whole -----------------------------------------------------------------------------

static void deinit_worker(struct build_worker *worker)
{
	pycontext_deinit(&worker->context);
	pycontext_deinit(&worker->probe);
	mem_free(worker->window);
	pool_vector_deinit(&worker->pools);
	pages_free(worker->edges, worker->edge_capacity, sizeof(uint32_t));
	mem_free(worker->others.slots);
	addr_vector_deinit(&worker->others.found);
	node_vector_deinit(&worker->others.count);
	node_vector_deinit(&worker->inferred);
	addr_vector_deinit(&worker->unknown_types.list);
	big_vector_deinit(&worker->big_sizes);
	error_destroy(worker->failure);
}

static void disband(struct heap_builder *builder)
{
	for (unsigned i = 0; builder->team && i < builder->workers; i++)
		deinit_worker(&builder->team[i]);
	mem_free(builder->team);
	builder->team = NULL;
}

static struct error *assemble(struct heap_builder *builder)
{
	builder->team = mem_calloc(builder->workers, sizeof(*builder->team));
	if (!builder->team)
		return error_enomem();
	for (unsigned i = 0; i < builder->workers; i++) {
		struct build_worker *worker = &builder->team[i];
		struct error *err;

		worker->builder = builder;
		worker->scan.context = &worker->context;
		worker->scan.flush = resolve_batch;
		worker->scan.user = worker;
		worker->window = mem_alloc(WINDOW_BYTES);
		if (!worker->window)
			return error_enomem();
		err = pycontext_init(&worker->context, builder->python, WORKER_CACHE_SLOTS);
		if (!err)
			err = pycontext_init(&worker->probe, builder->python, PROBE_CACHE_SLOTS);
		if (err)
			return err;
	}
	return NULL;
}

static enum heap_type_role role_of(const struct pytype *type)
{
	switch (type->kind) {
	case PYKIND_LIST:
		return HEAP_TYPE_LIST;
	case PYKIND_TUPLE:
	case PYKIND_STRUCTSEQ:
		return HEAP_TYPE_TUPLE;
	case PYKIND_DICT:
	case PYKIND_DEFAULTDICT:
	case PYKIND_ODICT:
		return HEAP_TYPE_DICT;
	case PYKIND_SET:
		return HEAP_TYPE_SET;
	case PYKIND_DEQUE:
		return HEAP_TYPE_DEQUE;
	case PYKIND_STR:
	case PYKIND_BYTES:
	case PYKIND_BYTEARRAY:
	case PYKIND_ARRAY:
	case PYKIND_NDARRAY:
		return HEAP_TYPE_BUFFER;
	case PYKIND_INT:
	case PYKIND_NUMBER:
		return HEAP_TYPE_NUMBER;
	case PYKIND_TYPE:
		return HEAP_TYPE_TYPE;
	case PYKIND_MODULE:
		return HEAP_TYPE_MODULE;
	case PYKIND_CODE:
		return HEAP_TYPE_CODE;
	case PYKIND_FRAME:
	case PYKIND_GENERATOR:
	case PYKIND_COROUTINE:
		return HEAP_TYPE_FRAME;
	default:
		break;
	}
	if (type->fields && strcmp(type->tp_name, "function") == 0)
		return HEAP_TYPE_FUNCTION;
	return type->is_python_class ? HEAP_TYPE_INSTANCE : HEAP_TYPE_PLAIN;
}

static struct error *fill_types(struct heap_builder *builder)
{
	const struct pytype_vector *list = &builder->python->types->list;
	struct heap_graph *graph = builder->graph;
	struct heap_type *types = mem_calloc(list->count + 1, sizeof(*types));

	if (!types)
		return error_enomem();
	mem_free(graph->types);
	graph->types = types;
	graph->type_count = (uint32_t)list->count + 1;
	types[0] = (struct heap_type){.name = "<root>", .node = HEAP_NODE_NONE};
	for (size_t i = 0; i < list->count; i++) {
		types[i + 1].name = heap_graph_intern(graph, list->items[i].name);
		if (!types[i + 1].name)
			return error_enomem();
		types[i + 1].role = role_of(&list->items[i]);
		types[i + 1].node = heap_addresses_find(&builder->addresses, list->items[i].addr);
	}
	return NULL;
}

static struct error *note_types(struct heap_builder *builder)
{
	const struct pytype_vector *list = &builder->python->types->list;

	for (size_t i = 0; i < list->count; i++) {
		struct error *err = heap_builder_note_other(builder, list->items[i].addr);

		if (err)
			return err;
	}
	return NULL;
}

// Types that objects have but the tree of subclasses does not.
static struct error *learn_types(struct heap_builder *builder, bool *ret_learnt)
{
	struct pytypes *types = builder->python->types;
	size_t known = types->list.count;

	for (unsigned i = 0; i < builder->workers; i++) {
		const struct addr_vector *unknown = &builder->team[i].unknown_types.list;

		for (size_t j = 0; j < unknown->count; j++) {
			struct error *err = pytypes_add(types, &builder->context.reader,
				builder->python->layout, unknown->items[j]);

			if (err)
				return err;
		}
	}
	*ret_learnt = types->list.count > known;
	return NULL;
}

// Start over with the types learnt meanwhile.
static void reset(struct heap_builder *builder)
{
	disband(builder);
	heap_graph_destroy(builder->graph);
	builder->graph = NULL;
	heap_addresses_deinit(&builder->addresses);
	pages_free(builder->edges, builder->edge_capacity, sizeof(uint32_t));
	builder->edges = NULL;
	builder->edge_count = builder->edge_capacity = 0;
	pages_free(builder->residual, builder->residual_capacity, sizeof(int32_t));
	builder->residual = NULL;
	if (builder->audit) {
		pages_free(builder->audit->refcnt, builder->residual_capacity, sizeof(uint32_t));
		pages_free(builder->audit->exact, builder->residual_capacity, sizeof(uint32_t));
		pages_free(builder->audit->inferred, builder->residual_capacity, sizeof(uint32_t));
		*builder->audit = (struct heap_audit){0};
	}
	builder->residual_capacity = 0;
	builder->rows_of_others = 0;
	builder->frame_words = 0;
	builder->root_refs.count = builder->inferred.count = builder->consumed.count = 0;
	builder->global_words.count = 0;
	builder->stats = (struct heap_builder_stats){0};
}

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static struct error *build_once(struct heap_builder *builder)
{
	const struct pylayout_traits *traits = &builder->python->layout->traits;
	double started = now_s();
	uint32_t end;
	struct error *err;

	builder->plain_type =
		pytypes_find(builder->python->types, builder->python->types->object_type);
	err = heap_graph_create(1, 0, 1, &builder->graph);
	if (!err)
		err = heap_addresses_init(
			&builder->addresses, traits->pool_bytes, traits->alignment);
	if (!err)
		err = assemble(builder);
	if (!err)
		err = pass_one(builder, &end);
	builder->stats.pools_s = now_s() - started;
	started = now_s();
	if (!err)
		err = resize_nodes(builder, end);
	if (!err)
		err = pass_two(builder);
	builder->stats.objects_s = now_s() - started;
	if (!err)
		err = note_types(builder);
	if (!err)
		err = heap_roots_collect(builder);
	if (!err)
		err = heap_builder_run_rounds(builder);
	return err;
}

static struct error *finish(struct heap_builder *builder)
{
	struct error *err = heap_roots_settle(builder);

	for (unsigned i = 0; i < builder->workers; i++) {
		builder->stats.objects += builder->team[i].objects;
		builder->stats.bytes += builder->team[i].bytes;
		builder->stats.torn += builder->team[i].torn;
		builder->stats.dropped_edges += builder->team[i].dropped;
	}
	builder->stats.inferred_edges = builder->inferred.count;
	if (!err)
		err = fill_types(builder);
	if (!err)
		err = heap_graph_finish(builder->graph);
	disband(builder);
	if (err)
		return err;
	heap_graph_adopt_edges(builder->graph, take(builder->edges), (uint32_t)builder->edge_count,
		builder->edge_capacity);
	pages_free(take(builder->residual), builder->residual_capacity, sizeof(int32_t));
	node_vector_deinit(&builder->inferred);
	root_ref_vector_deinit(&builder->root_refs);
	addr_vector_deinit(&builder->consumed);
	addr_vector_deinit(&builder->global_words);
	heap_naming_init(builder);
	return NULL;
}

struct error *heap_build(const struct target *target, const struct process *process,
	const struct pyruntime_place *place, const struct heap_builder_options *options,
	struct heap_builder **ret)
{
	_cleanup_(heap_builder_destroy) struct heap_builder *builder =
		mem_calloc(1, sizeof(*builder));
	struct error *err;

	if (!builder)
		return error_enomem();
	builder->target = target;
	builder->process = process;
	builder->place = place;
	builder->workers = options->workers ? options->workers : parallel_workers();
	if (builder->workers > LIMIT_WORKERS)
		builder->workers = LIMIT_WORKERS;
	err = python_open(target, place, &builder->python);
	if (err)
		return err;
	err = pycontext_init(&builder->context, builder->python, PROBE_CACHE_SLOTS);
	if (err)
		return err;
	if (options->keep_audit) {
		builder->audit = mem_calloc(1, sizeof(*builder->audit));
		if (!builder->audit)
			return error_enomem();
	}
	err = heap_roots_find_interned(builder, &builder->python->interned);
	if (!err)
		err = build_once(builder);
	for (unsigned i = 0; !err && i < LEARN_ROUNDS_MAX; i++) {
		bool has_learnt;

		err = learn_types(builder, &has_learnt);
		if (err || !has_learnt)
			break;
		reset(builder);
		err = build_once(builder);
	}
	if (!err)
		err = finish(builder);
	if (err)
		return err;
	*ret = take(builder);
	return NULL;
}

void heap_builder_destroy(struct heap_builder *builder)
{
	if (!builder)
		return;
	reset(builder);
	mem_free(builder->audit);
	root_ref_vector_deinit(&builder->root_refs);
	node_vector_deinit(&builder->inferred);
	addr_vector_deinit(&builder->consumed);
	addr_vector_deinit(&builder->global_words);
	if (builder->python)
		pycontext_deinit(&builder->context);
	python_close(builder->python);
	mem_free(builder);
}
