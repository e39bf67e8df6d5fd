// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * A CPython heap written by hand: what the readers are tested on, without an interpreter.
 *
 * The writer lays out objects as a row of layouts says, for any version that has one: static data
 * (runtime, interpreter, built-in types) in one segment, small blocks in pymalloc pools in a
 *second, large ones behind chunk headers in a third. Every reference that is written is counted in
 *its object, so that the counts of a finished heap are exact.
 *
 *	struct heap_writer *w = heap_writer_create(layout);
 *	heap_writer_hold(w, "items", heap_writer_list(w, 2, (remote_addr[]){a, b}, 4));
 *	struct target *target = heap_writer_finish(w, &place);
 *
 * Our own mistakes (too many objects, no memory) abort.
 */
#pragma once

#include "cpython/pyruntime.h"

enum heap_writer_type {
	WRITER_TYPE,
	WRITER_OBJECT,
	WRITER_NONE,
	WRITER_INT,
	WRITER_FLOAT,
	WRITER_STR,
	WRITER_BYTES,
	WRITER_TUPLE,
	WRITER_LIST,
	WRITER_DICT,
	WRITER_SET,
	WRITER_DEQUE,
	WRITER_ODICT,
	WRITER_LRU_CACHE,
	WRITER_LRU_LINK,
	WRITER_TEE,
	WRITER_CODE,
	WRITER_GENERATOR,
	WRITER_FRAME,
	WRITER_WEAKREF,
	WRITER_FUNCTION,
	WRITER_MODULE,
	WRITER_TYPE_COUNT,
};

#define WRITER_HEXVERSION(layout) ((layout)->version_low)

struct heap_writer;

struct heap_writer *heap_writer_create(const struct pylayout *layout);
void heap_writer_destroy(struct heap_writer *writer);

/** Memory of the target: pool block or large chunk, 16-aligned, zeroed. */
remote_addr heap_writer_alloc(struct heap_writer *writer, uint64_t size);
/** Give a pool block back: it goes to the front of its pool's chain, its bytes stay. */
void heap_writer_free(struct heap_writer *writer, remote_addr block);

/** Where an address is, to be read or spoilt. */
uint8_t *heap_writer_bytes(struct heap_writer *writer, remote_addr addr);
void heap_writer_put(struct heap_writer *writer, remote_addr addr, uint64_t value);
void heap_writer_put_u32(struct heap_writer *writer, remote_addr addr, uint32_t value);
uint64_t heap_writer_get(struct heap_writer *writer, remote_addr addr);
/** Write a reference, which is counted; 0 is written as it is. */
void heap_writer_put_ref(struct heap_writer *writer, remote_addr addr, remote_addr object);

remote_addr heap_writer_type(const struct heap_writer *writer, enum heap_writer_type type);
/** A class made by a class statement. With @p keys its instances have a managed dict. */
remote_addr heap_writer_class(struct heap_writer *writer, const char *name, const char *module,
	remote_addr base, remote_addr keys);

/** Leave the class made last out of its base's list of subclasses. */
void heap_writer_hide_class(struct heap_writer *writer);

/** An object with a count of 0 and zeroed fields, on a GC list if its type says so. */
remote_addr heap_writer_object(struct heap_writer *writer, remote_addr type, uint64_t size);
remote_addr heap_writer_none(struct heap_writer *writer);
remote_addr heap_writer_int(struct heap_writer *writer, int64_t value);
remote_addr heap_writer_float(struct heap_writer *writer, double value);
/** Compact: @p width 1, 2 or 4; ASCII where all characters are and the width is 1. */
remote_addr heap_writer_str_of(
	struct heap_writer *writer, const uint32_t *characters, uint64_t length, unsigned width);
remote_addr heap_writer_str(struct heap_writer *writer, const char *ascii);
remote_addr heap_writer_bytes_object(
	struct heap_writer *writer, const void *bytes, uint64_t length);
remote_addr heap_writer_tuple(struct heap_writer *writer, uint64_t count, const remote_addr *items);
remote_addr heap_writer_list(
	struct heap_writer *writer, uint64_t count, const remote_addr *items, uint64_t allocated);

/** A keys object with a count of 1: general (0), str keys (1) or split (2: @p values is ignored).
 */
remote_addr heap_writer_keys(struct heap_writer *writer, unsigned kind, uint64_t count,
	const remote_addr *keys, const remote_addr *values);
/** A values array for @p keys: room for all it can have; 0 for a hole. */
remote_addr heap_writer_values(
	struct heap_writer *writer, remote_addr keys, uint64_t count, const remote_addr *values);
/** @p type is a dict type; @p values is 0 for a combined table. */
remote_addr heap_writer_dict_of(struct heap_writer *writer, remote_addr type, remote_addr keys,
	remote_addr values, uint64_t used);
remote_addr heap_writer_dict(struct heap_writer *writer, unsigned kind, uint64_t count,
	const remote_addr *keys, const remote_addr *values);
/** @p deleted more slots hold the dummy of deleted entries. */
remote_addr heap_writer_set(
	struct heap_writer *writer, uint64_t count, const remote_addr *items, uint64_t deleted);
remote_addr heap_writer_deque(struct heap_writer *writer, uint64_t count, const remote_addr *items,
	uint64_t leftindex, uint64_t maxlen);
remote_addr heap_writer_odict(struct heap_writer *writer, uint64_t count, const remote_addr *keys,
	const remote_addr *values);
/** Links without a cache dict. */
remote_addr heap_writer_lru_cache(struct heap_writer *writer, remote_addr function, uint64_t links);
remote_addr heap_writer_code(struct heap_writer *writer, const char *name, uint64_t local_count,
	const char *const *locals, uint32_t stack, uint32_t first_line, const void *linetable,
	uint64_t linetable_size);
/** Write the frame of @p code at @p frame: locals, then the stack below @p stacktop (-1: running).
 */
void heap_writer_frame(struct heap_writer *writer, remote_addr frame, remote_addr code,
	uint64_t slot_count, const remote_addr *slots, int32_t stacktop, unsigned owner);
/** Suspended, with a frame of its own. */
remote_addr heap_writer_generator(struct heap_writer *writer, remote_addr code, uint64_t slot_count,
	const remote_addr *slots, int32_t stacktop);

/** An entry of sys.modules: what keeps a test's objects alive. */
void heap_writer_hold(struct heap_writer *writer, const char *name, remote_addr object);
/** Start a frame in the main thread, in the data segment; innermost last. */
remote_addr heap_writer_call(struct heap_writer *writer, remote_addr code, uint64_t slot_count,
	const remote_addr *slots, int32_t stacktop);

/** Complete the interpreter and make a target of the bytes, which the writer still owns. The caller
 *  destroys the target before the writer. */
struct target *heap_writer_finish(struct heap_writer *writer, struct pyruntime_place *ret);
