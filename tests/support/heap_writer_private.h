// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/** What the parts of heap_writer share. */
#pragma once

#include "cpython/pyruntime.h"
#include "heap_writer.h"

#define WRITER_DATA_ADDR    0x10000000ull
#define WRITER_SEGMENT_SIZE ((uint64_t)1 << 20)
#define WRITER_CLASS_COUNT  64 /* size classes: 512 bytes, 8 apart */
#define WRITER_HELD_MAX     256
#define WRITER_NAMES_MAX    8
#define WRITER_CLASSES_MAX  32

enum { SEGMENT_DATA, SEGMENT_ARENA, SEGMENT_LARGE };

struct writer_segment {
	remote_addr addr;
	uint64_t used;
	uint8_t *bytes;
};

/** A class whose instances have attributes of these names. */
struct writer_class {
	remote_addr type, keys; /* keys object; 0 in Python 2 */
	uint64_t count;
	remote_addr names[WRITER_NAMES_MAX];
};

struct heap_writer {
	const struct pylayout *layout;
	uint32_t version_hex;
	struct writer_segment segments[WRITER_SEGMENTS];
	remote_addr pools[WRITER_CLASS_COUNT]; /* the one being filled */
	remote_addr types[WRITER_TYPE_COUNT];
	remote_addr children[WRITER_HELD_MAX]; /* all types below object */
	uint64_t child_count;
	remote_addr runtime, interpreter, thread, cframe, none, class_dealloc;
	/** Variables of their own before 3.7. */
	remote_addr interpreters_head, generation0, current_thread;
	remote_addr gc_heads[PYRUNTIME_GC_HEADS_MAX];
	uint64_t gc_head_count, tracked;
	remote_addr held_names[WRITER_HELD_MAX], held[WRITER_HELD_MAX];
	uint64_t held_count;
	struct writer_class classes[WRITER_CLASSES_MAX];
	uint64_t class_count;
};

void writer_demand(bool condition, const char *what);
/** Bytes of a segment. */
remote_addr writer_take(struct heap_writer *writer, unsigned index, uint64_t size, uint64_t align);
/** A C string in static data. */
remote_addr writer_c_string(struct heap_writer *writer, const char *text);
void writer_put_refs(
	struct heap_writer *writer, remote_addr addr, uint64_t count, const remote_addr *items);
/** The word at @p base + @p offset if the version has the field. */
void writer_put_field(
	struct heap_writer *writer, remote_addr base, uint32_t offset, uint64_t value);
void writer_put_ref_field(
	struct heap_writer *writer, remote_addr base, uint32_t offset, remote_addr object);
void writer_put_u8(struct heap_writer *writer, remote_addr addr, uint8_t value);

/** The count that what is made statically starts with. */
uint64_t writer_static_refcnt(const struct pylayout *layout);
uint64_t writer_type_word(struct heap_writer *writer, remote_addr type, uint32_t offset);
void writer_static_types(struct heap_writer *writer);
/** object.__subclasses__ and a built-in type's dict, where the version keeps them. */
void writer_finish_types(struct heap_writer *writer);
/** An object of a type without items. */
remote_addr writer_plain_object(struct heap_writer *writer, enum heap_writer_type type);
/** Values of attributes inside an object, as a dict that has them would see them. */
void writer_fill_values(struct heap_writer *writer, remote_addr at, uint64_t room, uint64_t count,
	const remote_addr *values, bool is_embedded);
/** Entries that a keys object has room for. */
uint64_t writer_keys_room(struct heap_writer *writer, remote_addr keys);
/** Interpreter, thread and the collector's lists. */
void writer_make_interpreter(struct heap_writer *writer);
/** sys, builtins, modules, interned strings, debug offsets. */
void writer_finish_interpreter(struct heap_writer *writer);
