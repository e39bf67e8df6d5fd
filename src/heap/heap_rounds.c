// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "heap/heap_worker.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/parallel.h"
#include "heap/heap_graph_build.h"

#include <string.h>

// A round of fewer objects than this is not worth waking the other workers: a chain of large
// objects, each known only to the one before it, takes a round per object.
#define SHARED_ROUND_MIN 256

struct object_job {
	struct heap_builder *builder;
	uint32_t first[LIMIT_WORKERS + 1]; /* pools, or others, of each worker */
};

static void read_pool_objects(struct heap_worker *worker, uint32_t pool, const uint8_t *bytes)
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

			heap_worker_read_object(worker, node, addresses->pool_addr[pool] + offset,
				bytes + offset, pool_bytes - offset);
		}
	}
}

// Pools that follow each other in memory, read together.
static uint32_t adjacent_pools(const struct heap_addresses *addresses, uint32_t pool, uint32_t end)
{
	uint64_t pool_bytes = 1ull << addresses->pool_shift;
	uint32_t count = 1;

	while (pool + count < end && count < HEAP_WINDOW_BYTES / pool_bytes &&
		addresses->pool_addr[pool + count] ==
			addresses->pool_addr[pool] + count * pool_bytes)
		count++;
	return count;
}

static struct error *read_all_objects(void *context, unsigned index)
{
	struct object_job *job = context;
	struct heap_worker *worker = &job->builder->team[index];
	const struct heap_addresses *addresses = &job->builder->addresses;
	size_t pool_bytes = (size_t)1 << addresses->pool_shift;
	uint32_t end = job->first[index + 1], count;

	for (uint32_t pool = job->first[index]; pool < end; pool += count) {
		const uint8_t *bytes;

		count = adjacent_pools(addresses, pool, end);
		bytes = heap_worker_read_window(
			worker, addresses->pool_addr[pool], count * pool_bytes);
		if (!bytes) {
			// Gone since the first pass (live): every node must have a row all the
			// same.
			memset(worker->window, 0, count * pool_bytes);
			bytes = worker->window;
		}
		for (uint32_t i = 0; i < count; i++)
			read_pool_objects(worker, pool + i, bytes + i * pool_bytes);
		if (worker->failure)
			return take(worker->failure);
	}
	heap_worker_hand_over(worker);
	return take(worker->failure);
}

// Count the references that the other workers found to this one's nodes.
static struct error *count_foreign(void *context, unsigned index)
{
	struct object_job *job = context;
	const struct heap_worker *team = job->builder->team, *worker = &team[index];
	int32_t *residual = job->builder->residual;

	for (unsigned i = 0; i < job->builder->workers; i++) {
		const uint32_t *edges = team[i].edges;

		for (size_t j = 0; i != index && j < team[i].edge_count; j++) {
			// An inferred edge, being marked, is nobody's.
			if (heap_worker_owns(worker, edges[j]))
				residual[edges[j]]--;
		}
	}
	return NULL;
}

// Append the rows that a worker made in this round behind all rows so far.
static struct error *append_rows(struct heap_builder *builder, struct heap_worker *worker)
{
	size_t total = builder->edge_count + worker->edge_count;
	uint32_t *first_edge = builder->graph->first_edge;

	if (total > UINT32_MAX)
		return heap_worker_too_many_edges();
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
			size_t from = left > HEAP_EDGES_START ? left - HEAP_EDGES_START : 0;

			memcpy(edges + builder->edge_count + from, worker->edges + from,
				(left - from) * sizeof(*edges));
			pages_discard_tail(
				worker->edges, from * sizeof(*edges), left * sizeof(*edges));
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

struct error *heap_builder_resize_nodes(struct heap_builder *builder, uint32_t count)
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
	if (!pages_realloc_all(
		    arrays, array_count, builder->residual_capacity, capacity, sizeof(uint32_t)))
		return error_enomem();
	if (audit)
		audit->count = capacity;
	builder->residual_capacity = capacity;
	return NULL;
}

// Give the others that a worker met their final numbers, and put these into its edges.
static struct error *number_others(struct heap_builder *builder, struct heap_worker *worker,
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
		err = heap_builder_resize_nodes(
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
	heap_worker_reset_others(worker);
	return NULL;
}

static struct error *end_round(struct heap_builder *builder)
{
	_cleanup_(node_vector_deinit) struct node_vector numbers = {0};
	uint32_t known = builder->addresses.first_other + builder->addresses.other_count;

	for (unsigned i = 0; i < builder->workers; i++) {
		struct heap_worker *worker = &builder->team[i];
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

struct error *heap_builder_read_pools(struct heap_builder *builder)
{
	const struct heap_addresses *addresses = &builder->addresses;
	struct object_job job = {.builder = builder};
	struct error *err;
	uint32_t pool = 0;

	// Equal shares of objects, cut at pools.
	for (unsigned i = 1; i < builder->workers; i++) {
		uint32_t share =
			(uint32_t)((uint64_t)addresses->first_other * i / builder->workers);

		while (pool < addresses->pool_count &&
			addresses->granules[(size_t)pool * addresses->words_per_pool].base < share)
			pool++;
		job.first[i] = pool;
	}
	job.first[builder->workers] = addresses->pool_count;
	for (unsigned i = 0; i < builder->workers; i++) {
		struct heap_worker *worker = &builder->team[i];

		worker->first_node = job.first[i] < addresses->pool_count
					     ? addresses
						       ->granules[(size_t)job.first[i] *
								  addresses->words_per_pool]
						       .base
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

static struct error *read_others(void *context, unsigned index)
{
	struct object_job *job = context;
	struct heap_worker *worker = &job->builder->team[index];

	for (node_id node = job->first[index]; node < job->first[index + 1]; node++) {
		heap_worker_read_other(worker, node);
		if (worker->failure)
			break;
	}
	heap_worker_hand_over(worker);
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
