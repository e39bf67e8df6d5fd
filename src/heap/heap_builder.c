// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "heap/heap_worker.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/parallel.h"
#include "base/sort.h"
#include "cpython/python_open.h"
#include "heap/heap_graph_build.h"

#include <string.h>

// Cache for what objects point to: 32 MiB per worker holds the pools of several size classes that
// were filled at the same time, which is where an object's tables are.
#define WORKER_CACHE_SLOTS 2048
#define PROBE_CACHE_SLOTS  256
// Runs again after unknown types were learnt.
#define LEARN_ROUNDS_MAX   2

void heap_worker_fail(struct heap_worker *worker)
{
	if (!worker->failure)
		worker->failure = error_enomem();
}

static void deinit_worker(struct heap_worker *worker)
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
	owned_block_vector_deinit(&worker->blocks);
	heap_part_vector_deinit(&worker->parts);
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
		struct heap_worker *worker = &builder->team[i];
		struct error *err;

		worker->builder = builder;
		worker->scan.context = &worker->context;
		worker->scan.flush = heap_worker_resolve;
		worker->scan.user = worker;
		worker->scan.part = builder->keep_parts ? heap_worker_keep_part : NULL;
		worker->window = mem_alloc(HEAP_WINDOW_BYTES);
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
	case PYKIND_RING:
		return HEAP_TYPE_DEQUE;
	case PYKIND_STR:
	case PYKIND_BYTES:
	case PYKIND_BYTEARRAY:
	case PYKIND_ARRAY:
	case PYKIND_NDARRAY:
	case PYKIND_NUMPY_VOID:
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

static struct error *build_once(struct heap_builder *builder)
{
	const struct pylayout_traits *traits = &builder->python->layout->traits;
	double started = monotonic_seconds();
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
		err = heap_builder_find_pools(builder, &end);
	builder->stats.pools_s = monotonic_seconds() - started;
	started = monotonic_seconds();
	if (!err)
		err = heap_builder_resize_nodes(builder, end);
	if (!err)
		err = heap_builder_read_pools(builder);
	builder->stats.objects_s = monotonic_seconds() - started;
	if (!err)
		err = note_types(builder);
	if (!err)
		err = heap_roots_collect(builder);
	if (!err)
		err = heap_builder_run_rounds(builder);
	return err;
}

static int compare_parts(const void *left, const void *right)
{
	const struct heap_part *a = left, *b = right;

	if (a->addr != b->addr)
		return a->addr < b->addr ? -1 : 1;
	if (a->distance != b->distance)
		return a->distance < b->distance ? -1 : 1;
	return (a->node > b->node) - (a->node < b->node);
}

static struct error *gather_parts(struct heap_builder *builder)
{
	for (unsigned i = 0; i < builder->workers; i++) {
		struct heap_part_vector *parts = &builder->team[i].parts;

		for (size_t j = 0; j < parts->count; j++) {
			if (!heap_part_vector_push(&builder->parts, parts->items[j]))
				return error_enomem();
		}
		heap_part_vector_deinit(parts);
	}
	sort_items(builder->parts.items, builder->parts.count, sizeof(*builder->parts.items),
		compare_parts);
	return NULL;
}

static struct error *finish(struct heap_builder *builder)
{
	struct error *err = heap_builder_settle_blocks(builder);

	if (!err)
		err = heap_roots_settle(builder);
	if (!err)
		heap_roots_mark_permanent(builder);
	for (unsigned i = 0; i < builder->workers; i++) {
		builder->stats.objects += builder->team[i].objects;
		builder->stats.bytes += builder->team[i].bytes;
		builder->stats.torn += builder->team[i].torn;
		builder->stats.dropped_edges += builder->team[i].dropped;
	}
	builder->stats.inferred_edges = builder->inferred.count;
	if (!err)
		err = gather_parts(builder);
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

struct error *heap_build(const struct target *target, const struct pyruntime_place *place,
	const struct heap_builder_options *options, struct heap_builder **ret)
{
	_cleanup_(heap_builder_destroy) struct heap_builder *builder =
		mem_calloc(1, sizeof(*builder));
	struct error *err;

	if (!builder)
		return error_enomem();
	builder->target = target;
	builder->place = place;
	if (place && place->elf &&
		!elf_file_data(place->elf, &builder->data_start, &builder->data_end))
		builder->data_start = builder->data_end = 0;
	builder->workers = options->workers ? options->workers : parallel_workers();
	if (builder->workers > LIMIT_WORKERS)
		builder->workers = LIMIT_WORKERS;
	builder->keep_parts = options->keep_parts;
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
	heap_part_vector_deinit(&builder->parts);
	if (builder->python)
		pycontext_deinit(&builder->context);
	python_close(builder->python);
	mem_free(builder);
}
