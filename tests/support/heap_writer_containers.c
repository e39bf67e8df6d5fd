// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
//
// Sequences, sets and chains.
#include "heap_writer_private.h"

remote_addr heap_writer_tuple(struct heap_writer *writer, uint64_t count, const remote_addr *items)
{
	const struct pylayout *layout = writer->layout;
	remote_addr object = heap_writer_object(
		writer, writer->types[WRITER_TUPLE], layout->tuple.ob_item + count * 8);

	heap_writer_put(writer, object + layout->object.ob_size, count);
	writer_put_refs(writer, object + layout->tuple.ob_item, count, items);
	return object;
}

remote_addr heap_writer_list(
	struct heap_writer *writer, uint64_t count, const remote_addr *items, uint64_t allocated)
{
	const struct pylayout *layout = writer->layout;
	remote_addr object = writer_plain_object(writer, WRITER_LIST);
	remote_addr array = allocated ? heap_writer_alloc(writer, allocated * 8) : 0;

	heap_writer_put(writer, object + layout->object.ob_size, count);
	heap_writer_put(writer, object + layout->list.ob_item, array);
	heap_writer_put(writer, object + layout->list.allocated, allocated);
	writer_put_refs(writer, array, count, items);
	return object;
}

// From 3.x on a deleted entry has hash -1 and a dummy that nobody counts; in Python 2 the dummy is
// counted, and the hash is that of the key before.
static void put_deleted(struct heap_writer *writer, remote_addr entry)
{
	const struct pylayout *layout = writer->layout;

	if (WRITER_IS_PYTHON_2(layout)) {
		heap_writer_put(writer, entry + layout->set_entry.hash, 12345);
		heap_writer_put_ref(writer, entry + layout->set_entry.key, writer->none);
		return;
	}
	heap_writer_put(writer, entry + layout->set_entry.hash, UINT64_MAX);
	heap_writer_put(writer, entry + layout->set_entry.key, writer->none);
}

remote_addr heap_writer_set(
	struct heap_writer *writer, uint64_t count, const remote_addr *items, uint64_t deleted)
{
	const struct pylayout *layout = writer->layout;
	remote_addr object = writer_plain_object(writer, WRITER_SET);
	remote_addr table = object + layout->set.smalltable;
	uint64_t slots = 8;

	while (slots < (count + deleted) * 2)
		slots *= 2;
	if (slots > 8)
		table = heap_writer_alloc(writer, slots * layout->set_entry.size);
	heap_writer_put(writer, object + layout->set.used, count);
	heap_writer_put(writer, object + layout->set.mask, slots - 1);
	heap_writer_put(writer, object + layout->set.table, table);
	// Deleted entries come first.
	for (uint64_t i = 0; i < count + deleted; i++) {
		remote_addr entry = table + i * layout->set_entry.size;

		if (i < deleted) {
			put_deleted(writer, entry);
			continue;
		}
		heap_writer_put(writer, entry + layout->set_entry.hash, 7 * i);
		heap_writer_put_ref(writer, entry + layout->set_entry.key, items[i - deleted]);
	}
	return object;
}

remote_addr heap_writer_deque(struct heap_writer *writer, uint64_t count, const remote_addr *items,
	uint64_t leftindex, uint64_t maxlen)
{
	const struct pylayout *layout = writer->layout;
	// Besides the data, a block has two links.
	uint64_t per_block = layout->deque_block.size / 8 - 2;
	remote_addr object = writer_plain_object(writer, WRITER_DEQUE);
	remote_addr block = heap_writer_alloc(writer, layout->deque_block.size);

	heap_writer_put(writer,
		object + (pylayout_has(layout->deque.len) ? layout->deque.len
							  : layout->object.ob_size),
		count);
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

remote_addr heap_writer_lru_cache(struct heap_writer *writer, remote_addr function, uint64_t links)
{
	const struct pylayout *layout = writer->layout;
	remote_addr object = writer_plain_object(writer, WRITER_LRU_CACHE);
	remote_addr at = object + layout->lru_cache.root_next;

	heap_writer_put_ref(writer, object + layout->lru_cache.func, function);
	heap_writer_put(writer, object + layout->lru_cache.maxsize, UINT64_MAX);
	for (uint64_t i = 0; i < links; i++) {
		remote_addr link = writer_plain_object(writer, WRITER_LRU_LINK);

		heap_writer_put_ref(writer, at, link);
		at = link + layout->lru_elem.next;
	}
	heap_writer_put(writer, at, object);
	return object;
}
