// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "heap/heap_census.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/sort.h"
#include "cpython/pyruntime.h"
#include "heap/heap_file_memory.h"
#include "heap/heap_worker.h"
#include "target/core_file.h"
#include "target/headroom.h"

#include <string.h>

#define PAGE_BYTES 4096ull

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

static bool is_anonymous(const struct mapping *mapping)
{
	return !mapping->shared && !mapping->inode;
}

struct error *heap_memory_note_pages(struct heap_memory *memory, const struct target *target)
{
	const struct mappings *mappings = target_mappings(target);

	memory->runs.count = 0;
	for (size_t i = 0; i < mappings->count; i++) {
		const struct mapping *mapping = &mappings->items[i];
		struct error *err = NULL;

		if (is_anonymous(mapping) || !memory->has_usage)
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

// The first run that ends behind @p addr. Mostly asked in ascending order.
static size_t find_run(struct census *census, remote_addr addr)
{
	const struct page_run_vector *runs = &census->memory->runs;
	size_t low = 0, high = runs->count;

	if (census->run < runs->count && runs->items[census->run].start <= addr &&
		addr < runs->items[census->run].end)
		return census->run;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (runs->items[middle].end <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	return census->run = low;
}

uint64_t census_resident(struct census *census, remote_addr start, remote_addr end)
{
	const struct page_run_vector *runs = &census->memory->runs;
	uint64_t bytes = 0;

	if (start >= end)
		return 0;
	for (size_t i = find_run(census, start); i < runs->count && runs->items[i].start < end;
		i++) {
		remote_addr from = runs->items[i].start > start ? runs->items[i].start : start;
		remote_addr to = runs->items[i].end < end ? runs->items[i].end : end;

		bytes += to - from;
	}
	return bytes;
}

void census_add(struct census *census, enum heap_memory_part part, uint64_t bytes)
{
	census->mapping_parts[part] += bytes;
	census->figures->part_count[part]++;
	census->claimed += bytes;
}

uint64_t census_claim(
	struct census *census, remote_addr start, remote_addr end, enum heap_memory_part part)
{
	uint64_t bytes;

	if (start >= end)
		return 0;
	bytes = census_resident(census, start, end);
	census_add(census, part, bytes);
	return bytes;
}

static const enum heap_memory_part fate_parts[HEAP_FATE_COUNT] = {
	[HEAP_FATE_LIVE] = HEAP_PART_OBJECTS,
	[HEAP_FATE_GARBAGE] = HEAP_PART_GARBAGE,
	[HEAP_FATE_LOST] = HEAP_PART_LOST,
	[HEAP_FATE_UNEXPLAINED] = HEAP_PART_UNEXPLAINED_REFERENCES,
	[HEAP_FATE_FROZEN] = HEAP_PART_FROZEN,
};

uint64_t census_claim_object(
	struct census *census, remote_addr start, remote_addr end, node_id node, bool is_start)
{
	const struct heap_graph *graph = census->builder->graph;
	struct heap_memory_type *type = &census->figures->types[heap_type_of(graph, node)];
	enum heap_fate fate = (enum heap_fate)census->fates[node];
	uint64_t bytes = census_claim(census, start, end, fate_parts[fate]);

	type->bytes += bytes;
	type->by_fate[fate] += bytes;
	if (is_start) {
		type->objects++;
		type->objects_by_fate[fate]++;
		if (fate == HEAP_FATE_LIVE)
			type->size += heap_size_of(graph, node);
	}
	return bytes;
}

const struct heap_part *census_find_part(struct census *census, remote_addr start, remote_addr end)
{
	const struct heap_part_vector *parts = &census->builder->parts;

	while (census->part < parts->count && parts->items[census->part].addr < start)
		census->part++;
	return census->part < parts->count && parts->items[census->part].addr < end
		       ? &parts->items[census->part]
		       : NULL;
}

const struct census_other *census_find_other(
	struct census *census, remote_addr start, remote_addr end)
{
	while (census->other < census->others.count &&
		census->others.items[census->other].addr < start)
		census->other++;
	return census->other < census->others.count &&
			       census->others.items[census->other].addr < end
		       ? &census->others.items[census->other]
		       : NULL;
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

static int compare_areas(const void *left, const void *right)
{
	const struct census_area *a = left, *b = right;

	return (a->start > b->start) - (a->start < b->start);
}

// Pages of Python frames, from each thread back to its first (_PyStackChunk, 3.11 on).
static struct error *find_frames(struct census *census)
{
	struct heap_builder *builder = census->builder;
	const struct pylayout *layout = builder->python->layout;
	struct pyreader *reader = &builder->context.reader;

	if (!pylayout_has(layout->tstate.datastack_chunk))
		return NULL;
	for (size_t i = 0; i < builder->python->interpreters.count; i++) {
		_cleanup_(addr_vector_deinit) struct addr_vector threads = {0};
		struct error *err = pyruntime_threads(
			&builder->context, builder->python->interpreters.items[i], &threads);

		if (err)
			return err;
		for (size_t t = 0; t < threads.count; t++) {
			remote_addr chunk = pyreader_pointer(
				reader, threads.items[t] + layout->tstate.datastack_chunk);
			struct pychain chain = {0};

			while (pychain_goes_on(&chain, chunk) && chain.steps < LIMIT_FRAMES) {
				// previous, size in bytes
				uint64_t size = pyreader_pointer(reader, chunk + 8);

				if (chunk % PAGE_BYTES || size % PAGE_BYTES || !size ||
					size > 1u << 30)
					break;
				if (!area_vector_push(
					    &census->areas, (struct census_area){chunk,
								    chunk + size, AREA_FRAMES, 0}))
					return error_enomem();
				chunk = pyreader_pointer(reader, chunk);
			}
		}
	}
	return NULL;
}

static struct error *find_areas(struct census *census)
{
	struct error *err = census_find_arenas(census);
	size_t kept = 0;

	for (uint32_t i = 0; !err && i < census->malloc.heaps.count; i++) {
		const struct glibc_heap *heap = &census->malloc.heaps.items[i];

		if (!area_vector_push(&census->areas,
			    (struct census_area){heap->lead, heap->end, AREA_HEAP, i}))
			err = error_enomem();
	}
	if (!err)
		err = find_frames(census);
	if (err)
		return err;
	sort_items(census->areas.items, census->areas.count, sizeof(*census->areas.items),
		compare_areas);
	// What lies inside another is that one's.
	for (size_t i = 0; i < census->areas.count; i++) {
		if (!kept || census->areas.items[i].start >= census->areas.items[kept - 1].end)
			census->areas.items[kept++] = census->areas.items[i];
	}
	census->areas.count = kept;
	return NULL;
}

static bool holds_stack_pointer(const struct census *census, remote_addr start, remote_addr end)
{
	size_t count;
	const struct target_thread *threads = target_threads(census->builder->target, &count);

	for (size_t i = 0; i < count; i++) {
		if (threads[i].stack_pointer >= start && threads[i].stack_pointer < end)
			return true;
	}
	return false;
}

// Memory in an anonymous mapping that no allocator known has.
static struct error *count_rest(struct census *census, const struct mapping *mapping,
	const struct mapping *before, remote_addr start, remote_addr end)
{
	const struct census_other *other;
	const struct heap_part *part;
	uint64_t bytes;

	if (!census_resident(census, start, end))
		return NULL;
	if (strncmp(mapping->path, "[stack", 6) == 0 || holds_stack_pointer(census, start, end)) {
		census_claim(census, start, end, HEAP_PART_STACKS);
		return NULL;
	}
	if (mapping->path[0] == '[' && strncmp(mapping->path, "[heap]", 6) != 0 &&
		strncmp(mapping->path, "[anon", 5) != 0) {
		census_claim(census, start, end, HEAP_PART_KERNEL);
		return NULL;
	}
	// The zero-initialised data of the library before it.
	if (start == mapping->start && before && before->inode && before->end == mapping->start) {
		census_claim(census, start, end, HEAP_PART_LIBRARY_DATA);
		return NULL;
	}
	if (census->foreign) {
		census_count_foreign(census, start, end);
		return NULL;
	}
	other = census_find_other(census, start, end);
	part = census_find_part(census, start, end);
	if (other || part) {
		bytes = census_claim(census, start, end, HEAP_PART_MAPPED);
		census->figures
			->types[heap_type_of(
				census->builder->graph, part ? part->node : other->node)]
			.mapped_bytes += bytes;
		return NULL;
	}
	bytes = census_claim(census, start, end, HEAP_PART_UNEXPLAINED);
	return loose_vector_push(&census->loose,
		       (struct census_loose){.start = start, .end = end, .resident = bytes})
		       ? NULL
		       : error_enomem();
}

// The head of a chunk with a mapping of its own is at the beginning of a page. @p at is one; 0: no chunk.
static uint64_t mapped_chunk_at(struct census *census, remote_addr at, remote_addr end)
{
	uint8_t head[GLIBC_CHUNK_HEAD];

	if (!census->malloc.arenas.count ||
		target_read_some(census->builder->target, at, head, sizeof(head)) != sizeof(head))
		return 0;
	return glibc_mapped_chunk(head, at, end - at);
}

// Between areas: chunks of malloc that have a mapping of their own, and the rest.
// They may go on behind @p end, in the mapping that follows: where numpy advised huge pages, say. Returns
// through @p ret_done how far was counted.
static struct error *count_gap(struct census *census, const struct mapping *mapping,
	const struct mapping *before, remote_addr start, remote_addr end, remote_addr *ret_done)
{
	remote_addr rest = start, at = (start + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
	const struct page_run_vector *runs = &census->memory->runs;

	while (at < end) {
		size_t run = find_run(census, at);
		struct glibc_chunk chunk = {.addr = at, .state = GLIBC_USED};
		struct error *err;

		// The head of a chunk was written.
		if (run == runs->count || runs->items[run].start >= end)
			break;
		if (runs->items[run].start > at) {
			at = runs->items[run].start;
			continue;
		}
		chunk.size =
			mapped_chunk_at(census, at, end < mapping->end ? end : census->room_end);
		if (!chunk.size) {
			at += PAGE_BYTES;
			continue;
		}
		err = count_rest(census, mapping, before, rest, at);
		if (!err)
			err = census_count_used(census, &chunk, CENSUS_NO_HEAP);
		if (err)
			return err;
		census->figures->mapped_chunks++;
		census->figures->mapped_chunk_bytes += census_resident(census, at, at + chunk.size);
		rest = at += chunk.size;
	}
	*ret_done = rest > end ? rest : end;
	return count_rest(census, mapping, before, rest, end);
}

static struct error *count_area(struct census *census, const struct census_area *area)
{
	switch (area->kind) {
	case AREA_ARENA:
		census_count_arena(census, area);
		break;
	case AREA_POOL:
		census_count_pool(census, area);
		break;
	case AREA_FRAMES:
		census_claim(census, area->start, area->end, HEAP_PART_PYTHON_STACKS);
		break;
	case AREA_HEAP:
		return census_count_heap(census, area);
	}
	return NULL;
}

// Areas lie in one mapping, but for the brk heap, which can be several: then its second mapping is
// counted already where it begins.
static struct error *count_anonymous(struct census *census, const struct mapping *mapping,
	const struct mapping *before, size_t *area, remote_addr *done)
{
	remote_addr at = mapping->start > *done ? mapping->start : *done;
	struct error *err = NULL;

	for (; !err && *area < census->areas.count; (*area)++) {
		const struct census_area *next = &census->areas.items[*area];

		if (next->start >= mapping->end)
			break;
		if (next->start < at)
			continue;
		err = count_gap(census, mapping, before, at, next->start, &at);
		if (!err)
			err = count_area(census, next);
		at = next->end;
	}
	if (!err && at < mapping->end)
		err = count_gap(census, mapping, before, at, mapping->end, &at);
	*done = at > mapping->end ? at : mapping->end;
	return err;
}

// What smaps said of the part of the address space that a mapping is now.
static struct usage_mapping usage_of(const struct census *census, const struct mapping *mapping)
{
	const struct usage *usage = &census->memory->usage;
	struct usage_mapping sum = {0};

	for (size_t i = usage_lower_bound(usage, mapping->start);
		i < usage->count && usage->items[i].start < mapping->end; i++) {
		if (usage->items[i].start < mapping->start)
			continue;
		sum.rss += usage->items[i].rss;
		sum.pss += usage->items[i].pss;
		sum.shared += usage->items[i].shared;
		sum.anonymous += usage->items[i].anonymous;
		sum.swap += usage->items[i].swap;
	}
	return sum;
}

// A core has of a file what was written to it (data that was made read-only meanwhile, too), and its head.
static struct usage_mapping guess_usage(struct census *census, const struct mapping *mapping)
{
	uint64_t bytes = census_resident(census, mapping->start, mapping->end);
	bool is_written = mapping->writable || (!mapping->executable && mapping->offset);

	return (struct usage_mapping){.rss = bytes, .anonymous = is_written ? bytes : 0};
}

// Files and shared memory are as the kernel says: a clone has not all of their pages.
static void count_file(struct census *census, const struct mapping *mapping)
{
	struct usage_mapping usage = census->memory->has_usage ? usage_of(census, mapping)
							       : guess_usage(census, mapping);
	uint64_t written = usage.anonymous < usage.rss ? usage.anonymous : usage.rss;

	if (mapping->shared && (mapping->writable || !mapping->inode)) {
		census_add(census, HEAP_PART_SHARED, usage.rss);
		return;
	}
	census_add(census, HEAP_PART_LIBRARY_DATA, written);
	census_add(census, HEAP_PART_FILES, usage.rss - written);
}

static struct error *end_mapping(
	struct census *census, const struct mapping *mapping, struct mapping_figures_vector *list)
{
	// What began in the mapping before was counted there.
	uint64_t rss = is_anonymous(mapping) ? census_resident(census, mapping->start, mapping->end)
					     : census->claimed;
	struct usage_mapping usage = usage_of(census, mapping);
	struct heap_memory_mapping found = {
		.start = mapping->start,
		.end = mapping->end,
		.path = mapping->path,
		.rss = rss,
		.unexplained = census->mapping_parts[HEAP_PART_UNEXPLAINED],
		.swap = usage.swap,
		.pss = usage.pss,
		.shared = usage.shared,
		.main_part = HEAP_PART_UNEXPLAINED,
	};

	for (size_t part = 0; part < HEAP_PART_COUNT; part++) {
		census->figures->part_bytes[part] += census->mapping_parts[part];
		if (census->mapping_parts[part] > census->mapping_parts[found.main_part])
			found.main_part = (enum heap_memory_part)part;
	}
	if (!census->claimed && rss && list->count)
		found.main_part = list->items[list->count - 1].main_part;
	census->figures->rss_bytes += census->claimed;
	census->claimed = 0;
	memset(census->mapping_parts, 0, sizeof(census->mapping_parts));
	return mapping_figures_vector_push(list, found) ? NULL : error_enomem();
}

// The end of the writable anonymous memory that follows mapping number @p i without a gap.
static remote_addr room_behind(const struct mappings *mappings, size_t i)
{
	remote_addr end = mappings->items[i].end;

	for (i++; i < mappings->count && mappings->items[i].start == end &&
		  is_anonymous(&mappings->items[i]) && mappings->items[i].writable;
		i++)
		end = mappings->items[i].end;
	return end;
}

static struct error *count_mappings(struct census *census, struct mapping_figures_vector *list)
{
	const struct mappings *mappings = target_mappings(census->builder->target);
	struct error *err = NULL;
	remote_addr done = 0;
	size_t area = 0;

	for (size_t i = 0; !err && i < mappings->count; i++) {
		const struct mapping *mapping = &mappings->items[i];

		census->room_end = room_behind(mappings, i);
		if (is_anonymous(mapping))
			err = count_anonymous(
				census, mapping, i ? mapping - 1 : NULL, &area, &done);
		else
			count_file(census, mapping);
		if (!err)
			err = end_mapping(census, mapping, list);
	}
	return err;
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
		err = find_areas(census);
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
		err = count_mappings(&census, &mappings);
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
