// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "heap_writer.h"

#include "base/error.h"
#include "target/memory_image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DATA_ADDR    0x10000000ull
#define ARENA_ADDR   0x7f0000000000ull
#define LARGE_ADDR   0x7f1000000000ull
#define SEGMENT_SIZE ((uint64_t)1 << 20)
#define CLASS_COUNT  32
#define HELD_MAX     256

enum { SEGMENT_DATA, SEGMENT_ARENA, SEGMENT_LARGE, SEGMENT_COUNT };

struct segment {
	remote_addr addr;
	uint64_t used;
	uint8_t *bytes;
};

struct heap_writer {
	const struct pylayout *layout;
	struct segment segments[SEGMENT_COUNT];
	remote_addr pools[CLASS_COUNT]; /* the one being filled */
	remote_addr types[WRITER_TYPE_COUNT];
	remote_addr children[HELD_MAX]; /* all types below object */
	uint64_t child_count;
	remote_addr runtime, interpreter, thread, cframe, none, class_dealloc;
	remote_addr held_names[HELD_MAX], held[HELD_MAX];
	uint64_t held_count;
};

static void demand(bool condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "heap_writer: %s\n", what);
	abort();
}

// ---- memory --------------------------------------------------------------------------------

uint8_t *heap_writer_bytes(struct heap_writer *writer, remote_addr addr)
{
	for (unsigned i = 0; i < SEGMENT_COUNT; i++) {
		struct segment *segment = &writer->segments[i];

		if (addr >= segment->addr && addr < segment->addr + SEGMENT_SIZE)
			return segment->bytes + (addr - segment->addr);
	}
	demand(false, "an address outside the heap");
	return NULL;
}

void heap_writer_put(struct heap_writer *writer, remote_addr addr, uint64_t value)
{
	memcpy(heap_writer_bytes(writer, addr), &value, sizeof(value));
}

void heap_writer_put_u32(struct heap_writer *writer, remote_addr addr, uint32_t value)
{
	memcpy(heap_writer_bytes(writer, addr), &value, sizeof(value));
}

uint64_t heap_writer_get(struct heap_writer *writer, remote_addr addr)
{
	return load_u64(heap_writer_bytes(writer, addr));
}

static remote_addr take_bytes(
	struct heap_writer *writer, unsigned index, uint64_t size, uint64_t align)
{
	struct segment *segment = &writer->segments[index];
	uint64_t start = (segment->used + align - 1) / align * align;

	demand(start + size <= SEGMENT_SIZE, "a segment is full");
	segment->used = start + size;
	return segment->addr + start;
}

static remote_addr new_pool(struct heap_writer *writer, uint32_t size_class)
{
	const struct pylayout *layout = writer->layout;
	uint32_t pool_bytes = layout->traits.pool_bytes;
	uint32_t size = (size_class + 1) * layout->traits.alignment;
	remote_addr pool = take_bytes(writer, SEGMENT_ARENA, pool_bytes, pool_bytes);

	heap_writer_put_u32(writer, pool + layout->pool.szidx, size_class);
	heap_writer_put_u32(writer, pool + layout->pool.nextoffset, layout->pool.header_size);
	heap_writer_put_u32(writer, pool + layout->pool.maxnextoffset, pool_bytes - size);
	return pool;
}

static void add_to_u32(struct heap_writer *writer, remote_addr addr, uint32_t more)
{
	heap_writer_put_u32(writer, addr, load_u32(heap_writer_bytes(writer, addr)) + more);
}

static remote_addr pool_alloc(struct heap_writer *writer, uint32_t size_class)
{
	const struct pylayout *layout = writer->layout;
	uint32_t size = (size_class + 1) * layout->traits.alignment, next;
	remote_addr pool = writer->pools[size_class], block;

	next = pool ? load_u32(heap_writer_bytes(writer, pool + layout->pool.nextoffset)) : 0;
	if (!pool || next > layout->traits.pool_bytes - size) {
		pool = writer->pools[size_class] = new_pool(writer, size_class);
		next = layout->pool.header_size;
	}
	block = pool + next;
	heap_writer_put_u32(writer, pool + layout->pool.nextoffset, next + size);
	add_to_u32(writer, pool + layout->pool.count, 1);
	return block;
}

remote_addr heap_writer_alloc(struct heap_writer *writer, uint64_t size)
{
	uint32_t alignment = writer->layout->traits.alignment;
	remote_addr chunk;

	if (size && size <= 512)
		return pool_alloc(writer, (uint32_t)((size - 1) / alignment));
	// glibc: the chunk's size and flags are in the word before the block, whose last word is the
	// next chunk's first.
	size = (size + 8 + 15) & ~15ull;
	chunk = take_bytes(writer, SEGMENT_LARGE, size, 16) + 16;
	heap_writer_put(writer, chunk - 8, size | 1);
	return chunk;
}

void heap_writer_free(struct heap_writer *writer, remote_addr block)
{
	const struct pylayout *layout = writer->layout;
	remote_addr pool = block & ~(uint64_t)(layout->traits.pool_bytes - 1);

	heap_writer_put(writer, block, heap_writer_get(writer, pool + layout->pool.freeblock));
	heap_writer_put(writer, pool + layout->pool.freeblock, block);
	add_to_u32(writer, pool + layout->pool.count, (uint32_t)-1);
}

void heap_writer_put_ref(struct heap_writer *writer, remote_addr addr, remote_addr object)
{
	remote_addr count = object + writer->layout->object.ob_refcnt;

	heap_writer_put(writer, addr, object);
	if (object)
		heap_writer_put(writer, count, heap_writer_get(writer, count) + 1);
}

// ---- types ---------------------------------------------------------------------------------

static remote_addr write_c_string(struct heap_writer *writer, const char *text)
{
	remote_addr addr = take_bytes(writer, SEGMENT_DATA, strlen(text) + 1, 8);

	memcpy(heap_writer_bytes(writer, addr), text, strlen(text) + 1);
	return addr;
}

remote_addr heap_writer_type(const struct heap_writer *writer, enum heap_writer_type type)
{
	return writer->types[type];
}

static uint64_t type_word(struct heap_writer *writer, remote_addr type, uint32_t offset)
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
		demand(writer->child_count < HELD_MAX, "too many types");
		writer->children[writer->child_count++] = type;
	}
}

static void static_type(struct heap_writer *writer, enum heap_writer_type index, const char *name,
	uint64_t basicsize, uint64_t itemsize, uint64_t flags)
{
	remote_addr type = writer->types[index];
	remote_addr base = index == WRITER_OBJECT ? 0 : writer->types[WRITER_OBJECT];

	heap_writer_put(writer, type + writer->layout->object.ob_refcnt, 1);
	heap_writer_put(writer, type + writer->layout->object.ob_type, writer->types[WRITER_TYPE]);
	heap_writer_put(writer, type + writer->layout->type.tp_dealloc, DATA_ADDR + 64ull * index);
	fill_type(writer, type, write_c_string(writer, name), basicsize, itemsize, flags, base);
}

static uint64_t fields_size(const struct heap_writer *writer, const char *name)
{
	const struct pyfields *fields = pylayout_fields(writer->layout, name, INT64_MAX);

	demand(fields != NULL, "a type without a row of fields");
	return fields->size;
}

static void static_types(struct heap_writer *writer)
{
	const struct pylayout *l = writer->layout;
	const uint64_t gc = PYTYPE_FLAG_GC;

	for (unsigned i = 0; i < WRITER_TYPE_COUNT; i++)
		writer->types[i] = take_bytes(writer, SEGMENT_DATA, l->type.size, 16);
	static_type(writer, WRITER_TYPE, "type", l->heap_type.size, l->member_def.size,
		gc | PYTYPE_FLAG_TYPE_SUBCLASS);
	static_type(writer, WRITER_OBJECT, "object", l->object.size, 0, 0);
	static_type(writer, WRITER_NONE, "NoneType", l->object.size, 0, 0);
	static_type(writer, WRITER_INT, "int", l->long_int.ob_digit, 4, PYTYPE_FLAG_LONG_SUBCLASS);
	static_type(writer, WRITER_FLOAT, "float", l->object.size + 8, 0, 0);
	static_type(writer, WRITER_STR, "str", l->str.legacy_size, 0, PYTYPE_FLAG_STR_SUBCLASS);
	static_type(
		writer, WRITER_BYTES, "bytes", l->bytes.ob_sval + 1, 1, PYTYPE_FLAG_BYTES_SUBCLASS);
	static_type(writer, WRITER_TUPLE, "tuple", l->tuple.ob_item, 8,
		gc | PYTYPE_FLAG_TUPLE_SUBCLASS);
	static_type(writer, WRITER_LIST, "list", l->list.allocated + 8, 0,
		gc | PYTYPE_FLAG_LIST_SUBCLASS);
	static_type(writer, WRITER_DICT, "dict", l->dict.size, 0, gc | PYTYPE_FLAG_DICT_SUBCLASS);
	static_type(writer, WRITER_SET, "set",
		l->set.smalltable + 8 * (uint64_t)l->set_entry.size + 8, 0, gc);
	static_type(writer, WRITER_DEQUE, "collections.deque", l->deque.maxlen + 16, 0, gc);
	static_type(writer, WRITER_ODICT, "collections.OrderedDict", l->odict.size, 0,
		gc | PYTYPE_FLAG_DICT_SUBCLASS);
	static_type(writer, WRITER_LRU_CACHE, "functools._lru_cache_wrapper",
		l->lru_cache.dict + 16, 0, gc);
	static_type(writer, WRITER_LRU_LINK, "functools._lru_list_elem",
		fields_size(writer, "functools._lru_list_elem"), 0, 0);
	static_type(writer, WRITER_TEE, "itertools._tee_dataobject", l->tee.values + 57 * 8, 0, gc);
	static_type(writer, WRITER_CODE, "code", l->code.co_code_adaptive, 2, 0);
	static_type(writer, WRITER_GENERATOR, "generator", l->gen.gi_iframe + l->iframe.localsplus,
		8, gc);
	static_type(
		writer, WRITER_FRAME, "frame", l->frame.f_frame_data + l->iframe.localsplus, 8, gc);
	static_type(writer, WRITER_WEAKREF, "weakref.ReferenceType", fields_size(writer, "weakref"),
		0, gc);
	static_type(writer, WRITER_FUNCTION, "function", fields_size(writer, "function"), 0, gc);
	static_type(writer, WRITER_MODULE, "module", l->module.md_name + 8, 0, gc);
	writer->class_dealloc = DATA_ADDR + 64ull * WRITER_TYPE_COUNT;
}

remote_addr heap_writer_class(struct heap_writer *writer, const char *name, const char *module,
	remote_addr base, remote_addr keys)
{
	const struct pylayout *layout = writer->layout;
	remote_addr type =
		heap_writer_object(writer, writer->types[WRITER_TYPE], layout->heap_type.size);
	uint64_t flags = PYTYPE_FLAG_HEAP | PYTYPE_FLAG_GC | (keys ? PYTYPE_FLAG_MANAGED_DICT : 0) |
			 (type_word(writer, base, layout->type.tp_flags) & ~0xffffffull);
	remote_addr dict_key = heap_writer_str(writer, "__module__");
	remote_addr dict_value = heap_writer_str(writer, module);

	fill_type(writer, type, write_c_string(writer, name),
		type_word(writer, base, layout->type.tp_basicsize),
		type_word(writer, base, layout->type.tp_itemsize), flags, base);
	heap_writer_put(writer, type + layout->type.tp_dealloc, writer->class_dealloc);
	heap_writer_put_ref(writer, type + layout->type.tp_dict,
		heap_writer_dict(writer, 1, 1, &dict_key, &dict_value));
	heap_writer_put_ref(
		writer, type + layout->heap_type.ht_name, heap_writer_str(writer, name));
	heap_writer_put_ref(
		writer, type + layout->heap_type.ht_qualname, heap_writer_str(writer, name));
	heap_writer_put(writer, type + layout->heap_type.ht_cached_keys, keys);
	return type;
}

void heap_writer_hide_class(struct heap_writer *writer)
{
	writer->child_count--;
}

// ---- objects -------------------------------------------------------------------------------

// The first generation's head is where every object's list begins.
static remote_addr gc_list(const struct heap_writer *writer)
{
	return writer->interpreter + writer->layout->interp.gc + writer->layout->gc.generations;
}

static void track(struct heap_writer *writer, remote_addr head)
{
	const struct pylayout *layout = writer->layout;
	remote_addr list = gc_list(writer);
	remote_addr next = heap_writer_get(writer, list + layout->gc_head.next);

	heap_writer_put(writer, head + layout->gc_head.next, next);
	heap_writer_put(writer, head + layout->gc_head.prev, list);
	heap_writer_put(writer, next + layout->gc_head.prev, head);
	heap_writer_put(writer, list + layout->gc_head.next, head);
}

remote_addr heap_writer_object(struct heap_writer *writer, remote_addr type, uint64_t size)
{
	const struct pylayout *layout = writer->layout;
	uint64_t flags = type_word(writer, type, layout->type.tp_flags);
	uint32_t gc = flags & PYTYPE_FLAG_GC ? layout->gc_head.size : 0;
	uint32_t head =
		gc + (flags & PYTYPE_FLAG_MANAGED_DICT ? layout->traits.preheader_bytes : 0);
	remote_addr block = heap_writer_alloc(writer, head + size), object = block + head;

	memset(heap_writer_bytes(writer, block), 0, head + size);
	if (gc)
		track(writer, object - gc);
	// Only classes on the heap are counted by their instances.
	if (flags & PYTYPE_FLAG_HEAP)
		heap_writer_put_ref(writer, object + layout->object.ob_type, type);
	else
		heap_writer_put(writer, object + layout->object.ob_type, type);
	return object;
}

static remote_addr plain_object(struct heap_writer *writer, enum heap_writer_type type)
{
	remote_addr addr = writer->types[type];

	return heap_writer_object(
		writer, addr, type_word(writer, addr, writer->layout->type.tp_basicsize));
}

remote_addr heap_writer_none(struct heap_writer *writer)
{
	return writer->none;
}

remote_addr heap_writer_int(struct heap_writer *writer, int64_t value)
{
	const struct pylayout *layout = writer->layout;
	uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value, digits = 0;
	uint32_t digit[3];
	remote_addr object;

	for (; rest; rest >>= 30)
		digit[digits++] = rest & 0x3fffffff;
	object = heap_writer_object(writer, writer->types[WRITER_INT],
		layout->long_int.ob_digit + (digits ? digits : 1) * 4);
	heap_writer_put(writer, object + layout->object.ob_size, value < 0 ? 0 - digits : digits);
	for (uint64_t i = 0; i < digits; i++)
		heap_writer_put_u32(writer, object + layout->long_int.ob_digit + i * 4, digit[i]);
	return object;
}

remote_addr heap_writer_float(struct heap_writer *writer, double value)
{
	remote_addr object = plain_object(writer, WRITER_FLOAT);

	memcpy(heap_writer_bytes(writer, object + writer->layout->object.size), &value,
		sizeof(value));
	return object;
}

remote_addr heap_writer_str_of(
	struct heap_writer *writer, const uint32_t *characters, uint64_t length, unsigned width)
{
	const struct pylayout *layout = writer->layout;
	uint32_t base = layout->str.state * 8, head;
	bool is_ascii = width == 1;
	remote_addr object;

	for (uint64_t i = 0; i < length; i++)
		is_ascii &= characters[i] < 128;
	head = is_ascii ? layout->str.ascii_size : layout->str.compact_size;
	object = heap_writer_object(writer, writer->types[WRITER_STR], head + (length + 1) * width);
	heap_writer_put(writer, object + layout->str.length, length);
	heap_writer_put_u32(writer, object + layout->str.state,
		width << (layout->str.kind_bit - base) | 1u << (layout->str.compact_bit - base) |
			(uint32_t)is_ascii << (layout->str.ascii_bit - base));
	for (uint64_t i = 0; i < length; i++)
		memcpy(heap_writer_bytes(writer, object + head + i * width), &characters[i], width);
	return object;
}

remote_addr heap_writer_str(struct heap_writer *writer, const char *ascii)
{
	uint32_t characters[256];
	size_t length = strlen(ascii);

	demand(length < 256, "a long string");
	for (size_t i = 0; i < length; i++)
		characters[i] = (unsigned char)ascii[i];
	return heap_writer_str_of(writer, characters, length, 1);
}

remote_addr heap_writer_bytes_object(struct heap_writer *writer, const void *bytes, uint64_t length)
{
	const struct pylayout *layout = writer->layout;
	remote_addr object = heap_writer_object(
		writer, writer->types[WRITER_BYTES], layout->bytes.ob_sval + length + 1);

	heap_writer_put(writer, object + layout->object.ob_size, length);
	if (length)
		memcpy(heap_writer_bytes(writer, object + layout->bytes.ob_sval), bytes, length);
	return object;
}

static void put_refs(
	struct heap_writer *writer, remote_addr addr, uint64_t count, const remote_addr *items)
{
	for (uint64_t i = 0; i < count; i++)
		heap_writer_put_ref(writer, addr + i * 8, items[i]);
}

remote_addr heap_writer_tuple(struct heap_writer *writer, uint64_t count, const remote_addr *items)
{
	const struct pylayout *layout = writer->layout;
	remote_addr object = heap_writer_object(
		writer, writer->types[WRITER_TUPLE], layout->tuple.ob_item + count * 8);

	heap_writer_put(writer, object + layout->object.ob_size, count);
	put_refs(writer, object + layout->tuple.ob_item, count, items);
	return object;
}

remote_addr heap_writer_list(
	struct heap_writer *writer, uint64_t count, const remote_addr *items, uint64_t allocated)
{
	const struct pylayout *layout = writer->layout;
	remote_addr object = plain_object(writer, WRITER_LIST);
	remote_addr array = allocated ? heap_writer_alloc(writer, allocated * 8) : 0;

	heap_writer_put(writer, object + layout->object.ob_size, count);
	heap_writer_put(writer, object + layout->list.allocated, allocated);
	heap_writer_put(writer, object + layout->list.ob_item, array);
	put_refs(writer, array, count, items);
	return object;
}

// ---- dicts and sets ------------------------------------------------------------------------

remote_addr heap_writer_keys(struct heap_writer *writer, unsigned kind, uint64_t count,
	const remote_addr *keys, const remote_addr *values)
{
	const struct pylayout *layout = writer->layout;
	unsigned log2_size = 3, log2_index;
	uint64_t entry_size = kind ? layout->unicode_entry.size : layout->key_entry.size;
	uint64_t key_at = kind ? layout->unicode_entry.me_key : layout->key_entry.me_key;
	uint64_t value_at = kind ? layout->unicode_entry.me_value : layout->key_entry.me_value;
	uint64_t usable;
	remote_addr table, entries;

	while ((usable = (2ull << log2_size) / 3) < count)
		log2_size++;
	log2_index = log2_size + (log2_size >= 8);
	table = heap_writer_alloc(
		writer, layout->keys.dk_indices + (1ull << log2_index) + usable * entry_size);
	entries = table + layout->keys.dk_indices + (1ull << log2_index);
	heap_writer_put(writer, table + layout->keys.dk_refcnt, 1);
	*heap_writer_bytes(writer, table + layout->keys.dk_log2_size) = (uint8_t)log2_size;
	*heap_writer_bytes(writer, table + layout->keys.dk_log2_index_bytes) = (uint8_t)log2_index;
	*heap_writer_bytes(writer, table + layout->keys.dk_kind) = (uint8_t)kind;
	heap_writer_put(writer, table + layout->keys.dk_usable, usable - count);
	heap_writer_put(writer, table + layout->keys.dk_nentries, count);
	for (uint64_t i = 0; i < count; i++) {
		heap_writer_put_ref(writer, entries + i * entry_size + key_at, keys[i]);
		heap_writer_put_ref(
			writer, entries + i * entry_size + value_at, kind == 2 ? 0 : values[i]);
	}
	return table;
}

remote_addr heap_writer_values(
	struct heap_writer *writer, remote_addr keys, uint64_t count, const remote_addr *values)
{
	const struct pylayout *layout = writer->layout;
	uint64_t room = heap_writer_get(writer, keys + layout->keys.dk_usable) +
			heap_writer_get(writer, keys + layout->keys.dk_nentries);
	// The order of insertion is kept in bytes before the values.
	uint64_t prefix = (room + 2 + 7) & ~7ull;
	remote_addr array = heap_writer_alloc(writer, prefix + room * 8) + prefix;

	put_refs(writer, array, count, values);
	return array;
}

remote_addr heap_writer_dict_of(struct heap_writer *writer, remote_addr type, remote_addr keys,
	remote_addr values, uint64_t used)
{
	const struct pylayout *layout = writer->layout;
	remote_addr object = heap_writer_object(
		writer, type, type_word(writer, type, layout->type.tp_basicsize));

	heap_writer_put(writer, object + layout->dict.ma_used, used);
	heap_writer_put(writer, object + layout->dict.ma_keys, keys);
	heap_writer_put(writer, object + layout->dict.ma_values, values);
	return object;
}

remote_addr heap_writer_dict(struct heap_writer *writer, unsigned kind, uint64_t count,
	const remote_addr *keys, const remote_addr *values)
{
	return heap_writer_dict_of(writer, writer->types[WRITER_DICT],
		heap_writer_keys(writer, kind, count, keys, values), 0, count);
}

remote_addr heap_writer_set(
	struct heap_writer *writer, uint64_t count, const remote_addr *items, uint64_t deleted)
{
	const struct pylayout *layout = writer->layout;
	remote_addr object = plain_object(writer, WRITER_SET);
	remote_addr table = object + layout->set.smalltable;
	uint64_t slots = 8;

	while (slots < (count + deleted) * 2)
		slots *= 2;
	if (slots > 8)
		table = heap_writer_alloc(writer, slots * layout->set_entry.size);
	heap_writer_put(writer, object + layout->set.used, count);
	heap_writer_put(writer, object + layout->set.mask, slots - 1);
	heap_writer_put(writer, object + layout->set.table, table);
	for (uint64_t i = 0; i < count + deleted; i++) {
		// Deleted entries come first, and one slot stays free between all others.
		remote_addr entry = table + i * layout->set_entry.size;
		bool is_deleted = i < deleted;

		heap_writer_put(
			writer, entry + layout->set_entry.hash, is_deleted ? UINT64_MAX : 7 * i);
		if (is_deleted)
			heap_writer_put(writer, entry + layout->set_entry.key, writer->none);
		else
			heap_writer_put_ref(
				writer, entry + layout->set_entry.key, items[i - deleted]);
	}
	return object;
}

// ---- chains --------------------------------------------------------------------------------

remote_addr heap_writer_deque(struct heap_writer *writer, uint64_t count, const remote_addr *items,
	uint64_t leftindex, uint64_t maxlen)
{
	const struct pylayout *layout = writer->layout;
	uint64_t per_block = (layout->deque_block.rightlink - layout->deque_block.data) / 8;
	remote_addr object = plain_object(writer, WRITER_DEQUE);
	remote_addr block = heap_writer_alloc(writer, layout->deque_block.size);

	heap_writer_put(writer, object + layout->object.ob_size, count);
	heap_writer_put(writer, object + layout->deque.leftblock, block);
	heap_writer_put(writer, object + layout->deque.leftindex, leftindex);
	heap_writer_put(writer, object + layout->deque.maxlen, maxlen);
	for (uint64_t i = 0, index = leftindex; i < count; i++, index++) {
		if (index == per_block) {
			remote_addr next = heap_writer_alloc(writer, layout->deque_block.size);

			heap_writer_put(writer, block + layout->deque_block.rightlink, next);
			block = next;
			index = 0;
		}
		heap_writer_put_ref(writer, block + layout->deque_block.data + index * 8, items[i]);
	}
	return object;
}

remote_addr heap_writer_odict(struct heap_writer *writer, uint64_t count, const remote_addr *keys,
	const remote_addr *values)
{
	const struct pylayout *layout = writer->layout;
	remote_addr object = heap_writer_dict_of(writer, writer->types[WRITER_ODICT],
		heap_writer_keys(writer, 1, count, keys, values), 0, count);
	remote_addr link = object + layout->odict.od_first;

	heap_writer_put(writer, object + layout->odict.od_fast_nodes_size, count);
	for (uint64_t i = 0; i < count; i++) {
		remote_addr node = heap_writer_alloc(writer, layout->odict_node.size);

		heap_writer_put(writer, link, node);
		heap_writer_put_ref(writer, node + layout->odict_node.key, keys[i]);
		link = node + layout->odict_node.next;
	}
	return object;
}

remote_addr heap_writer_lru_cache(struct heap_writer *writer, remote_addr function, uint64_t links)
{
	const struct pylayout *layout = writer->layout;
	remote_addr object = plain_object(writer, WRITER_LRU_CACHE);
	remote_addr at = object + layout->lru_cache.root_next;

	heap_writer_put_ref(writer, object + layout->lru_cache.func, function);
	heap_writer_put(writer, object + layout->lru_cache.maxsize, UINT64_MAX);
	for (uint64_t i = 0; i < links; i++) {
		remote_addr link = plain_object(writer, WRITER_LRU_LINK);

		heap_writer_put_ref(writer, at, link);
		at = link + layout->lru_elem.next;
	}
	heap_writer_put(writer, at, object);
	return object;
}

// ---- code and frames -----------------------------------------------------------------------

remote_addr heap_writer_code(struct heap_writer *writer, const char *name, uint64_t local_count,
	const char *const *locals, uint32_t stack, uint32_t first_line, const void *linetable,
	uint64_t linetable_size)
{
	const struct pylayout *layout = writer->layout;
	uint64_t units = 16;
	remote_addr names[32], text = heap_writer_str(writer, name);
	remote_addr object = heap_writer_object(
		writer, writer->types[WRITER_CODE], layout->code.co_code_adaptive + units * 2);

	demand(local_count <= 32, "many locals");
	for (uint64_t i = 0; i < local_count; i++)
		names[i] = heap_writer_str(writer, locals[i]);
	heap_writer_put(writer, object + layout->object.ob_size, units);
	heap_writer_put_u32(writer, object + layout->code.co_nlocalsplus, (uint32_t)local_count);
	heap_writer_put_u32(writer, object + layout->code.co_stacksize, stack);
	heap_writer_put_u32(writer, object + layout->code.co_firstlineno, first_line);
	heap_writer_put_ref(writer, object + layout->code.co_localsplusnames,
		heap_writer_tuple(writer, local_count, names));
	heap_writer_put_ref(writer, object + layout->code.co_name, text);
	heap_writer_put_ref(writer, object + layout->code.co_qualname, text);
	heap_writer_put_ref(
		writer, object + layout->code.co_filename, heap_writer_str(writer, "/app/main.py"));
	heap_writer_put_ref(writer, object + layout->code.co_linetable,
		heap_writer_bytes_object(writer, linetable, linetable_size));
	return object;
}

void heap_writer_frame(struct heap_writer *writer, remote_addr frame, remote_addr code,
	uint64_t slot_count, const remote_addr *slots, int32_t stacktop, unsigned owner)
{
	const struct pylayout *layout = writer->layout;

	heap_writer_put_ref(writer, frame + layout->iframe.f_code, code);
	heap_writer_put(
		writer, frame + layout->iframe.prev_instr, code + layout->code.co_code_adaptive);
	heap_writer_put_u32(writer, frame + layout->iframe.stacktop, (uint32_t)stacktop);
	*heap_writer_bytes(writer, frame + layout->iframe.owner) = (uint8_t)owner;
	put_refs(writer, frame + layout->iframe.localsplus, slot_count, slots);
}

remote_addr heap_writer_generator(struct heap_writer *writer, remote_addr code, uint64_t slot_count,
	const remote_addr *slots, int32_t stacktop)
{
	const struct pylayout *layout = writer->layout;
	uint64_t room =
		load_u32(heap_writer_bytes(writer, code + layout->code.co_nlocalsplus)) +
		(uint64_t)load_u32(heap_writer_bytes(writer, code + layout->code.co_stacksize));
	remote_addr object = heap_writer_object(writer, writer->types[WRITER_GENERATOR],
		layout->gen.gi_iframe + layout->iframe.localsplus + room * 8);

	heap_writer_put_ref(writer, object + layout->gen.gi_code, code);
	*heap_writer_bytes(writer, object + layout->gen.gi_frame_state) = 0xff; // FRAME_SUSPENDED
	heap_writer_frame(
		writer, object + layout->gen.gi_iframe, code, slot_count, slots, stacktop, 1);
	return object;
}

// ---- the whole -----------------------------------------------------------------------------

static const uint32_t *generation_offsets(const struct pylayout *layout, uint32_t ret[4])
{
	for (uint32_t i = 0; i < 3; i++)
		ret[i] = layout->gc.generations + i * layout->gc_generation.size;
	ret[3] = layout->gc.permanent_generation;
	return ret;
}

static void make_interpreter(struct heap_writer *writer)
{
	const struct pylayout *layout = writer->layout;
	uint32_t offsets[4];

	writer->runtime = take_bytes(writer, SEGMENT_DATA, layout->runtime.size, 16);
	// From 3.11 on the main interpreter is part of the runtime.
	writer->interpreter = layout->runtime.main_interpreter != PYLAYOUT_NONE
				      ? writer->runtime + layout->runtime.main_interpreter
				      : take_bytes(writer, SEGMENT_DATA, layout->interp.size, 16);
	writer->thread = take_bytes(writer, SEGMENT_DATA, layout->tstate.size, 16);
	writer->cframe = take_bytes(writer, SEGMENT_DATA, 64, 16);
	heap_writer_put(
		writer, writer->runtime + layout->runtime.interpreters_head, writer->interpreter);
	heap_writer_put(writer, writer->interpreter + layout->interp.threads_head, writer->thread);
	heap_writer_put(writer, writer->thread + layout->tstate.cframe, writer->cframe);
	generation_offsets(layout, offsets);
	for (unsigned i = 0; i < 4; i++) {
		remote_addr head = writer->interpreter + layout->interp.gc + offsets[i];

		heap_writer_put(writer, head + layout->gc_head.next, head);
		heap_writer_put(writer, head + layout->gc_head.prev, head);
	}
}

struct heap_writer *heap_writer_create(const struct pylayout *layout)
{
	static const remote_addr addrs[] = {DATA_ADDR, ARENA_ADDR, LARGE_ADDR};
	struct heap_writer *writer = calloc(1, sizeof(*writer));

	demand(writer != NULL, "no memory");
	writer->layout = layout;
	for (unsigned i = 0; i < SEGMENT_COUNT; i++) {
		writer->segments[i] =
			(struct segment){.addr = addrs[i], .bytes = calloc(1, SEGMENT_SIZE)};
		demand(writer->segments[i].bytes != NULL, "no memory");
	}
	// Code addresses (tp_dealloc) lie where no object is.
	take_bytes(writer, SEGMENT_DATA, 4096, 1);
	make_interpreter(writer);
	static_types(writer);
	writer->none = take_bytes(writer, SEGMENT_DATA, layout->object.size, 16);
	heap_writer_put(writer, writer->none + layout->object.ob_refcnt, 1);
	heap_writer_put(writer, writer->none + layout->object.ob_type, writer->types[WRITER_NONE]);
	return writer;
}

void heap_writer_destroy(struct heap_writer *writer)
{
	for (unsigned i = 0; i < SEGMENT_COUNT; i++)
		free(writer->segments[i].bytes);
	free(writer);
}

void heap_writer_hold(struct heap_writer *writer, const char *name, remote_addr object)
{
	demand(writer->held_count < HELD_MAX, "too many held objects");
	writer->held_names[writer->held_count] = heap_writer_str(writer, name);
	writer->held[writer->held_count++] = object;
}

remote_addr heap_writer_call(struct heap_writer *writer, remote_addr code, uint64_t slot_count,
	const remote_addr *slots, int32_t stacktop)
{
	const struct pylayout *layout = writer->layout;
	uint64_t room =
		load_u32(heap_writer_bytes(writer, code + layout->code.co_nlocalsplus)) +
		(uint64_t)load_u32(heap_writer_bytes(writer, code + layout->code.co_stacksize));
	remote_addr frame =
		take_bytes(writer, SEGMENT_DATA, layout->iframe.localsplus + room * 8, 16);
	remote_addr current = writer->cframe + layout->cframe.current_frame;

	heap_writer_frame(writer, frame, code, slot_count, slots, stacktop, 0);
	heap_writer_put(writer, frame + layout->iframe.previous, heap_writer_get(writer, current));
	heap_writer_put(writer, current, frame);
	return frame;
}

// object.__subclasses__: a dict of weakrefs under the addresses of the types.
static void write_subclasses(struct heap_writer *writer)
{
	const struct pylayout *layout = writer->layout;
	remote_addr keys[HELD_MAX], weakrefs[HELD_MAX];
	uint64_t count = writer->child_count;

	for (uint64_t i = 0; i < count; i++) {
		keys[i] = heap_writer_int(writer, (int64_t)writer->children[i]);
		weakrefs[i] = plain_object(writer, WRITER_WEAKREF);
		heap_writer_put(
			writer, weakrefs[i] + layout->weakref.wr_object, writer->children[i]);
	}
	heap_writer_put_ref(writer, writer->types[WRITER_OBJECT] + layout->type.tp_subclasses,
		heap_writer_dict(writer, 0, count, keys, weakrefs));
}

struct target *heap_writer_finish(struct heap_writer *writer, struct pyruntime_place *ret)
{
	const struct pylayout *layout = writer->layout;
	struct memory_image_segment segments[SEGMENT_COUNT];
	remote_addr key = heap_writer_str(writer, "hexversion");
	remote_addr value = heap_writer_int(writer, WRITER_HEXVERSION(layout));
	struct target *target;
	struct error *err;

	// The top of the heap, behind the last block.
	heap_writer_alloc(writer, 1024);
	write_subclasses(writer);
	heap_writer_put_ref(writer, writer->interpreter + layout->interp.sysdict,
		heap_writer_dict(writer, 1, 1, &key, &value));
	heap_writer_put_ref(writer, writer->interpreter + layout->interp.modules,
		heap_writer_dict(writer, 1, writer->held_count, writer->held_names, writer->held));
	for (unsigned i = 0; i < SEGMENT_COUNT; i++)
		segments[i] = (struct memory_image_segment){.addr = writer->segments[i].addr,
			.bytes = writer->segments[i].bytes,
			.size = SEGMENT_SIZE,
			.writable = true,
			.path = ""};
	err = memory_image_create(segments, SEGMENT_COUNT, &target);
	demand(!err, "no memory image");
	*ret = (struct pyruntime_place){.version_hex = WRITER_HEXVERSION(layout),
		.runtime = writer->runtime,
		.type_type = writer->types[WRITER_TYPE],
		.path = (char *)"python"};
	return target;
}
