// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "export/export_mem.h"

#include "export/json_object.h"

#include <inttypes.h>
#include <stdio.h>

#define TYPES_SHOWN   50
#define CLASSES_SHOWN 50

// Takes @p value; the array is NULL once something failed.
static json_t *append(json_t *array, json_t *value)
{
	if (!array || json_array_append_new(array, value) != 0) {
		json_decref(array);
		return NULL;
	}
	return array;
}

static json_t *address_json(uint64_t address)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%" PRIx64, address);
	return json_string(text);
}

// Numbers that may not be known.
static json_t *bytes_json(uint64_t bytes)
{
	return bytes == UINT64_MAX ? json_null() : json_count(bytes);
}

// What only smaps knows.
static json_t *usage_json(const struct heap_memory_figures *figures, uint64_t bytes)
{
	return figures->has_usage ? json_count(bytes) : json_null();
}

static json_t *parts_json(const struct mem_report *report)
{
	const struct memory_report *memory = &report->memory;
	enum heap_memory_part parts[HEAP_PART_COUNT];
	size_t count = mem_report_parts(report, parts);
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++) {
		struct json_object object = json_object_begin();

		json_object_put(&object, "part", json_string(heap_memory_part_name(parts[i])));
		json_object_put(&object, "bytes", json_count(memory->figures.part_bytes[parts[i]]));
		json_object_put(&object, "what", json_string(heap_memory_part_text(parts[i])));
		json_object_put(&object, "cause",
			json_string(memory_cause_name(memory_part_cause(parts[i]))));
		json_object_put(&object, "gives_back", json_count(memory->gives_back[parts[i]]));
		array = append(array, json_object_end(&object));
	}
	return array;
}

static json_t *families_json(const struct mem_report *report)
{
	json_t *array = json_array();

	for (size_t i = 0; i < report->memory.family_count; i++) {
		const struct memory_family *family = &report->memory.families[i];
		struct json_object object = json_object_begin();

		json_object_put(&object, "family", json_string(family->name));
		json_object_put(&object, "objects", json_count(family->objects));
		json_object_put(&object, "bytes", json_count(family->bytes));
		json_object_put(&object, "rounding", json_count(family->rounding));
		array = append(array, json_object_end(&object));
	}
	return array;
}

static json_t *types_json(const struct mem_report *report)
{
	uint32_t types[TYPES_SHOWN];
	size_t count = mem_report_types(report, types, TYPES_SHOWN);
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++) {
		const struct heap_memory_type *type = &report->memory.figures.types[types[i]];
		struct json_object object = json_object_begin();

		json_object_put(&object, "type", json_text(report->graph->types[types[i]].name));
		json_object_put(&object, "objects", json_count(type->objects));
		json_object_put(&object, "bytes", json_count(type->bytes));
		json_object_put(
			&object, "garbage_bytes", json_count(type->by_fate[HEAP_FATE_GARBAGE]));
		json_object_put(&object, "unexplained_objects",
			json_count(type->objects_by_fate[HEAP_FATE_UNEXPLAINED]));
		array = append(array, json_object_end(&object));
	}
	return array;
}

static json_t *garbage_json(const struct mem_report *report)
{
	const struct memory_report *memory = &report->memory;
	struct json_object object = json_object_begin();
	json_t *types = json_array(), *cycle = json_array();

	for (size_t i = 0; i < memory->garbage.type_count; i++) {
		const struct garbage_type *type = &memory->garbage.types[i];
		struct json_object item = json_object_begin();

		json_object_put(&item, "type", json_text(report->graph->types[type->type].name));
		json_object_put(&item, "objects", json_count(type->objects));
		json_object_put(&item, "bytes", json_count(type->bytes));
		types = append(types, json_object_end(&item));
	}
	for (size_t i = 0; i < memory->cycle_count; i++)
		cycle = append(cycle, json_text(memory->cycle[i]));
	json_object_put(&object, "objects", json_count(memory->garbage.collectable_objects));
	json_object_put(&object, "tracked_objects",
		json_count(memory->garbage.collectable_tracked_objects));
	json_object_put(&object, "uncollectable_objects",
		json_count(memory->garbage.uncollectable_objects));
	json_object_put(&object, "types", types);
	json_object_put(&object, "cycle", cycle);
	return json_object_end(&object);
}

static json_t *permanent_json(const struct memory_report *memory)
{
	struct json_object object = json_object_begin();

	json_object_put(&object, "objects", json_count(memory->permanent_objects));
	json_object_put(&object, "bytes", json_count(memory->permanent_bytes));
	json_object_put(
		&object, "immortal_objects", json_count(memory->permanent_immortal_objects));
	json_object_put(&object, "unreachable_objects", json_count(memory->garbage.frozen_objects));
	json_object_put(&object, "unreachable_bytes", json_count(memory->garbage.frozen_bytes));
	return json_object_end(&object);
}

static json_t *notes_json(const struct mem_report *report)
{
	json_t *array = json_array();

	for (size_t i = 0; i < report->note_count; i++)
		array = append(array, json_text(report->notes[i]));
	return array;
}

static json_t *pinners_json(const struct memory_report *memory)
{
	json_t *array = json_array();

	for (size_t i = 0; i < memory->pinner_count; i++) {
		const struct memory_pinner *pinner = &memory->pinners[i];
		struct json_object object = json_object_begin();

		json_object_put(&object, "path", json_text(pinner->path));
		json_object_put(&object, "type", json_text(pinner->type));
		json_object_put(&object, "arenas", json_count(pinner->arenas));
		array = append(array, json_object_end(&object));
	}
	return array;
}

static json_t *pymalloc_json(const struct memory_report *memory)
{
	const struct heap_memory_figures *figures = &memory->figures;
	struct json_object object = json_object_begin(), pinned = json_object_begin();
	uint64_t pools = 0, used_pools = 0, used_blocks = 0;

	for (size_t i = 0; i < figures->arena_count; i++) {
		pools += figures->arenas[i].pools;
		used_pools += figures->arenas[i].used_pools;
		used_blocks += figures->arenas[i].used_blocks;
	}
	json_object_put(&pinned, "arenas", json_count(memory->pinned_arenas));
	json_object_put(&pinned, "bytes", json_count(memory->pinned_bytes));
	json_object_put(&pinned, "used_bytes", json_count(memory->pinned_used_bytes));
	json_object_put(&pinned, "used_blocks", json_count(memory->pinned_objects));
	json_object_put(&pinned, "held_by", pinners_json(memory));
	json_object_put(&object, "arenas",
		figures->has_arena_table ? json_count(figures->arena_count) : json_null());
	json_object_put(&object, "pools", json_count(pools));
	json_object_put(&object, "used_pools", json_count(used_pools));
	json_object_put(&object, "used_blocks", json_count(used_blocks));
	json_object_put(&object, "pinned", json_object_end(&pinned));
	return json_object_end(&object);
}

static json_t *arenas_json(const struct heap_memory_figures *figures)
{
	json_t *array = json_array();

	for (size_t i = 0; i < figures->malloc_count; i++) {
		const struct heap_memory_malloc *malloc = &figures->mallocs[i];
		struct json_object object = json_object_begin();

		json_object_put(&object, "address", address_json(malloc->address));
		json_object_put(&object, "main", json_boolean(malloc->is_main));
		json_object_put(&object, "system_bytes", json_count(malloc->system_bytes));
		json_object_put(&object, "resident", json_count(malloc->resident));
		json_object_put(&object, "used_python", json_count(malloc->used_python));
		json_object_put(&object, "used_other", json_count(malloc->used_other));
		json_object_put(&object, "cached", json_count(malloc->cached));
		json_object_put(&object, "free", json_count(malloc->free));
		json_object_put(&object, "top", json_count(malloc->top));
		json_object_put(&object, "trim", json_count(malloc->trim));
		array = append(array, json_object_end(&object));
	}
	return array;
}

// Of C code's blocks, the sizes that have most bytes.
static json_t *classes_json(const struct heap_memory_figures *figures)
{
	size_t best[CLASSES_SHOWN], count = 0;
	json_t *array = json_array();

	for (size_t i = 0; i < figures->class_count; i++) {
		size_t at = count;

		if (count == CLASSES_SHOWN &&
			figures->classes[best[count - 1]].bytes >= figures->classes[i].bytes)
			continue;
		at = count < CLASSES_SHOWN ? count++ : count - 1;
		for (; at > 0 && figures->classes[best[at - 1]].bytes < figures->classes[i].bytes;
			at--)
			best[at] = best[at - 1];
		best[at] = i;
	}
	for (size_t i = 0; i < count; i++) {
		const struct heap_memory_class *class = &figures->classes[best[i]];
		struct json_object object = json_object_begin();

		json_object_put(&object, "size", json_count(class->size));
		json_object_put(&object, "count", json_count(class->count));
		json_object_put(&object, "bytes", json_count(class->bytes));
		array = append(array, json_object_end(&object));
	}
	return array;
}

static json_t *malloc_json(const struct heap_memory_figures *figures)
{
	struct json_object object = json_object_begin();

	json_object_put(&object, "allocator",
		*figures->allocator ? json_text(figures->allocator) : json_null());
	json_object_put(&object, "trim_bytes", json_count(figures->trim_bytes));
	json_object_put(&object, "mapped_chunks", json_count(figures->mapped_chunks));
	json_object_put(&object, "mapped_chunk_bytes", json_count(figures->mapped_chunk_bytes));
	json_object_put(&object, "torn_arenas", json_count(figures->torn_mallocs));
	json_object_put(&object, "arenas", arenas_json(figures));
	json_object_put(&object, "c_sizes", classes_json(figures));
	return json_object_end(&object);
}

static json_t *owners_json(const struct heap_memory_figures *figures)
{
	json_t *array = json_array();

	for (size_t i = 0; i < figures->owner_count; i++) {
		const struct heap_memory_owner *owner = &figures->owners[i];
		struct json_object object = json_object_begin();

		json_object_put(
			&object, owner->is_library ? "library" : "type", json_text(owner->name));
		json_object_put(&object, "part", json_string(heap_memory_part_name(owner->part)));
		json_object_put(&object, "bytes", json_count(owner->bytes));
		json_object_put(&object, "count", json_count(owner->count));
		array = append(array, json_object_end(&object));
	}
	return array;
}

static json_t *remedies_json(const struct memory_report *memory)
{
	json_t *array = json_array();

	for (size_t i = 0; i < memory->remedy_count; i++) {
		const struct memory_remedy *remedy = &memory->remedies[i];
		struct json_object object = json_object_begin();

		json_object_put(&object, "remedy", json_string(remedy->name));
		json_object_put(&object, "what", json_text(remedy->what));
		json_object_put(&object, "freed_bytes", json_count(remedy->freed_bytes));
		json_object_put(&object, "returned_bytes", json_count(remedy->returned_bytes));
		array = append(array, json_object_end(&object));
	}
	return array;
}

static json_t *mappings_json(const struct heap_memory_figures *figures)
{
	json_t *array = json_array();

	for (size_t i = 0; i < figures->mapping_count; i++) {
		const struct heap_memory_mapping *mapping = &figures->mappings[i];
		struct json_object object = json_object_begin();

		json_object_put(&object, "start", address_json(mapping->start));
		json_object_put(&object, "end", address_json(mapping->end));
		json_object_put(&object, "path", json_text(mapping->path));
		json_object_put(&object, "rss", json_count(mapping->rss));
		json_object_put(&object, "pss", usage_json(figures, mapping->pss));
		json_object_put(&object, "shared", usage_json(figures, mapping->shared));
		json_object_put(&object, "swap", usage_json(figures, mapping->swap));
		json_object_put(&object, "unexplained", json_count(mapping->unexplained));
		json_object_put(
			&object, "part", json_string(heap_memory_part_name(mapping->main_part)));
		array = append(array, json_object_end(&object));
	}
	return array;
}

static json_t *largest_json(const struct memory_report *memory)
{
	struct json_object object;

	if (!memory->largest_path)
		return json_null();
	object = json_object_begin();
	json_object_put(&object, "path", json_text(memory->largest_path));
	json_object_put(&object, "type", json_text(memory->largest_type));
	json_object_put(&object, "bytes", json_count(memory->largest_bytes));
	return json_object_end(&object);
}

struct error *export_mem_json(const struct mem_report *report, char **ret)
{
	const struct memory_report *memory = &report->memory;
	const struct heap_memory_figures *figures = &memory->figures;
	struct json_object root = json_object_begin();

	json_object_put(&root, "schema", json_string("shikari.mem/1"));
	json_object_put(&root, "pid", report->pid ? json_integer(report->pid) : json_null());
	json_object_put(&root, "python", json_text(report->python));
	json_object_put(&root, "executable", json_text(report->executable));
	json_object_put(&root, "command_line", json_text(report->command_line));
	json_object_put(&root, "threads", json_count(report->threads));
	json_object_put(&root, "source", json_string(report->source));
	json_object_put(&root, "mode", report->mode ? json_string(report->mode) : json_null());
	json_object_put(&root, "stopped_ms", json_decimal(report->stopped_ms));
	json_object_put(&root, "rss_bytes", json_count(figures->rss_bytes));
	json_object_put(&root, "smaps", json_boolean(figures->has_usage));
	json_object_put(&root, "core_bytes",
		figures->has_usage ? json_null() : json_count(figures->core_bytes));
	json_object_put(&root, "pss_bytes", usage_json(figures, figures->pss_bytes));
	json_object_put(&root, "swap_bytes", usage_json(figures, figures->swap_bytes));
	json_object_put(&root, "private_bytes", usage_json(figures, figures->private_bytes));
	json_object_put(&root, "cow_shared_bytes", usage_json(figures, figures->cow_shared_bytes));
	json_object_put(&root, "limit_bytes", bytes_json(figures->limit_bytes));
	json_object_put(&root, "headroom_bytes", bytes_json(figures->headroom_bytes));
	json_object_put(&root, "explained_bytes", json_count(memory->explained_bytes));
	json_object_put(&root, "explained_ratio", json_decimal(memory->explained_ratio));
	json_object_put(&root, "parts", parts_json(report));
	json_object_put(&root, "cause", json_string(memory_cause_name(memory->cause)));
	json_object_put(&root, "verdict", json_text(memory->verdict));
	json_object_put(&root, "remedies", remedies_json(memory));
	json_object_put(&root, "largest", largest_json(memory));
	json_object_put(&root, "families", families_json(report));
	json_object_put(&root, "types", types_json(report));
	json_object_put(&root, "garbage", garbage_json(report));
	json_object_put(&root, "permanent", permanent_json(memory));
	json_object_put(&root, "pymalloc", pymalloc_json(memory));
	json_object_put(&root, "malloc", malloc_json(figures));
	json_object_put(&root, "owners", owners_json(figures));
	json_object_put(&root, "mappings", report->has_maps ? mappings_json(figures) : json_null());
	json_object_put(&root, "notes", notes_json(report));
	return json_print(json_object_end(&root), ret);
}
