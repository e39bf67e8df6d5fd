// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "malloc/glibc_internal.h"

#include "base/error.h"
#include "base/limits.h"
#include "base/sort.h"

// A thread's cache is a chunk of one of these sizes (struct tcache_perthread_struct).
static const struct tcache_shape {
	uint32_t chunk_bytes, count_bytes, bins;
	bool counts_entries; /* since 2.42 it counts the free places */
} tcache_shapes[] = {
	{0x250, 1, 64, true},
	{0x290, 2, 64, true},
	{0x300, 2, 76, false},
};
#define TCACHE_BYTES_MAX  0x300
// Bins from here on hold chunks of many sizes.
#define TCACHE_SMALL_BINS 64

struct list_search {
	struct glibc_malloc *malloc;
	uint64_t left;  /* of LIMIT_MALLOC_CACHED */
	bool is_hidden; /* links were in the last list that was whole (glibc 2.32 and later) */
};

// The size in the head of a chunk that lies in a heap; 0 if none does.
static uint64_t size_at(const struct glibc_malloc *malloc, remote_addr chunk)
{
	const struct glibc_heap *heap = chunk % 16 ? NULL : glibc_heap_at(malloc, chunk);
	uint8_t head[GLIBC_CHUNK_HEAD];

	if (!heap || chunk < heap->start ||
		target_read_some(malloc->target, chunk, head, sizeof(head)) != sizeof(head))
		return 0;
	return glibc_chunk_size(head, chunk, heap->end);
}

// The chunk that the word at @p link leads to, whose lists link chunks at @p offset from their start; 0 at the end.
static remote_addr next_chunk(
	const struct glibc_malloc *malloc, remote_addr link, uint32_t offset, bool is_hidden)
{
	uint64_t word = glibc_word(malloc->target, link);

	if (is_hidden)
		word ^= link >> 12;
	return word ? word - offset : 0;
}

/** A list of chunks. */
struct cached_list {
	remote_addr first;
	uint32_t offset; /* of what links lead to, from the start of a chunk */
	uint64_t size;   /* of all of them; 0: of any */
	uint64_t count;  /* UINT64_MAX: any number */
	enum glibc_state state;
};

// Append the chunks of a list. False if it leads astray, in a circle, or has not as many as it should: what was
// added is taken back.
static struct error *try_list(struct list_search *search, const struct cached_list *list,
	bool is_hidden, bool *ret_is_whole)
{
	struct glibc_malloc *malloc = search->malloc;
	size_t before = malloc->cached.count;
	remote_addr chunk = list->first, mark = 0;
	uint64_t found = 0;

	*ret_is_whole = true;
	while (chunk && search->left && found < list->count) {
		uint64_t here = size_at(malloc, chunk);

		// A circle comes back to where it was when so many were a power of two (Brent).
		*ret_is_whole = here && (!list->size || here == list->size) && chunk != mark;
		if (!*ret_is_whole)
			break;
		if (!glibc_cached_vector_push(
			    &malloc->cached, (struct glibc_cached){chunk, list->state}))
			return error_enomem();
		search->left--;
		if ((found & (found + 1)) == 0)
			mark = chunk;
		found++;
		chunk = next_chunk(malloc, chunk + 16, list->offset, is_hidden);
	}
	*ret_is_whole &= !chunk && (list->count == UINT64_MAX || found == list->count);
	// What was looked at in vain stays spent: any number of lists may lead to the same chunks.
	if (!*ret_is_whole)
		malloc->cached.count = before;
	return NULL;
}

// All links of a process are hidden, or none, and the end of a list tells: the wrong way it is no 0. A single link
// does not. Where the heap lies low, as in a program that is not position-independent, what a plain link would be if
// it were hidden may well be another chunk of that size.
static struct error *add_list(
	struct list_search *search, const struct cached_list *list, bool *ret_is_whole)
{
	struct error *err = try_list(search, list, search->is_hidden, ret_is_whole);

	if (err || *ret_is_whole)
		return err;
	err = try_list(search, list, !search->is_hidden, ret_is_whole);
	if (!err && *ret_is_whole)
		search->is_hidden = !search->is_hidden;
	return err;
}

static uint64_t count_of(const struct tcache_shape *shape, const uint8_t *bytes, uint32_t bin)
{
	const uint8_t *at = bytes + (size_t)bin * shape->count_bytes;

	return shape->count_bytes == 1 ? at[0] : at[0] | (uint64_t)at[1] << 8;
}

// Is this the cache of a thread? Counts and lists of all bins must agree.
static struct error *try_tcache(struct list_search *search, const struct tcache_shape *shape,
	remote_addr chunk, bool *ret_is_one)
{
	struct glibc_malloc *malloc = search->malloc;
	uint8_t bytes[TCACHE_BYTES_MAX];
	size_t size = shape->chunk_bytes - GLIBC_CHUNK_HEAD, before = malloc->cached.count;
	bool is_whole =
		target_read_some(malloc->target, chunk + GLIBC_CHUNK_HEAD, bytes, size) == size;
	uint32_t used = 0;

	for (uint32_t bin = 0; is_whole && bin < shape->bins; bin++) {
		remote_addr entry =
			glibc_load(bytes + (size_t)shape->bins * shape->count_bytes + bin * 8ull);
		const struct cached_list list = {.first = entry - 16,
			.offset = 16,
			.size = bin < TCACHE_SMALL_BINS ? CHUNK_BYTES_MIN + bin * 16ull : 0,
			.count = shape->counts_entries ? count_of(shape, bytes, bin) : UINT64_MAX,
			.state = GLIBC_TCACHE};
		struct error *err;

		is_whole = !shape->counts_entries || (entry != 0) == (list.count != 0);
		if (!entry || !is_whole)
			continue;
		used++;
		err = add_list(search, &list, &is_whole);
		if (err)
			return err;
	}
	*ret_is_one = is_whole && used;
	if (!*ret_is_one)
		malloc->cached.count = before;
	return NULL;
}

// Threads whose cache is empty have nothing to tell.
static struct error *find_tcaches(struct list_search *search)
{
	_cleanup_(glibc_walk_destroy) struct glibc_walk *walk = NULL;
	struct error *err = glibc_walk_create(search->malloc, &walk);
	struct glibc_chunk chunk;

	for (size_t i = 0; !err && i < search->malloc->heaps.count; i++) {
		glibc_walk_begin(walk, &search->malloc->heaps.items[i]);
		while (!err && glibc_walk_next(walk, &chunk)) {
			for (size_t s = 0;
				!err && s < sizeof(tcache_shapes) / sizeof(tcache_shapes[0]); s++) {
				bool is_one = false;

				if (chunk.state != GLIBC_USED ||
					chunk.size != tcache_shapes[s].chunk_bytes)
					continue;
				err = try_tcache(search, &tcache_shapes[s], chunk.addr, &is_one);
				if (!err && is_one &&
					!glibc_cached_vector_push(&search->malloc->cached,
						(struct glibc_cached){chunk.addr, GLIBC_OWN}))
					err = error_enomem();
			}
		}
	}
	return err;
}

static struct error *find_fastbins(struct list_search *search)
{
	const struct glibc_arena_vector *arenas = &search->malloc->arenas;
	struct error *err = NULL;

	for (size_t i = 0; !err && search->malloc->has_fastbins && i < arenas->count; i++) {
		remote_addr first = arenas->items[i].bins - GLIBC_TOP_FIELD - GLIBC_FASTBINS * 8;

		for (uint32_t bin = 0; !err && bin < GLIBC_FASTBINS; bin++) {
			const struct cached_list list = {
				.first = glibc_word(search->malloc->target, first + bin * 8ull),
				.size = CHUNK_BYTES_MIN + bin * 16ull,
				.count = UINT64_MAX,
				.state = GLIBC_FAST};
			bool is_whole;

			if (list.first)
				err = add_list(search, &list, &is_whole);
		}
	}
	return err;
}

static int compare_cached(const void *left, const void *right)
{
	const struct glibc_cached *a = left, *b = right;

	return (a->chunk > b->chunk) - (a->chunk < b->chunk);
}

struct error *glibc_find_cached(struct glibc_malloc *malloc)
{
	struct list_search search = {.malloc = malloc, .left = LIMIT_MALLOC_CACHED};
	struct error *err = find_fastbins(&search);

	// A walk looks at what was found so far, in order.
	sort_items(malloc->cached.items, malloc->cached.count, sizeof(*malloc->cached.items),
		compare_cached);
	if (!err)
		err = find_tcaches(&search);
	sort_items(malloc->cached.items, malloc->cached.count, sizeof(*malloc->cached.items),
		compare_cached);
	return err;
}
