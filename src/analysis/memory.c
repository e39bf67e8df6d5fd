// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "analysis/memory.h"

#include "analysis/memory_internal.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/sort.h"
#include "base/vector.h"

#include <stdlib.h>
#include <string.h>

DEFINE_VECTOR(node_vector, node_id)

// Nodes that are looked at for an example of a cycle, and garbage objects it is looked for from.
#define CYCLE_NODES_MAX  20000
#define CYCLE_STARTS_MAX 16
// Objects looked at in each pinned arena.
#define PINNED_SAMPLES   16
// Steps up to the container that holds a pinning object.
#define HOLDER_STEPS_MAX 64

static const char *const cause_names[] = {
	[MEMORY_OBJECTS] = "objects",
	[MEMORY_GARBAGE] = "garbage",
	[MEMORY_REFERENCES] = "references",
	[MEMORY_NATIVE] = "native",
	[MEMORY_KEPT] = "kept",
	[MEMORY_PROGRAM] = "program",
	[MEMORY_UNKNOWN] = "unknown",
};

static const enum memory_cause part_causes[HEAP_PART_COUNT] = {
	[HEAP_PART_OBJECTS] = MEMORY_OBJECTS,
	[HEAP_PART_ROUNDING] = MEMORY_OBJECTS,
	[HEAP_PART_GARBAGE] = MEMORY_GARBAGE,
	[HEAP_PART_LOST] = MEMORY_GARBAGE,
	[HEAP_PART_UNEXPLAINED_REFERENCES] = MEMORY_REFERENCES,
	[HEAP_PART_FREE_LISTS] = MEMORY_KEPT,
	[HEAP_PART_NUMBER_BLOCKS] = MEMORY_KEPT,
	[HEAP_PART_POOL_OTHER] = MEMORY_NATIVE,
	[HEAP_PART_FREE_BLOCKS] = MEMORY_KEPT,
	[HEAP_PART_FREE_POOLS] = MEMORY_KEPT,
	[HEAP_PART_FREE_ARENAS] = MEMORY_KEPT,
	[HEAP_PART_POOL_HEADERS] = MEMORY_KEPT,
	[HEAP_PART_C_OWNED] = MEMORY_NATIVE,
	[HEAP_PART_C_OTHER] = MEMORY_NATIVE,
	[HEAP_PART_MALLOC_CACHED] = MEMORY_KEPT,
	[HEAP_PART_MALLOC_FREE] = MEMORY_KEPT,
	[HEAP_PART_MALLOC_TOP] = MEMORY_KEPT,
	[HEAP_PART_MALLOC_OWN] = MEMORY_KEPT,
	[HEAP_PART_OTHER_ALLOCATOR] = MEMORY_NATIVE,
	[HEAP_PART_MAPPED] = MEMORY_NATIVE,
	[HEAP_PART_STACKS] = MEMORY_PROGRAM,
	[HEAP_PART_PYTHON_STACKS] = MEMORY_PROGRAM,
	[HEAP_PART_LIBRARY_DATA] = MEMORY_PROGRAM,
	[HEAP_PART_FILES] = MEMORY_PROGRAM,
	[HEAP_PART_SHARED] = MEMORY_NATIVE,
	[HEAP_PART_KERNEL] = MEMORY_PROGRAM,
	[HEAP_PART_UNEXPLAINED] = MEMORY_UNKNOWN,
	[HEAP_PART_FROZEN] = MEMORY_GARBAGE,
};

const char *memory_cause_name(enum memory_cause cause)
{
	return cause_names[cause];
}

enum memory_cause memory_part_cause(enum heap_memory_part part)
{
	return part_causes[part];
}

_Static_assert(HEAP_TYPE_ROLES <= MEMORY_FAMILIES_MAX, "a family for each role");

static struct error *reach(
	node_id node, enum heap_fate fate, struct node_vector *stack, uint8_t *fates)
{
	if (fates[node] != HEAP_FATE_GARBAGE)
		return NULL;
	fates[node] = (uint8_t)fate;
	return node_vector_push(stack, node) ? NULL : error_enomem();
}

// What is reached from roots with an explanation, or from those without, and by nobody yet.
static struct error *mark_reached(
	const struct heap_graph *graph, bool is_explained, enum heap_fate fate, uint8_t *fates)
{
	_cleanup_(node_vector_deinit) struct node_vector stack = {0};
	struct error *err = NULL;

	for (size_t i = 0; !err && i < graph->root_count; i++) {
		if ((graph->roots[i].kind != HEAP_ROOT_UNEXPLAINED) == is_explained)
			err = reach(graph->roots[i].node, fate, &stack, fates);
	}
	while (!err && stack.count) {
		uint32_t count;
		const uint32_t *edges = heap_edges_of(graph, stack.items[--stack.count], &count);

		for (uint32_t i = 0; !err && i < count; i++)
			err = reach(edges[i] & HEAP_EDGE_NODE, fate, &stack, fates);
	}
	return err;
}

static struct error *find_fates(const struct heap_graph *graph, uint8_t *fates)
{
	const struct garbage_marks marks = {.unreachable = HEAP_FATE_GARBAGE,
		.collectable = HEAP_FATE_GARBAGE,
		.kept = HEAP_FATE_LOST,
		.frozen = HEAP_FATE_FROZEN};
	struct error *err;

	memset(fates, HEAP_FATE_GARBAGE, graph->node_count);
	fates[HEAP_ROOT] = HEAP_FATE_LIVE;
	err = mark_reached(graph, true, HEAP_FATE_LIVE, fates);
	if (!err)
		err = mark_reached(graph, false, HEAP_FATE_UNEXPLAINED, fates);
	return err ? err : garbage_mark(graph, &marks, fates);
}

struct cycle_search {
	const struct heap_graph *graph;
	const uint8_t *fates;
	node_id *from; /* by node: who led to it; 0: nobody yet */
	struct node_vector queue;
};

// The shortest way from a node back to it, breadth first; false if none is near.
static bool find_cycle(struct cycle_search *search, node_id start, struct memory_report *report)
{
	const struct heap_graph *graph = search->graph;

	search->queue.count = 0;
	if (!node_vector_push(&search->queue, start))
		return false;
	for (size_t i = 0; i < search->queue.count && i < CYCLE_NODES_MAX; i++) {
		node_id node = search->queue.items[i];
		uint32_t count;
		const uint32_t *edges = heap_edges_of(graph, node, &count);

		for (uint32_t e = 0; e < count; e++) {
			node_id next = edges[e] & HEAP_EDGE_NODE;

			// An edge to itself may be one that was dropped.
			if (search->fates[next] != HEAP_FATE_GARBAGE || search->from[next] ||
				(next == node && edges[e] & HEAP_EDGE_INFERRED))
				continue;
			search->from[next] = node;
			if (next == start) {
				size_t length = 0;

				for (node_id at = node;; at = search->from[at]) {
					length++;
					if (at == start)
						break;
				}
				if (length > MEMORY_CYCLE_MAX)
					return false;
				report->cycle_count = length;
				for (node_id at = node;; at = search->from[at]) {
					report->cycle[--length] =
						graph->types[heap_type_of(graph, at)].name;
					if (at == start)
						return true;
				}
			}
			if (!node_vector_push(&search->queue, next))
				return false;
		}
	}
	return false;
}

static struct error *find_example(
	const struct heap_graph *graph, const uint8_t *fates, struct memory_report *report)
{
	struct cycle_search search = {.graph = graph, .fates = fates};
	uint32_t type = report->garbage.type_count ? report->garbage.types[0].type : 0;
	unsigned starts = 0;

	if (!report->garbage.type_count)
		return NULL;
	search.from = pages_alloc(graph->node_count, sizeof(*search.from));
	if (!search.from)
		return error_enomem();
	// Objects of the type that has most first, then any.
	for (int pass = 0; pass < 2; pass++) {
		for (node_id node = 1; node < graph->node_count && starts < CYCLE_STARTS_MAX &&
				       !report->cycle_count;
			node++) {
			if (fates[node] != HEAP_FATE_GARBAGE ||
				!heap_has_flag(graph, node, HEAP_NODE_TRACKED) ||
				(pass == 0 && heap_type_of(graph, node) != type))
				continue;
			starts++;
			find_cycle(&search, node, report);
			for (size_t i = 0; i < search.queue.count; i++)
				search.from[search.queue.items[i]] = 0;
			search.from[node] = 0;
		}
		starts = 0;
	}
	node_vector_deinit(&search.queue);
	pages_free(search.from, graph->node_count, sizeof(*search.from));
	return NULL;
}

static int compare_families(const void *left, const void *right)
{
	const struct memory_family *a = left, *b = right;

	return (a->bytes < b->bytes) - (a->bytes > b->bytes);
}

static void sum_families(const struct heap_graph *graph, struct memory_report *report)
{
	const struct heap_memory_figures *figures = &report->figures;
	size_t count = HEAP_TYPE_ROLES, kept = 0;

	for (size_t i = 0; i < count; i++)
		report->families[i].name = heap_type_role_name((enum heap_type_role)i);
	for (uint32_t i = 1; i < figures->type_count; i++) {
		const struct heap_memory_type *type = &figures->types[i];
		struct memory_family *family = &report->families[graph->types[i].role];
		uint64_t bytes = type->by_fate[HEAP_FATE_LIVE];

		family->objects += type->objects_by_fate[HEAP_FATE_LIVE];
		family->bytes += bytes;
		family->rounding += bytes > type->size ? bytes - type->size : 0;
	}
	sort_items(report->families, count, sizeof(*report->families), compare_families);
	while (kept < count && report->families[kept].bytes)
		kept++;
	report->family_count = kept;
}

static void sum_parts(struct memory_report *report)
{
	const struct heap_memory_figures *figures = &report->figures;
	uint64_t most = 0;

	report->explained_bytes = figures->rss_bytes - figures->part_bytes[HEAP_PART_UNEXPLAINED];
	report->explained_ratio =
		figures->rss_bytes ? (double)report->explained_bytes / (double)figures->rss_bytes
				   : 1;
	for (size_t part = 0; part < HEAP_PART_COUNT; part++)
		report->cause_bytes[part_causes[part]] += figures->part_bytes[part];
	report->cause = MEMORY_PROGRAM;
	for (size_t cause = 0; cause < MEMORY_CAUSE_COUNT; cause++) {
		if (cause != MEMORY_PROGRAM && report->cause_bytes[cause] > most) {
			most = report->cause_bytes[cause];
			report->cause = (enum memory_cause)cause;
		}
	}
	for (size_t i = 0; i < figures->malloc_count; i++) {
		const struct heap_memory_malloc *malloc = &figures->mallocs[i];

		report->gives_back[HEAP_PART_MALLOC_FREE] += malloc->trim - malloc->trim_top;
		report->gives_back[HEAP_PART_MALLOC_TOP] += malloc->trim_top;
	}
	report->gives_back[HEAP_PART_GARBAGE] =
		figures->garbage_returned < figures->part_bytes[HEAP_PART_GARBAGE]
			? figures->garbage_returned
			: figures->part_bytes[HEAP_PART_GARBAGE];
	report->gives_back[HEAP_PART_FROZEN] =
		figures->frozen_returned < figures->part_bytes[HEAP_PART_FROZEN]
			? figures->frozen_returned
			: figures->part_bytes[HEAP_PART_FROZEN];
}

// The container that holds an object, by the dominator tree; HEAP_NODE_NONE if there is none.
static node_id holder_of(
	const struct heap_graph *graph, const struct dominators *dominators, node_id node)
{
	for (int i = 0; i < HOLDER_STEPS_MAX && dominators_is_reachable(dominators, node); i++) {
		node = dominators->idom[node];
		if (node == HEAP_ROOT)
			break;
		if (heap_has_flag(graph, node, HEAP_NODE_CONTAINER))
			return node;
	}
	return HEAP_NODE_NONE;
}

struct pinning {
	node_id holder;
	uint32_t arena;
};
DEFINE_VECTOR(pinning_vector, struct pinning)

static int compare_pinnings(const void *left, const void *right)
{
	const struct pinning *a = left, *b = right;

	if (a->holder != b->holder)
		return a->holder < b->holder ? -1 : 1;
	return (a->arena > b->arena) - (a->arena < b->arena);
}

static struct error *sample_arena(const struct heap_graph *graph,
	const struct dominators *dominators, const struct heap_memory_arena *arena, uint32_t number,
	struct pinning_vector *ret)
{
	uint64_t count = (uint64_t)arena->last - arena->first + 1;
	uint64_t samples = count < PINNED_SAMPLES ? count : PINNED_SAMPLES;

	for (uint64_t i = 0; arena->first != HEAP_NODE_NONE && i < samples; i++) {
		node_id node = arena->first + (node_id)(count * i / samples);
		node_id holder = holder_of(graph, dominators, node);

		if (holder != HEAP_NODE_NONE &&
			!pinning_vector_push(ret, (struct pinning){holder, number}))
			return error_enomem();
	}
	return NULL;
}

struct pinner_count {
	node_id holder;
	uint64_t samples, arenas;
};

static int compare_counts(const void *left, const void *right)
{
	const struct pinner_count *a = left, *b = right;

	if (a->arenas != b->arenas)
		return a->arenas > b->arenas ? -1 : 1;
	return (a->samples < b->samples) - (a->samples > b->samples);
}

static struct error *name_pinners(const struct heap_graph *graph, const struct paths *paths,
	struct pinning_vector *pinnings, struct memory_report *report)
{
	_cleanup_(mem_free) struct pinner_count *counts =
		mem_calloc(pinnings->count, sizeof(*counts));
	size_t count = 0;

	if (!counts)
		return error_enomem();
	sort_items(pinnings->items, pinnings->count, sizeof(*pinnings->items), compare_pinnings);
	for (size_t i = 0; i < pinnings->count; i++) {
		const struct pinning *pinning = &pinnings->items[i];
		bool is_new = !i || pinning->holder != pinning[-1].holder;

		if (is_new)
			counts[count++].holder = pinning->holder;
		counts[count - 1].samples++;
		counts[count - 1].arenas += is_new || pinning->arena != pinning[-1].arena;
	}
	sort_items(counts, count, sizeof(*counts), compare_counts);
	for (size_t i = 0; i < count && i < MEMORY_PINNERS_MAX; i++) {
		struct memory_pinner *pinner = &report->pinners[report->pinner_count];
		struct path_description path;
		struct error *err = paths_describe(paths, counts[i].holder, &path);

		if (err)
			return err;
		report->pinner_count++;
		pinner->path = take(path.text);
		pinner->type = graph->types[heap_type_of(graph, counts[i].holder)].name;
		pinner->objects = counts[i].samples;
		pinner->arenas = counts[i].arenas;
		path_description_deinit(&path);
	}
	return NULL;
}

static struct error *find_pinned(const struct heap_graph *graph,
	const struct dominators *dominators, const struct paths *paths,
	struct memory_report *report)
{
	_cleanup_(pinning_vector_deinit) struct pinning_vector pinnings = {0};

	for (size_t i = 0; i < report->figures.arena_count; i++) {
		const struct heap_memory_arena *arena = &report->figures.arenas[i];
		struct error *err;

		if (!arena->used_blocks ||
			(double)arena->used_bytes >= MEMORY_PINNED_SHARE * (double)arena->bytes)
			continue;
		report->pinned_arenas++;
		report->pinned_bytes += arena->resident;
		report->pinned_used_bytes += arena->used_bytes;
		report->pinned_objects += arena->used_blocks;
		err = sample_arena(graph, dominators, arena, (uint32_t)i, &pinnings);
		if (err)
			return err;
	}
	return name_pinners(graph, paths, &pinnings, report);
}

// The container that holds most, but for namespaces: those of modules and classes hold everything.
static struct error *find_largest(const struct heap_graph *graph,
	const struct dominators *dominators, const struct paths *paths,
	struct memory_report *report)
{
	struct path_description path;
	node_id best = HEAP_ROOT;
	struct error *err;

	for (node_id node = 1; node < graph->node_count; node++) {
		node_id above = dominators->idom[node];

		if (above == HEAP_NODE_NONE || above == HEAP_ROOT ||
			!heap_has_flag(graph, node, HEAP_NODE_CONTAINER) ||
			heap_has_flag(graph, above, HEAP_NODE_MODULE) ||
			heap_has_flag(graph, above, HEAP_NODE_TYPE))
			continue;
		if (dominators_retained(dominators, node) > report->largest_bytes) {
			report->largest_bytes = dominators_retained(dominators, node);
			best = node;
		}
	}
	if (best == HEAP_ROOT)
		return NULL;
	err = paths_describe(paths, best, &path);
	if (err)
		return err;
	report->largest_path = take(path.text);
	report->largest_type = graph->types[heap_type_of(graph, best)].name;
	path_description_deinit(&path);
	return NULL;
}

static void count_permanent(const struct heap_graph *graph, struct memory_report *report)
{
	for (node_id node = 1; node < graph->node_count; node++) {
		if (!heap_has_flag(graph, node, HEAP_NODE_PERMANENT))
			continue;
		report->permanent_objects++;
		report->permanent_bytes += heap_size_of(graph, node);
		if (!heap_has_flag(graph, node, HEAP_NODE_STATIC))
			continue;
		report->permanent_immortal_objects++;
		report->permanent_immortal_bytes += heap_size_of(graph, node);
	}
}

struct error *memory_measure(
	const struct heap_graph *graph, struct heap_memory *memory, struct heap_memory_figures *ret)
{
	uint8_t *fates = pages_alloc(graph->node_count, sizeof(*fates));
	struct error *err = fates ? find_fates(graph, fates) : error_enomem();

	if (!err)
		err = heap_memory_measure(memory, fates, ret);
	pages_free(fates, graph->node_count, sizeof(*fates));
	return err;
}

struct error *memory_examine(const struct heap_graph *graph, const struct dominators *dominators,
	const struct paths *paths, struct heap_memory *memory, bool collector_is_enabled,
	struct memory_report *ret)
{
	_cleanup_(memory_report_deinit) struct memory_report report = {0};
	uint8_t *fates = pages_alloc(graph->node_count, sizeof(*fates));
	struct error *err = fates ? find_fates(graph, fates) : error_enomem();

	if (!err)
		err = garbage_compute(graph, dominators, &report.garbage);
	if (!err)
		err = heap_memory_measure(memory, fates, &report.figures);
	if (!err)
		err = find_example(graph, fates, &report);
	pages_free(fates, graph->node_count, sizeof(*fates));
	if (err)
		return err;
	sum_parts(&report);
	sum_families(graph, &report);
	count_permanent(graph, &report);
	err = find_pinned(graph, dominators, paths, &report);
	if (!err)
		err = find_largest(graph, dominators, paths, &report);
	if (!err)
		err = memory_find_remedies(&report, collector_is_enabled);
	if (!err)
		err = memory_say_verdict(&report);
	if (err)
		return err;
	*ret = report;
	report = (struct memory_report){0};
	return NULL;
}

void memory_report_deinit(struct memory_report *report)
{
	heap_memory_figures_deinit(&report->figures);
	garbage_deinit(&report->garbage);
	for (size_t i = 0; i < report->pinner_count; i++)
		mem_free(report->pinners[i].path);
	for (size_t i = 0; i < report->remedy_count; i++)
		mem_free(report->remedies[i].what);
	mem_free(report->remedies);
	mem_free(report->largest_path);
	mem_free(report->verdict);
	*report = (struct memory_report){0};
}
