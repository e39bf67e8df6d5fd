// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * The tables of a dict: where its entries are.
 *
 * From 3.6 a dict has a keys object (index and entries) that it may share with other dicts and a
 * type; then its values are in an array of its own (a split table). Before, it has one table of
 * entries, some of them unused. Source: Objects/dictobject.c of 2.7.18, 3.6.9, 3.11.2, 3.13.15;
 * Include/internal/pycore_dict.h.
 */
#pragma once

#include "cpython/pylayout.h"
#include "cpython/pyreader.h"

struct pydict_table {
	remote_addr entries; /* first entry */
	remote_addr values;  /* split table: the first value; else 0 */
	uint64_t count;      /* entries in use, holes included */
	uint32_t entry_size, key_offset, value_offset;
	/** Shared with other dicts: owners of the keys object count its keys, not this dict. */
	uint64_t keys_refcnt;
	/** Bytes of the keys object, and of a values array for it, as sys.getsizeof counts them. */
	uint64_t keys_bytes, values_bytes;
	/** A key without a value is that of a deleted entry, and owned all the same (2.7). */
	bool has_dummies;
};

/** Read a keys object; @p values is the first of the dict's values or 0. False if the bytes make no
 * sense. Not for versions without keys objects. */
bool pydict_table_read(struct pyreader *reader, const struct pylayout *layout, remote_addr keys,
	remote_addr values, struct pydict_table *ret);

/** The table of a dict object. */
bool pydict_read(struct pyreader *reader, const struct pylayout *layout, remote_addr dict,
	struct pydict_table *ret);

/** Entry @p index: its key and value, either 0 in a hole. False past the end or if unreadable. */
bool pydict_entry(struct pyreader *reader, const struct pydict_table *table, uint64_t index,
	remote_addr *ret_key, remote_addr *ret_value);

/** The first value of a values object (ma_values, or of an instance); 0 stays 0. */
static inline remote_addr pydict_first_value(const struct pylayout *layout, remote_addr values)
{
	return values && pylayout_has(layout->dict_values.values)
		       ? values + layout->dict_values.values
		       : values;
}
