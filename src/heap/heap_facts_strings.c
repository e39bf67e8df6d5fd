// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
// Strings with the same characters.
#include "heap/heap_facts_collect.h"

#include "base/error.h"
#include "base/limits.h"
#include "base/sort.h"
#include "cpython/pytext.h"

// The size of its state, so that that can be on the stack.
#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

// Groups that are kept, those that waste most: the rest is small change.
#define GROUPS_MAX 65536

struct group {
	struct heap_string first;
	uint32_t count;
	uint64_t bytes;
};

DEFINE_VECTOR(group_vector, struct group)

bool heap_string_hash(struct pycontext *context, remote_addr addr, uint64_t *budget, uint64_t *ret)
{
	struct pystr str;
	uint64_t done = 0, size;
	XXH3_state_t state;

	if (!pytext_view(context, addr, &str) || str.length > LIMIT_ITEMS ||
		str.length * str.width > *budget)
		return false;
	*budget -= str.length * str.width;
	XXH3_64bits_reset_withSeed(&state, str.length * 8 + str.width);
	for (size = str.length * str.width; done < size;) {
		uint64_t part;
		const uint8_t *bytes =
			pyreader_span(&context->reader, str.text + done, size - done, &part);

		if (!bytes)
			return false;
		XXH3_64bits_update(&state, bytes, part);
		done += part;
	}
	*ret = XXH3_64bits_digest(&state);
	return true;
}

static int compare_strings(const void *left, const void *right)
{
	const struct heap_string *a = left, *b = right;

	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	return (a->node > b->node) - (a->node < b->node);
}

static int compare_groups(const void *left, const void *right)
{
	const struct group *a = left, *b = right;
	uint64_t wasted_a = a->bytes / a->count * (a->count - 1);
	uint64_t wasted_b = b->bytes / b->count * (b->count - 1);

	if (wasted_a != wasted_b)
		return wasted_a > wasted_b ? -1 : 1;
	return (a->first.node > b->first.node) - (a->first.node < b->first.node);
}

static struct error *find_groups(const struct heap_graph *graph,
	const struct heap_string_vector *strings, struct group_vector *ret)
{
	for (size_t i = 0; i < strings->count;) {
		struct group group = {.first = strings->items[i]};

		for (; i < strings->count && strings->items[i].hash == group.first.hash; i++) {
			group.count++;
			group.bytes += heap_size_of(graph, strings->items[i].node);
		}
		if (group.count > 1 && !group_vector_push(ret, group))
			return error_enomem();
	}
	return NULL;
}

struct error *heap_facts_add_strings(
	struct heap_builder *builder, struct heap_facts *facts, struct heap_string_vector *strings)
{
	_cleanup_(group_vector_deinit) struct group_vector groups = {0};
	struct error *err;

	sort_items(strings->items, strings->count, sizeof(*strings->items), compare_strings);
	err = find_groups(builder->graph, strings, &groups);
	if (err)
		return err;
	sort_items(groups.items, groups.count, sizeof(*groups.items), compare_groups);
	for (size_t i = 0; i < groups.count && i < GROUPS_MAX; i++) {
		const struct group *group = &groups.items[i];
		remote_addr addr = heap_addresses_of(&builder->addresses, group->first.node);

		if (!heap_facts_push(facts, HEAP_FACT_STRING_NODE, group->first.node) ||
			!heap_facts_push(facts, HEAP_FACT_STRING_HASH, group->first.hash) ||
			!heap_facts_push(facts, HEAP_FACT_STRING_LENGTH,
				pyobject_length(&builder->context, addr)) ||
			!heap_facts_push(facts, HEAP_FACT_STRING_COUNT, group->count) ||
			!heap_facts_push(facts, HEAP_FACT_STRING_BYTES, group->bytes))
			return error_enomem();
	}
	return NULL;
}
