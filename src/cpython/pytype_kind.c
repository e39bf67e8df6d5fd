// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "cpython/pytype_kind.h"

#include "base/limits.h"

#include <string.h>

struct kind_name {
	const char *name;
	enum pykind kind;
	/** A field of struct pylayout that its reader needs: where a version does not have it, a type of
	 * that name is some other one. 0: none. */
	uint32_t needs;
};

// NOLINTNEXTLINE(bugprone-macro-parentheses): names of members cannot be in parentheses.
#define NEEDS(group, member) offsetof(struct pylayout, group.member)

// What these names mean where int and str are those of Python 2.
static const struct kind_name old_kinds[] = {
	{"int", PYKIND_NUMBER},
	{"bool", PYKIND_NUMBER},
	{"long", PYKIND_INT},
	{"str", PYKIND_BYTES},
	{"unicode", PYKIND_OLD_UNICODE},
	{"xrange", PYKIND_PLAIN},
	{"rangeiterator", PYKIND_PLAIN},
	{"thread.lock", PYKIND_PLAIN},
	{"itertools.tee_dataobject", PYKIND_TEE},
};

static const struct kind_name kinds[] = {
	{"object", PYKIND_PLAIN},
	{"NoneType", PYKIND_PLAIN},
	{"NotImplementedType", PYKIND_PLAIN},
	{"ellipsis", PYKIND_PLAIN},
	{"PyCapsule", PYKIND_PLAIN},
	{"_thread.lock", PYKIND_PLAIN},
	{"_thread.RLock", PYKIND_PLAIN},
	{"EncodingMap", PYKIND_PLAIN},
	{"range_iterator", PYKIND_PLAIN},
	{"Token.MISSING", PYKIND_PLAIN},
	{"float", PYKIND_NUMBER},
	{"complex", PYKIND_NUMBER},
	{"int", PYKIND_INT},
	{"bool", PYKIND_INT},
	{"str", PYKIND_STR},
	{"bytes", PYKIND_BYTES},
	{"bytearray", PYKIND_BYTEARRAY},
	{"array.array", PYKIND_ARRAY},
	{"numpy.ndarray", PYKIND_NDARRAY},
	{"numpy.void", PYKIND_NUMPY_VOID},
	{"list", PYKIND_LIST},
	{"tuple", PYKIND_TUPLE},
	{"dict", PYKIND_DICT},
	{"collections.defaultdict", PYKIND_DEFAULTDICT},
	{"collections.OrderedDict", PYKIND_ODICT, NEEDS(odict, od_first)},
	{"set", PYKIND_SET},
	{"frozenset", PYKIND_SET},
	{"type", PYKIND_TYPE},
	{"module", PYKIND_MODULE},
	{"code", PYKIND_CODE},
	{"frame", PYKIND_FRAME},
	{"generator", PYKIND_GENERATOR},
	{"coroutine", PYKIND_COROUTINE},
	{"async_generator", PYKIND_ASYNC_GENERATOR},
	{"collections.deque", PYKIND_DEQUE},
	{"_queue.SimpleQueue", PYKIND_RING, NEEDS(ring, items)},
	{"functools._lru_cache_wrapper", PYKIND_LRU_CACHE, NEEDS(lru_cache, root_next)},
	{"itertools._tee_dataobject", PYKIND_TEE},
	{"hamt_bitmap_node", PYKIND_HAMT_NODE, NEEDS(hamt_node, array)},
	{"hamt_collision_node", PYKIND_HAMT_NODE, NEEDS(hamt_node, array)},
	{"hamt_array_node", PYKIND_HAMT_ARRAY, NEEDS(hamt_array, array)},
};

// The first type on the way up whose instances are laid out by C code.
static const struct pytype *layout_base(const struct pytypes *types, const struct pytype *type)
{
	for (unsigned i = 0; type && i < LIMIT_TYPE_BASES; i++) {
		if (type->dealloc != types->class_dealloc || type->has_c_fields)
			return type;
		type = pytypes_at(types, type->base);
	}
	return NULL;
}

static bool has_needed(const struct pylayout *layout, uint32_t needs)
{
	uint32_t needed;

	memcpy(&needed, (const char *)layout + needs, sizeof(needed));
	return !needs || pylayout_has(needed);
}

static enum pykind find_kind(const struct pylayout *layout, const struct kind_name *names,
	size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(names[i].name, name) == 0 && has_needed(layout, names[i].needs))
			return names[i].kind;
	}
	return PYKIND_NONE;
}

static enum pykind kind_by_name(const struct pylayout *layout, const char *name)
{
	enum pykind kind = PYKIND_NONE;

	if (pylayout_has(layout->old_int.ob_ival))
		kind = find_kind(layout, old_kinds, sizeof(old_kinds) / sizeof(old_kinds[0]), name);
	return kind != PYKIND_NONE
		       ? kind
		       : find_kind(layout, kinds, sizeof(kinds) / sizeof(kinds[0]), name);
}

// Items past ob_size: n_fields - n_sequence_fields of the type's dict (Objects/structseq.c).
static int64_t structseq_hidden_items(
	struct pyreader *reader, const struct pylayout *layout, const struct pytype *type)
{
	static const char *const names[2] = {"n_fields", "n_sequence_fields"};
	int64_t values[2];

	for (int i = 0; i < 2; i++) {
		remote_addr value = pytype_find_in_dict(reader, layout, type->dict, names[i]);
		uint32_t digit;

		if (!value || !pyreader_u32(reader,
				      value + (pylayout_has(layout->old_int.ob_ival)
							      ? layout->old_int.ob_ival
							      : layout->long_int.ob_digit),
				      &digit))
			return -1;
		values[i] = digit;
	}
	return values[0] - values[1] >= 0 && values[0] < 4096 ? values[0] - values[1] : -1;
}

// Does a reader know this very type?
static bool set_known_kind(struct pyreader *reader, const struct pylayout *layout,
	const struct pytypes *types, const struct pytype *base, struct pytype *type)
{
	int64_t hidden;

	// A SimpleQueue has plain fields up to 3.12 only.
	type->kind = kind_by_name(layout, base->tp_name);
	if (type->kind == PYKIND_NONE)
		type->fields = pylayout_fields(layout, base->tp_name, base->basicsize);
	if (type->fields)
		type->kind = PYKIND_FIELDS;
	if (type->kind != PYKIND_NONE)
		return true;
	if (!(base->flags & PYTYPE_FLAG_TUPLE_SUBCLASS) || pytypes_is_python_class(types, base))
		return false;
	hidden = structseq_hidden_items(reader, layout, base);
	if (hidden < 0)
		return false;
	type->kind = PYKIND_STRUCTSEQ;
	type->hidden_items = (uint32_t)hidden;
	return true;
}

void pytype_set_kind(struct pyreader *reader, const struct pylayout *layout,
	const struct pytypes *types, struct pytype *type)
{
	const struct pytype *base = layout_base(types, type);

	type->scan_end = base ? (uint32_t)base->basicsize : layout->object.size;
	type->layout_size = layout->object.size;
	for (unsigned i = 0; base && i < LIMIT_TYPE_BASES; i++) {
		if (set_known_kind(reader, layout, types, base, type)) {
			type->layout_size = (uint32_t)base->basicsize;
			return;
		}
		base = pytypes_at(types, base->base);
	}
	type->kind = PYKIND_PLAIN;
	type->fields = NULL;
}
