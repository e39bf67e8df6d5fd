// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "base/text_table.h"

#include "base/alloc.h"

#include <string.h>

// FNV-1a, 64 bits (G. Fowler, L. C. Noll, K.-P. Vo).
static uint64_t hash_of(const char *text)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3;
	return hash ^ hash >> 32;
}

static void take_slot(struct text_table *table, uint32_t number)
{
	uint64_t slot = hash_of(text_table_get(table, number)) & (table->slot_count - 1);

	while (table->slots[slot])
		slot = (slot + 1) & (table->slot_count - 1);
	table->slots[slot] = number + 1;
}

// At most half of the slots are used.
static bool grow_slots(struct text_table *table)
{
	uint64_t count = table->slot_count ? table->slot_count * 2 : 1024;
	uint32_t *slots = pages_alloc(count, sizeof(*slots));

	if (!slots)
		return false;
	pages_free(table->slots, table->slot_count, sizeof(*slots));
	table->slots = slots;
	table->slot_count = count;
	for (uint32_t i = 0; i < table->count; i++)
		take_slot(table, i);
	return true;
}

static bool grow_texts(struct text_table *table, size_t bytes)
{
	if (table->count == table->capacity) {
		uint32_t capacity = table->capacity ? table->capacity * 2 : 512;
		uint64_t *starts =
			pages_realloc(table->starts, table->capacity, capacity, sizeof(*starts));

		if (!starts)
			return false;
		table->starts = starts;
		table->capacity = capacity;
	}
	if (table->byte_count + bytes > table->byte_capacity) {
		uint64_t capacity = 2 * table->byte_capacity + bytes + 4096;
		char *text = pages_realloc(table->bytes, table->byte_capacity, capacity, 1);

		if (!text)
			return false;
		table->bytes = text;
		table->byte_capacity = capacity;
	}
	return true;
}

uint32_t text_table_add(struct text_table *table, const char *text)
{
	size_t size = strlen(text) + 1;
	uint64_t slot;

	if (table->count >= table->slot_count / 2 && !grow_slots(table))
		return TEXT_TABLE_NONE;
	for (slot = hash_of(text) & (table->slot_count - 1); table->slots[slot];
		slot = (slot + 1) & (table->slot_count - 1)) {
		if (strcmp(text_table_get(table, table->slots[slot] - 1), text) == 0)
			return table->slots[slot] - 1;
	}
	// One number means none, and doubling must not overflow.
	if (table->count >= 1u << 30 || !grow_texts(table, size))
		return TEXT_TABLE_NONE;
	memcpy(table->bytes + table->byte_count, text, size);
	table->starts[table->count] = table->byte_count;
	table->byte_count += size;
	table->slots[slot] = ++table->count;
	return table->count - 1;
}

void text_table_deinit(struct text_table *table)
{
	pages_free(table->bytes, table->byte_capacity, 1);
	pages_free(table->starts, table->capacity, sizeof(*table->starts));
	pages_free(table->slots, table->slot_count, sizeof(*table->slots));
	*table = (struct text_table){0};
}
