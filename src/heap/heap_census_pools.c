// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/*
 * pymalloc's memory: arenas of pools of blocks.
 *
 * The table of arenas is found without symbols: some word of the interpreter's data (2.7 to 3.11, and
 * 3.13 on: of the static state; 3.12: of the interpreter's) points to it, and entry `arenaindex` of a
 * pool's header is the arena that the pool lies in. Interpreters with a state of their own (3.12) have
 * such a word in their memory, or one step away. Source: Objects/obmalloc.c, pycore_obmalloc.h.
 */
#include "heap/heap_census.h"

#include "base/error.h"
#include "base/limits.h"
#include "base/search.h"
#include "base/sort.h"
#include "cpython/pydict.h"
#include "cpython/pymalloc.h"
#include "heap/heap_words.h"
#include "heap/heap_worker.h"

#include <string.h>

// 256 KiB, 1 MiB, or 2 MiB of huge pages (ARENA_BITS).
#define ARENA_BYTES_MIN ((uint64_t)256 << 10)
#define ARENA_BYTES_MAX ((uint64_t)4 << 20)
// allarenas in an interpreter's own state, whose address is a word of the interpreter's
// (pycore_obmalloc.h, 3.13: struct _obmalloc_state begins with pools, of 64 pointers).
#define STATE_WORDS     256
// Pools that seem to have no arena, each searched for: what only looks like a pool is rare.
#define TABLE_FAILURES  4

struct table_search {
	struct census *census;
	remote_addr pool; /* that has no arena yet */
	uint32_t index;   /* its arenaindex */
	remote_addr table;
};

static bool read_entry(struct census *census, remote_addr table, uint32_t index,
	struct heap_memory_arena *ret, remote_addr *ret_pools_end, uint32_t *ret_free)
{
	const struct pylayout *layout = census->builder->python->layout;
	uint64_t pool_bytes = layout->traits.pool_bytes;
	const uint8_t *entry = pyreader_bytes(&census->builder->context.reader,
		table + (uint64_t)index * layout->arena.size, layout->arena.size);
	uint64_t total;

	if (!entry)
		return false;
	ret->address = load_u64(entry + layout->arena.address);
	total = load_u32(entry + layout->arena.ntotalpools);
	*ret_pools_end = load_u64(entry + layout->arena.pool_address);
	*ret_free = load_u32(entry + layout->arena.nfreepools);
	// One pool less if the arena is not aligned.
	ret->bytes = (total + (ret->address % pool_bytes != 0)) * pool_bytes;
	ret->pools = (uint32_t)total;
	return true;
}

static bool is_arena(const struct census *census, const struct heap_memory_arena *arena,
	remote_addr pools_end, uint32_t free_pools)
{
	const struct mapping *mapping =
		mappings_find(target_mappings(census->builder->target), arena->address);

	return mapping && mapping->writable && !mapping->inode && arena->address % 4096 == 0 &&
	       arena->bytes >= ARENA_BYTES_MIN && arena->bytes <= ARENA_BYTES_MAX &&
	       !(arena->bytes & (arena->bytes - 1)) && free_pools <= arena->pools &&
	       pools_end >= arena->address && pools_end <= arena->address + arena->bytes;
}

// Is the table of the pool's arena at @p table?
static bool is_table(struct table_search *search, remote_addr table)
{
	struct heap_memory_arena arena = {0};
	remote_addr pools_end;
	uint32_t free_pools;

	return table % 8 == 0 &&
	       read_entry(search->census, table, search->index, &arena, &pools_end, &free_pools) &&
	       arena.address <= search->pool && search->pool < pools_end &&
	       is_arena(search->census, &arena, pools_end, free_pools);
}

static struct error *try_word(
	struct heap_builder *builder, remote_addr where, uint64_t value, void *user)
{
	struct table_search *search = user;

	(void)where;
	if (!search->table && mappings_is_writable(target_mappings(builder->target), value) &&
		is_table(search, value))
		search->table = value;
	return NULL;
}

// Words of an interpreter, and of what these lead to.
static void try_interpreter(struct table_search *search, remote_addr interpreter)
{
	struct heap_builder *builder = search->census->builder;
	struct pyreader *reader = &builder->context.reader;

	for (uint32_t at = 0; !search->table && at < builder->python->layout->interp.size;
		at += 8) {
		uint64_t word = pyreader_pointer(reader, interpreter + at);

		if (word < 4096 || word % 8 ||
			!mappings_is_writable(target_mappings(builder->target), word))
			continue;
		try_word(builder, 0, word, search);
		for (uint32_t i = 0; !search->table && i < STATE_WORDS; i++)
			try_word(builder, 0, pyreader_pointer(reader, word + i * 8), search);
	}
}

static struct error *find_table(struct table_search *search)
{
	struct heap_builder *builder = search->census->builder;
	struct heap_data_range range;
	struct error *err = NULL;
	size_t index = 0;

	search->table = 0;
	while (!err && !search->table && heap_words_next_range(builder, &index, &range))
		err = heap_words_visit(builder, range.start, range.end, try_word, search);
	for (size_t i = 0; !err && !search->table && i < builder->python->interpreters.count; i++)
		try_interpreter(search, builder->python->interpreters.items[i]);
	return err;
}

static int compare_arenas(const void *left, const void *right)
{
	const struct heap_memory_arena *a = left, *b = right;

	return (a->address > b->address) - (a->address < b->address);
}

// Entries follow each other; unused ones have no address, and behind the last is anything.
static struct error *read_table(struct census *census, remote_addr table)
{
	for (uint32_t i = 0; i < LIMIT_PYMALLOC_ARENAS; i++) {
		struct heap_memory_arena arena = {.first = HEAP_NODE_NONE, .last = HEAP_NODE_NONE};
		remote_addr pools_end;
		uint32_t free_pools;

		if (!read_entry(census, table, i, &arena, &pools_end, &free_pools))
			break;
		if (!arena.address)
			continue;
		if (!is_arena(census, &arena, pools_end, free_pools))
			break;
		if (!arena_vector_push(&census->arenas, arena))
			return error_enomem();
	}
	return NULL;
}

// Stale entries behind a table's end may name arenas that are there again.
static void sort_arenas(struct arena_vector *arenas)
{
	size_t kept = 0;

	sort_items(arenas->items, arenas->count, sizeof(*arenas->items), compare_arenas);
	for (size_t i = 0; i < arenas->count; i++) {
		if (!kept || arenas->items[i].address >= arenas->items[kept - 1].address +
								 arenas->items[kept - 1].bytes)
			arenas->items[kept++] = arenas->items[i];
	}
	arenas->count = kept;
}

static bool has_arena(const struct arena_vector *arenas, remote_addr addr)
{
	size_t low = partition_point(i, arenas->count, arenas->items[i].address <= addr);

	return low && addr - arenas->items[low - 1].address < arenas->items[low - 1].bytes;
}

static struct error *add_areas(struct census *census)
{
	const struct heap_addresses *addresses = &census->builder->addresses;

	for (uint32_t i = 0; i < census->arenas.count; i++) {
		const struct heap_memory_arena *arena = &census->arenas.items[i];

		if (!area_vector_push(
			    &census->areas, (struct census_area){arena->address,
						    arena->address + arena->bytes, AREA_ARENA, i}))
			return error_enomem();
	}
	for (uint32_t i = 0; i < addresses->pool_count; i++) {
		remote_addr pool = addresses->pool_addr[i];

		if (!has_arena(&census->arenas, pool) &&
			!area_vector_push(&census->areas,
				(struct census_area){pool, pool + (1ull << addresses->pool_shift),
					AREA_POOL, i}))
			return error_enomem();
	}
	return NULL;
}

struct error *census_find_arenas(struct census *census)
{
	const struct heap_addresses *addresses = &census->builder->addresses;
	const struct pylayout *layout = census->builder->python->layout;
	struct table_search search = {.census = census};
	struct error *err = NULL;
	unsigned tables = 0, failures = 0;

	// Each interpreter may have a table of its own.
	for (uint32_t i = 0; !err && i < addresses->pool_count && tables < LIMIT_INTERPRETERS &&
			     failures < TABLE_FAILURES;
		i++) {
		search.pool = addresses->pool_addr[i];
		if (has_arena(&census->arenas, search.pool) ||
			!pyreader_u32(&census->builder->context.reader,
				search.pool + layout->pool.arenaindex, &search.index))
			continue;
		err = find_table(&search);
		if (!err && search.table)
			err = read_table(census, search.table);
		sort_arenas(&census->arenas);
		tables += search.table != 0;
		failures += !search.table;
	}
	census->figures->has_arena_table = census->arenas.count > 0;
	return err ? err : add_areas(census);
}

// A dead object that an interpreter keeps for the next of its kind: the type is still there, the count is
// 0, or (3.14 on) in its place is a link to the next one, which is a block of the same size.
static bool is_dead_object(struct census *census, const uint8_t *block, uint32_t block_size)
{
	const struct python *python = census->builder->python;
	const struct pylayout *layout = python->layout;
	const uint32_t heads[] = {
		0, layout->gc_head.size, layout->gc_head.size + layout->traits.preheader_bytes};

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		const uint8_t *object = block + heads[i];
		uint64_t first;
		uint32_t type;

		if (heads[i] + layout->object.size > block_size)
			return false;
		first = load_u64(object + layout->object.ob_refcnt);
		type = pytypes_find(python->types, load_u64(object + layout->object.ob_type));
		// A link has no count that an object could have.
		if (type != PYTYPE_NONE && python->types->list.items[type].head_bytes == heads[i] &&
			(!first || first >= 1ull << 32))
			return true;
	}
	return false;
}

// Floats up to 3.9 are linked through their types.
static bool is_dead_float(struct census *census, const uint8_t *block, remote_addr pool)
{
	const struct pylayout *layout = census->builder->python->layout;
	uint64_t link = load_u64(block + layout->object.ob_type);
	const uint8_t *header;

	if (load_u64(block + layout->object.ob_refcnt) || link < 4096 || link % 8 ||
		pylayout_has(layout->interp.ids_array))
		return false;
	if ((link ^ pool) < layout->traits.pool_bytes)
		return true;
	header = pyreader_bytes(&census->builder->context.reader,
		link & ~(uint64_t)(layout->traits.pool_bytes - 1), layout->pool.header_size);
	return header && pymalloc_is_pool(layout, header);
}

// Tables of dicts that are kept have no owner.
static bool is_dead_table(struct census *census, const uint8_t *block, remote_addr addr)
{
	const struct pylayout *layout = census->builder->python->layout;
	struct pydict_table table;

	return pylayout_has(layout->keys.dk_refcnt) && !load_u64(block) && load_u64(block + 8) &&
	       pydict_table_read(&census->builder->context.reader, layout, addr, 0, &table) &&
	       table.keys_bytes <= 512 && table.keys_bytes > 64;
}

static node_id object_in_block(const struct census *census, remote_addr addr, uint32_t block_size)
{
	const struct pylayout *layout = census->builder->python->layout;
	const uint32_t heads[] = {
		0, layout->gc_head.size, layout->gc_head.size + layout->traits.preheader_bytes};

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		node_id node =
			heads[i] < block_size
				? heap_addresses_find(&census->builder->addresses, addr + heads[i])
				: HEAP_NODE_NONE;

		if (node != HEAP_NODE_NONE)
			return node;
	}
	return HEAP_NODE_NONE;
}

static void note_garbage(
	const struct census *census, node_id node, uint32_t size, struct heap_memory_arena *arena)
{
	if (arena && census->fates[node] == HEAP_FATE_GARBAGE)
		arena->garbage_bytes += size;
	if (arena && census->fates[node] == HEAP_FATE_FROZEN)
		arena->frozen_bytes += size;
}

static void count_used_block(struct census *census, remote_addr pool, const uint8_t *bytes,
	uint32_t offset, uint32_t size, struct heap_memory_arena *arena)
{
	remote_addr addr = pool + offset;
	node_id node = object_in_block(census, addr, size);
	const struct heap_part *part;

	if (arena) {
		arena->used_bytes += size;
		arena->used_blocks++;
	}
	if (node != HEAP_NODE_NONE) {
		census_claim_object(census, addr, addr + size, node, true);
		note_garbage(census, node, size, arena);
		if (arena && arena->first == HEAP_NODE_NONE)
			arena->first = node;
		if (arena)
			arena->last = node;
		return;
	}
	part = census_find_part(census, addr, addr + size);
	if (part) {
		census_claim_object(census, addr, addr + size, part->node, false);
		note_garbage(census, part->node, size, arena);
	} else if (is_dead_object(census, bytes + offset, size) ||
		   is_dead_float(census, bytes + offset, pool) ||
		   is_dead_table(census, bytes + offset, addr)) {
		census_claim(census, addr, addr + size, HEAP_PART_FREE_LISTS);
	} else {
		census_claim(census, addr, addr + size, HEAP_PART_POOL_OTHER);
	}
}

// Blocks of the pool at @p bytes. Neighbours that are free are claimed together.
static void count_blocks(struct census *census, remote_addr pool, const uint8_t *bytes,
	struct heap_memory_arena *arena)
{
	const struct pylayout *layout = census->builder->python->layout;
	uint32_t header = layout->pool.header_size, free_from = header;
	struct pypool found;
	uint32_t end;

	pymalloc_read_pool(layout, census->builder->python->types, pool, bytes, &found);
	end = header + found.block_count * found.block_size;
	census_claim(census, pool, pool + header, HEAP_PART_POOL_HEADERS);
	for (uint32_t offset = header; offset < end; offset += found.block_size) {
		uint32_t granule = offset / layout->traits.alignment;

		if (!(found.used[granule / 64] >> granule % 64 & 1))
			continue;
		if (free_from < offset)
			census_claim(
				census, pool + free_from, pool + offset, HEAP_PART_FREE_BLOCKS);
		count_used_block(census, pool, bytes, offset, found.block_size, arena);
		free_from = offset + found.block_size;
	}
	if (free_from < end)
		census_claim(census, pool + free_from, pool + end, HEAP_PART_FREE_BLOCKS);
	census_claim(census, pool + end, pool + layout->traits.pool_bytes, HEAP_PART_POOL_HEADERS);
}

static bool is_used(const struct pylayout *layout, const uint8_t *bytes)
{
	return pymalloc_is_pool(layout, bytes) && load_u32(bytes + layout->pool.count);
}

void census_count_pool(struct census *census, const struct census_area *area)
{
	const struct pylayout *layout = census->builder->python->layout;
	uint64_t size = layout->traits.pool_bytes;

	if (target_read_some(census->builder->target, area->start, census->window, size) &&
		is_used(layout, census->window))
		count_blocks(census, area->start, census->window, NULL);
	else
		census_claim(census, area->start, area->end, HEAP_PART_FREE_POOLS);
}

// A window's worth of pools of an arena.
static void count_window(
	struct census *census, remote_addr start, remote_addr end, struct heap_memory_arena *arena)
{
	const struct pylayout *layout = census->builder->python->layout;
	uint64_t size = layout->traits.pool_bytes;

	if (!target_read_some(census->builder->target, start, census->window, end - start))
		return;
	for (remote_addr pool = start; pool + size <= end; pool += size) {
		const uint8_t *bytes = census->window + (pool - start);

		if (!is_used(layout, bytes)) {
			census_claim(census, pool, pool + size, HEAP_PART_FREE_POOLS);
			continue;
		}
		arena->used_pools++;
		count_blocks(census, pool, bytes, arena);
	}
}

void census_count_arena(struct census *census, const struct census_area *area)
{
	struct heap_memory_arena *arena = &census->arenas.items[area->index];
	uint64_t pool_bytes = census->builder->python->layout->traits.pool_bytes;
	remote_addr first = (area->start + pool_bytes - 1) & ~(pool_bytes - 1);
	remote_addr end = first + arena->pools * pool_bytes;
	uint64_t free_before = census->mapping_parts[HEAP_PART_FREE_POOLS];
	uint64_t freed;

	arena->resident = census_resident(census, area->start, area->end);
	end = end < area->end ? end : area->end;
	census_claim(census, area->start, first, HEAP_PART_POOL_HEADERS);
	for (remote_addr at = first; at < end; at += HEAP_WINDOW_BYTES)
		count_window(census, at,
			end - at < HEAP_WINDOW_BYTES ? end : at + HEAP_WINDOW_BYTES, arena);
	census_claim(census, end, area->end, HEAP_PART_POOL_HEADERS);
	if (arena->used_bytes && arena->used_bytes == arena->garbage_bytes)
		census->figures->garbage_returned += arena->resident;
	else if (arena->used_bytes &&
		 arena->used_bytes == arena->garbage_bytes + arena->frozen_bytes)
		census->figures->frozen_returned += arena->resident;
	if (arena->used_pools)
		return;
	// All of it is free: it is only kept.
	freed = census->mapping_parts[HEAP_PART_FREE_POOLS] - free_before;
	census->mapping_parts[HEAP_PART_FREE_POOLS] -= freed;
	census->mapping_parts[HEAP_PART_FREE_ARENAS] += freed;
}
