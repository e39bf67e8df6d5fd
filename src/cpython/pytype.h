// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Types: what an object of each is made of.
 *
 * All types are read once, when the interpreter is opened: every ready type is in the tree of
 * tp_subclasses below `object`. From 3.12 on the dict and the subclasses of static built-in types
 * are in each interpreter's state. After that a word of memory is a type's address or it is not, which
 * is what tells objects from other blocks.
 *
 * An object's references are those of its C layout (`kind`: that of the first base whose
 * tp_dealloc is not that of a class statement, or of the nearest base of it that has a reader),
 * then the __slots__ of each class on the way, then its dict. Source: Objects/typeobject.c, 3.11.2.
 */
#pragma once

#include "base/vector.h"
#include "cpython/pylayout.h"
#include "cpython/pyreader.h"

#define PYTYPE_NONE UINT32_MAX

/** Flags of tp_flags (Include/object.h). */
#define PYTYPE_FLAG_STATIC_BUILTIN (1ull << 1) /* 3.12 */
#define PYTYPE_FLAG_INLINE_VALUES  (1ull << 2) /* 3.13 */
#define PYTYPE_FLAG_MANAGED_DICT   (1ull << 4) /* 3.11 */
#define PYTYPE_FLAG_HEAP           (1ull << 9)
#define PYTYPE_FLAG_READY          (1ull << 12)
#define PYTYPE_FLAG_GC             (1ull << 14)
#define PYTYPE_FLAG_OLD_INT        (1ull << 23) /* 2.7 */
#define PYTYPE_FLAG_LONG_SUBCLASS  (1ull << 24)
#define PYTYPE_FLAG_LIST_SUBCLASS  (1ull << 25)
#define PYTYPE_FLAG_TUPLE_SUBCLASS (1ull << 26)
#define PYTYPE_FLAG_BYTES_SUBCLASS (1ull << 27)
#define PYTYPE_FLAG_STR_SUBCLASS   (1ull << 28)
#define PYTYPE_FLAG_DICT_SUBCLASS  (1ull << 29)
#define PYTYPE_FLAG_TYPE_SUBCLASS  (1ull << 31)

/** The C layout of an object: which reader understands it. */
enum pykind {
	PYKIND_NONE,
	PYKIND_PLAIN,  /* nothing of its own: object, None */
	PYKIND_FIELDS, /* plain fields of data/layout/owned-fields.txt */
	PYKIND_NUMBER, /* float, complex: bytes only */
	PYKIND_INT,
	PYKIND_STR,
	PYKIND_OLD_UNICODE, /* 2.7 unicode */
	PYKIND_BYTES,       /* 2.7 str, too */
	PYKIND_BYTEARRAY,
	PYKIND_ARRAY,      /* array.array */
	PYKIND_NDARRAY,    /* numpy.ndarray */
	PYKIND_NUMPY_VOID, /* numpy.void: a record */
	PYKIND_LIST,
	PYKIND_TUPLE,
	PYKIND_STRUCTSEQ,
	PYKIND_DICT,
	PYKIND_DEFAULTDICT,
	PYKIND_ODICT,
	PYKIND_SET,
	PYKIND_TYPE,
	PYKIND_MODULE,
	PYKIND_CODE,
	PYKIND_FRAME,
	PYKIND_GENERATOR,
	PYKIND_COROUTINE,
	PYKIND_ASYNC_GENERATOR,
	PYKIND_DEQUE,
	PYKIND_LRU_CACHE,
	PYKIND_RING, /* a ring buffer: SimpleQueue from 3.13 on */
	PYKIND_TEE,
	PYKIND_HAMT_NODE, /* bitmap and collision nodes: ob_size words */
	PYKIND_HAMT_ARRAY,
	PYKIND_COUNT,
};

/** A word of an object that tp_members declares as an owned reference. */
struct pymember {
	remote_addr name; /* char * */
	uint32_t offset;
};

struct pytype {
	remote_addr addr, base, metatype, dict;
	uint64_t flags;
	int64_t basicsize, itemsize, dictoffset, weaklistoffset;
	remote_addr dealloc;
	enum pykind kind;
	/** Bytes between the start of an object's block and the object: GC head and pre-header. */
	uint32_t head_bytes;
	bool is_gc, is_heap, has_managed_dict, has_inline_values;
	/** Made by a class statement: its tp_dealloc is that of such classes, and it adds nothing to
	 * its base but slots, a dict and weak references. */
	bool is_python_class;
	bool has_c_fields;                   /* adds words to its base that are none of these */
	bool has_legacy_finalizer;           /* tp_del */
	const struct pyfields *fields;       /* PYKIND_FIELDS */
	uint32_t member_first, member_count; /* in pytypes.members */
	uint32_t layout_size;                /* tp_basicsize of the base whose layout is `kind` */
	/** C types below that base add the bytes from layout_size to here, which no reader knows:
	 * their tp_members are believed, every other word may be a reference. */
	uint32_t scan_end;
	uint32_t hidden_items;   /* PYKIND_STRUCTSEQ: items past ob_size */
	remote_addr cached_keys; /* ht_cached_keys: keys shared by the instances' dicts */
	const char *tp_name;     /* as tp_name says; owned by the table */
	const char *name;        /* with the module, as a person names it; owned by the table */
};

DEFINE_VECTOR(pytype_vector, struct pytype)
DEFINE_VECTOR(pymember_vector, struct pymember)

struct pytypes {
	struct pytype_vector list;
	struct pymember_vector members;
	remote_addr type_type, object_type; /* PyType_Type, PyBaseObject_Type */
	remote_addr class_dealloc;          /* tp_dealloc of classes made by a class statement */
	/** addr -> index: open addressing, a power of two of slots, at most a quarter full. */
	struct pytype_slot {
		remote_addr addr;
		uint32_t index;
	} * slots;
	uint32_t slot_count;
	unsigned slot_shift;
	/** Entries of lists of subclasses looked at so far (LIMIT_SUBCLASSES). */
	uint64_t subclasses_seen;
};

/** Read all types reachable from PyType_Type, and those that only @p interpreters know of.
 * ERROR_BAD_DATA if @p type_type is no such thing. */
struct error *pytypes_create(struct pyreader *reader, const struct pylayout *layout,
	const remote_addr *interpreters, size_t interpreter_count, remote_addr type_type,
	struct pytypes **ret);
void pytypes_destroy(struct pytypes *types);
DEFINE_CLEANUP(struct pytypes *, pytypes_destroy)

/** The type at @p addr, or PYTYPE_NONE. Lock-free; the hot path's first question. */
static inline uint32_t pytypes_find(const struct pytypes *types, remote_addr addr)
{
	uint32_t i = (uint32_t)((addr >> 4) * 0x9e3779b97f4a7c15ull >> types->slot_shift);

	while (types->slots[i].addr != addr) {
		if (!types->slots[i].addr)
			return PYTYPE_NONE;
		i = (i + 1) & (types->slot_count - 1);
	}
	return types->slots[i].index;
}

static inline bool pykind_is_generator(enum pykind kind)
{
	return kind == PYKIND_GENERATOR || kind == PYKIND_COROUTINE ||
	       kind == PYKIND_ASYNC_GENERATOR;
}

/** Does ob_size say how many items an object has? Generators and frames have items, but no such
 * field: their code says how many. */
static inline bool pytype_has_ob_size(const struct pytype *type)
{
	return type->itemsize && !pykind_is_generator(type->kind) && type->kind != PYKIND_FRAME;
}

/** Items of an object whose word at ob_size is @p word. An int's is negative if the int is, or its
 * lv_tag has three bits of flags (Include/cpython/longintrepr.h, 3.12). */
static inline uint64_t pytype_items(
	const struct pylayout *layout, const struct pytype *type, uint64_t word)
{
	if (type->flags & PYTYPE_FLAG_LONG_SUBCLASS && pylayout_has(layout->long_int.lv_tag))
		return word >> 3;
	return word >> 63 ? 0 - word : word;
}

/** Where interpreter @p interpreter keeps tp_dict and tp_subclasses of the static built-in type at
 * @p type, or 0 if it is none (Objects/typeobject.c, 3.12: managed_static_type_state_get). */
remote_addr pytype_static_state(struct pyreader *reader, const struct pylayout *layout,
	remote_addr interpreter, remote_addr type);

/** Instances of old-style classes (2.7) all have the type `instance`. For each class that is known
 * there is another of it, with the class's name; of the class at @p addr, or PYTYPE_NONE. */
static inline uint32_t pytypes_find_old_class(const struct pytypes *types, remote_addr addr)
{
	// No type is at an odd address, and no object is asked for its type there.
	return pytypes_find(types, addr | 1);
}

/** Add a type, or an old-style class, that was met on an object but is not in the tree of subclasses. What is at @p addr is
 *  not added if it is no type, or known already. Not thread-safe; pointers into the list do not
 *  survive it. */
struct error *pytypes_add(struct pytypes *types, struct pyreader *reader,
	const struct pylayout *layout, remote_addr addr);

/** Does @p type have @p base (by tp_name of a type of that name) among its bases? */
bool pytypes_is_a(const struct pytypes *types, uint32_t type, const char *base_name);
