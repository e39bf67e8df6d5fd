// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "cpython/pydict.h"

#include "base/limits.h"

// dk_kind, pycore_dict.h: DictKeysKind.
enum { KEYS_GENERAL, KEYS_UNICODE, KEYS_SPLIT };

// USABLE_FRACTION of dictobject.c.
static uint64_t usable_fraction(uint64_t slots)
{
	return (slots << 1) / 3;
}

bool pydict_table_read(struct pyreader *reader, const struct pylayout *layout, remote_addr keys,
	remote_addr values, struct pydict_table *ret)
{
	const uint8_t *bytes = pyreader_bytes(reader, keys, layout->keys.dk_indices);
	uint8_t log2_size, log2_index_bytes, kind;
	uint64_t usable;

	if (!bytes)
		return false;
	log2_size = bytes[layout->keys.dk_log2_size];
	log2_index_bytes = bytes[layout->keys.dk_log2_index_bytes];
	kind = bytes[layout->keys.dk_kind];
	if (log2_size > 40 || log2_index_bytes > 43 || kind > KEYS_SPLIT)
		return false;
	*ret = (struct pydict_table){
		.entries = keys + layout->keys.dk_indices + (1ull << log2_index_bytes),
		.values = values,
		.count = load_u64(bytes + layout->keys.dk_nentries),
		.keys_refcnt = load_u64(bytes + layout->keys.dk_refcnt),
		.has_str_keys = kind != KEYS_GENERAL,
		.entry_size = kind ? layout->unicode_entry.size : layout->key_entry.size,
		.key_offset = kind ? layout->unicode_entry.me_key : layout->key_entry.me_key,
		.value_offset = kind ? layout->unicode_entry.me_value : layout->key_entry.me_value,
	};
	usable = load_u64(bytes + layout->keys.dk_usable);
	if (ret->count > usable_fraction(1ull << log2_size) || usable > LIMIT_ITEMS)
		return false;
	ret->keys_bytes = layout->keys.dk_indices + (1ull << log2_index_bytes) +
			  usable_fraction(1ull << log2_size) * ret->entry_size;
	ret->values_bytes = (ret->count + usable) * sizeof(uint64_t);
	return true;
}

bool pydict_read(struct pyreader *reader, const struct pylayout *layout, remote_addr dict,
	struct pydict_table *ret)
{
	const uint8_t *bytes = pyreader_bytes(reader, dict, layout->dict.size);

	return bytes && pydict_table_read(reader, layout, load_u64(bytes + layout->dict.ma_keys),
				load_u64(bytes + layout->dict.ma_values), ret);
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
