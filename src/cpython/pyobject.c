// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "cpython/kinds/kinds.h"

#include "base/limits.h"
#include "cpython/pydict.h"
#include "cpython/pymalloc.h"

void pyscan_flush(struct pyscan *scan)
{
	if (scan->count)
		scan->flush(scan);
	scan->count = 0;
}

// An array of object pointers, labelled with their index (from @p first) or as items.
void emit_array(struct pyscan *scan, remote_addr addr, uint64_t count, uint64_t first,
	enum pylabel_kind kind, uint64_t mark)
{
	uint64_t done = 0;

	if (count > LIMIT_ITEMS || addr % 8) {
		scan->is_torn = true;
		return;
	}
	while (done < count) {
		uint64_t size;
		const uint8_t *bytes = span(scan, addr + done * 8, (count - done) * 8, &size);

		if (!bytes || size < 8 || !may_look(scan, size / 8)) {
			scan->is_torn = true;
			return;
		}
		for (uint64_t i = 0; i < size / 8; i++, done++)
			emit(scan, load_u64(bytes + i * 8) | mark,
				(struct pylabel){.kind = kind, .index = first + done});
	}
}

void pyfields_scan(struct pyscan *scan, remote_addr base, const struct pyfields *fields)
{
	for (uint32_t i = 0; i < fields->count; i++)
		emit_field(scan, pyreader_pointer(reader_of(scan), base + fields->fields[i].offset),
			fields->fields[i].label);
}

static void scan_fields(struct pyscan *scan)
{
	const struct pyfields *fields = scan->type->fields;

	for (uint32_t i = 0; i < fields->count; i++)
		emit_field(scan, word(scan, fields->fields[i].offset), fields->fields[i].label);
}

static void scan_layout(struct pyscan *scan)
{
	switch (scan->type->kind) {
	case PYKIND_PLAIN:
	case PYKIND_NUMBER:
	case PYKIND_BYTES:
		break;
	case PYKIND_FIELDS:
		scan_fields(scan);
		break;
	case PYKIND_INT:
		pykind_size_int(scan);
		break;
	case PYKIND_STR:
		pykind_size_str(scan);
		break;
	case PYKIND_OLD_UNICODE:
		pykind_scan_old_unicode(scan);
		break;
	case PYKIND_BYTEARRAY:
		pykind_scan_bytearray(scan);
		break;
	case PYKIND_ARRAY:
		pykind_size_array(scan);
		break;
	case PYKIND_NDARRAY:
		pykind_scan_ndarray(scan);
		break;
	case PYKIND_NUMPY_VOID:
		pykind_scan_numpy_void(scan);
		break;
	case PYKIND_LIST:
		pykind_scan_list(scan);
		break;
	case PYKIND_TUPLE:
	case PYKIND_STRUCTSEQ:
		pykind_scan_tuple(scan, scan->type->hidden_items);
		break;
	case PYKIND_DICT:
		pykind_scan_dict(scan);
		break;
	case PYKIND_DEFAULTDICT:
		pykind_scan_defaultdict(scan);
		break;
	case PYKIND_ODICT:
		pykind_scan_odict(scan);
		break;
	case PYKIND_SET:
		pykind_scan_set(scan);
		break;
	case PYKIND_TYPE:
		pykind_scan_type(scan);
		break;
	case PYKIND_MODULE:
		pykind_scan_module(scan);
		break;
	case PYKIND_CODE:
		pykind_scan_code(scan);
		break;
	case PYKIND_FRAME:
		pykind_scan_frame_object(scan);
		break;
	case PYKIND_GENERATOR:
	case PYKIND_COROUTINE:
	case PYKIND_ASYNC_GENERATOR:
		pykind_scan_generator(scan);
		break;
	case PYKIND_DEQUE:
		pykind_scan_deque(scan);
		break;
	case PYKIND_RING:
		pykind_scan_ring(scan);
		break;
	case PYKIND_LRU_CACHE:
		pykind_scan_lru_cache(scan);
		break;
	case PYKIND_TEE:
		pykind_scan_tee(scan);
		break;
	case PYKIND_HAMT_NODE:
		pykind_scan_hamt_node(scan);
		break;
	case PYKIND_HAMT_ARRAY:
		pykind_scan_hamt_array(scan);
		break;
	case PYKIND_NONE:
	case PYKIND_COUNT:
		break;
	}
}

// sys.getsizeof's default: the fixed part and the items, plus what precedes the object.
static uint64_t default_size(struct pyscan *scan)
{
	const struct pytype *type = scan->type;
	uint64_t size = (uint64_t)type->basicsize;

	if (pytype_has_ob_size(type)) {
		uint64_t items = pytype_items(
			layout_of(scan), type, word(scan, layout_of(scan)->object.ob_size));

		if (items > LIMIT_ITEMS)
			scan->is_torn = true;
		else
			size += items * (uint64_t)type->itemsize;
	}
	return size;
}

bool pyinstance_read(struct pyreader *reader, const struct pylayout *layout,
	const struct pytype *type, remote_addr addr, struct pyinstance *ret)
{
	// From the object's end of the pre-header: 8 for a word, then the GC head.
	remote_addr dict_at = addr - layout->gc_head.size - 8;
	uint64_t value;

	*ret = (struct pyinstance){0};
	if (!type->has_managed_dict)
		return false;
	if (!pyreader_u64(reader, dict_at, &value))
		return false;
	switch (layout->traits.attributes) {
	case PYATTRIBUTES_ARRAY:
		ret->dict = value;
		ret->values = pyreader_pointer(reader, dict_at - 8);
		break;
	case PYATTRIBUTES_TAGGED:
		if (value & 1)
			ret->values = value + 1;
		else
			ret->dict = value;
		break;
	case PYATTRIBUTES_INLINE:
		ret->dict = value;
		// A dict that was made for them has the values as its own.
		if (!value && type->has_inline_values) {
			remote_addr values = addr + (uint64_t)type->basicsize;
			const uint8_t *bytes =
				pyreader_bytes(reader, values, layout->dict_values.values);

			if (bytes && bytes[layout->dict_values.valid])
				ret->values = pydict_first_value(layout, values);
		}
		break;
	case PYATTRIBUTES_NONE:
		break;
	}
	return true;
}

// Attributes that were never put into a dict: an array of values, named by the type's shared keys.
static void scan_managed_dict(struct pyscan *scan)
{
	const struct pytype *type = scan->type;
	struct pyinstance instance;
	struct pydict_table table;

	if (!pyinstance_read(reader_of(scan), layout_of(scan), type, scan->addr, &instance)) {
		scan->is_torn = true;
		return;
	}
	emit_field(scan, instance.dict, "__dict__");
	if (instance.values && !type->has_inline_values)
		pyscan_note_part(scan, instance.values, 0);
	if (!instance.values || !type->cached_keys)
		return;
	if (pydict_table_read(
		    reader_of(scan), layout_of(scan), type->cached_keys, instance.values, &table))
		pykind_scan_values(scan, &table, PYLABEL_ATTRIBUTE);
	else
		scan->is_torn = true;
}

static void scan_instance_dict(struct pyscan *scan)
{
	const struct pytype *type = scan->type;
	int64_t offset = type->dictoffset;

	if (type->has_managed_dict) {
		scan_managed_dict(scan);
		return;
	}
	// A dict inside the C layout was given by its reader.
	if (!offset || (offset > 0 && offset < (int64_t)type->layout_size))
		return;
	if (offset < 0) {
		uint64_t items = pytype_items(
			layout_of(scan), type, word(scan, layout_of(scan)->object.ob_size));

		if (items > LIMIT_ITEMS)
			return;
		offset += (type->basicsize + (int64_t)items * type->itemsize + 7) & ~7ll;
		// Before the object's end it is, but not before its start.
		if (offset < (int64_t)layout_of(scan)->object.size) {
			scan->is_torn = true;
			return;
		}
	}
	emit_field(scan, word(scan, (uint64_t)offset), "__dict__");
}

// A __slots__ member owns its word. What C code declares it may only lend: sqlite3.Connection's
// exceptions are its module's.
static void scan_members(struct pyscan *scan)
{
	const struct pytype *type = scan->type;
	const struct pymember *members =
		scan->context->python->types->members.items + type->member_first;

	for (uint32_t i = 0; i < type->member_count; i++) {
		uint64_t value = word(scan, members[i].offset);
		bool is_c = members[i].offset < type->scan_end;

		emit(scan, value && is_c ? value | PYREF_INFERRED : value,
			(struct pylabel){.kind = PYLABEL_SLOT, .object = members[i].name});
	}
}

void pyobject_scan(
	struct pyscan *scan, uint32_t type, remote_addr addr, const uint8_t *bytes, size_t size)
{
	scan->type = &scan->context->python->types->list.items[type];
	scan->addr = addr;
	scan->bytes = bytes;
	scan->bytes_size = size;
	scan->is_torn = false;
	scan->block_count = 0;
	scan->size = default_size(scan);
	if (scan->type->is_heap)
		emit_field(scan, scan->type->addr, "__class__");
	scan_layout(scan);
	if (scan->type->scan_end > scan->type->layout_size)
		pykind_scan_added(scan);
	if (scan->type->member_count)
		scan_members(scan);
	scan_instance_dict(scan);
	// A static type object has no GC head, but in some versions getsizeof goes by flags alone.
	if (scan->type->kind != PYKIND_TYPE || layout_of(scan)->traits.getsizeof_by_flags ||
		word(scan, layout_of(scan)->type.tp_flags) & PYTYPE_FLAG_HEAP)
		scan->size += scan->type->head_bytes;
}

uint32_t pyobject_type(struct pycontext *context, remote_addr addr)
{
	uint64_t type;

	if (addr % 8 || !pyreader_u64(&context->reader,
				addr + context->python->layout->object.ob_type, &type))
		return PYTYPE_NONE;
	return pytypes_find(context->python->types, type);
}

bool pyobject_scan_at(struct pyscan *scan, remote_addr addr)
{
	// Head and fixed part of nearly every type; what is longer is read word by word.
	uint8_t copy[1536];
	struct pycontext *context = scan->context;
	uint32_t index = pyobject_type(context, addr);
	const struct pytype *type;
	const uint8_t *bytes;
	size_t size;

	if (index == PYTYPE_NONE)
		return false;
	type = &context->python->types->list.items[index];
	size = type->head_bytes + (size_t)type->basicsize;
	if (size > sizeof(copy))
		size = sizeof(copy);
	bytes = pyreader_bytes(&context->reader, addr - type->head_bytes, size);
	// A static type is shorter than types on the heap, and may be the last thing in its
	// library.
	if (!bytes) {
		size = type->head_bytes + context->python->layout->object.size;
		bytes = pyreader_bytes(&context->reader, addr - type->head_bytes, size);
	}
	if (!bytes)
		return false;
	memcpy(copy, bytes, size);
	pyobject_scan(scan, index, addr, copy + type->head_bytes, size - type->head_bytes);
	return true;
}

// Where an object of some kind has the word that says its length; PYLAYOUT_NONE if it has none.
static uint32_t length_offset(const struct pylayout *layout, enum pykind kind)
{
	switch (kind) {
	case PYKIND_DEQUE:
		return pylayout_has(layout->deque.len) ? layout->deque.len : layout->object.ob_size;
	case PYKIND_RING:
		return layout->ring.num_items;
	case PYKIND_OLD_UNICODE:
		return layout->old_unicode.length;
	case PYKIND_LIST:
	case PYKIND_TUPLE:
	case PYKIND_STRUCTSEQ:
	case PYKIND_BYTES:
	case PYKIND_BYTEARRAY:
	case PYKIND_ARRAY:
		return layout->object.ob_size;
	case PYKIND_DICT:
	case PYKIND_DEFAULTDICT:
	case PYKIND_ODICT:
		return layout->dict.ma_used;
	case PYKIND_SET:
		return layout->set.used;
	case PYKIND_STR:
		return layout->str.length;
	default:
		return PYLAYOUT_NONE;
	}
}

static const struct pytype *known_type(struct pycontext *context, remote_addr addr)
{
	uint32_t index = pyobject_type(context, addr);

	return index == PYTYPE_NONE ? NULL : &context->python->types->list.items[index];
}

uint64_t pyobject_length(struct pycontext *context, remote_addr addr)
{
	const struct pytype *type = known_type(context, addr);
	uint32_t offset = type ? length_offset(context->python->layout, type->kind) : PYLAYOUT_NONE;
	uint64_t length = 0;

	if (!pylayout_has(offset))
		return 0;
	pyreader_u64(&context->reader, addr + offset, &length);
	return length <= LIMIT_ITEMS ? length : 0;
}

static bool can_grow(enum pykind kind)
{
	return kind != PYKIND_TUPLE && kind != PYKIND_STRUCTSEQ && kind != PYKIND_BYTES &&
	       kind != PYKIND_STR && kind != PYKIND_OLD_UNICODE;
}

// The dict that an object keeps what it has in, or 0.
static remote_addr dict_of(struct pycontext *context, const struct pytype *type, remote_addr addr)
{
	const struct pylayout *layout = context->python->layout;
	struct pyreader *reader = &context->reader;
	struct pyinstance instance;

	switch (type->kind) {
	case PYKIND_LRU_CACHE:
		return pyreader_pointer(reader, addr + layout->lru_cache.cache);
	case PYKIND_MODULE:
		return pyreader_pointer(reader, addr + layout->module.md_dict);
	case PYKIND_TYPE:
		return pyreader_pointer(reader, addr + layout->type.tp_dict);
	default:
		break;
	}
	if (pyinstance_read(reader, layout, type, addr, &instance))
		return instance.dict;
	return type->dictoffset > 0 ? pyreader_pointer(reader, addr + (uint64_t)type->dictoffset)
				    : 0;
}

remote_addr pyobject_length_word(
	struct pycontext *context, remote_addr addr, remote_addr *ret_object)
{
	const struct pytype *type = known_type(context, addr);
	remote_addr dict;

	*ret_object = addr;
	if (!type)
		return 0;
	if (pylayout_has(length_offset(context->python->layout, type->kind)))
		return can_grow(type->kind)
			       ? addr + length_offset(context->python->layout, type->kind)
			       : 0;
	dict = dict_of(context, type, addr);
	type = dict ? known_type(context, dict) : NULL;
	if (!type || length_offset(context->python->layout, type->kind) !=
			     context->python->layout->dict.ma_used)
		return 0;
	*ret_object = dict;
	return dict + context->python->layout->dict.ma_used;
}

// A dict's keys object is as long as it has usable entries; a table of entries (2.7) and a set grow
// when they are filled to two thirds and three fifths (Objects/dictobject.c, setobject.c).
static uint64_t dict_capacity(struct pycontext *context, remote_addr addr)
{
	struct pydict_table table;

	if (!pydict_read(&context->reader, context->python->layout, addr, &table))
		return 0;
	return table.values_bytes ? table.values_bytes / sizeof(uint64_t) : table.count * 2 / 3;
}

uint64_t pyobject_capacity(struct pycontext *context, remote_addr addr)
{
	const struct pylayout *layout = context->python->layout;
	uint32_t index = pyobject_type(context, addr);
	uint64_t capacity = 0;

	if (index == PYTYPE_NONE)
		return 0;
	switch (context->python->types->list.items[index].kind) {
	case PYKIND_LIST:
		pyreader_u64(&context->reader, addr + layout->list.allocated, &capacity);
		break;
	case PYKIND_DICT:
	case PYKIND_DEFAULTDICT:
	case PYKIND_ODICT:
		capacity = dict_capacity(context, addr);
		break;
	case PYKIND_SET:
		pyreader_u64(&context->reader, addr + layout->set.mask, &capacity);
		capacity = capacity <= LIMIT_ITEMS ? (capacity + 1) * 3 / 5 : 0;
		break;
	default:
		break;
	}
	return capacity <= LIMIT_ITEMS ? capacity : 0;
}

// What was written to a text file gathers in a list until it has so many bytes: chunk_size, which nobody sets
// (Modules/_io/textio.c of 2.7 to 3.15).
#define TEXT_CHUNK_BYTES 8192

uint64_t pyobject_bound(struct pycontext *context, remote_addr addr)
{
	const struct pylayout *layout = context->python->layout;
	uint32_t index = pyobject_type(context, addr);
	uint64_t bound = UINT64_MAX;

	if (index == PYTYPE_NONE)
		return bound;
	// -1 means no bound in both: as an unsigned number it is UINT64_MAX.
	if (context->python->types->list.items[index].kind == PYKIND_DEQUE)
		pyreader_u64(&context->reader, addr + layout->deque.maxlen, &bound);
	else if (context->python->types->list.items[index].kind == PYKIND_LRU_CACHE)
		pyreader_u64(&context->reader, addr + layout->lru_cache.maxsize, &bound);
	else if (strcmp(context->python->types->list.items[index].tp_name, "_io.TextIOWrapper") ==
		 0)
		bound = TEXT_CHUNK_BYTES;
	return bound;
}
