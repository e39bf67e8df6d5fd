// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "malloc/glibc_internal.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/search.h"

struct error *glibc_reader_init(struct glibc_reader *reader, const struct target *target)
{
	*reader = (struct glibc_reader){.target = target, .bytes = mem_alloc(GLIBC_WINDOW_BYTES)};
	return reader->bytes ? NULL : error_enomem();
}

void glibc_reader_deinit(struct glibc_reader *reader)
{
	mem_free(reader->bytes);
	*reader = (struct glibc_reader){0};
}

const uint8_t *glibc_reader_bytes(struct glibc_reader *reader, remote_addr addr, size_t size)
{
	const struct mapping *mapping;

	if (addr >= reader->start && addr - reader->start <= reader->size &&
		size <= reader->size - (addr - reader->start))
		return reader->bytes + (addr - reader->start);
	mapping = mappings_find(target_mappings(reader->target), addr);
	if (!mapping || !mapping->readable || mapping->end - addr < size)
		return NULL;
	reader->start = addr;
	reader->size =
		mapping->end - addr < GLIBC_WINDOW_BYTES ? mapping->end - addr : GLIBC_WINDOW_BYTES;
	if (!target_read_some(reader->target, addr, reader->bytes, reader->size))
		reader->size = 0;
	return reader->size >= size ? reader->bytes : NULL;
}

struct glibc_walk {
	const struct glibc_malloc *malloc; /* borrowed */
	const struct glibc_heap *heap;     /* borrowed */
	struct glibc_reader reader;
	remote_addr at;
	size_t cached; /* the next of malloc->cached */
};

struct error *glibc_walk_create(const struct glibc_malloc *malloc, struct glibc_walk **ret)
{
	_cleanup_(glibc_walk_destroy) struct glibc_walk *walk = mem_calloc(1, sizeof(*walk));
	struct error *err;

	if (!walk)
		return error_enomem();
	walk->malloc = malloc;
	err = glibc_reader_init(&walk->reader, malloc->target);
	if (err)
		return err;
	*ret = take(walk);
	return NULL;
}

void glibc_walk_destroy(struct glibc_walk *walk)
{
	if (!walk)
		return;
	glibc_reader_deinit(&walk->reader);
	mem_free(walk);
}

// Index of the first cached chunk at or behind @p addr.
static size_t first_cached(const struct glibc_malloc *malloc, remote_addr addr)
{
	return partition_point(i, malloc->cached.count, malloc->cached.items[i].chunk < addr);
}

void glibc_walk_begin(struct glibc_walk *walk, const struct glibc_heap *heap)
{
	walk->heap = heap;
	walk->at = heap->start;
	walk->cached = first_cached(walk->malloc, heap->start);
}

static enum glibc_state state_of(struct glibc_walk *walk, remote_addr addr, uint64_t size)
{
	const struct glibc_cached_vector *cached = &walk->malloc->cached;
	const uint8_t *next;

	if (addr == walk->malloc->arenas.items[walk->heap->arena].top)
		return GLIBC_TOP;
	while (walk->cached < cached->count && cached->items[walk->cached].chunk < addr)
		walk->cached++;
	if (walk->cached < cached->count && cached->items[walk->cached].chunk == addr)
		return cached->items[walk->cached].state;
	next = glibc_reader_bytes(&walk->reader, addr + size, GLIBC_CHUNK_HEAD);
	return next && !(glibc_load(next + 8) & CHUNK_PREV_IN_USE) ? GLIBC_BIN : GLIBC_USED;
}

bool glibc_walk_next(struct glibc_walk *walk, struct glibc_chunk *ret)
{
	const struct glibc_heap *heap = walk->heap;
	const uint8_t *head;
	uint64_t size;

	if (walk->at >= heap->end)
		return false;
	head = glibc_reader_bytes(&walk->reader, walk->at, GLIBC_CHUNK_HEAD);
	size = head ? glibc_chunk_size(head, walk->at, heap->end) : 0;
	// Fence posts; or a heap that changes while it is read (live).
	if (!size) {
		*ret = (struct glibc_chunk){walk->at, heap->end - walk->at, GLIBC_OWN};
		walk->at = heap->end;
		return true;
	}
	*ret = (struct glibc_chunk){walk->at, size, state_of(walk, walk->at, size)};
	walk->at += size;
	return true;
}

uint64_t glibc_mapped_chunk(const uint8_t head[GLIBC_CHUNK_HEAD], remote_addr addr, uint64_t room)
{
	uint64_t word = glibc_load(head + 8), size = word & ~CHUNK_FLAGS;

	// What precedes a chunk in its mapping is there for memalign(), in pages.
	return (word & CHUNK_FLAGS) == CHUNK_MMAPPED && !glibc_load(head) &&
			       addr % GLIBC_PAGE_BYTES == 0 && size &&
			       size % GLIBC_PAGE_BYTES == 0 && size <= room
		       ? size
		       : 0;
}

// sizeof(struct malloc_chunk), which mtrim() leaves alone; MINSIZE and one byte, which systrim() does.
#define TRIM_HEAD 48
#define TRIM_TOP  33

// Whole pages of a free chunk.
static bool trim_free(struct glibc_trim *trim, remote_addr *ret_start, remote_addr *ret_end)
{
	uint64_t mask = GLIBC_PAGE_BYTES - 1;
	bool was_free = trim->free_start != 0;

	*ret_start = (trim->free_start + TRIM_HEAD + mask) & ~mask;
	*ret_end = trim->free_end & ~mask;
	trim->free_start = 0;
	return was_free && *ret_start < *ret_end;
}

bool glibc_trim_next(struct glibc_trim *trim, const struct glibc_chunk *chunk,
	remote_addr *ret_start, remote_addr *ret_end)
{
	remote_addr end;
	uint64_t size;

	if (!chunk)
		return trim_free(trim, ret_start, ret_end);
	end = chunk->addr + chunk->size;
	if (chunk->state == GLIBC_BIN || chunk->state == GLIBC_FAST) {
		if (!trim->free_start)
			trim->free_start = chunk->addr;
		trim->free_end = end;
		return false;
	}
	if (chunk->state != GLIBC_TOP)
		return trim_free(trim, ret_start, ret_end);
	// Free chunks before it are joined with it.
	size = end - (trim->free_start ? trim->free_start : chunk->addr);
	trim->free_start = 0;
	*ret_end = end;
	*ret_start = end - (size > TRIM_TOP ? (size - TRIM_TOP) & ~(GLIBC_PAGE_BYTES - 1ull) : 0);
	return trim->is_main && *ret_start < *ret_end;
}
