// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "cpython/kinds/kinds.h"

#include "base/limits.h"

static void scan_dict_entries(struct pyscan *scan, const struct pydict_table *table)
{
	struct pyreader *reader = reader_of(scan);
	uint64_t done = 0;

	while (done < table->count) {
		uint64_t size, in_span;
		const uint8_t *bytes =
			pyreader_span(reader, table->entries + done * table->entry_size,
				(table->count - done) * table->entry_size, &size);

		if (bytes && size < table->entry_size) {
			bytes = pyreader_bytes(reader, table->entries + done * table->entry_size,
				table->entry_size);
			size = table->entry_size;
		}
		if (!bytes || !may_look(scan, size / 8)) {
			scan->is_torn = true;
			return;
		}
		in_span = size / table->entry_size;
		for (uint64_t i = 0; i < in_span; i++, bytes += table->entry_size) {
			uint64_t key = load_u64(bytes + table->key_offset);
			uint64_t value = load_u64(bytes + table->value_offset);

			if (!key || (!value && !table->has_dummies))
				continue;
			emit(scan, key, (struct pylabel){.kind = PYLABEL_KEY_OBJECT});
			emit(scan, value, (struct pylabel){.kind = PYLABEL_VALUE, .object = key});
		}
		done += in_span;
	}
}

// The values array of a split table; names are only looked up when labels are wanted.
void pykind_scan_values(
	struct pyscan *scan, const struct pydict_table *table, enum pylabel_kind kind)
{
	struct pyreader *reader = reader_of(scan);
	uint64_t done = 0;

	while (done < table->count) {
		uint64_t size = 0;
		uint64_t words[64];
		uint64_t count;
		const uint8_t *bytes = pyreader_span(
			reader, table->values + done * 8, (table->count - done) * 8, &size);

		count = size / 8 < 64 ? size / 8 : 64;
		if (!bytes || !count || !may_look(scan, count)) {
			scan->is_torn = true;
			return;
		}
		memcpy(words, bytes, count * 8);
		for (uint64_t i = 0; i < count; i++, done++) {
			struct pylabel label = {.kind = kind};
			remote_addr ignored;

			if (scan->labels && words[i])
				pydict_entry(reader, table, done, &label.object, &ignored);
			emit(scan, words[i], label);
		}
	}
}

void pykind_scan_dict(struct pyscan *scan)
{
	const struct pylayout *layout = layout_of(scan);
	struct pydict_table table;

	// A small table of 2.7 is in the object itself, of which the reader has a copy as good.
	if (!(pylayout_has(layout->dict.ma_table)
			    ? pydict_read(reader_of(scan), layout, scan->addr, &table)
			    : pydict_table_read(reader_of(scan), layout,
				      word(scan, layout->dict.ma_keys),
				      pydict_first_value(
					      layout, word(scan, layout->dict.ma_values)),
				      &table))) {
		scan->is_torn = true;
		return;
	}
	pyscan_note_part(scan, table.entries, 0);
	pyscan_note_part(scan, table.values, 0);
	if (table.values)
		scan->size += table.values_bytes;
	if (table.keys_refcnt == 1)
		scan->size += table.keys_bytes;
	// The interned strings' counts do not include this dict (Objects/unicodeobject.c).
	if (python_is_interned(scan->context->python, scan->addr))
		return;
	if (table.values)
		pykind_scan_values(scan, &table, PYLABEL_VALUE);
	else
		scan_dict_entries(scan, &table);
}

void pykind_scan_defaultdict(struct pyscan *scan)
{
	pykind_scan_dict(scan);
	emit_field(scan, word(scan, layout_of(scan)->defdict.default_factory), "default_factory");
}

// Each node of the linked list owns one more reference to its key (Objects/odictobject.c).
void pykind_scan_odict(struct pyscan *scan)
{
	const struct pylayout *layout = layout_of(scan);
	struct pyreader *reader = reader_of(scan);
	uint64_t used = word(scan, layout->dict.ma_used);
	remote_addr node = word(scan, layout->odict.od_first);
	uint64_t nodes = 0, fast = word(scan, layout->odict.od_fast_nodes_size);
	struct pychain chain = {0};

	pykind_scan_dict(scan);
	for (; nodes < used && may_look(scan, 4) && pychain_goes_on(&chain, node); nodes++) {
		pyscan_note_part(scan, node, 0);
		emit(scan, pyreader_pointer(reader, node + layout->odict_node.key),
			(struct pylabel){.kind = PYLABEL_KEY_OBJECT});
		node = pyreader_pointer(reader, node + layout->odict_node.next);
	}
	scan->is_torn |= node != 0 || fast > LIMIT_ITEMS;
	scan->size += 8 * (fast > LIMIT_ITEMS ? 0 : fast) + layout->odict_node.size * nodes;
	note_part_at(scan, layout->odict.od_fast_nodes_size - 8);
	emit_field(scan, word(scan, layout->odict.od_inst_dict), "__dict__");
}

void pykind_scan_set(struct pyscan *scan)
{
	const struct pylayout *layout = layout_of(scan);
	uint64_t slots = word(scan, layout->set.mask) + 1;
	remote_addr table = word(scan, layout->set.table);
	uint32_t entry_size = layout->set_entry.size;
	uint64_t done = 0;

	if (slots > LIMIT_ITEMS || table % 8) {
		scan->is_torn = true;
		return;
	}
	if (table != scan->addr + layout->set.smalltable) {
		pyscan_note_part(scan, table, 0);
		scan->size += slots * entry_size;
	}
	while (done < slots) {
		uint64_t size;
		const uint8_t *bytes =
			span(scan, table + done * entry_size, (slots - done) * entry_size, &size);

		if (!bytes || size < entry_size || !may_look(scan, size / 8)) {
			scan->is_torn = true;
			return;
		}
		for (uint64_t i = 0; i < size / entry_size; i++, done++, bytes += entry_size) {
			// A deleted entry has hash -1 and a dummy key that nobody counts; in 2.7 the
			// dummy is counted, and the hash is that of the key before.
			if (load_u64(bytes + layout->set_entry.hash) != UINT64_MAX)
				emit(scan, load_u64(bytes + layout->set_entry.key),
					(struct pylabel){.kind = PYLABEL_ITEM});
		}
	}
}

void pykind_scan_list(struct pyscan *scan)
{
	const struct pylayout *layout = layout_of(scan);
	uint64_t allocated = word(scan, layout->list.allocated);
	uint64_t count = word(scan, layout->object.ob_size);

	if (allocated > LIMIT_ITEMS || count > allocated) {
		scan->is_torn = true;
		return;
	}
	scan->size += allocated * 8;
	note_part_at(scan, layout->list.ob_item);
	if (count)
		emit_array(scan, word(scan, layout->list.ob_item), count, 0, PYLABEL_INDEX, 0);
}

void pykind_scan_tuple(struct pyscan *scan, uint32_t hidden)
{
	const struct pylayout *layout = layout_of(scan);

	emit_array(scan, scan->addr + layout->tuple.ob_item,
		word(scan, layout->object.ob_size) + hidden, 0, PYLABEL_INDEX, 0);
}

void pykind_scan_deque(struct pyscan *scan)
{
	const struct pylayout *layout = layout_of(scan);
	uint64_t count = word(
		scan, pylayout_has(layout->deque.len) ? layout->deque.len : layout->object.ob_size);
	uint64_t index = word(scan, layout->deque.leftindex);
	// The data lies between the links, or (2.7) before both.
	uint64_t per_block = (layout->deque_block.size - 2 * sizeof(uint64_t)) / sizeof(uint64_t);
	remote_addr block = word(scan, layout->deque.leftblock);
	uint64_t blocks = (index + count + per_block - 1) / per_block, done = 0;
	struct pychain chain = {0};

	if (count > LIMIT_ITEMS || index >= per_block) {
		scan->is_torn = true;
		return;
	}
	if (pylayout_has(layout->deque.len))
		blocks = 0; // sys.getsizeof of 2.7 does not count them
	else if (!blocks)
		blocks = 1;
	scan->size += blocks * layout->deque_block.size;
	while (done < count && !scan->is_torn && pychain_goes_on(&chain, block)) {
		uint64_t here = per_block - index < count - done ? per_block - index : count - done;

		pyscan_note_part(scan, block, 0);
		emit_array(scan, block + layout->deque_block.data + index * 8, here, done,
			PYLABEL_INDEX, 0);
		done += here;
		index = 0;
		block = pyreader_pointer(reader_of(scan), block + layout->deque_block.rightlink);
	}
	scan->is_torn |= done < count;
}

// The links are owned by the list as well as by the cache dict (Modules/_functoolsmodule.c).
void pykind_scan_lru_cache(struct pyscan *scan)
{
	const struct pylayout *layout = layout_of(scan);
	remote_addr link = word(scan, layout->lru_cache.root_next);
	struct pychain chain = {0};

	emit_field(scan, word(scan, layout->lru_cache.cache), "cache");
	emit_field(scan, word(scan, layout->lru_cache.func), "__wrapped__");
	emit_word(scan, layout->lru_cache.maxsize_object, "maxsize");
	emit_word(scan, layout->lru_cache.kwd_mark, "kwd_mark");
	emit_word(scan, layout->lru_cache.elem_type, "lru_list_elem_type");
	emit_word(scan, layout->lru_cache.cache_info_type, "cache_info_type");
	emit_field(scan, word(scan, layout->lru_cache.dict), "__dict__");
	// The last link leads back to the cache, where the list is anchored.
	while (link != scan->addr && may_look(scan, 2) && pychain_goes_on(&chain, link)) {
		emit_field(scan, link, "link");
		link = pyreader_pointer(reader_of(scan), link + layout->lru_elem.next);
	}
	scan->is_torn |= link != scan->addr;
}

// From the next to be taken on, around the end (struct RingBuf in Modules/_queuemodule.c, 3.13).
void pykind_scan_ring(struct pyscan *scan)
{
	const struct pylayout *layout = layout_of(scan);
	uint64_t count = word(scan, layout->ring.num_items);
	uint64_t capacity = word(scan, layout->ring.items_cap);
	uint64_t first = word(scan, layout->ring.get_idx), at_end;
	remote_addr items = word(scan, layout->ring.items);

	if (capacity > LIMIT_ITEMS || count > capacity || (count && first >= capacity)) {
		scan->is_torn = true;
		return;
	}
	note_part_at(scan, layout->ring.items);
	at_end = count < capacity - first ? count : capacity - first;
	if (count)
		emit_array(scan, items + first * 8, at_end, 0, PYLABEL_INDEX, 0);
	if (count > at_end)
		emit_array(scan, items, count - at_end, at_end, PYLABEL_INDEX, 0);
}

void pykind_scan_tee(struct pyscan *scan)
{
	const struct pylayout *layout = layout_of(scan);

	uint64_t count = half(scan, layout->tee.numread);

	emit_field(scan, word(scan, layout->tee.it), "it");
	emit_field(scan, word(scan, layout->tee.nextlink), "nextlink");
	if (layout->tee.values + count * 8 > (uint64_t)scan->type->basicsize)
		scan->is_torn = true;
	else
		emit_array(scan, scan->addr + layout->tee.values, count, 0, PYLABEL_INDEX, 0);
}

// Keys and values in turn; where the key is missing, the value is a node further down.
void pykind_scan_hamt_node(struct pyscan *scan)
{
	const struct pylayout *layout = layout_of(scan);
	uint64_t count = word(scan, layout->object.ob_size);

	if (count > LIMIT_FRAME_SLOTS) {
		scan->is_torn = true;
		return;
	}
	for (uint64_t i = 0; i + 1 < count; i += 2) {
		uint64_t at = layout->hamt_node.array + i * 8;
		uint64_t key = word(scan, at), value = word(scan, at + 8);

		emit(scan, key, (struct pylabel){.kind = PYLABEL_KEY_OBJECT});
		if (key)
			emit(scan, value, (struct pylabel){.kind = PYLABEL_VALUE, .object = key});
		else
			emit_field(scan, value, "");
	}
}

// An array node of the mapping inside a context has this many children (Python/hamt.c).
#define HAMT_ARRAY_CHILDREN 32

void pykind_scan_hamt_array(struct pyscan *scan)
{
	for (uint32_t i = 0; i < HAMT_ARRAY_CHILDREN; i++)
		emit_field(scan, word(scan, layout_of(scan)->hamt_array.array + i * 8), "");
}
