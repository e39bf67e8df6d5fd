// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "cpython/pydict.h"

#include "base/limits.h"

// dk_kind, pycore_dict.h: DictKeysKind.
enum { KEYS_GENERAL, KEYS_UNICODE, KEYS_SPLIT };

#define LOG2_SIZE_MAX 40

// USABLE_FRACTION of dictobject.c.
static uint64_t usable_fraction(uint64_t slots)
{
	return (slots << 1) / 3;
}

// Bytes of an index into a table of so many slots (dictobject.c up to 3.10: DK_IXSIZE).
static uint64_t index_bytes(uint64_t slots)
{
	if (slots <= 0xff)
		return 1;
	if (slots <= 0xffff)
		return 2;
	return slots <= 0xffffffff ? 4 : 8;
}

// Slots of the table, bytes of its index, and the shape of its entries. False if it is no table.
static bool read_shape(const struct pylayout *layout, const uint8_t *bytes, uint64_t *ret_slots,
	uint64_t *ret_index_bytes, struct pydict_table *ret)
{
	bool is_general = true;

	if (pylayout_has(layout->keys.dk_size)) {
		*ret_slots = load_u64(bytes + layout->keys.dk_size);
		if (*ret_slots > 1ull << LOG2_SIZE_MAX || *ret_slots & (*ret_slots - 1))
			return false;
		*ret_index_bytes = *ret_slots * index_bytes(*ret_slots);
	} else {
		uint8_t log2_size = bytes[layout->keys.dk_log2_size];
		uint8_t log2_index_bytes = bytes[layout->keys.dk_log2_index_bytes];
		uint8_t kind = bytes[layout->keys.dk_kind];

		if (log2_size > LOG2_SIZE_MAX || log2_index_bytes > LOG2_SIZE_MAX + 3 ||
			kind > KEYS_SPLIT)
			return false;
		*ret_slots = 1ull << log2_size;
		*ret_index_bytes = 1ull << log2_index_bytes;
		is_general = kind == KEYS_GENERAL;
	}
	ret->entry_size = is_general ? layout->key_entry.size : layout->unicode_entry.size;
	ret->key_offset = is_general ? layout->key_entry.me_key : layout->unicode_entry.me_key;
	ret->value_offset =
		is_general ? layout->key_entry.me_value : layout->unicode_entry.me_value;
	return true;
}

bool pydict_table_read(struct pyreader *reader, const struct pylayout *layout, remote_addr keys,
	remote_addr values, struct pydict_table *ret)
{
	const uint8_t *bytes;
	uint64_t slots, index, usable;

	if (!pylayout_has(layout->keys.dk_indices))
		return false;
	bytes = pyreader_bytes(reader, keys, layout->keys.dk_indices);
	*ret = (struct pydict_table){.values = values};
	if (!bytes || !read_shape(layout, bytes, &slots, &index, ret))
		return false;
	ret->entries = keys + layout->keys.dk_indices + index;
	ret->count = load_u64(bytes + layout->keys.dk_nentries);
	ret->keys_refcnt = load_u64(bytes + layout->keys.dk_refcnt);
	usable = load_u64(bytes + layout->keys.dk_usable);
	if (ret->count > usable_fraction(slots) || usable > LIMIT_ITEMS)
		return false;
	ret->keys_bytes =
		layout->keys.dk_indices + index + usable_fraction(slots) * ret->entry_size;
	ret->values_bytes = (ret->count + usable) * sizeof(uint64_t);
	return true;
}

// The one table of entries that dicts had before keys objects.
static bool read_open_table(const struct pylayout *layout, const uint8_t *bytes, remote_addr dict,
	struct pydict_table *ret)
{
	uint64_t slots = load_u64(bytes + layout->dict.ma_mask) + 1;

	*ret = (struct pydict_table){
		.entries = load_u64(bytes + layout->dict.ma_table),
		.count = slots,
		.entry_size = layout->key_entry.size,
		.key_offset = layout->key_entry.me_key,
		.value_offset = layout->key_entry.me_value,
		.keys_refcnt = 1,
		.has_dummies = true,
	};
	if (slots > LIMIT_ITEMS || slots & (slots - 1) || !ret->entries)
		return false;
	if (ret->entries != dict + layout->dict.ma_smalltable)
		ret->keys_bytes = slots * ret->entry_size;
	return true;
}

bool pydict_read(struct pyreader *reader, const struct pylayout *layout, remote_addr dict,
	struct pydict_table *ret)
{
	const uint8_t *bytes = pyreader_bytes(reader, dict, layout->dict.size);

	if (!bytes)
		return false;
	if (pylayout_has(layout->dict.ma_table))
		return read_open_table(layout, bytes, dict, ret);
	return pydict_table_read(reader, layout, load_u64(bytes + layout->dict.ma_keys),
		pydict_first_value(layout, load_u64(bytes + layout->dict.ma_values)), ret);
}

bool pydict_entry(struct pyreader *reader, const struct pydict_table *table, uint64_t index,
	remote_addr *ret_key, remote_addr *ret_value)
{
	const uint8_t *bytes;

	if (index >= table->count)
		return false;
	bytes = pyreader_bytes(
		reader, table->entries + index * table->entry_size, table->entry_size);
	if (!bytes)
		return false;
	*ret_key = load_u64(bytes + table->key_offset);
	*ret_value = load_u64(bytes + table->value_offset);
	return !table->values ||
	       pyreader_u64(reader, table->values + index * sizeof(uint64_t), ret_value);
}
