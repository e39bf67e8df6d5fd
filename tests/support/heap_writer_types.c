// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
//
// Built-in types, classes and their instances.
#include "heap_writer_private.h"

#include <string.h>

remote_addr heap_writer_type(const struct heap_writer *writer, enum heap_writer_type type)
{
	return writer->types[type];
}

uint64_t writer_type_word(struct heap_writer *writer, remote_addr type, uint32_t offset)
{
	return heap_writer_get(writer, type + offset);
}

static void fill_type(struct heap_writer *writer, remote_addr type, remote_addr name,
	uint64_t basicsize, uint64_t itemsize, uint64_t flags, remote_addr base)
{
	const struct pylayout *layout = writer->layout;

	heap_writer_put(writer, type + layout->type.tp_name, name);
	heap_writer_put(writer, type + layout->type.tp_basicsize, basicsize);
	heap_writer_put(writer, type + layout->type.tp_itemsize, itemsize);
	heap_writer_put(writer, type + layout->type.tp_flags, flags | PYTYPE_FLAG_READY);
	heap_writer_put_ref(writer, type + layout->type.tp_base, base);
	if (base) {
		writer_demand(writer->child_count < WRITER_HELD_MAX, "too many types");
		writer->children[writer->child_count++] = type;
	}
}

// ---- built-in types ------------------------------------------------------------------------

// From 3.12 on each interpreter has a state per built-in type: those of the interpreter first, those
// of extension modules after them, in another array from 3.13 on. tp_subclasses is the number, from 1.
static void number_type(struct heap_writer *writer, unsigned index)
{
	const struct pylayout *layout = writer->layout;
	uint32_t size = layout->static_type.size;
	remote_addr type = writer->types[index];
	remote_addr state = writer->interpreter + layout->interp.static_types + index * size;
	uint64_t number = index + 1;

	if (!pylayout_has(layout->interp.static_types))
		return;
	if (index == WRITER_TEE && pylayout_has(layout->interp.extension_types)) {
		state = writer->interpreter + layout->interp.extension_types;
		number = (layout->interp.static_types_end - layout->interp.static_types) / size + 1;
	}
	heap_writer_put(writer, state + layout->static_type.type, type);
	heap_writer_put(writer, type + layout->type.tp_subclasses, number);
}

static void static_type(struct heap_writer *writer, enum heap_writer_type index, const char *name,
	uint64_t basicsize, uint64_t itemsize, uint64_t flags)
{
	const struct pylayout *layout = writer->layout;
	remote_addr type = writer->types[index];
	remote_addr base = index == WRITER_OBJECT ? 0 : writer->types[WRITER_OBJECT];

	if (pylayout_has(layout->interp.static_types))
		flags |= PYTYPE_FLAG_STATIC_BUILTIN;
	heap_writer_put(writer, type + layout->object.ob_refcnt, writer_static_refcnt(layout));
	heap_writer_put(writer, type + layout->object.ob_type, writer->types[WRITER_TYPE]);
	heap_writer_put(writer, type + layout->type.tp_dealloc, WRITER_DATA_ADDR + 64ull * index);
	fill_type(writer, type, writer_c_string(writer, name), basicsize, itemsize, flags, base);
	number_type(writer, index);
}

static uint64_t fields_size(const struct heap_writer *writer, const char *name)
{
	const struct pyfields *fields = pylayout_fields(writer->layout, name, INT64_MAX);

	writer_demand(fields != NULL, "a type without a row of fields");
	return fields->size;
}

// A struct that ends a word after the last of these fields that the version has.
static uint64_t past(unsigned count, const uint32_t *offsets)
{
	uint32_t last = 0;

	for (unsigned i = 0; i < count; i++) {
		if (pylayout_has(offsets[i]) && offsets[i] > last)
			last = offsets[i];
	}
	return (last & ~7u) + 8;
}

static void scalar_types(struct heap_writer *writer)
{
	const struct pylayout *l = writer->layout;

	static_type(writer, WRITER_NONE, "NoneType", l->object.size, 0, 0);
	static_type(writer, WRITER_FLOAT, "float", l->object.size + 8, 0, 0);
	if (WRITER_IS_PYTHON_2(l)) {
		static_type(
			writer, WRITER_INT, "int", l->old_int.ob_ival + 8, 0, PYTYPE_FLAG_OLD_INT);
		static_type(writer, WRITER_LONG, "long", l->long_int.ob_digit, 4,
			PYTYPE_FLAG_LONG_SUBCLASS);
		static_type(writer, WRITER_STR, "str", l->bytes.ob_sval + 1, 1,
			PYTYPE_FLAG_BYTES_SUBCLASS);
		static_type(writer, WRITER_UNICODE, "unicode", l->str.legacy_size, 0,
			PYTYPE_FLAG_STR_SUBCLASS);
		return;
	}
	static_type(writer, WRITER_INT, "int", l->long_int.ob_digit, 4, PYTYPE_FLAG_LONG_SUBCLASS);
	static_type(writer, WRITER_STR, "str", l->str.legacy_size, 0, PYTYPE_FLAG_STR_SUBCLASS);
	static_type(
		writer, WRITER_BYTES, "bytes", l->bytes.ob_sval + 1, 1, PYTYPE_FLAG_BYTES_SUBCLASS);
}

static void container_types(struct heap_writer *writer)
{
	const struct pylayout *l = writer->layout;
	const uint64_t gc = PYTYPE_FLAG_GC;

	static_type(writer, WRITER_TUPLE, "tuple", l->tuple.ob_item, 8,
		gc | PYTYPE_FLAG_TUPLE_SUBCLASS);
	static_type(writer, WRITER_LIST, "list", l->list.allocated + 8, 0,
		gc | PYTYPE_FLAG_LIST_SUBCLASS);
	static_type(writer, WRITER_DICT, "dict", l->dict.size, 0, gc | PYTYPE_FLAG_DICT_SUBCLASS);
	static_type(writer, WRITER_SET, "set",
		l->set.smalltable + 8 * (uint64_t)l->set_entry.size + 8, 0, gc);
	static_type(writer, WRITER_DEQUE, "collections.deque", l->deque.maxlen + 16, 0, gc);
	static_type(writer, WRITER_TEE,
		WRITER_IS_PYTHON_2(l) ? "itertools.tee_dataobject" : "itertools._tee_dataobject",
		l->tee.values + 57 * 8, 0, gc);
	if (!pylayout_has(l->odict.size))
		return;
	static_type(writer, WRITER_ODICT, "collections.OrderedDict", l->odict.size, 0,
		gc | PYTYPE_FLAG_DICT_SUBCLASS);
	static_type(writer, WRITER_LRU_CACHE, "functools._lru_cache_wrapper",
		l->lru_cache.dict + 16, 0, gc);
	static_type(writer, WRITER_LRU_LINK, "functools._lru_list_elem",
		fields_size(writer, "functools._lru_list_elem"), 0, 0);
}

static void code_types(struct heap_writer *writer)
{
	const struct pylayout *l = writer->layout;
	const uint64_t gc = PYTYPE_FLAG_GC;
	bool is_old = WRITER_HAS_OLD_FRAMES(l);
	const uint32_t code[] = {l->code.co_name, l->code.co_lnotab, l->code.co_linetable,
		l->code.co_extra, l->code.co_opcache_map, l->code.co_opcache_size};
	const uint32_t generator[] = {l->gen.gi_code, l->gen.gi_qualname, l->gen.gi_exc_traceback};

	static_type(writer, WRITER_CODE, "code", is_old ? past(6, code) : l->code.co_code_adaptive,
		is_old ? 0 : 2, 0);
	static_type(writer, WRITER_GENERATOR, "generator",
		is_old ? past(3, generator) : l->gen.gi_iframe + l->iframe.localsplus,
		is_old ? 0 : 8, gc);
	static_type(writer, WRITER_FRAME, "frame",
		is_old ? l->frame.f_localsplus + 8 : l->frame.f_frame_data + l->iframe.localsplus,
		8, gc);
	static_type(writer, WRITER_WEAKREF, "weakref.ReferenceType", fields_size(writer, "weakref"),
		0, gc);
	static_type(writer, WRITER_FUNCTION, "function", fields_size(writer, "function"), 0, gc);
	static_type(writer, WRITER_MODULE, "module",
		past(2, (uint32_t[]){l->module.md_dict, l->module.md_name}), 0, gc);
}

static bool has_type(const struct pylayout *layout, enum heap_writer_type type)
{
	if (type == WRITER_ODICT || type == WRITER_LRU_CACHE || type == WRITER_LRU_LINK)
		return pylayout_has(layout->odict.size);
	if (type == WRITER_LONG || type == WRITER_UNICODE)
		return WRITER_IS_PYTHON_2(layout);
	return type != WRITER_BYTES || !WRITER_IS_PYTHON_2(layout);
}

void writer_static_types(struct heap_writer *writer)
{
	const struct pylayout *l = writer->layout;

	for (unsigned i = 0; i < WRITER_TYPE_COUNT; i++) {
		if (has_type(l, (enum heap_writer_type)i))
			writer->types[i] = writer_take(writer, SEGMENT_DATA, l->type.size, 16);
	}
	static_type(writer, WRITER_TYPE, "type", l->heap_type.size, l->member_def.size,
		PYTYPE_FLAG_GC | PYTYPE_FLAG_TYPE_SUBCLASS);
	static_type(writer, WRITER_OBJECT, "object", l->object.size, 0, 0);
	scalar_types(writer);
	container_types(writer);
	code_types(writer);
	if (WRITER_IS_PYTHON_2(l)) {
		writer->types[WRITER_BYTES] = writer->types[WRITER_STR];
	} else {
		writer->types[WRITER_LONG] = writer->types[WRITER_INT];
		writer->types[WRITER_UNICODE] = writer->types[WRITER_STR];
	}
	writer->class_dealloc = WRITER_DATA_ADDR + 64ull * WRITER_TYPE_COUNT;
}

// ---- subclasses ----------------------------------------------------------------------------

// Where the dict or the subclasses of a built-in type are.
static remote_addr static_slot(
	struct heap_writer *writer, enum heap_writer_type index, bool is_dict)
{
	const struct pylayout *l = writer->layout;
	remote_addr state = writer->interpreter + l->interp.static_types +
			    (uint64_t)index * l->static_type.size;

	if (!pylayout_has(l->interp.static_types))
		return writer->types[index] + (is_dict ? l->type.tp_dict : l->type.tp_subclasses);
	return state + (is_dict ? l->static_type.tp_dict : l->static_type.tp_subclasses);
}

static remote_addr weakref_to(struct heap_writer *writer, remote_addr object)
{
	remote_addr weakref = writer_plain_object(writer, WRITER_WEAKREF);

	heap_writer_put(writer, weakref + writer->layout->weakref.wr_object, object);
	return weakref;
}

// A dict of weakrefs under the addresses of the types; in Python 2 a list.
static remote_addr subclasses_of_object(struct heap_writer *writer)
{
	remote_addr keys[WRITER_HELD_MAX], weakrefs[WRITER_HELD_MAX];
	uint64_t count = writer->child_count;

	for (uint64_t i = 0; i < count; i++)
		weakrefs[i] = weakref_to(writer, writer->children[i]);
	if (writer->layout->traits.subclasses_is_list)
		return heap_writer_list(writer, count, weakrefs, count);
	for (uint64_t i = 0; i < count; i++)
		keys[i] = heap_writer_int(writer, (int64_t)writer->children[i]);
	return heap_writer_dict(writer, 0, count, keys, weakrefs);
}

void writer_finish_types(struct heap_writer *writer)
{
	remote_addr name = heap_writer_str(writer, "__doc__");
	remote_addr text = heap_writer_str(writer, "a number");

	heap_writer_put_ref(
		writer, static_slot(writer, WRITER_OBJECT, false), subclasses_of_object(writer));
	heap_writer_put_ref(writer, static_slot(writer, WRITER_FLOAT, true),
		heap_writer_dict(writer, 1, 1, &name, &text));
}

// ---- classes -------------------------------------------------------------------------------

static remote_addr new_class(struct heap_writer *writer, const char *name, const char *module,
	remote_addr base, uint64_t basicsize, uint64_t flags)
{
	const struct pylayout *layout = writer->layout;
	remote_addr type =
		heap_writer_object(writer, writer->types[WRITER_TYPE], layout->heap_type.size);
	remote_addr dict_key = heap_writer_str(writer, "__module__");
	remote_addr dict_value = heap_writer_str(writer, module);
	remote_addr text = heap_writer_str(writer, name);

	// The upper flags say what it is a subclass of.
	flags |= PYTYPE_FLAG_HEAP | PYTYPE_FLAG_GC |
		 (writer_type_word(writer, base, layout->type.tp_flags) & ~0x7fffffull);
	fill_type(writer, type, writer_c_string(writer, name), basicsize,
		writer_type_word(writer, base, layout->type.tp_itemsize), flags, base);
	heap_writer_put(writer, type + layout->type.tp_dealloc, writer->class_dealloc);
	heap_writer_put_ref(writer, type + layout->type.tp_dict,
		heap_writer_dict(writer, 1, 1, &dict_key, &dict_value));
	heap_writer_put_ref(writer, type + layout->heap_type.ht_name, text);
	writer_put_ref_field(writer, type, layout->heap_type.ht_qualname, text);
	return type;
}

remote_addr heap_writer_class(
	struct heap_writer *writer, const char *name, const char *module, remote_addr base)
{
	return new_class(writer, name, module, base,
		writer_type_word(writer, base, writer->layout->type.tp_basicsize), 0);
}

// Flags of a class whose instances may have values without a dict.
static uint64_t attribute_flags(const struct pylayout *layout)
{
	switch (layout->traits.attributes) {
	case PYATTRIBUTES_NONE:
		return 0;
	case PYATTRIBUTES_ARRAY:
	case PYATTRIBUTES_TAGGED:
		return PYTYPE_FLAG_MANAGED_DICT;
	case PYATTRIBUTES_INLINE:
		return PYTYPE_FLAG_MANAGED_DICT | PYTYPE_FLAG_INLINE_VALUES;
	}
	return 0;
}

remote_addr heap_writer_class_with(struct heap_writer *writer, const char *name, const char *module,
	remote_addr base, uint64_t count, const remote_addr *names)
{
	const struct pylayout *layout = writer->layout;
	uint64_t basicsize = writer_type_word(writer, base, layout->type.tp_basicsize);
	uint64_t room = WRITER_HAS_PREHEADER(layout) ? 0 : 8;
	struct writer_class *it = &writer->classes[writer->class_count++];

	writer_demand(writer->class_count <= WRITER_CLASSES_MAX && count <= WRITER_NAMES_MAX,
		"too many classes or attributes");
	*it = (struct writer_class){.count = count};
	memcpy(it->names, names, count * sizeof(*names));
	if (!WRITER_IS_PYTHON_2(layout))
		it->keys = heap_writer_keys(writer, 2, count, names, NULL);
	it->type = new_class(writer, name, module, base, basicsize + room, attribute_flags(layout));
	if (room)
		heap_writer_put(writer, it->type + layout->type.tp_dictoffset, basicsize);
	writer_put_field(writer, it->type, layout->heap_type.ht_cached_keys, it->keys);
	return it->type;
}

void heap_writer_hide_class(struct heap_writer *writer)
{
	writer->child_count--;
}

// ---- instances -----------------------------------------------------------------------------

static const struct writer_class *class_of(const struct heap_writer *writer, remote_addr type)
{
	for (uint64_t i = 0; i < writer->class_count; i++) {
		if (writer->classes[i].type == type)
			return &writer->classes[i];
	}
	writer_demand(false, "an instance of a class without attributes");
	return NULL;
}

static remote_addr new_instance(struct heap_writer *writer, const struct writer_class *cls)
{
	const struct pylayout *layout = writer->layout;
	uint64_t size = writer_type_word(writer, cls->type, layout->type.tp_basicsize);

	// Room for the values, and for the order in which they were set.
	if (layout->traits.attributes == PYATTRIBUTES_INLINE)
		size += layout->dict_values.values + 9 * writer_keys_room(writer, cls->keys);
	return heap_writer_object(writer, cls->type, size);
}

remote_addr heap_writer_dict_slot(struct heap_writer *writer, remote_addr cls, remote_addr instance)
{
	const struct pylayout *layout = writer->layout;

	return WRITER_HAS_PREHEADER(layout)
		       ? instance - layout->gc_head.size - 8
		       : instance + writer_type_word(writer, cls, layout->type.tp_dictoffset);
}

remote_addr heap_writer_instance_of_dict(
	struct heap_writer *writer, remote_addr type, remote_addr dict)
{
	remote_addr object = new_instance(writer, class_of(writer, type));

	heap_writer_put_ref(writer, heap_writer_dict_slot(writer, type, object), dict);
	return object;
}

// Before 3.11 attributes are always in a dict, which shares its keys with the class from 3.6 on.
static remote_addr attributes_dict(
	struct heap_writer *writer, const struct writer_class *cls, const remote_addr *values)
{
	const struct pylayout *layout = writer->layout;
	remote_addr count_at, present[2][WRITER_NAMES_MAX];
	uint64_t used = 0;

	for (uint64_t i = 0; i < cls->count; i++) {
		if (!values[i])
			continue;
		present[0][used] = cls->names[i];
		present[1][used++] = values[i];
	}
	if (!cls->keys)
		return heap_writer_dict(writer, 1, used, present[0], present[1]);
	count_at = cls->keys + layout->keys.dk_refcnt;
	heap_writer_put(writer, count_at, heap_writer_get(writer, count_at) + 1);
	return heap_writer_dict_of(writer, writer->types[WRITER_DICT], cls->keys,
		heap_writer_values(writer, cls->keys, cls->count, values), used);
}

remote_addr heap_writer_instance(
	struct heap_writer *writer, remote_addr type, const remote_addr *values)
{
	const struct pylayout *layout = writer->layout;
	const struct writer_class *cls = class_of(writer, type);
	remote_addr object, slot;

	if (!WRITER_HAS_PREHEADER(layout))
		return heap_writer_instance_of_dict(
			writer, type, attributes_dict(writer, cls, values));
	object = new_instance(writer, cls);
	slot = heap_writer_dict_slot(writer, type, object);
	if (layout->traits.attributes == PYATTRIBUTES_INLINE)
		writer_fill_values(writer,
			object + writer_type_word(writer, type, layout->type.tp_basicsize),
			writer_keys_room(writer, cls->keys), cls->count, values, true);
	else if (layout->traits.attributes == PYATTRIBUTES_TAGGED)
		heap_writer_put(writer, slot,
			heap_writer_values(writer, cls->keys, cls->count, values) - 1);
	else
		heap_writer_put(writer, slot - 8,
			heap_writer_values(writer, cls->keys, cls->count, values));
	return object;
}
