// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * What one object holds, and how large it is.
 *
 * pyobject_scan() gives the strong references of an object, in an order that depends only on its
 * memory, and its shallow size as sys.getsizeof says it. References come in batches through a
 * callback, so that a list of a hundred million items needs no memory. With `labels` set, each
 * comes with its label: the same walk serves the graph (millions of objects, no labels) and the
 * naming of one edge.
 *
 * A reference is exact if CPython's own code owns a count for it; those found by looking at the
 * words of an unknown C type are marked PYREF_INFERRED, and may be no references at all.
 */
#pragma once

#include "cpython/python.h"

#define PYREF_INFERRED (1ull << 63)
#define PYREF_ADDRESS  (PYREF_INFERRED - 1)

#define PYSCAN_BATCH 1024

enum pylabel_kind {
	PYLABEL_NONE,
	PYLABEL_FIELD,      /* text */
	PYLABEL_KEY_OBJECT, /* a dict's key itself */
	PYLABEL_VALUE,      /* the value under the key object at `object` */
	PYLABEL_ATTRIBUTE,  /* an inline value: name is the str at `object` */
	PYLABEL_INDEX,      /* index */
	PYLABEL_ITEM,       /* of a set */
	PYLABEL_LOCAL,      /* local variable: name is the str at `object` */
	PYLABEL_STACK,
	PYLABEL_SLOT, /* __slots__ or tp_members: char * at `object` */
};

struct pylabel {
	enum pylabel_kind kind;
	const char *text; /* static */
	uint64_t object;  /* address in the target */
	uint64_t index;
};

/** A block of the target's malloc that an object leads to: at a @c distance of 0, if its size is part
 *  of the object's; else it may be the object's own, if it is nobody else's. */
struct pyblock {
	remote_addr addr;
	uint64_t size;
	uint32_t distance;
};
/** Blocks of one object, and the size from which on they are worth it: smaller ones are in pools. */
#define PYSCAN_BLOCKS          64
#define PYSCAN_BLOCK_BYTES_MIN 513

struct pyscan {
	struct pycontext *context; /* borrowed */
	/** Takes refs[0 … count) (and labels, if wanted). Called when the batch is full, also in
	 * the middle of an object, and by pyscan_flush(). It must not use the scan's reader. */
	void (*flush)(struct pyscan *scan);
	void *user;
	/** NULL, or told where memory is that belongs to the object at hand: tables, arrays, buffers, at
	 * an address inside of their blocks. A @p distance of 0: its own; else only led to, so many
	 * steps away. */
	void (*part)(struct pyscan *scan, remote_addr addr, uint32_t distance);
	/** NULL, or PYSCAN_BATCH entries. */
	struct pylabel *labels;
	/** Words of containers and frames looked at so far, and how many may be; 0: any number.
	 * Each word of a heap belongs to one object, so a bound of the heap's size only stops
	 * tables that claim the same memory again and again, or links in a circle. */
	uint64_t words, words_max;

	/** The answer: size as sys.getsizeof says it; some part could not be read or made no sense.
	 */
	uint64_t size;
	bool is_torn;
	struct pyblock blocks[PYSCAN_BLOCKS];
	uint32_t block_count;

	/** What was not flushed yet: references of several objects gather here, so that they can be
	 *  looked up together. */
	uint32_t count;
	uint64_t refs[PYSCAN_BATCH];

	// The object being scanned. bytes - head_bytes … bytes + bytes_size is at hand.
	const struct pytype *type;
	remote_addr addr;
	const uint8_t *bytes;
	size_t bytes_size;
};

static inline void pyscan_note_part(struct pyscan *scan, remote_addr addr, uint32_t distance)
{
	if (scan->part && addr)
		scan->part(scan, addr, distance);
}

/** Note a block of the object at hand, if it is large enough. */
static inline void pyscan_note_block(
	struct pyscan *scan, remote_addr addr, uint64_t size, uint32_t distance)
{
	pyscan_note_part(scan, addr, distance);
	if (size >= PYSCAN_BLOCK_BYTES_MIN && scan->block_count < PYSCAN_BLOCKS)
		scan->blocks[scan->block_count++] = (struct pyblock){addr, size, distance};
}

/** Hand over what has gathered. */
void pyscan_flush(struct pyscan *scan);

/**
 * Scan the object at @p addr, of type number @p type, of which @p size bytes are at @p bytes,
 * preceded by the type's head_bytes. The bytes must stay valid during the call (they must not be a
 * pointer into the context's reader). At least tp_basicsize bytes should be there; less makes it
 * torn.
 */
void pyobject_scan(
	struct pyscan *scan, uint32_t type, remote_addr addr, const uint8_t *bytes, size_t size);

/** The same, reading the object first. False if its header cannot be read or has no known type. */
bool pyobject_scan_at(struct pyscan *scan, remote_addr addr);

/** References of an interpreter frame at @p frame (in a generator, a frame object or the data
 * stack). */
void pyframe_scan(struct pyscan *scan, remote_addr frame);

/** References in plain fields at @p base: of the pseudo types <interpreter> and <thread>. */
void pyfields_scan(struct pyscan *scan, remote_addr base, const struct pyfields *fields);

/** Attributes that an instance's pre-header leads to: a dict, or values named by the keys that its
 * type shares (cached_keys), or both 0. */
struct pyinstance {
	remote_addr dict, values; /* the first value */
};

/** False if the type has no such pre-header, or it cannot be read. */
bool pyinstance_read(struct pyreader *reader, const struct pylayout *layout,
	const struct pytype *type, remote_addr addr, struct pyinstance *ret);

/** Items of a container (len()); bytes of a buffer; 0 for others. */
uint64_t pyobject_length(struct pycontext *context, remote_addr addr);

/** Items that a list, dict or set has room for before it must grow; 0 for others. */
uint64_t pyobject_capacity(struct pycontext *context, remote_addr addr);

/** Where the word is that says the length of a container that may grow, 8 bytes: of a list, bytearray,
 * array or deque, a dict of any sort, a set; of an lru_cache, that of its dict; of a module, a class or an
 * instance, that of its __dict__. 0 if there is none: what cannot grow, an instance whose attributes are
 * in itself (3.11). *ret_object is the object that has the word. */
remote_addr pyobject_length_word(
	struct pycontext *context, remote_addr addr, remote_addr *ret_object);

/** The length that the container itself enforces: a deque's maxlen, an lru_cache's maxsize;
 *  UINT64_MAX if none. */
uint64_t pyobject_bound(struct pycontext *context, remote_addr addr);

/** gc_refs of what is on none of the collector's lists (Modules/gcmodule.c up to 3.7:
 * _PyGC_REFS_UNTRACKED). */
#define PYOBJECT_GC_REFS_UNTRACKED (-2)

/** The next on the collector's list, from the bytes of an object's GC head; 0 if it is on none. */
static inline uint64_t pyobject_gc_next(const struct pylayout *layout, const uint8_t *head)
{
	// Where there is gc_refs, the links of an untracked object are what was there before.
	if (pylayout_has(layout->gc_head.gc_refs) &&
		(int64_t)load_u64(head + layout->gc_head.gc_refs) >> layout->traits.gc_refs_shift ==
			PYOBJECT_GC_REFS_UNTRACKED)
		return 0;
	// The low bits are flags of the collector.
	return load_u64(head + layout->gc_head.next) & ~3ull;
}

/** The type number of the object at @p addr, or PYTYPE_NONE. */
uint32_t pyobject_type(struct pycontext *context, remote_addr addr);
