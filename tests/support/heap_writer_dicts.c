// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
//
// Dicts: with one table (Python 2), or with keys objects that may be shared.
#include "heap_writer_private.h"

enum { KEYS_GENERAL, KEYS_UNICODE, KEYS_SPLIT };

#define SMALL_TABLE_SLOTS 8

// ---- one table of entries ------------------------------------------------------------------

static remote_addr open_table(struct heap_writer *writer, remote_addr object, uint64_t count,
	const remote_addr *keys, const remote_addr *values)
{
	const struct pylayout *layout = writer->layout;
	remote_addr table = object + layout->dict.ma_smalltable;
	uint32_t size = layout->key_entry.size;
	uint64_t slots = SMALL_TABLE_SLOTS;

	while (slots * 2 < count * 3)
		slots *= 2;
	if (slots > SMALL_TABLE_SLOTS)
		table = heap_writer_alloc(writer, slots * size);
	heap_writer_put(writer, object + layout->dict.ma_used, count);
	heap_writer_put(writer, object + layout->dict.ma_mask, slots - 1);
	heap_writer_put(writer, object + layout->dict.ma_table, table);
	for (uint64_t i = 0; i < count; i++) {
		remote_addr entry = table + i * size;

		heap_writer_put_ref(writer, entry + layout->key_entry.me_key, keys[i]);
		heap_writer_put_ref(writer, entry + layout->key_entry.me_value, values[i]);
	}
	return object;
}

// ---- keys objects --------------------------------------------------------------------------

// Bytes of the index: 1 each for up to 255 slots, 2 for up to 65535 (Objects/dictobject.c).
static uint64_t index_bytes(unsigned log2_size)
{
	return log2_size < 8 ? 1ull << log2_size : 2ull << log2_size;
}

static bool has_short_entries(const struct pylayout *layout, unsigned kind)
{
	return kind != KEYS_GENERAL && pylayout_has(layout->unicode_entry.size);
}

static void put_shape(
	struct heap_writer *writer, remote_addr table, unsigned log2_size, unsigned kind)
{
	const struct pylayout *layout = writer->layout;

	if (pylayout_has(layout->keys.dk_size)) {
		heap_writer_put(writer, table + layout->keys.dk_size, 1ull << log2_size);
		return;
	}
	writer_put_u8(writer, table + layout->keys.dk_log2_size, (uint8_t)log2_size);
	writer_put_u8(writer, table + layout->keys.dk_log2_index_bytes,
		(uint8_t)(log2_size + (log2_size >= 8)));
	writer_put_u8(writer, table + layout->keys.dk_kind, (uint8_t)kind);
}

remote_addr heap_writer_keys(struct heap_writer *writer, unsigned kind, uint64_t count,
	const remote_addr *keys, const remote_addr *values)
{
	const struct pylayout *l = writer->layout;
	bool is_short = has_short_entries(l, kind);
	uint64_t entry_size = is_short ? l->unicode_entry.size : l->key_entry.size;
	uint64_t key_at = is_short ? l->unicode_entry.me_key : l->key_entry.me_key;
	uint64_t value_at = is_short ? l->unicode_entry.me_value : l->key_entry.me_value;
	unsigned log2_size = 3;
	uint64_t usable, index;
	remote_addr table, entry;

	writer_demand(pylayout_has(l->keys.dk_indices), "no keys objects in this version");
	while ((usable = (2ull << log2_size) / 3) < count)
		log2_size++;
	index = index_bytes(log2_size);
	table = heap_writer_alloc(writer, l->keys.dk_indices + index + usable * entry_size);
	put_shape(writer, table, log2_size, kind);
	heap_writer_put(writer, table + l->keys.dk_refcnt, 1);
	heap_writer_put(writer, table + l->keys.dk_usable, usable - count);
	heap_writer_put(writer, table + l->keys.dk_nentries, count);
	entry = table + l->keys.dk_indices + index;
	for (uint64_t i = 0; i < count; i++, entry += entry_size) {
		heap_writer_put_ref(writer, entry + key_at, keys[i]);
		heap_writer_put_ref(writer, entry + value_at, kind == KEYS_SPLIT ? 0 : values[i]);
	}
	return table;
}

uint64_t writer_keys_room(struct heap_writer *writer, remote_addr keys)
{
	const struct pylayout *layout = writer->layout;

	return heap_writer_get(writer, keys + layout->keys.dk_usable) +
	       heap_writer_get(writer, keys + layout->keys.dk_nentries);
}

// ---- values --------------------------------------------------------------------------------

void writer_fill_values(struct heap_writer *writer, remote_addr at, uint64_t room, uint64_t count,
	const remote_addr *values, bool is_embedded)
{
	const struct pylayout *layout = writer->layout;

	// struct _dictvalues: capacity, size, embedded, valid, then the values (3.13).
	writer_put_u8(writer, at, (uint8_t)room);
	writer_put_u8(writer, at + 1, (uint8_t)count);
	writer_put_u8(writer, at + layout->dict_values.embedded, is_embedded);
	writer_put_u8(writer, at + layout->dict_values.valid, 1);
	writer_put_refs(writer, at + layout->dict_values.values, count, values);
}

remote_addr heap_writer_values(
	struct heap_writer *writer, remote_addr keys, uint64_t count, const remote_addr *values)
{
	const struct pylayout *layout = writer->layout;
	uint64_t room = writer_keys_room(writer, keys);
	// The order of insertion is kept in bytes before the values (3.11, 3.12).
	uint64_t prefix = (room + 2 + 7) & ~7ull;
	remote_addr array;

	if (pylayout_has(layout->dict_values.valid)) {
		array = heap_writer_alloc(writer, layout->dict_values.values + room * 9);
		writer_fill_values(writer, array, room, count, values, false);
		return array;
	}
	if (!pylayout_has(layout->dict_values.values))
		prefix = 0;
	array = heap_writer_alloc(writer, prefix + room * 8) + prefix;
	writer_put_refs(writer, array, count, values);
	return array;
}

// ---- dicts ---------------------------------------------------------------------------------

static remote_addr new_dict(struct heap_writer *writer, remote_addr type)
{
	return heap_writer_object(
		writer, type, writer_type_word(writer, type, writer->layout->type.tp_basicsize));
}

remote_addr heap_writer_dict_of(struct heap_writer *writer, remote_addr type, remote_addr keys,
	remote_addr values, uint64_t used)
{
	const struct pylayout *layout = writer->layout;
	remote_addr object = new_dict(writer, type);

	heap_writer_put(writer, object + layout->dict.ma_used, used);
	heap_writer_put(writer, object + layout->dict.ma_keys, keys);
	heap_writer_put(writer, object + layout->dict.ma_values, values);
	return object;
}

remote_addr heap_writer_dict(struct heap_writer *writer, unsigned kind, uint64_t count,
	const remote_addr *keys, const remote_addr *values)
{
	remote_addr type = writer->types[WRITER_DICT];

	if (pylayout_has(writer->layout->dict.ma_table))
		return open_table(writer, new_dict(writer, type), count, keys, values);
	return heap_writer_dict_of(
		writer, type, heap_writer_keys(writer, kind, count, keys, values), 0, count);
}

remote_addr heap_writer_odict(struct heap_writer *writer, uint64_t count, const remote_addr *keys,
	const remote_addr *values)
{
	const struct pylayout *layout = writer->layout;
	remote_addr object = heap_writer_dict_of(writer, writer->types[WRITER_ODICT],
		heap_writer_keys(writer, KEYS_UNICODE, count, keys, values), 0, count);
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
