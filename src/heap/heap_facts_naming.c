// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
// The questions of struct heap_naming, answered from columns.
#include "heap/heap_facts.h"

#include <stdio.h>
#include <string.h>

static uint64_t address_of(void *context, node_id node)
{
	return heap_addresses_of(((struct heap_facts_names *)context)->addresses, node);
}

static node_id node_at(void *context, uint64_t address)
{
	return heap_addresses_find(((struct heap_facts_names *)context)->addresses, address);
}

static void copy_text(const char *text, char *ret, size_t size)
{
	size_t length = strlen(text);

	// Cut where a character begins.
	if (length >= size) {
		length = size - 1;
		while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
			length--;
	}
	memcpy(ret, text, length);
	ret[length] = '\0';
}

static void find_text(const struct heap_facts_names *names, enum heap_fact table, node_id node,
	char *ret, size_t size)
{
	uint64_t number;

	ret[0] = '\0';
	if (heap_facts_find(names->facts, table, node, &number))
		copy_text(heap_facts_text(names->facts, number), ret, size);
}

// How the object is written as a key: as pytext_key() does.
static void name_key(const struct heap_facts_names *names, node_id key, char *ret, size_t size)
{
	find_text(names, HEAP_FACT_KEY, key, ret, size);
	if (!ret[0])
		snprintf(ret, size, "<%s>",
			names->graph->types[heap_type_of(names->graph, key)].name);
}

// A run of a shape, and where in it an edge is.
struct place {
	uint64_t kind, value;
	uint32_t index;
};

// The last run that begins at the edge or before it: one of no edges has others where it begins.
static bool find_run(const struct heap_facts *facts, uint64_t shape, uint32_t edge_count,
	uint32_t edge, struct place *ret)
{
	const uint32_t *starts = facts->index.starts, rest = facts->index.rests[shape];
	const uint32_t *edges = facts->columns[HEAP_FACT_RUN_EDGES].items;
	uint64_t low = shape ? heap_facts_get(facts, HEAP_FACT_SHAPE_END, shape - 1) : 0;
	uint64_t high = heap_facts_get(facts, HEAP_FACT_SHAPE_END, shape), said, left, start;

	if (low == high)
		return false;
	said = (uint64_t)starts[high - 1] + (rest == high - 1 ? 0 : edges[high - 1]);
	if (said > edge_count)
		return false;
	left = rest == UINT32_MAX ? 0 : edge_count - said;
	while (high - low > 1) {
		uint64_t middle = low + (high - low) / 2;

		if (starts[middle] + (middle > rest ? left : 0) <= edge)
			low = middle;
		else
			high = middle;
	}
	start = starts[low] + (low > rest ? left : 0);
	if (edge - start >= (low == rest ? left : edges[low]))
		return false;
	*ret = (struct place){heap_facts_get(facts, HEAP_FACT_RUN_KIND, low),
		heap_facts_get(facts, HEAP_FACT_RUN_VALUE, low), (uint32_t)(edge - start)};
	return true;
}

static void label_of(void *context, node_id node, uint32_t edge, struct heap_label *ret)
{
	const struct heap_facts_names *names = context;
	uint32_t count;
	const uint32_t *edges = heap_edges_of(names->graph, node, &count);
	uint64_t shape = heap_facts_shape_of(names->facts, node);
	struct place place;

	*ret = (struct heap_label){0};
	if (!shape || edge >= count || !find_run(names->facts, shape - 1, count, edge, &place))
		return;
	if (place.kind == HEAP_RUN_PAIRS) {
		ret->kind = place.index % 2 ? HEAP_LABEL_KEY : HEAP_LABEL_KEY_OBJECT;
		if (place.index % 2)
			name_key(names, edges[edge - 1] & HEAP_EDGE_NODE, ret->text,
				sizeof(ret->text));
		return;
	}
	ret->kind = (enum heap_label_kind)place.kind;
	if (ret->kind == HEAP_LABEL_INDEX)
		ret->index = place.value + place.index;
	else
		copy_text(heap_facts_text(names->facts, place.value), ret->text, sizeof(ret->text));
}

uint64_t heap_facts_length(
	const struct heap_facts *facts, const struct heap_graph *graph, node_id node)
{
	uint64_t length;
	uint32_t count;

	if (!heap_has_flag(graph, node, HEAP_NODE_CONTAINER))
		return 0;
	if (heap_facts_find(facts, HEAP_FACT_LENGTH, node, &length))
		return length;
	heap_edges_of(graph, node, &count);
	return heap_role_of(graph, node) == HEAP_TYPE_DICT ? count / 2 : count;
}

uint64_t heap_facts_capacity(
	const struct heap_facts *facts, const struct heap_graph *graph, node_id node)
{
	uint64_t capacity;

	return heap_facts_find(facts, HEAP_FACT_CAPACITY, node, &capacity)
		       ? capacity
		       : heap_facts_length(facts, graph, node);
}

static uint64_t length_of(void *context, node_id node)
{
	const struct heap_facts_names *names = context;

	return heap_facts_length(names->facts, names->graph, node);
}

static uint64_t bound_of(void *context, node_id node)
{
	uint64_t bound;

	return heap_facts_find(
		       ((struct heap_facts_names *)context)->facts, HEAP_FACT_BOUND, node, &bound)
		       ? bound
		       : UINT64_MAX;
}

static void name_of(void *context, node_id node, char *ret, size_t size)
{
	find_text(context, HEAP_FACT_NAME, node, ret, size);
}

static void file_of(void *context, node_id node, char *ret, size_t size)
{
	find_text(context, HEAP_FACT_FILE, node, ret, size);
}

static node_id code_of(const struct heap_facts_names *names, node_id function)
{
	const struct heap_graph *graph = names->graph;
	uint32_t count;
	const uint32_t *edges = heap_edges_of(graph, function, &count);

	for (uint32_t i = 0; i < count; i++) {
		node_id node = edges[i] & HEAP_EDGE_NODE;

		if (heap_role_of(graph, node) == HEAP_TYPE_CODE)
			return node;
	}
	return HEAP_NODE_NONE;
}

static void free_variable_of(
	void *context, node_id function, uint64_t index, char *ret, size_t size)
{
	const struct heap_facts_names *names = context;
	node_id code = code_of(names, function);
	uint64_t first = heap_facts_lower_bound(names->facts, HEAP_FACT_FREE, code);

	ret[0] = '\0';
	if (index < UINT32_MAX &&
		heap_facts_get(names->facts, HEAP_FACT_FREE, first + index) == code)
		copy_text(
			heap_facts_text(names->facts,
				heap_facts_get(names->facts, HEAP_FACT_FREE_VALUE, first + index)),
			ret, size);
}

void heap_facts_name(struct heap_graph *graph, struct heap_facts_names *names)
{
	graph->naming = (struct heap_naming){
		.context = names,
		.address = address_of,
		.node_at = node_at,
		.label = label_of,
		.length = length_of,
		.bound = bound_of,
		.name = name_of,
		.file = file_of,
		.free_variable = free_variable_of,
	};
}
