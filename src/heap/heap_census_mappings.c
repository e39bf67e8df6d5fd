// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
// Who has which part of the address space, mapping by mapping.
#include "heap/heap_census.h"

#include "base/error.h"
#include "base/limits.h"
#include "base/sort.h"
#include "cpython/pyruntime.h"

#include <string.h>

#define PAGE_BYTES 4096ull

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

struct error *census_find_areas(struct census *census)
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

// The mapping is told as a whole, by the type of an object that has memory in it; but each object in it
// is counted: it may have its table elsewhere.
static void count_mapped(struct census *census, remote_addr start, remote_addr end, node_id node)
{
	uint64_t bytes = census_claim(census, start, end, HEAP_PART_MAPPED);
	const struct census_other *other;

	census->figures->types[heap_type_of(census->builder->graph, node)].mapped_bytes += bytes;
	while ((other = census_find_other(census, start, end)) != NULL) {
		census_count_object(census, other->node);
		start = other->addr + 1;
	}
}

// The zero-initialised data of the library before it. The kernel merges it with what an allocator was given
// behind it: that begins with the page of the first object at the latest.
static remote_addr find_data_end(struct census *census, remote_addr start, remote_addr end)
{
	const struct heap_part *part = census_find_part(census, start, end);
	const struct census_other *other = census_find_other(census, start, end);
	remote_addr first = part ? part->addr : end;

	while (other && heap_has_flag(census->builder->graph, other->node, HEAP_NODE_STATIC))
		other = census_find_other(census, other->addr + 1, end);
	if (other && other->addr < first)
		first = other->addr;
	return first < end ? first & ~(PAGE_BYTES - 1) : end;
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
	if (start == mapping->start && before && before->inode && before->end == mapping->start) {
		remote_addr data_end = find_data_end(census, start, end);

		census_claim(census, start, data_end, HEAP_PART_LIBRARY_DATA);
		start = data_end;
		if (start == end)
			return NULL;
	}
	if (census->foreign) {
		census_count_foreign(census, start, end);
		return NULL;
	}
	other = census_find_other(census, start, end);
	part = census_find_part(census, start, end);
	if (other || part) {
		count_mapped(census, start, end, part ? part->node : other->node);
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
		size_t run = census_find_run(census, at);
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
	uint64_t rss = mapping_is_anonymous(mapping)
			       ? census_resident(census, mapping->start, mapping->end)
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
		  mapping_is_anonymous(&mappings->items[i]) && mappings->items[i].writable;
		i++)
		end = mappings->items[i].end;
	return end;
}

struct error *census_count_mappings(struct census *census, struct mapping_figures_vector *list)
{
	const struct mappings *mappings = target_mappings(census->builder->target);
	struct error *err = NULL;
	remote_addr done = 0;
	size_t area = 0;

	for (size_t i = 0; !err && i < mappings->count; i++) {
		const struct mapping *mapping = &mappings->items[i];

		census->room_end = room_behind(mappings, i);
		if (mapping_is_anonymous(mapping))
			err = count_anonymous(
				census, mapping, i ? mapping - 1 : NULL, &area, &done);
		else
			count_file(census, mapping);
		if (!err)
			err = end_mapping(census, mapping, list);
	}
	return err;
}
