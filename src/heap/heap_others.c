// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "heap/heap_worker.h"

#include "base/alloc.h"
#include "base/error.h"

#include <string.h>

// Slots of a worker's table of objects outside pools, at first.
#define OTHERS_START 256

static struct other_slot *find_slot(struct other_slot *slots, uint32_t count, remote_addr addr)
{
	uint32_t i = (uint32_t)((addr >> 3) * 0x9e3779b97f4a7c15ull >> 32) & (count - 1);

	while (slots[i].addr && slots[i].addr != addr)
		i = (i + 1) & (count - 1);
	return &slots[i];
}

static bool grow_others(struct other_table *table)
{
	uint32_t count = table->slot_count ? table->slot_count * 2 : OTHERS_START;
	struct other_slot *slots = mem_calloc(count, sizeof(*slots));

	if (!slots)
		return false;
	for (uint32_t i = 0; i < table->slot_count; i++) {
		if (table->slots[i].addr)
			*find_slot(slots, count, table->slots[i].addr) = table->slots[i];
	}
	mem_free(table->slots);
	table->slots = slots;
	table->slot_count = count;
	return true;
}

static void reset_others(struct other_table *table)
{
	// A table that was large once would be cleared in full after each of many small rounds.
	if (table->slot_count > OTHERS_START && table->used < table->slot_count / 16) {
		mem_free(take(table->slots));
		table->slot_count = 0;
	} else if (table->used) {
		memset(table->slots, 0, table->slot_count * sizeof(*table->slots));
	}
	table->used = 0;
	table->found.count = 0;
	table->count.count = 0;
}

// Items that are inside an object end where its memory ends: what only looks like an object seldom
// has a length that fits.
static bool items_fit(const struct heap_builder *builder, const struct pytype *type,
	remote_addr addr, uint64_t ob_size)
{
	const struct mapping *mapping = mappings_find(target_mappings(builder->target), addr);
	uint64_t count = pytype_items(builder->python->layout, type, ob_size);

	switch (type->kind) {
	case PYKIND_INT:
	case PYKIND_BYTES:
	case PYKIND_TUPLE:
	case PYKIND_STRUCTSEQ:
		return mapping && type->itemsize &&
		       count <= (mapping->end - addr) / (uint64_t)type->itemsize;
	case PYKIND_STR: // its length is in the same place
		return mapping && count <= (mapping->end - addr);
	default:
		return mapping != NULL;
	}
}

// Two pointers in a row look like a count and a type if the first is small: heaps of executables
// that are not position-independent begin at low addresses. The counts of static objects start so
// high (999999999 in 3.11) that such a heap may be there.
static bool is_rather_pointer(const struct heap_builder *builder, remote_addr addr, uint64_t refcnt)
{
	const struct mappings *mappings = target_mappings(builder->target);
	uint64_t static_refcnt = builder->python->layout->traits.immortal_refcnt;
	const struct mapping *mapping = refcnt % 8 ? NULL : mappings_find(mappings, refcnt);
	const struct mapping *home;

	if (!mapping || !mapping->writable)
		return false;
	if (!static_refcnt || refcnt < static_refcnt)
		return true;
	home = mappings_find(mappings, addr);
	return !(home && home->inode) && !(addr >= builder->data_start && addr < builder->data_end);
}

// Each once: many objects can have the same unknown type.
void heap_worker_note_unknown_type(struct heap_worker *worker, remote_addr type)
{
	struct unknown_types *unknown = &worker->unknown_types;
	uint32_t i = (uint32_t)((type >> 4) * 0x9e3779b97f4a7c15ull >> 32) &
		     (HEAP_UNKNOWN_TYPES_SLOTS - 1);

	if (!type || type % 8 || unknown->list.count == HEAP_UNKNOWN_TYPES_MAX ||
		!mappings_find(target_mappings(worker->builder->target), type))
		return;
	while (unknown->slots[i] && unknown->slots[i] != type)
		i = (i + 1) & (HEAP_UNKNOWN_TYPES_SLOTS - 1);
	if (unknown->slots[i])
		return;
	if (addr_vector_push(&unknown->list, type))
		unknown->slots[i] = type;
	else
		heap_worker_fail(worker);
}

// Is there an object at @p addr? Remembers types that are not known yet.
static bool is_object(struct heap_worker *worker, remote_addr addr)
{
	const struct pylayout *layout = worker->builder->python->layout;
	const uint8_t *bytes;
	const struct pytypes *types = worker->builder->python->types;
	uint64_t refcnt, type;
	uint32_t index;

	if (addr % 8)
		return false;
	bytes = pyreader_bytes(
		&worker->probe.reader, addr, layout->object.ob_size + sizeof(uint64_t));
	if (!bytes)
		return false;
	refcnt = pylayout_refcnt(layout, load_u64(bytes + layout->object.ob_refcnt));
	type = load_u64(bytes + layout->object.ob_type);
	if (!refcnt || refcnt >= 1ull << 32 || is_rather_pointer(worker->builder, addr, refcnt))
		return false;
	index = pytypes_find(types, type);
	if (index != PYTYPE_NONE)
		return items_fit(worker->builder, &types->list.items[index], addr,
			load_u64(bytes + layout->object.ob_size));
	heap_worker_note_unknown_type(worker, type);
	return false;
}

// The provisional number of an object outside the pools, or NONE.
node_id heap_worker_find_other(struct heap_worker *worker, remote_addr addr)
{
	struct heap_builder *builder = worker->builder;
	struct other_table *table = &worker->others;
	node_id node = heap_addresses_other(&builder->addresses, addr);
	struct other_slot *slot;

	if (node != HEAP_NODE_NONE || !addr)
		return node;
	if (table->used * 2 >= table->slot_count && !grow_others(table)) {
		heap_worker_fail(worker);
		return HEAP_NODE_NONE;
	}
	slot = find_slot(table->slots, table->slot_count, addr);
	if (!slot->addr) {
		*slot = (struct other_slot){.addr = addr, .index = UINT32_MAX};
		table->used++;
		if (is_object(worker, addr)) {
			slot->index = (uint32_t)table->found.count;
			if (!addr_vector_push(&table->found, addr) ||
				!node_vector_push(&table->count, 0)) {
				heap_worker_fail(worker);
				slot->index = UINT32_MAX;
			}
		}
	}
	if (slot->index == UINT32_MAX)
		return HEAP_NODE_NONE;
	return builder->addresses.first_other + builder->addresses.other_count + slot->index;
}

struct error *heap_builder_note_other(struct heap_builder *builder, remote_addr addr)
{
	struct heap_worker *worker = &builder->team[0];
	uint32_t pool = heap_addresses_pool(&builder->addresses, addr);

	if (pool == UINT32_MAX ||
		heap_addresses_in_pool(&builder->addresses, pool, addr) == HEAP_NODE_NONE)
		heap_worker_find_other(worker, addr);
	return take(worker->failure);
}

void heap_worker_reset_others(struct heap_worker *worker)
{
	reset_others(&worker->others);
}
