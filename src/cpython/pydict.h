// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * The tables of a dict: where its entries are.
 *
 * A dict has a keys object (index and entries) that it may share with other dicts and a type; then
 * its values are in an array of its own (a split table). Source: Objects/dictobject.c and
 * Include/internal/pycore_dict.h, 3.11.2.
 */
#pragma once

#include "cpython/pylayout.h"
#include "cpython/pyreader.h"

struct pydict_table {
	remote_addr entries; /* first entry */
	remote_addr values;  /* split table: the values array; else 0 */
	uint64_t count;      /* entries in use, holes included */
	uint32_t entry_size, key_offset, value_offset;
	/** Shared with other dicts: owners of the keys object count its keys, not this dict. */
	uint64_t keys_refcnt;
	/** Bytes of the keys object, and of a values array for it, as sys.getsizeof counts them. */
	uint64_t keys_bytes, values_bytes;
	/** All keys are str: the collector does not visit them. */
	bool has_str_keys;
};

/** Read a keys object; @p values is the dict's values array or 0. False if the bytes make no sense.
 */
bool pydict_table_read(struct pyreader *reader, const struct pylayout *layout, remote_addr keys,
	remote_addr values, struct pydict_table *ret);

/** The table of a dict object. */
bool pydict_read(struct pyreader *reader, const struct pylayout *layout, remote_addr dict,
	struct pydict_table *ret);

/** Entry @p index: its key and value, either 0 in a hole. False past the end or if unreadable. */
bool pydict_entry(struct pyreader *reader, const struct pydict_table *table, uint64_t index,
	remote_addr *ret_key, remote_addr *ret_value);
