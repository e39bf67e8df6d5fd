// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * The heap of glibc's malloc, read without symbols: what is in use, what is free, and why it is kept.
 *
 * Facts of malloc/malloc.c and malloc/arena.c, 2.26 to 2.43, x86-64:
 *
 *	chunk     prev_size, size | flags, then the caller's bytes, which go on into the next chunk's
 *	          prev_size. Flags: 1 the chunk before is in use, 2 a mapping of its own, 4 not the main
 *	          arena's. Sizes are multiples of 16, at least 32; two of 16 (or 16 and 0) are fence posts
 *	          before memory that is not malloc's.
 *	arena     struct malloc_state: (mutex, flags, have_fastchunks,) fastbinsY[10] (until 2.42), top, last_remainder,
 *	          bins[254], binmap[4], next, next_free, attached_threads, system_mem, max_system_mem. An
 *	          empty bin points to 16 bytes before itself; `next` makes a circle of all arenas. The main
 *	          one is in libc's data, its chunks in the brk heap, or in mappings where brk failed.
 *	heap      of other arenas: aligned to HEAP_MAX_SIZE (64 MiB; tunables can raise it), begins with
 *	          heap_info: arena, heap before, size.
 *	tcache    per thread, a chunk of 0x250 bytes (64 counts of 1 byte, 64 lists; until 2.29), 0x290
 *	          (counts of 2 bytes) or 0x300 (76 lists; 2.42). Its chunks stay marked as in use, as do
 *	          those of fastbins.
 *	links     of tcache and fastbins since 2.32: xor (address of the link >> 12).
 *
 * What holds is found out by looking, never by a version: bins must point back, chains must end where
 * they should, a heap is walked chunk by chunk from its first to `top`.
 */
#pragma once

#include "base/vector.h"
#include "target/target.h"

#include <stdbool.h>
#include <stdint.h>

struct error;

struct glibc_arena {
	remote_addr addr, bins, top;
	uint64_t system_bytes; /* as malloc counts what it has from the system */
	bool is_main;
};

/** Memory that one arena divides into chunks. */
struct glibc_heap {
	remote_addr start, end; /* the first chunk; behind the last one (top, or fence posts) */
	remote_addr lead;       /* where malloc's own structures before the first chunk begin */
	uint32_t arena;         /* index */
	bool holds_top;
};

enum glibc_state {
	GLIBC_USED,
	GLIBC_TCACHE, /* kept for one thread */
	GLIBC_FAST,   /* kept for quick use, not joined with its neighbours */
	GLIBC_BIN,    /* free */
	GLIBC_TOP,    /* free, at the end */
	GLIBC_OWN,    /* malloc's own: a tcache, fence posts */
};

/** A chunk kept in a list, marked as in use. */
struct glibc_cached {
	remote_addr chunk;
	enum glibc_state state;
};

DEFINE_VECTOR(glibc_arena_vector, struct glibc_arena)
DEFINE_VECTOR(glibc_heap_vector, struct glibc_heap)
DEFINE_VECTOR(glibc_cached_vector, struct glibc_cached)

struct glibc_malloc {
	bool has_fastbins;           /* until 2.42 */
	const struct target *target; /* borrowed */
	struct glibc_arena_vector arenas;
	struct glibc_heap_vector heaps;    /* ascending, none overlapping */
	struct glibc_cached_vector cached; /* ascending */
	/** Arenas of which no heap could be walked to its end. */
	uint32_t torn_arenas;
};

/** Find all arenas and heaps; no arena if the process does not use glibc's malloc. */
struct error *glibc_malloc_open(const struct target *target, struct glibc_malloc *ret);
void glibc_malloc_close(struct glibc_malloc *malloc);

static inline void cleanup_glibc_malloc_close(struct glibc_malloc *malloc)
{
	glibc_malloc_close(malloc);
}

struct glibc_chunk {
	remote_addr addr; /* of its head; the caller's bytes begin 16 behind it */
	uint64_t size;
	enum glibc_state state;
};

#define GLIBC_CHUNK_HEAD 16

/** Walks over the chunks of one heap, in memory of its own that is read in large pieces. */
struct glibc_walk;

struct error *glibc_walk_create(const struct glibc_malloc *malloc, struct glibc_walk **ret);
void glibc_walk_destroy(struct glibc_walk *walk);
DEFINE_CLEANUP(struct glibc_walk *, glibc_walk_destroy)
void glibc_walk_begin(struct glibc_walk *walk, const struct glibc_heap *heap);
/** The next chunk; false at the end. */
bool glibc_walk_next(struct glibc_walk *walk, struct glibc_chunk *ret);

/** Is the head of a chunk with a mapping of its own at @p addr (page-aligned), and how large is it? 0 if
 *  none is. @p room: bytes up to the end of the mapping. */
uint64_t glibc_mapped_chunk(const uint8_t head[GLIBC_CHUNK_HEAD], remote_addr addr, uint64_t room);

/**
 * What malloc_trim(0) would give back of a heap: feed it the chunks in order.
 *
 * mtrim() joins fastbins with their neighbours and returns the whole pages inside of free chunks, behind
 * the 48 bytes of a chunk's links; of the main arena also the end of `top`, less 33 bytes. What borders on
 * the top of another arena stays.
 */
struct glibc_trim {
	remote_addr free_start; /* 0: the last chunk was not free */
	remote_addr free_end;
	bool is_main;
};

/** Returns true if [*ret_start, *ret_end) would be given back. After the last chunk, call it with NULL. */
bool glibc_trim_next(struct glibc_trim *trim, const struct glibc_chunk *chunk,
	remote_addr *ret_start, remote_addr *ret_end);
