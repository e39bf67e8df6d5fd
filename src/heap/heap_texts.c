// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "heap/heap_texts.h"

#include "base/alloc.h"
#include "heap/heap_facts.h"

#include <string.h>

#define SLOTS_START 4096

static uint64_t hash_text(const char *text)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3;
	return hash ^ hash >> 29;
}

static const char *text_at(const struct heap_texts *texts, uint32_t number)
{
	return (const char *)texts->column->items + number;
}

static uint32_t *find_slot(
	const struct heap_texts *texts, uint32_t *slots, uint64_t count, const char *text)
{
	uint64_t i = hash_text(text) & (count - 1);

	while (slots[i] && strcmp(text_at(texts, slots[i] - 1), text) != 0)
		i = (i + 1) & (count - 1);
	return &slots[i];
}

static bool grow_slots(struct heap_texts *texts)
{
	uint64_t count = texts->slot_count ? texts->slot_count * 2 : SLOTS_START;
	uint32_t *slots = mem_calloc(count, sizeof(*slots));

	if (!slots)
		return false;
	for (uint64_t i = 0; i < texts->slot_count; i++) {
		if (texts->slots[i])
			*find_slot(texts, slots, count, text_at(texts, texts->slots[i] - 1)) =
				texts->slots[i];
	}
	mem_free(texts->slots);
	texts->slots = slots;
	texts->slot_count = count;
	return true;
}

static bool reserve(struct heap_column *column, uint64_t bytes)
{
	uint64_t capacity = column->capacity ? column->capacity : 4096;
	void *items;

	while (capacity < column->count + bytes)
		capacity *= 2;
	if (capacity == column->capacity)
		return true;
	items = pages_realloc(column->items, column->capacity, capacity, 1);
	if (!items)
		return false;
	column->items = items;
	column->capacity = capacity;
	return true;
}

uint32_t heap_texts_add(struct heap_texts *texts, const char *text)
{
	size_t size = strlen(text) + 1;
	uint32_t *slot;

	if (texts->used * 2 >= texts->slot_count && !grow_slots(texts))
		return HEAP_TEXTS_NONE;
	slot = find_slot(texts, texts->slots, texts->slot_count, text);
	if (*slot)
		return *slot - 1;
	if (texts->column->count + size > HEAP_TEXTS_BYTES_MAX)
		return 0;
	if (!reserve(texts->column, size))
		return HEAP_TEXTS_NONE;
	memcpy((char *)texts->column->items + texts->column->count, text, size);
	*slot = (uint32_t)texts->column->count + 1;
	texts->column->count += size;
	texts->used++;
	return *slot - 1;
}

bool heap_texts_init(struct heap_texts *texts, struct heap_column *column)
{
	*texts = (struct heap_texts){.column = column};
	return heap_texts_add(texts, "") == 0;
}

void heap_texts_deinit(struct heap_texts *texts)
{
	mem_free(texts->slots);
	*texts = (struct heap_texts){0};
}
