// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "heap/heap_census.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/sort.h"
#include "heap/heap_file_memory.h"
#include "heap/heap_worker.h"
#include "target/core_file.h"
#include "target/headroom.h"

struct error *heap_memory_create(const struct process *process, struct heap_memory **ret)
{
	_cleanup_(heap_memory_destroy) struct heap_memory *memory = mem_calloc(1, sizeof(*memory));
	struct headroom headroom;
	struct error *err;

	if (!memory)
		return error_enomem();
	memory->limit_bytes = memory->headroom_bytes = UINT64_MAX;
	err = process ? usage_read(process, &memory->usage) : NULL;
	if (err)
		return err;
	if (process) {
		memory->has_usage = true;
		headroom = headroom_read(process_pid(process));
		memory->limit_bytes = headroom.limit;
		memory->headroom_bytes = headroom.bytes;
	}
	*ret = take(memory);
	return NULL;
}

struct error *heap_memory_create_of_core(const struct target *core, struct heap_memory **ret)
{
	_cleanup_(heap_memory_destroy) struct heap_memory *memory = NULL;
	struct error *err = heap_memory_create(NULL, &memory);

	if (!err)
		err = heap_memory_note_pages(memory, core);
	if (err)
		return err;
	memory->core_bytes = core_file_info(core)->bytes;
	*ret = take(memory);
	return NULL;
}

struct error *heap_memory_create_of_file(const struct heap_file *file, struct heap_memory **ret)
{
	struct error *err = heap_memory_create(NULL, ret);

	if (!err)
		(*ret)->file = file;
	return err;
}

void heap_memory_destroy(struct heap_memory *memory)
{
	if (!memory)
		return;
	usage_deinit(&memory->usage);
	page_run_vector_deinit(&memory->runs);
	mem_free(memory);
}

struct error *heap_memory_note_pages(struct heap_memory *memory, const struct target *target)
{
	const struct mappings *mappings = target_mappings(target);

	memory->runs.count = 0;
	for (size_t i = 0; i < mappings->count; i++) {
		const struct mapping *mapping = &mappings->items[i];
		struct error *err = NULL;

		if (mapping_is_anonymous(mapping) || !memory->has_usage)
			err = target_in_memory(target, mapping->start, mapping->end, &memory->runs);
		if (err)
			return err;
	}
	return NULL;
}

void heap_memory_set_builder(struct heap_memory *memory, struct heap_builder *builder)
{
	memory->builder = builder;
}

static int compare_others(const void *left, const void *right)
{
	const struct census_other *a = left, *b = right;

	return (a->addr > b->addr) - (a->addr < b->addr);
}

static struct error *list_others(struct census *census)
{
	const struct heap_addresses *addresses = &census->builder->addresses;

	for (uint32_t i = 0; i < addresses->other_count; i++) {
		if (!other_vector_push(&census->others, (struct census_other){addresses->others[i],
								addresses->first_other + i}))
			return error_enomem();
	}
	sort_items(census->others.items, census->others.count, sizeof(*census->others.items),
		compare_others);
	return NULL;
}

static void sum_usage(struct census *census)
{
	const struct usage *usage = &census->memory->usage;
	struct heap_memory_figures *figures = census->figures;

	for (size_t i = 0; i < usage->count; i++) {
		const struct usage_mapping *mapping = &usage->items[i];

		figures->pss_bytes += mapping->pss;
		figures->swap_bytes += mapping->swap;
		figures->private_bytes +=
			mapping->rss > mapping->shared ? mapping->rss - mapping->shared : 0;
		// Only where all of it is private memory it is known which part is shared.
		if (mapping->anonymous == mapping->rss)
			figures->cow_shared_bytes += mapping->shared;
	}
	figures->has_usage = census->memory->has_usage;
	figures->core_bytes = census->memory->core_bytes;
	figures->limit_bytes = census->memory->limit_bytes;
	figures->headroom_bytes = census->memory->headroom_bytes;
}

// What live objects have more than they asked for.
static void split_rounding(struct heap_memory_figures *figures)
{
	for (uint32_t i = 0; i < figures->type_count; i++) {
		const struct heap_memory_type *type = &figures->types[i];
		uint64_t bytes = type->by_fate[HEAP_FATE_LIVE];
		uint64_t more = bytes > type->size ? bytes - type->size : 0;

		figures->part_bytes[HEAP_PART_OBJECTS] -= more;
		figures->part_bytes[HEAP_PART_ROUNDING] += more;
	}
}

static int compare_classes(const void *left, const void *right)
{
	const struct heap_memory_class *a = left, *b = right;

	return (a->size > b->size) - (a->size < b->size);
}

static void take_classes(struct census *census)
{
	struct heap_memory_class *classes = take(census->classes.items);
	size_t count = 0;

	for (size_t i = 0; i < census->class_slots; i++) {
		if (classes[i].size)
			classes[count++] = classes[i];
	}
	sort_items(classes, count, sizeof(*classes), compare_classes);
	census->figures->classes = classes;
	census->figures->class_count = count;
}

static struct error *take_mallocs(struct census *census)
{
	struct heap_memory_figures *figures = census->figures;
	const struct glibc_arena_vector *arenas = &census->malloc.arenas;

	figures->malloc_count = arenas->count;
	figures->torn_mallocs = census->malloc.torn_arenas;
	figures->mallocs = mem_calloc(arenas->count, sizeof(*figures->mallocs));
	if (!figures->mallocs)
		return error_enomem();
	for (size_t i = 0; i < arenas->count; i++) {
		figures->mallocs[i].address = arenas->items[i].addr;
		figures->mallocs[i].system_bytes = arenas->items[i].system_bytes;
		figures->mallocs[i].is_main = arenas->items[i].is_main;
	}
	return NULL;
}

static struct error *prepare(struct census *census)
{
	const struct heap_graph *graph = census->builder->graph;
	struct error *err;

	census->window = mem_alloc(HEAP_WINDOW_BYTES);
	census->figures->types = mem_calloc(graph->type_count, sizeof(*census->figures->types));
	census->figures->type_count = graph->type_count;
	if (!census->window || !census->figures->types)
		return error_enomem();
	err = glibc_malloc_open(census->builder->target, &census->malloc);
	if (!err)
		err = take_mallocs(census);
	if (!err)
		err = list_others(census);
	if (!err)
		err = census_find_areas(census);
	census->foreign = census_foreign_allocator(census);
	census->figures->allocator = census->foreign               ? census->foreign
				     : census->malloc.arenas.count ? "glibc malloc"
								   : "";
	return err;
}

static void census_deinit(struct census *census)
{
	glibc_malloc_close(&census->malloc);
	area_vector_deinit(&census->areas);
	arena_vector_deinit(&census->arenas);
	other_vector_deinit(&census->others);
	loose_vector_deinit(&census->loose);
	class_vector_deinit(&census->classes);
	mem_free(census->window);
}

struct error *heap_memory_measure(
	struct heap_memory *memory, const uint8_t *fates, struct heap_memory_figures *ret)
{
	_cleanup_(heap_memory_figures_deinit) struct heap_memory_figures figures = {0};
	struct mapping_figures_vector mappings = {0};
	struct census census = {
		.builder = memory->builder, .memory = memory, .fates = fates, .figures = &figures};
	struct error *err;

	if (memory->file)
		return heap_file_load_memory(memory->file, ret);
	err = prepare(&census);
	if (!err)
		err = census_count_mappings(&census, &mappings);
	figures.mappings = mappings.items;
	figures.mapping_count = mappings.count;
	if (!err)
		err = census_find_owners(&census);
	if (!err) {
		take_classes(&census);
		sum_usage(&census);
		split_rounding(&figures);
		for (size_t i = 0; i < figures.malloc_count; i++)
			figures.trim_bytes += figures.mallocs[i].trim;
		figures.arena_count = census.arenas.count;
		figures.arenas = take(census.arenas.items);
		*ret = figures;
		figures = (struct heap_memory_figures){0};
	}
	census_deinit(&census);
	return err;
}
