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
	uint64_t left; /* of LIMIT_MALLOC_CACHED */
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

// The chunk that the word at @p link leads to, whose lists link chunks at @p offset from their start. Is
// the link hidden (2.32)? A hidden end is not 0.
static bool next_chunk(const struct glibc_malloc *malloc, remote_addr link, uint32_t offset,
	uint64_t size, remote_addr *ret)
{
	uint64_t word = glibc_word(malloc->target, link), shown = word ^ link >> 12;

	*ret = 0;
	if (!word || !shown)
		return true;
	*ret = shown - offset;
	if (size_at(malloc, *ret) == size)
		return true;
	*ret = word - offset;
	return size_at(malloc, *ret) == size;
}

// Append the chunks of a list from @p chunk on, all of the same size (0: of any). False if the list leads
// astray or has not @p count (UINT64_MAX: any number) of them: what was added is taken back.
static struct error *add_list(struct list_search *search, remote_addr chunk, uint32_t offset,
	uint64_t size, uint64_t count, enum glibc_state state, bool *ret_is_whole)
{
	struct glibc_malloc *malloc = search->malloc;
	size_t before = malloc->cached.count;
	uint64_t found = 0;

	*ret_is_whole = true;
	while (chunk && *ret_is_whole && search->left && found < count) {
		uint64_t here = size_at(malloc, chunk);

		*ret_is_whole = here && (!size || here == size);
		if (!*ret_is_whole)
			break;
		if (!glibc_cached_vector_push(&malloc->cached, (struct glibc_cached){chunk, state}))
			return error_enomem();
		search->left--;
		found++;
		*ret_is_whole = next_chunk(malloc, chunk + 16, offset, here, &chunk);
	}
	*ret_is_whole &= !chunk && (count == UINT64_MAX || found == count);
	if (!*ret_is_whole)
		malloc->cached.count = before;
	return NULL;
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
		uint64_t count = shape->counts_entries ? count_of(shape, bytes, bin) : UINT64_MAX;
		struct error *err;

		is_whole = !shape->counts_entries || (entry != 0) == (count != 0);
		if (!entry || !is_whole)
			continue;
		used++;
		err = add_list(search, entry - 16, 16,
			bin < TCACHE_SMALL_BINS ? CHUNK_BYTES_MIN + bin * 16ull : 0, count,
			GLIBC_TCACHE, &is_whole);
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
			remote_addr chunk = glibc_word(search->malloc->target, first + bin * 8ull);
			bool is_whole;

			if (chunk)
				err = add_list(search, chunk, 0, CHUNK_BYTES_MIN + bin * 16ull,
					UINT64_MAX, GLIBC_FAST, &is_whole);
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
