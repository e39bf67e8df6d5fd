// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "analysis/growth_sample.h"

#include "base/alloc.h"
#include "base/error.h"

#include <string.h>

static uint64_t hash_text(const char *text)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3;
	return hash ^ hash >> 29;
}

static uint32_t *find_slot(const struct growth_types *types, const char *name)
{
	size_t i = hash_text(name) & (types->slot_count - 1);

	while (types->slots[i] && strcmp(types->names[types->slots[i] - 1], name) != 0)
		i = (i + 1) & (types->slot_count - 1);
	return &types->slots[i];
}

static struct error *grow(struct growth_types *types)
{
	struct growth_types bigger = *types;
	char **names;

	bigger.slot_count = types->slot_count ? types->slot_count * 2 : 1024;
	bigger.capacity = bigger.slot_count / 2;
	names = mem_realloc_array(types->names, bigger.capacity, sizeof(*names));
	if (!names)
		return error_enomem();
	types->names = bigger.names = names;
	bigger.slots = mem_calloc(bigger.slot_count, sizeof(*bigger.slots));
	if (!bigger.slots)
		return error_enomem();
	for (size_t i = 0; i < bigger.count; i++)
		*find_slot(&bigger, bigger.names[i]) = (uint32_t)i + 1;
	mem_free(types->slots);
	*types = bigger;
	return NULL;
}

struct error *growth_types_intern(struct growth_types *types, const char *name, uint32_t *ret)
{
	struct error *err;
	uint32_t *slot;

	if (types->count == types->capacity) {
		err = grow(types);
		if (err)
			return err;
	}
	slot = find_slot(types, name);
	if (!*slot) {
		types->names[types->count] = mem_strdup(name);
		if (!types->names[types->count])
			return error_enomem();
		*slot = (uint32_t)++types->count;
	}
	*ret = *slot - 1;
	return NULL;
}

void growth_types_deinit(struct growth_types *types)
{
	for (size_t i = 0; i < types->count; i++)
		mem_free(types->names[i]);
	mem_free(types->names);
	mem_free(types->slots);
	*types = (struct growth_types){0};
}
