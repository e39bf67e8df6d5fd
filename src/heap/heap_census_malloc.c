// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "heap/heap_census.h"

#include "base/error.h"
#include "base/limits.h"

#include <string.h>

// An object begins in its block behind at most a pre-header and a GC head.
#define OBJECT_OFFSET_MAX  32
// 2.7 makes ints and floats in blocks of about 1000 bytes: a link, and places (PyIntBlock of
// Objects/intobject.c, PyFloatBlock of Objects/floatobject.c). A free place has the next free one where
// the type would be.
#define NUMBER_BLOCK_BYTES 1000
#define NUMBER_BYTES       24
#define NUMBER_PLACES      ((NUMBER_BLOCK_BYTES - 8) / NUMBER_BYTES)
// Sizes of C code's blocks that are told apart.
#define CLASS_SLOTS_START  1024
#define CLASSES_MAX        (1u << 20)

static struct heap_memory_class *find_class(
	struct heap_memory_class *classes, size_t slots, uint64_t size)
{
	size_t i = (size_t)(size * 0x9e3779b97f4a7c15ull >> 32) & (slots - 1);

	while (classes[i].size && classes[i].size != size)
		i = (i + 1) & (slots - 1);
	return &classes[i];
}

static bool grow_classes(struct census *census)
{
	size_t slots = census->class_slots ? census->class_slots * 2 : CLASS_SLOTS_START;
	struct heap_memory_class *classes = mem_calloc(slots, sizeof(*classes));

	if (!classes)
		return false;
	for (size_t i = 0; i < census->class_slots; i++) {
		const struct heap_memory_class *old = &census->classes.items[i];

		if (old->size)
			*find_class(classes, slots, old->size) = *old;
	}
	mem_free(census->classes.items);
	census->classes.items = classes;
	census->class_slots = slots;
	return true;
}

static struct error *count_class(struct census *census, uint64_t size, uint64_t resident)
{
	struct heap_memory_class *class;

	if (census->classes.count * 2 >= census->class_slots &&
		census->classes.count < CLASSES_MAX && !grow_classes(census))
		return error_enomem();
	class = find_class(census->classes.items, census->class_slots, size);
	if (!class->size && census->classes.count == CLASSES_MAX)
		return NULL;
	census->classes.count += !class->size;
	class->size = size;
	class->count++;
	class->bytes += resident;
	return NULL;
}

// Which kind of number is at this place of a block of them? 0: none, the place is free.
static bool read_place(struct census *census, remote_addr addr, const uint8_t *place,
	remote_addr block, remote_addr *type)
{
	const struct python *python = census->builder->python;
	uint64_t word = load_u64(place + python->layout->object.ob_type);
	uint32_t index = word ? pytypes_find(python->types, word) : PYTYPE_NONE;

	(void)addr;
	(void)block;
	if (index != PYTYPE_NONE && python->types->list.items[index].kind == PYKIND_NUMBER) {
		if (*type && *type != word)
			return false;
		*type = word;
		return true;
	}
	// A link leads to a place of this or another block, the last one nowhere.
	return !word || (word % 8 == 0 && mappings_is_writable(
						  target_mappings(census->builder->target), word));
}

// A block of ints or floats: each place is claimed for itself. False if it is none.
static bool count_numbers(struct census *census, const struct glibc_chunk *chunk)
{
	const struct python *python = census->builder->python;
	remote_addr first = chunk->addr + GLIBC_CHUNK_HEAD + 8;
	uint8_t bytes[NUMBER_PLACES * NUMBER_BYTES];
	remote_addr type = 0;
	uint32_t live = 0;

	if (!pylayout_has(python->layout->old_int.ob_ival) || chunk->size < 8 + 8 + sizeof(bytes) ||
		chunk->size > NUMBER_BLOCK_BYTES + 32 ||
		target_read_some(census->builder->target, first, bytes, sizeof(bytes)) !=
			sizeof(bytes))
		return false;
	for (uint32_t i = 0; i < NUMBER_PLACES; i++) {
		if (!read_place(census, first + i * NUMBER_BYTES, bytes + i * NUMBER_BYTES,
			    chunk->addr, &type))
			return false;
	}
	census_claim(census, chunk->addr, first, HEAP_PART_NUMBER_BLOCKS);
	for (uint32_t i = 0; i < NUMBER_PLACES; i++) {
		const uint8_t *place = bytes + i * NUMBER_BYTES;
		remote_addr addr = first + i * NUMBER_BYTES;
		bool is_live = type && load_u64(place + python->layout->object.ob_type) == type;
		const struct census_other *other =
			census_find_other(census, addr, addr + NUMBER_BYTES);

		live += is_live;
		if (is_live && other)
			census_claim_object(census, addr, addr + NUMBER_BYTES, other->node, true);
		else
			census_claim(census, addr, addr + NUMBER_BYTES,
				is_live ? HEAP_PART_OBJECTS : HEAP_PART_NUMBER_BLOCKS);
	}
	census_claim(
		census, first + sizeof(bytes), chunk->addr + chunk->size, HEAP_PART_NUMBER_BLOCKS);
	return true;
}

static struct heap_memory_malloc *malloc_of(struct census *census, uint32_t heap)
{
	if (heap == CENSUS_NO_HEAP)
		return NULL;
	return &census->figures->mallocs[census->malloc.heaps.items[heap].arena];
}

static void add_python(struct census *census, uint32_t heap, node_id node, uint64_t bytes)
{
	struct heap_memory_malloc *malloc = malloc_of(census, heap);

	if (malloc)
		malloc->used_python += bytes;
	else if (census->fates[node] == HEAP_FATE_GARBAGE)
		census->figures->garbage_returned += bytes;
	else if (census->fates[node] == HEAP_FATE_FROZEN)
		census->figures->frozen_returned += bytes;
}

static struct error *count_c_code(
	struct census *census, const struct glibc_chunk *chunk, uint32_t heap)
{
	remote_addr end = chunk->addr + chunk->size;
	uint64_t bytes = census_claim(census, chunk->addr, end, HEAP_PART_C_OTHER);
	struct heap_memory_malloc *malloc = malloc_of(census, heap);

	if (malloc)
		malloc->used_other += bytes;
	if (census->loose.count < LIMIT_LOOSE_BLOCKS &&
		!loose_vector_push(&census->loose,
			(struct census_loose){.start = chunk->addr + GLIBC_CHUNK_HEAD,
				.end = end,
				.resident = bytes,
				.is_chunk = true}))
		return error_enomem();
	return count_class(census, chunk->size - 8, bytes);
}

// A block that an object of a C type leads to: its buffer, or what it shares with others.
static void count_led_to(
	struct census *census, const struct glibc_chunk *chunk, uint32_t heap, node_id node)
{
	struct heap_memory_type *type =
		&census->figures->types[heap_type_of(census->builder->graph, node)];
	struct heap_memory_malloc *malloc = malloc_of(census, heap);
	uint64_t bytes =
		census_claim(census, chunk->addr, chunk->addr + chunk->size, HEAP_PART_C_OWNED);

	type->c_bytes += bytes;
	type->c_blocks++;
	if (malloc)
		malloc->used_other += bytes;
}

struct error *census_count_used(
	struct census *census, const struct glibc_chunk *chunk, uint32_t heap)
{
	remote_addr start = chunk->addr + GLIBC_CHUNK_HEAD, end = chunk->addr + chunk->size;
	const struct census_other *other;
	const struct heap_part *part;

	if (count_numbers(census, chunk)) {
		add_python(census, heap, HEAP_ROOT, census_resident(census, chunk->addr, end));
		return NULL;
	}
	other = census_find_other(census, start, end);
	if (other && other->addr - start <= OBJECT_OFFSET_MAX) {
		add_python(census, heap, other->node,
			census_claim_object(census, chunk->addr, end, other->node, true));
		return NULL;
	}
	// A chunk goes on into the next one's first word.
	part = census_find_part(census, start, end + 8);
	if (part && !part->distance) {
		add_python(census, heap, part->node,
			census_claim_object(census, chunk->addr, end, part->node, false));
		return NULL;
	}
	if (part) {
		count_led_to(census, chunk, heap, part->node);
		return NULL;
	}
	return count_c_code(census, chunk, heap);
}

static const enum heap_memory_part state_parts[] = {
	[GLIBC_TCACHE] = HEAP_PART_MALLOC_CACHED,
	[GLIBC_FAST] = HEAP_PART_MALLOC_CACHED,
	[GLIBC_BIN] = HEAP_PART_MALLOC_FREE,
	[GLIBC_TOP] = HEAP_PART_MALLOC_TOP,
	[GLIBC_OWN] = HEAP_PART_MALLOC_OWN,
};

static void count_free(
	struct census *census, const struct glibc_chunk *chunk, struct heap_memory_malloc *malloc)
{
	uint64_t bytes = census_claim(
		census, chunk->addr, chunk->addr + chunk->size, state_parts[chunk->state]);

	if (chunk->state == GLIBC_TCACHE || chunk->state == GLIBC_FAST)
		malloc->cached += bytes;
	else if (chunk->state == GLIBC_BIN)
		malloc->free += bytes;
	else if (chunk->state == GLIBC_TOP)
		malloc->top += bytes;
}

static void count_trim(struct census *census, struct glibc_trim *trim,
	const struct glibc_chunk *chunk, struct heap_memory_malloc *malloc)
{
	remote_addr start, end;

	if (glibc_trim_next(trim, chunk, &start, &end)) {
		uint64_t bytes = census_resident(census, start, end);

		malloc->trim += bytes;
		if (chunk && chunk->state == GLIBC_TOP)
			malloc->trim_top += bytes;
	}
}

struct error *census_count_heap(struct census *census, const struct census_area *area)
{
	const struct glibc_heap *heap = &census->malloc.heaps.items[area->index];
	struct heap_memory_malloc *malloc = malloc_of(census, area->index);
	_cleanup_(glibc_walk_destroy) struct glibc_walk *walk = NULL;
	struct glibc_trim trim = {.is_main = malloc->is_main};
	struct glibc_chunk chunk;
	struct error *err = glibc_walk_create(&census->malloc, &walk);

	if (err)
		return err;
	malloc->resident += census_resident(census, heap->lead, heap->end);
	census_claim(census, heap->lead, heap->start, HEAP_PART_MALLOC_OWN);
	glibc_walk_begin(walk, heap);
	while (!err && glibc_walk_next(walk, &chunk)) {
		count_trim(census, &trim, &chunk, malloc);
		if (chunk.state == GLIBC_USED)
			err = census_count_used(census, &chunk, area->index);
		else
			count_free(census, &chunk, malloc);
	}
	count_trim(census, &trim, NULL, malloc);
	return err;
}
