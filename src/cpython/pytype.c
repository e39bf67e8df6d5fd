// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "cpython/pytype.h"

#include "base/error.h"
#include "base/limits.h"
#include "cpython/pydict.h"
#include "cpython/pystr.h"
#include "cpython/pytype_kind.h"

#include <stdio.h>

// tp_members: T_OBJECT and T_OBJECT_EX own their word; READONLY and others are ignored
// (Include/structmember.h).
enum { MEMBER_OBJECT = 6, MEMBER_OBJECT_EX = 16 };

// Sizes past these are no type: an object's fixed part, and an item.
#define BASICSIZE_MAX (1 << 24)
#define ITEMSIZE_MAX  (1 << 20)

static bool is_printable(const char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < 32 || *text == 127)
			return false;
	}
	return true;
}

// Read a C string of the target. False if it is unreadable, empty, unprintable or too long.
static bool read_name(struct pyreader *reader, remote_addr addr, char ret[LIMIT_TYPE_NAME])
{
	size_t length = 0;

	while (length < LIMIT_TYPE_NAME) {
		uint64_t got;
		const uint8_t *bytes =
			pyreader_span(reader, addr + length, LIMIT_TYPE_NAME - length, &got);

		if (!bytes)
			return false;
		memcpy(ret + length, bytes, got);
		if (memchr(ret + length, '\0', got))
			return ret[0] && is_printable(ret);
		length += got;
	}
	return false;
}

static bool grow_slots(struct pytypes *types)
{
	uint32_t count = types->slot_count ? types->slot_count * 2 : 4096;
	struct pytype_slot *slots = mem_calloc(count, sizeof(*slots));
	struct pytype_slot *old = types->slots;
	uint32_t old_count = types->slot_count;

	if (!slots)
		return false;
	// An empty slot answers for address 0, which is no type.
	for (uint32_t i = 0; i < count; i++)
		slots[i].index = PYTYPE_NONE;
	types->slots = slots;
	types->slot_count = count;
	types->slot_shift = (unsigned)(64 - __builtin_ctz(count));
	for (uint32_t i = 0; i < old_count; i++) {
		uint32_t j;

		if (!old[i].addr)
			continue;
		j = (uint32_t)((old[i].addr >> 4) * 0x9e3779b97f4a7c15ull >> types->slot_shift);
		while (slots[j].addr)
			j = (j + 1) & (count - 1);
		slots[j] = old[i];
	}
	mem_free(old);
	return true;
}

// Takes type.name, and a copy of type.tp_name. Past LIMIT_TYPES a type is not taken. It is found by
// @p key.
static struct error *insert_as(struct pytypes *types, struct pytype type, remote_addr key)
{
	uint32_t i;

	if (types->list.count >= LIMIT_TYPES) {
		mem_free((char *)type.name);
		return NULL;
	}
	type.tp_name = mem_strdup(type.tp_name);
	if (!type.tp_name || (types->list.count * 4 >= types->slot_count && !grow_slots(types)) ||
		!pytype_vector_push(&types->list, type)) {
		mem_free((char *)type.tp_name);
		mem_free((char *)type.name);
		return error_enomem();
	}
	i = (uint32_t)((key >> 4) * 0x9e3779b97f4a7c15ull >> types->slot_shift);
	while (types->slots[i].addr)
		i = (i + 1) & (types->slot_count - 1);
	types->slots[i] =
		(struct pytype_slot){.addr = key, .index = (uint32_t)(types->list.count - 1)};
	return NULL;
}

static struct error *insert(struct pytypes *types, struct pytype type)
{
	return insert_as(types, type, type.addr);
}

// Read the fields of one type object; false if it cannot be a type. Its tp_name is in @p name.
static bool read_type(struct pyreader *reader, const struct pylayout *layout, remote_addr addr,
	struct pytype *ret, char name[LIMIT_TYPE_NAME])
{
	const uint8_t *bytes = pyreader_bytes(reader, addr, layout->type.size);
	remote_addr tp_name;

	if (!bytes)
		return false;
	tp_name = load_u64(bytes + layout->type.tp_name);
	*ret = (struct pytype){
		.addr = addr,
		.metatype = load_u64(bytes + layout->object.ob_type),
		.base = load_u64(bytes + layout->type.tp_base),
		.dict = load_u64(bytes + layout->type.tp_dict), // or add_static_state()'s
		.flags = load_u64(bytes + layout->type.tp_flags),
		.basicsize = (int64_t)load_u64(bytes + layout->type.tp_basicsize),
		.itemsize = (int64_t)load_u64(bytes + layout->type.tp_itemsize),
		.dictoffset = (int64_t)load_u64(bytes + layout->type.tp_dictoffset),
		.weaklistoffset = (int64_t)load_u64(bytes + layout->type.tp_weaklistoffset),
		.dealloc = load_u64(bytes + layout->type.tp_dealloc),
		.has_legacy_finalizer = load_u64(bytes + layout->type.tp_del) != 0,
	};
	ret->is_gc = ret->flags & PYTYPE_FLAG_GC;
	ret->is_heap = ret->flags & PYTYPE_FLAG_HEAP;
	ret->has_managed_dict = layout->traits.attributes != PYATTRIBUTES_NONE &&
				ret->flags & PYTYPE_FLAG_MANAGED_DICT;
	ret->has_inline_values = layout->traits.attributes == PYATTRIBUTES_INLINE &&
				 ret->flags & PYTYPE_FLAG_INLINE_VALUES;
	ret->head_bytes =
		(ret->is_gc ? layout->gc_head.size : 0) +
		(ret->flags & layout->traits.preheader_flags ? layout->traits.preheader_bytes : 0);
	if (ret->basicsize < layout->object.size || ret->basicsize > BASICSIZE_MAX ||
		ret->itemsize < 0 || ret->itemsize > ITEMSIZE_MAX ||
		ret->dictoffset > ret->basicsize || ret->dictoffset < -(int64_t)BASICSIZE_MAX ||
		(!(ret->flags & PYTYPE_FLAG_READY) && !layout->traits.has_unready_types))
		return false;
	if (ret->is_heap && pylayout_has(layout->heap_type.ht_cached_keys))
		ret->cached_keys =
			pyreader_pointer(reader, addr + layout->heap_type.ht_cached_keys);
	ret->tp_name = name;
	return read_name(reader, tp_name, name);
}

remote_addr pytype_static_state(struct pyreader *reader, const struct pylayout *layout,
	remote_addr interpreter, remote_addr type)
{
	uint32_t first = layout->interp.static_types, size = layout->static_type.size;
	uint64_t index, limit;
	remote_addr state;

	if (!pylayout_has(first) || !(pyreader_pointer(reader, type + layout->type.tp_flags) &
					    PYTYPE_FLAG_STATIC_BUILTIN))
		return 0;
	// tp_subclasses is the number of the type, from 1.
	index = pyreader_pointer(reader, type + layout->type.tp_subclasses) - 1;
	if (index >= LIMIT_TYPES)
		return 0;
	limit = pylayout_has(layout->interp.static_types_end)
			? (layout->interp.static_types_end - first) / size
			: LIMIT_TYPES;
	state = index < limit
			? interpreter + first + index * size
			: interpreter + layout->interp.extension_types + (index - limit) * size;
	return pyreader_pointer(reader, state + layout->static_type.type) == type ? state : 0;
}

// May one more entry of all lists of subclasses be looked at? Types may claim the same long one.
static bool may_look_at_entry(struct pytypes *types)
{
	return types->subclasses_seen < LIMIT_SUBCLASSES && ++types->subclasses_seen;
}

// Take what a weakref refers to into the table, if it is a type that is not there yet.
static struct error *add_subclass(struct pytypes *types, struct pyreader *reader,
	const struct pylayout *layout, remote_addr weakref)
{
	remote_addr child =
		weakref ? pyreader_pointer(reader, weakref + layout->weakref.wr_object) : 0;
	char name[LIMIT_TYPE_NAME];
	struct pytype type;

	// All but `object` have a base; a dead weakref leads to None.
	if (!child || pytypes_find(types, child) != PYTYPE_NONE ||
		!read_type(reader, layout, child, &type, name) || !type.base)
		return NULL;
	return insert(types, type);
}

// The subclasses are a dict {address: weakref}; in Python 2 a list of weakrefs.
static struct error *add_subclasses(struct pytypes *types, struct pyreader *reader,
	const struct pylayout *layout, remote_addr subclasses)
{
	struct error *err = NULL;
	struct pydict_table table;
	remote_addr key, weakref;

	if (!subclasses)
		return NULL;
	if (layout->traits.subclasses_is_list) {
		uint64_t count = pyreader_pointer(reader, subclasses + layout->object.ob_size);
		remote_addr items = pyreader_pointer(reader, subclasses + layout->list.ob_item);

		for (uint64_t i = 0; !err && items && i < count && may_look_at_entry(types); i++)
			err = add_subclass(
				types, reader, layout, pyreader_pointer(reader, items + i * 8));
		return err;
	}
	if (!pydict_read(reader, layout, subclasses, &table) || table.count > LIMIT_TYPES)
		return NULL;
	for (uint64_t i = 0;
		!err && may_look_at_entry(types) && pydict_entry(reader, &table, i, &key, &weakref);
		i++)
		err = add_subclass(types, reader, layout, weakref);
	return err;
}

// Queue the direct subclasses of type number @p index, in all interpreters.
static struct error *add_all_subclasses(struct pytypes *types, struct pyreader *reader,
	const struct pylayout *layout, const remote_addr *interpreters, size_t interpreter_count,
	size_t index)
{
	remote_addr addr = types->list.items[index].addr;
	bool is_static = false;

	for (size_t i = interpreter_count; i-- > 0;) {
		remote_addr state = pytype_static_state(reader, layout, interpreters[i], addr);
		struct error *err;

		if (!state)
			continue;
		is_static = true;
		// The main interpreter is the last here: its dict is the type's.
		types->list.items[index].dict =
			pyreader_pointer(reader, state + layout->static_type.tp_dict);
		err = add_subclasses(types, reader, layout,
			pyreader_pointer(reader, state + layout->static_type.tp_subclasses));
		if (err)
			return err;
	}
	if (is_static)
		return NULL;
	return add_subclasses(
		types, reader, layout, pyreader_pointer(reader, addr + layout->type.tp_subclasses));
}

static bool has_member(const struct pytypes *types, const struct pytype *type, uint32_t offset)
{
	for (uint32_t i = 0; i < type->member_count; i++) {
		if (types->members.items[type->member_first + i].offset == offset)
			return true;
	}
	return false;
}

// Add what the tp_members of @p from declare as owned words of @p type's instances. False without
// memory.
static bool read_members(struct pytypes *types, struct pyreader *reader,
	const struct pylayout *layout, struct pytype *type, const struct pytype *from)
{
	remote_addr def = pyreader_pointer(reader, from->addr + layout->type.tp_members);

	for (unsigned i = 0;
		def && i < LIMIT_TYPE_MEMBERS && type->member_count < LIMIT_TYPE_MEMBERS;
		i++, def += layout->member_def.size) {
		const uint8_t *bytes = pyreader_bytes(reader, def, layout->member_def.size);
		struct pymember member;
		uint32_t member_type;
		uint64_t offset;

		if (!bytes)
			return true;
		member.name = load_u64(bytes + layout->member_def.name);
		member_type = load_u32(bytes + layout->member_def.type);
		offset = load_u64(bytes + layout->member_def.offset);
		if (!member.name)
			return true;
		if ((member_type != MEMBER_OBJECT && member_type != MEMBER_OBJECT_EX) ||
			offset < layout->object.size || offset > (uint64_t)type->basicsize - 8 ||
			offset % 8 || has_member(types, type, (uint32_t)offset))
			continue;
		member.offset = (uint32_t)offset;
		if (!pymember_vector_push(&types->members, member))
			return false;
		type->member_count++;
	}
	return true;
}

// The tp_dealloc of classes made by a class statement: what most heap types of metatype `type`
// have.
static remote_addr find_class_dealloc(const struct pytypes *types)
{
	remote_addr best = 0;
	uint32_t best_count = 0;

	// Majority vote (Boyer and Moore): such classes outnumber C heap types in every process
	// seen.
	for (size_t i = 0; i < types->list.count; i++) {
		const struct pytype *type = &types->list.items[i];

		if (!type->is_heap || type->metatype != types->type_type)
			continue;
		if (!best_count)
			best = type->dealloc;
		best_count += type->dealloc == best ? 1 : (uint32_t)-1;
	}
	return best;
}

// Is @p offset one of the bytes that a type adds to its base?
static bool is_added(int64_t offset, const struct pytype *type, const struct pytype *base)
{
	return offset >= base->basicsize && offset < type->basicsize;
}

// PyType_FromSpec() gives a C type without a tp_dealloc that of classes. What a class adds to its
// base is accounted for: a word per slot, one for a dict, one for weak references.
static bool has_c_fields(struct pyreader *reader, const struct pylayout *layout,
	const struct pytypes *types, const struct pytype *type)
{
	const struct pytype *base = pytypes_at(types, type->base);
	remote_addr def = pyreader_pointer(reader, type->addr + layout->type.tp_members);
	int64_t words = base ? (type->basicsize - base->basicsize) / 8 : 0;

	if (words <= 0)
		return false;
	words -= is_added(type->weaklistoffset, type, base);
	// The dict of an object with items lies behind them, its room is in the size.
	words -= is_added(type->dictoffset, type, base) ||
		 (!base->dictoffset && type->dictoffset < 0 && !type->has_managed_dict);
	for (unsigned i = 0; words > 0 && def && i < LIMIT_TYPE_MEMBERS;
		i++, def += layout->member_def.size) {
		const uint8_t *bytes = pyreader_bytes(reader, def, layout->member_def.size);

		if (!bytes || !load_u64(bytes + layout->member_def.name))
			break;
		words -= load_u32(bytes + layout->member_def.type) == MEMBER_OBJECT_EX &&
			 is_added((int64_t)load_u64(bytes + layout->member_def.offset), type, base);
	}
	return words > 0;
}

static bool str_equals(
	struct pyreader *reader, const struct pylayout *layout, remote_addr str, const char *text)
{
	struct pystr view;

	return pystr_view(reader, layout, str, pystr_native_form(layout), 0, &view) &&
	       pystr_equals(reader, &view, text);
}

remote_addr pytype_find_in_dict(
	struct pyreader *reader, const struct pylayout *layout, remote_addr dict, const char *name)
{
	struct pydict_table table;
	remote_addr key, value;

	if (!dict || !pydict_read(reader, layout, dict, &table))
		return 0;
	for (uint64_t i = 0; pydict_entry(reader, &table, i, &key, &value); i++) {
		if (key && value && str_equals(reader, layout, key, name))
			return value;
	}
	return 0;
}

static bool text_is_odd(char c)
{
	return (unsigned char)c < 32 || (unsigned char)c >= 127;
}

// The text of a name, or "" if it is not printable ASCII.
static void read_str(struct pyreader *reader, const struct pylayout *layout, remote_addr str,
	char ret[LIMIT_TYPE_NAME])
{
	struct pystr view;
	const uint8_t *text;

	ret[0] = '\0';
	if (!str || !pystr_view(reader, layout, str, pystr_native_form(layout), 0, &view) ||
		view.width != 1 || view.length >= LIMIT_TYPE_NAME)
		return;
	text = view.length ? pyreader_bytes(reader, view.text, view.length) : NULL;
	if (!text)
		return;
	memcpy(ret, text, view.length);
	ret[view.length] = '\0';
	for (uint64_t i = 0; i < view.length; i++) {
		if (text_is_odd(ret[i])) {
			ret[0] = '\0';
			return;
		}
	}
}

// "module.qualname" for classes; tp_name of C types has the module already.
static char *qualified_name(
	struct pyreader *reader, const struct pylayout *layout, const struct pytype *type)
{
	char module[LIMIT_TYPE_NAME], name[LIMIT_TYPE_NAME] = "", text[2 * LIMIT_TYPE_NAME];

	if (!type->is_heap || strchr(type->tp_name, '.'))
		return mem_strdup(type->tp_name);
	read_str(reader, layout, pytype_find_in_dict(reader, layout, type->dict, "__module__"),
		module);
	if (pylayout_has(layout->heap_type.ht_qualname))
		read_str(reader, layout,
			pyreader_pointer(reader, type->addr + layout->heap_type.ht_qualname), name);
	if (!name[0])
		snprintf(name, sizeof(name), "%s", type->tp_name);
	if (!module[0] || strcmp(module, "builtins") == 0 || strcmp(module, "__builtin__") == 0)
		return mem_strdup(name);
	snprintf(text, sizeof(text), "%s.%s", module, name);
	return mem_strdup(text);
}

// What can only be known once all types are there. False without memory.
static bool complete(struct pytypes *types, struct pyreader *reader, const struct pylayout *layout,
	struct pytype *type)
{
	const struct pytype *from = type;

	type->is_python_class = pytypes_is_python_class(types, type);
	pytype_set_kind(reader, layout, types, type);
	// The slots of each class on the way; of a C type only if no reader knows its layout.
	type->member_first = (uint32_t)types->members.count;
	for (unsigned i = 0; from && i < LIMIT_TYPE_BASES; i++) {
		if ((type->scan_end > type->layout_size || pytypes_is_python_class(types, from)) &&
			!read_members(types, reader, layout, type, from))
			return false;
		from = pytypes_at(types, from->base);
	}
	type->name = qualified_name(reader, layout, type);
	return type->name != NULL;
}

struct error *pytypes_create(struct pyreader *reader, const struct pylayout *layout,
	const remote_addr *interpreters, size_t interpreter_count, remote_addr type_type,
	struct pytypes **ret)
{
	_cleanup_(pytypes_destroy) struct pytypes *types = mem_calloc(1, sizeof(*types));
	char name[LIMIT_TYPE_NAME];
	struct pytype type;
	struct error *err;

	if (!types || !grow_slots(types))
		return error_enomem();
	types->type_type = type_type;
	if (!read_type(reader, layout, type_type, &type, name))
		return error_create(ERROR_BAD_DATA,
			"PyType_Type does not look like a type: field type.tp_name");
	if (type.metatype != type_type || strcmp(name, "type") != 0)
		return error_create(
			ERROR_BAD_DATA, "PyType_Type is not its own type: field object.ob_type");
	types->object_type = type.base;
	err = insert(types, type);
	if (err)
		return err;
	if (types->object_type == type_type ||
		!read_type(reader, layout, types->object_type, &type, name))
		return error_create(ERROR_BAD_DATA,
			"the base of PyType_Type is not a type: field type.tp_base");
	err = insert(types, type);
	if (err)
		return err;
	for (size_t i = 0; i < types->list.count; i++) {
		err = add_all_subclasses(types, reader, layout, interpreters, interpreter_count, i);
		if (err)
			return err;
	}
	types->class_dealloc = find_class_dealloc(types);
	for (size_t i = 0; i < types->list.count; i++) {
		struct pytype *it = &types->list.items[i];

		if (it->dealloc == types->class_dealloc)
			it->has_c_fields = has_c_fields(reader, layout, types, it);
	}
	for (size_t i = 0; i < types->list.count; i++) {
		if (!complete(types, reader, layout, &types->list.items[i]))
			return error_enomem();
	}
	*ret = take(types);
	return NULL;
}

void pytypes_destroy(struct pytypes *types)
{
	if (!types)
		return;
	for (size_t i = 0; i < types->list.count; i++) {
		mem_free((char *)types->list.items[i].tp_name);
		mem_free((char *)types->list.items[i].name);
	}
	pytype_vector_deinit(&types->list);
	pymember_vector_deinit(&types->members);
	mem_free(types->slots);
	mem_free(types);
}

static const struct pytype *type_named(const struct pytypes *types, const char *tp_name)
{
	for (size_t i = 0; i < types->list.count; i++) {
		if (strcmp(types->list.items[i].tp_name, tp_name) == 0)
			return &types->list.items[i];
	}
	return NULL;
}

// A type like `instance`, with the name of the old-style class at @p addr.
static struct error *add_old_class(struct pytypes *types, struct pyreader *reader,
	const struct pylayout *layout, remote_addr addr)
{
	char module[LIMIT_TYPE_NAME], name[LIMIT_TYPE_NAME], text[2 * LIMIT_TYPE_NAME];
	const struct pytype *of_instances = type_named(types, "instance");
	struct pytype type;

	if (!of_instances || pytypes_find_old_class(types, addr) != PYTYPE_NONE)
		return NULL;
	read_str(reader, layout, pyreader_pointer(reader, addr + layout->old_class.cl_name), name);
	read_str(reader, layout,
		pytype_find_in_dict(reader, layout,
			pyreader_pointer(reader, addr + layout->old_class.cl_dict), "__module__"),
		module);
	if (!name[0])
		return NULL;
	snprintf(text, sizeof(text), "%s%s%s", module, module[0] ? "." : "", name);
	type = *of_instances;
	type.is_python_class = true;
	type.name = mem_strdup(text);
	return type.name ? insert_as(types, type, addr | 1) : error_enomem();
}

static bool is_old_class(const struct pytypes *types, struct pyreader *reader,
	const struct pylayout *layout, remote_addr addr)
{
	const struct pytype *type =
		pylayout_has(layout->old_class.cl_name)
			? pytypes_at(types, pyreader_pointer(reader, addr + layout->object.ob_type))
			: NULL;

	return type && strcmp(type->tp_name, "classobj") == 0;
}

struct error *pytypes_add(struct pytypes *types, struct pyreader *reader,
	const struct pylayout *layout, remote_addr addr)
{
	char name[LIMIT_TYPE_NAME];
	uint32_t metatype;
	struct pytype type;

	if (!addr || addr % 8 || pytypes_find(types, addr) != PYTYPE_NONE)
		return NULL;
	if (is_old_class(types, reader, layout, addr))
		return add_old_class(types, reader, layout, addr);
	if (!read_type(reader, layout, addr, &type, name))
		return NULL;
	metatype = pytypes_find(types, type.metatype);
	if (metatype == PYTYPE_NONE || !pytypes_is_a(types, metatype, "type"))
		return NULL;
	if (type.dealloc == types->class_dealloc)
		type.has_c_fields = has_c_fields(reader, layout, types, &type);
	// Completed before it is inserted: whatever is in the table has a name.
	return complete(types, reader, layout, &type) ? insert(types, type) : error_enomem();
}

bool pytypes_is_a(const struct pytypes *types, uint32_t index, const char *base_name)
{
	const struct pytype *type = &types->list.items[index];

	for (unsigned i = 0; type && i < LIMIT_TYPE_BASES; i++) {
		if (strcmp(type->tp_name, base_name) == 0)
			return true;
		type = pytypes_at(types, type->base);
	}
	return false;
}
