// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * A CPython heap written by hand: what the readers are tested on, without an interpreter.
 *
 * The writer lays out objects as a row of layouts says, in the shapes that its fields and traits
 * choose: static data (runtime, interpreter, built-in types) in one segment, small blocks in
 * pymalloc pools in a second, large ones behind chunk headers in a third. Every reference that is
 * written is counted in its object, so that the counts of a finished heap are exact.
 *
 *	struct heap_writer *w = heap_writer_create(layout);
 *	heap_writer_hold(w, "items", heap_writer_list(w, 2, (remote_addr[]){a, b}, 4));
 *	struct target *target = heap_writer_finish(w, &place);
 *
 * What a version does not have is 0 where a type is asked for (heap_writer_type()). Our own
 * mistakes (too many objects, no memory, an object of a type that is not there) abort.
 */
#pragma once

#include "cpython/pyruntime_place.h"
#include "target/memory_image.h"

enum heap_writer_type {
	WRITER_TYPE,
	WRITER_OBJECT,
	WRITER_NONE,
	WRITER_INT,
	WRITER_LONG, /* Python 2's long, else int */
	WRITER_FLOAT,
	WRITER_STR,
	WRITER_UNICODE, /* Python 2's unicode, else str */
	WRITER_BYTES,
	WRITER_TUPLE,
	WRITER_LIST,
	WRITER_DICT,
	WRITER_SET,
	WRITER_DEQUE,
	WRITER_ODICT, /* 3.6 */
	WRITER_LRU_CACHE,
	WRITER_LRU_LINK,
	WRITER_CODE,
	WRITER_GENERATOR,
	WRITER_FRAME,
	WRITER_WEAKREF,
	WRITER_FUNCTION,
	WRITER_MODULE,
	WRITER_TEE, /* the last one is a built-in type of an extension module */
	WRITER_TYPE_COUNT,
};

#define WRITER_SEGMENTS 3

/** int and str are those of Python 2; dicts have no keys objects. */
#define WRITER_IS_PYTHON_2(layout)    pylayout_has((layout)->old_int.ob_ival)
/** Instances may have attributes without a dict. */
#define WRITER_HAS_PREHEADER(layout)  ((layout)->traits.attributes != PYATTRIBUTES_NONE)
/** Every frame is an object. */
#define WRITER_HAS_OLD_FRAMES(layout) pylayout_has((layout)->frame.f_localsplus)

struct heap_writer;

struct heap_writer *heap_writer_create(const struct pylayout *layout);
void heap_writer_destroy(struct heap_writer *writer);

/** Memory of the target: pool block or large chunk, aligned as the version's pools are, zeroed. */
remote_addr heap_writer_alloc(struct heap_writer *writer, uint64_t size);
/** Give a pool block back: it goes to the front of its pool's chain, its bytes stay. */
void heap_writer_free(struct heap_writer *writer, remote_addr block);

/** Where an address is, to be read or spoilt. */
uint8_t *heap_writer_bytes(struct heap_writer *writer, remote_addr addr);
void heap_writer_put(struct heap_writer *writer, remote_addr addr, uint64_t value);
void heap_writer_put_u32(struct heap_writer *writer, remote_addr addr, uint32_t value);
uint64_t heap_writer_get(struct heap_writer *writer, remote_addr addr);
uint32_t heap_writer_get_u32(struct heap_writer *writer, remote_addr addr);
/** Write a reference, which is counted unless the object is immortal; 0 is written as it is. */
void heap_writer_put_ref(struct heap_writer *writer, remote_addr addr, remote_addr object);

// ---- types (heap_writer_types.c) -----------------------------------------------------------

remote_addr heap_writer_type(const struct heap_writer *writer, enum heap_writer_type type);
/** A class made by a class statement, whose instances have no dict. */
remote_addr heap_writer_class(
	struct heap_writer *writer, const char *name, const char *module, remote_addr base);
/** One whose instances have a dict or, where the version can, values of these names. */
remote_addr heap_writer_class_with(struct heap_writer *writer, const char *name, const char *module,
	remote_addr base, uint64_t count, const remote_addr *names);
/** Leave the class made last out of its base's list of subclasses. */
void heap_writer_hide_class(struct heap_writer *writer);
/** An instance of a class made by heap_writer_class_with(), with a value for each name (0: none). Kept
 * as the version does: inline, in an array, or in a dict that shares the class's keys. */
remote_addr heap_writer_instance(
	struct heap_writer *writer, remote_addr cls, const remote_addr *values);
/** One that has this dict. */
remote_addr heap_writer_instance_of_dict(
	struct heap_writer *writer, remote_addr cls, remote_addr dict);
/** Where an instance's dict is, the word. */
remote_addr heap_writer_dict_slot(
	struct heap_writer *writer, remote_addr cls, remote_addr instance);

// ---- values (heap_writer_values.c) ---------------------------------------------------------

/** An object with a count of 0 and zeroed fields, on a GC list if its type says so. */
remote_addr heap_writer_object(struct heap_writer *writer, remote_addr type, uint64_t size);
remote_addr heap_writer_none(struct heap_writer *writer);
remote_addr heap_writer_int(struct heap_writer *writer, int64_t value);
/** With digits: a long of Python 2, else an int. */
remote_addr heap_writer_long(struct heap_writer *writer, int64_t value);
remote_addr heap_writer_float(struct heap_writer *writer, double value);
/** Compact: @p width 1, 2 or 4; ASCII where all characters are and the width is 1. In Python 2 a
 * unicode, of width 4 whatever is asked for. */
remote_addr heap_writer_str_of(
	struct heap_writer *writer, const uint32_t *characters, uint64_t length, unsigned width);
/** A str, whatever that is. */
remote_addr heap_writer_str(struct heap_writer *writer, const char *ascii);
remote_addr heap_writer_bytes_object(
	struct heap_writer *writer, const void *bytes, uint64_t length);

// ---- containers (heap_writer_dicts.c, heap_writer_containers.c) -----------------------------

remote_addr heap_writer_tuple(struct heap_writer *writer, uint64_t count, const remote_addr *items);
remote_addr heap_writer_list(
	struct heap_writer *writer, uint64_t count, const remote_addr *items, uint64_t allocated);

/** A keys object with a count of 1: general (0), str keys (1) or split (2: @p values is ignored).
 * Not for Python 2. */
remote_addr heap_writer_keys(struct heap_writer *writer, unsigned kind, uint64_t count,
	const remote_addr *keys, const remote_addr *values);
/** What ma_values may be for @p keys: room for all it can have; 0 for a hole. */
remote_addr heap_writer_values(
	struct heap_writer *writer, remote_addr keys, uint64_t count, const remote_addr *values);
/** @p type is a dict type; @p values is 0 for a combined table. Not for Python 2. */
remote_addr heap_writer_dict_of(struct heap_writer *writer, remote_addr type, remote_addr keys,
	remote_addr values, uint64_t used);
remote_addr heap_writer_dict(struct heap_writer *writer, unsigned kind, uint64_t count,
	const remote_addr *keys, const remote_addr *values);
/** @p deleted more slots hold the dummy of deleted entries (None), which only Python 2 counts. */
remote_addr heap_writer_set(
	struct heap_writer *writer, uint64_t count, const remote_addr *items, uint64_t deleted);
remote_addr heap_writer_deque(struct heap_writer *writer, uint64_t count, const remote_addr *items,
	uint64_t leftindex, uint64_t maxlen);
remote_addr heap_writer_odict(struct heap_writer *writer, uint64_t count, const remote_addr *keys,
	const remote_addr *values);
/** Links without a cache dict. */
remote_addr heap_writer_lru_cache(struct heap_writer *writer, remote_addr function, uint64_t links);

// ---- code and frames (heap_writer_frames.c) ------------------------------------------------

/** @p lines is the line table, in the version's form. */
remote_addr heap_writer_code(struct heap_writer *writer, const char *name, uint64_t local_count,
	const char *const *locals, uint32_t stack, uint32_t first_line, const void *lines,
	uint64_t lines_size);
/** A generator, suspended. Of its frame's slots (locals, then stack) @p stacktop are in use; -1:
 * unknown, as it runs. Where frames' slots have tags, one with bit 0 set is not counted. */
remote_addr heap_writer_generator(struct heap_writer *writer, remote_addr code, uint64_t slot_count,
	const remote_addr *slots, int32_t stacktop);
/** A frame object that nobody runs: one with contents, its own or (3.11+) a copy of them. */
remote_addr heap_writer_frame_object(struct heap_writer *writer, remote_addr code,
	uint64_t slot_count, const remote_addr *slots, int32_t stacktop);
/** Start a frame in the main thread; innermost last. */
remote_addr heap_writer_call(struct heap_writer *writer, remote_addr code, uint64_t slot_count,
	const remote_addr *slots, int32_t stacktop);

/** The frame of a generator. */
remote_addr heap_writer_frame_of(struct heap_writer *writer, remote_addr generator);
void heap_writer_set_stacktop(struct heap_writer *writer, remote_addr frame, int32_t stacktop);
void heap_writer_set_globals(struct heap_writer *writer, remote_addr frame, remote_addr globals);
/** The byte of the code that is being executed; below 0: none yet. */
void heap_writer_set_instruction(struct heap_writer *writer, remote_addr frame, int64_t offset);

// ---- the whole -----------------------------------------------------------------------------

/** An entry of sys.modules: what keeps a test's objects alive. 0 is not taken. */
void heap_writer_hold(struct heap_writer *writer, const char *name, remote_addr object);
/** Be another version than the row's lowest. */
void heap_writer_set_version(struct heap_writer *writer, uint32_t version_hex);
/** The main interpreter's state. */
remote_addr heap_writer_interpreter(const struct heap_writer *writer);
/** Complete the interpreter and make a target of the bytes, which the writer still owns. The caller
 *  destroys the target before the writer. */
struct target *heap_writer_finish(struct heap_writer *writer, struct pyruntime_place *ret);
/** The bytes of a finished heap. */
void heap_writer_segments(
	const struct heap_writer *writer, struct memory_image_segment ret[WRITER_SEGMENTS]);
