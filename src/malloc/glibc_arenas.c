// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "malloc/glibc_internal.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/sort.h"

// Data of libc, or of the program it is linked into, that is searched for the main arena.
#define DATA_BYTES_MAX   ((uint64_t)16 << 20)
// Where the first chunk of the brk heap may be: before it is what a static program's start took.
#define START_BYTES_MAX  ((uint64_t)64 << 10)
// HEAP_MAX_SIZE is 64 MiB, or four times the size of huge pages that a tunable asks for.
#define HEAP_SHIFT_USUAL 26
#define HEAP_SHIFT_MIN   20
#define HEAP_SHIFT_MAX   32
#define HEAP_INFO_BYTES  32
#define HEAP_INFO_MAX    64

// Fields of malloc_state before the bins, newest first: bytes from its start to its first bin. 2.43 has no
// fastbins any more.
static const uint32_t bins_offsets[] = {24, 112, 104};
#define HAS_FASTBINS(bins_offset) ((bins_offset) >= GLIBC_FASTBINS * 8 + GLIBC_TOP_FIELD)

struct search {
	struct glibc_malloc *malloc;
	struct glibc_reader reader;
	uint64_t steps_left; /* chunks that walks may look at, all together */
	uint32_t bins_offset;
};

static bool is_writable(const struct search *search, remote_addr addr)
{
	return mappings_is_writable(target_mappings(search->malloc->target), addr);
}

// Is this bin empty, or the start of a list that leads back to it?
static bool is_bin(const struct search *search, remote_addr bin, const uint8_t *words)
{
	remote_addr self = bin - 16, first = glibc_load(words), last = glibc_load(words + 8);

	if (first == self && last == self)
		return true;
	return first % 16 == 0 && last % 16 == 0 && is_writable(search, first) &&
	       is_writable(search, last) &&
	       glibc_word(search->malloc->target, first + 24) == self &&
	       glibc_word(search->malloc->target, last + 16) == self;
}

// Could the first bin of an arena be at @p bins? The bytes from GLIBC_TOP_FIELD before it up to
// GLIBC_STATE_END are at @p bytes + GLIBC_TOP_FIELD.
static bool is_arena(const struct search *search, remote_addr bins, const uint8_t *bytes)
{
	uint64_t top = glibc_load(bytes - GLIBC_TOP_FIELD);
	uint64_t system = glibc_load(bytes + GLIBC_SYSTEM);

	// An unlucky word fails at the first of these.
	if (top % 16 || !top || !is_bin(search, bins, bytes) || !is_writable(search, top))
		return false;
	if (!system || system > glibc_load(bytes + GLIBC_SYSTEM + 8) ||
		!is_writable(search, glibc_load(bytes + GLIBC_NEXT)))
		return false;
	for (uint32_t i = 1; i < GLIBC_BINS; i++) {
		if (!is_bin(search, bins + i * 16, bytes + i * 16))
			return false;
	}
	return true;
}

static bool read_arena(
	const struct search *search, remote_addr addr, bool is_main, struct glibc_arena *ret)
{
	uint8_t bytes[GLIBC_TOP_FIELD + GLIBC_STATE_END];
	remote_addr bins = addr + search->bins_offset;

	if (target_read_some(search->malloc->target, bins - GLIBC_TOP_FIELD, bytes,
		    sizeof(bytes)) != sizeof(bytes) ||
		!is_arena(search, bins, bytes + GLIBC_TOP_FIELD))
		return false;
	*ret = (struct glibc_arena){
		.addr = addr,
		.bins = bins,
		.top = glibc_load(bytes),
		.system_bytes = glibc_load(bytes + GLIBC_TOP_FIELD + GLIBC_SYSTEM),
		.is_main = is_main,
	};
	return true;
}

// The circle of arenas from the main one on, whose first bin is at @p bins.
static struct error *follow_arenas(struct search *search, remote_addr bins, bool *ret_is_circle)
{
	struct glibc_arena_vector *arenas = &search->malloc->arenas;

	*ret_is_circle = false;
	for (size_t i = 0; i < sizeof(bins_offsets) / sizeof(bins_offsets[0]); i++) {
		remote_addr main = bins - bins_offsets[i], addr = main;
		struct glibc_arena arena;

		search->bins_offset = bins_offsets[i];
		search->malloc->has_fastbins = HAS_FASTBINS(bins_offsets[i]);
		arenas->count = 0;
		while (arenas->count < LIMIT_MALLOC_ARENAS &&
			read_arena(search, addr, addr == main, &arena)) {
			if (!glibc_arena_vector_push(arenas, arena))
				return error_enomem();
			addr = glibc_word(search->malloc->target, arena.bins + GLIBC_NEXT);
			*ret_is_circle = addr == main;
			if (*ret_is_circle)
				return NULL;
		}
	}
	arenas->count = 0;
	return NULL;
}

// The main arena is initialised data: in a file's writable mapping.
static struct error *search_data(
	struct search *search, const struct mapping *mapping, bool *ret_is_found)
{
	uint64_t size = mapping->end - mapping->start;
	_cleanup_(mem_free) uint8_t *bytes = NULL;

	if (size > DATA_BYTES_MAX || size < GLIBC_STATE_END)
		return NULL;
	// What follows belongs to the same segment, and may be its own mapping.
	bytes = mem_calloc(1, size + GLIBC_STATE_END);
	if (!bytes)
		return error_enomem();
	if (!target_read_some(search->malloc->target, mapping->start, bytes, size))
		return NULL;
	for (uint64_t at = GLIBC_TOP_FIELD; at + GLIBC_STATE_END <= size; at += 8) {
		struct error *err;

		if (!is_arena(search, mapping->start + at, bytes + at))
			continue;
		err = follow_arenas(search, mapping->start + at, ret_is_found);
		if (err || *ret_is_found)
			return err;
	}
	return NULL;
}

static struct error *find_arenas(struct search *search)
{
	const struct mappings *mappings = target_mappings(search->malloc->target);
	bool is_found = false;
	struct error *err = NULL;

	for (size_t i = 0; !err && !is_found && i < mappings->count; i++) {
		const struct mapping *mapping = &mappings->items[i];

		if (mapping->inode && mapping->readable && mapping->writable && !mapping->shared)
			err = search_data(search, mapping, &is_found);
	}
	return err;
}

enum walk_end { WALK_TOP, WALK_FENCE, WALK_ASTRAY };

// Walk from @p start: where does it lead? *ret_end is behind the last chunk.
static enum walk_end try_walk(struct search *search, remote_addr start, remote_addr limit,
	remote_addr top, remote_addr *ret_end)
{
	remote_addr at = start;

	while (at < limit && search->steps_left) {
		const uint8_t *head = glibc_reader_bytes(&search->reader, at, GLIBC_CHUNK_HEAD);
		uint64_t size = head ? glibc_chunk_size(head, at, limit) : 0;

		search->steps_left--;
		if (!size) {
			bool is_fence = head && at != start &&
					glibc_load(head + 8) == (FENCE_BYTES | CHUNK_PREV_IN_USE);

			*ret_end =
				at + 2ull * FENCE_BYTES < limit ? at + 2ull * FENCE_BYTES : limit;
			return is_fence ? WALK_FENCE : WALK_ASTRAY;
		}
		*ret_end = at + size;
		if (at == top)
			return WALK_TOP;
		at += size;
	}
	return WALK_ASTRAY;
}

static struct error *add_heap(struct search *search, struct glibc_heap heap)
{
	return glibc_heap_vector_push(&search->malloc->heaps, heap) ? NULL : error_enomem();
}

// The first place from @p start on, in steps of @p step, from which chunks lead to the top or to fence
// posts.
static enum walk_end find_start(struct search *search, remote_addr start, remote_addr stop,
	remote_addr limit, uint64_t step, remote_addr top, remote_addr *ret_start,
	remote_addr *ret_end)
{
	for (remote_addr at = start; at < stop; at += step) {
		enum walk_end end = try_walk(search, at, limit, top, ret_end);

		*ret_start = at;
		if (end != WALK_ASTRAY)
			return end;
	}
	return WALK_ASTRAY;
}

// What the main arena has in [start, end): the brk heap, or mappings. Somebody else may have moved the
// brk in between, which leaves fence posts and a gap.
static struct error *find_main_heaps(struct search *search, uint32_t index, remote_addr start,
	remote_addr end, uint64_t step, uint64_t start_bytes, bool *ret_has_top)
{
	remote_addr top = search->malloc->arenas.items[index].top;

	*ret_has_top = false;
	while (start < end && !*ret_has_top) {
		struct glibc_heap heap = {.arena = index, .lead = start};
		remote_addr stop = end - start < start_bytes ? end : start + start_bytes;
		enum walk_end how =
			find_start(search, start, stop, end, step, top, &heap.start, &heap.end);
		struct error *err;

		if (how == WALK_ASTRAY)
			return NULL;
		// Before the first chunk of a program that is linked statically is its TLS.
		heap.lead = heap.start;
		heap.holds_top = *ret_has_top = how == WALK_TOP;
		err = add_heap(search, heap);
		if (err)
			return err;
		start = heap.end;
	}
	return NULL;
}

static bool is_anonymous(const struct mapping *mapping)
{
	return mapping->readable && mapping->writable && mapping_is_anonymous(mapping);
}

static bool is_brk(const struct mapping *mapping)
{
	return is_anonymous(mapping) && strcmp(mapping->path, "[heap]") == 0;
}

static struct error *find_main(struct search *search, uint32_t index, bool *ret_has_top)
{
	const struct mappings *mappings = target_mappings(search->malloc->target);
	remote_addr top = search->malloc->arenas.items[index].top;
	const struct mapping *home = mappings_find(mappings, top);
	struct error *err = NULL;

	// The brk heap may be several mappings, one behind the other.
	for (size_t i = 0, next; !err && i < mappings->count && !*ret_has_top; i = next) {
		const struct mapping *first = &mappings->items[i];

		next = i + 1;
		if (!is_brk(first))
			continue;
		while (next < mappings->count && is_brk(&mappings->items[next]) &&
			mappings->items[next].start == mappings->items[next - 1].end)
			next++;
		err = find_main_heaps(search, index, (first->start + 15) & ~15ull,
			mappings->items[next - 1].end, 16, START_BYTES_MAX, ret_has_top);
	}
	// Where brk cannot grow, malloc maps memory: its chunks begin at a page.
	if (!err && !*ret_has_top && home && is_anonymous(home))
		err = find_main_heaps(search, index, home->start, home->end, GLIBC_PAGE_BYTES,
			home->end - home->start, ret_has_top);
	return err;
}

// The start of the heap that @p addr lies in: aligned, it begins with its arena's address.
static remote_addr heap_of(
	const struct search *search, remote_addr addr, remote_addr arena, unsigned *ret_shift)
{
	remote_addr heap = addr >> HEAP_SHIFT_USUAL << HEAP_SHIFT_USUAL;

	*ret_shift = HEAP_SHIFT_USUAL;
	if (glibc_word(search->malloc->target, heap) == arena)
		return heap;
	for (unsigned shift = HEAP_SHIFT_MIN; shift <= HEAP_SHIFT_MAX; shift++) {
		heap = addr >> shift << shift;
		*ret_shift = shift;
		if (glibc_word(search->malloc->target, heap) == arena)
			return heap;
	}
	return 0;
}

// One heap of an arena that is not the main one.
static struct error *find_heap(
	struct search *search, uint32_t index, remote_addr heap, unsigned shift, bool *ret_has_top)
{
	const struct glibc_arena *arena = &search->malloc->arenas.items[index];
	const struct mapping *mapping =
		mappings_find(target_mappings(search->malloc->target), heap);
	remote_addr limit = heap + (1ull << shift), start = heap + HEAP_INFO_BYTES;
	struct glibc_heap found = {.arena = index, .lead = heap};
	enum walk_end how;

	if (!mapping || !is_anonymous(mapping))
		return NULL;
	limit = mapping->end < limit ? mapping->end : limit;
	// The first one has the arena itself behind its head.
	if (arena->addr > heap && arena->addr - heap <= HEAP_INFO_MAX)
		start = (arena->bins + GLIBC_STATE_END + 15) & ~15ull;
	how = find_start(search, start, start + HEAP_INFO_MAX, limit, 16, arena->top, &found.start,
		&found.end);
	if (how == WALK_ASTRAY)
		return NULL;
	found.holds_top = how == WALK_TOP;
	*ret_has_top |= found.holds_top;
	return add_heap(search, found);
}

static struct error *find_others(struct search *search, uint32_t index, bool *ret_has_top)
{
	const struct glibc_arena *arena = &search->malloc->arenas.items[index];
	unsigned shift;
	remote_addr heap = heap_of(search, arena->top, arena->addr, &shift);

	// Each heap has its own mapping; a circle ends at a heap that was seen.
	for (uint32_t i = 0; heap && i < LIMIT_MALLOC_HEAPS; i++) {
		struct error *err;

		if (heap % (1ull << shift) || glibc_heap_at(search->malloc, heap))
			return NULL;
		err = find_heap(search, index, heap, shift, ret_has_top);
		if (err)
			return err;
		heap = glibc_word(search->malloc->target, heap + 8);
	}
	return NULL;
}

static int compare_heaps(const void *left, const void *right)
{
	const struct glibc_heap *a = left, *b = right;

	return (a->start > b->start) - (a->start < b->start);
}

// Hostile tables may describe the same memory twice.
static void sort_heaps(struct glibc_malloc *malloc)
{
	struct glibc_heap_vector *heaps = &malloc->heaps;
	size_t kept = 0;

	sort_items(heaps->items, heaps->count, sizeof(*heaps->items), compare_heaps);
	for (size_t i = 0; i < heaps->count; i++) {
		if (!kept || heaps->items[i].lead >= heaps->items[kept - 1].end)
			heaps->items[kept++] = heaps->items[i];
	}
	heaps->count = kept;
}

static struct error *find_heaps(struct search *search)
{
	struct glibc_malloc *malloc = search->malloc;

	for (uint32_t i = 0; i < malloc->arenas.count; i++) {
		bool has_top = false;
		struct error *err = malloc->arenas.items[i].is_main
					    ? find_main(search, i, &has_top)
					    : find_others(search, i, &has_top);

		if (err)
			return err;
		malloc->torn_arenas += !has_top;
	}
	sort_heaps(malloc);
	return NULL;
}

const struct glibc_heap *glibc_heap_at(const struct glibc_malloc *malloc, remote_addr addr)
{
	for (size_t i = 0; i < malloc->heaps.count; i++) {
		const struct glibc_heap *heap = &malloc->heaps.items[i];

		if (addr >= heap->lead && addr < heap->end)
			return heap;
	}
	return NULL;
}

// Each chunk of a heap is walked over a few times at most.
static uint64_t count_steps(const struct target *target)
{
	const struct mappings *mappings = target_mappings(target);
	uint64_t bytes = 0;

	for (size_t i = 0; i < mappings->count; i++) {
		if (is_anonymous(&mappings->items[i]))
			bytes += mappings->items[i].end - mappings->items[i].start;
	}
	return 4 * (bytes / CHUNK_BYTES_MIN) + START_BYTES_MAX;
}

struct error *glibc_malloc_open(const struct target *target, struct glibc_malloc *ret)
{
	struct search search = {.malloc = ret};
	struct error *err;

	*ret = (struct glibc_malloc){.target = target};
	err = glibc_reader_init(&search.reader, target);
	if (err)
		return err;
	search.steps_left = count_steps(target);
	err = find_arenas(&search);
	if (!err)
		err = find_heaps(&search);
	glibc_reader_deinit(&search.reader);
	if (!err)
		err = glibc_find_cached(ret);
	if (err)
		glibc_malloc_close(ret);
	return err;
}

void glibc_malloc_close(struct glibc_malloc *malloc)
{
	glibc_arena_vector_deinit(&malloc->arenas);
	glibc_heap_vector_deinit(&malloc->heaps);
	glibc_cached_vector_deinit(&malloc->cached);
}
