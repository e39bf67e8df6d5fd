// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "heap/heap_census.h"

#include "base/search.h"

// Mostly asked in ascending order.
size_t census_find_run(struct census *census, remote_addr addr)
{
	const struct page_run_vector *runs = &census->memory->runs;

	if (census->run < runs->count && runs->items[census->run].start <= addr &&
		addr < runs->items[census->run].end)
		return census->run;
	return census->run = partition_point(i, runs->count, runs->items[i].end <= addr);
}

uint64_t census_resident(struct census *census, remote_addr start, remote_addr end)
{
	const struct page_run_vector *runs = &census->memory->runs;
	uint64_t bytes = 0;

	if (start >= end)
		return 0;
	for (size_t i = census_find_run(census, start);
		i < runs->count && runs->items[i].start < end; i++) {
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

void census_count_object(struct census *census, node_id node)
{
	const struct heap_graph *graph = census->builder->graph;
	struct heap_memory_type *type = &census->figures->types[heap_type_of(graph, node)];
	enum heap_fate fate = (enum heap_fate)census->fates[node];

	type->objects++;
	type->objects_by_fate[fate]++;
	if (fate == HEAP_FATE_LIVE)
		type->size += heap_size_of(graph, node);
}

uint64_t census_claim_object(
	struct census *census, remote_addr start, remote_addr end, node_id node, bool is_start)
{
	struct heap_memory_type *type =
		&census->figures->types[heap_type_of(census->builder->graph, node)];
	enum heap_fate fate = (enum heap_fate)census->fates[node];
	uint64_t bytes = census_claim(census, start, end, fate_parts[fate]);

	type->bytes += bytes;
	type->by_fate[fate] += bytes;
	if (is_start)
		census_count_object(census, node);
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
