// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "heap/heap_facts.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/search.h"
#include "store/store_format.h"

#include <string.h>

const struct heap_fact_kind heap_fact_kinds[HEAP_FACT_COUNT] = {
	[HEAP_FACT_TEXTS] = {32, 1, STORE_PLAIN},
	[HEAP_FACT_RUN_KIND] = {33, 1, STORE_PLAIN},
	[HEAP_FACT_RUN_EDGES] = {34, 4, STORE_PLAIN},
	[HEAP_FACT_RUN_VALUE] = {35, 8, STORE_DELTA},
	[HEAP_FACT_SHAPE_END] = {36, 4, STORE_DELTA},
	[HEAP_FACT_SHAPE_OF] = {37, 2, STORE_PLAIN},
	[HEAP_FACT_SHAPE] = {54, 4, STORE_DELTA},
	[HEAP_FACT_SHAPE_VALUE] = {55, 8, STORE_PLAIN},
	[HEAP_FACT_NAME] = {38, 4, STORE_DELTA},
	[HEAP_FACT_NAME_VALUE] = {39, 8, STORE_DELTA},
	[HEAP_FACT_FILE] = {40, 4, STORE_DELTA},
	[HEAP_FACT_FILE_VALUE] = {41, 8, STORE_DELTA},
	[HEAP_FACT_KEY] = {42, 4, STORE_DELTA},
	[HEAP_FACT_KEY_VALUE] = {43, 8, STORE_DELTA},
	[HEAP_FACT_LENGTH] = {44, 4, STORE_DELTA},
	[HEAP_FACT_LENGTH_VALUE] = {45, 8, STORE_PLAIN},
	[HEAP_FACT_CAPACITY] = {46, 4, STORE_DELTA},
	[HEAP_FACT_CAPACITY_VALUE] = {47, 8, STORE_PLAIN},
	[HEAP_FACT_BOUND] = {48, 4, STORE_DELTA},
	[HEAP_FACT_BOUND_VALUE] = {49, 8, STORE_PLAIN},
	[HEAP_FACT_FREE] = {50, 4, STORE_DELTA},
	[HEAP_FACT_FREE_VALUE] = {51, 8, STORE_DELTA},
	[HEAP_FACT_CONTENT] = {52, 4, STORE_DELTA},
	[HEAP_FACT_CONTENT_VALUE] = {53, 8, STORE_DELTA},
	[HEAP_FACT_THREAD_NAME] = {64, 4, STORE_PLAIN},
	[HEAP_FACT_THREAD_ID] = {77, 8, STORE_PLAIN},
	[HEAP_FACT_THREAD_END] = {65, 4, STORE_DELTA},
	[HEAP_FACT_FRAME_NAME] = {66, 4, STORE_PLAIN},
	[HEAP_FACT_FRAME_FILE] = {67, 4, STORE_PLAIN},
	[HEAP_FACT_FRAME_LINE] = {68, 4, STORE_PLAIN},
	[HEAP_FACT_FRAME_END] = {69, 4, STORE_DELTA},
	[HEAP_FACT_LOCAL_NAME] = {70, 4, STORE_PLAIN},
	[HEAP_FACT_LOCAL_NODE] = {71, 4, STORE_PLAIN},
	[HEAP_FACT_STRING_NODE] = {72, 4, STORE_PLAIN},
	[HEAP_FACT_STRING_HASH] = {73, 8, STORE_PLAIN},
	[HEAP_FACT_STRING_LENGTH] = {74, 8, STORE_PLAIN},
	[HEAP_FACT_STRING_COUNT] = {75, 4, STORE_PLAIN},
	[HEAP_FACT_STRING_BYTES] = {76, 8, STORE_PLAIN},
	[HEAP_FACT_MAPPING_START] = {80, 8, STORE_DELTA},
	[HEAP_FACT_MAPPING_END] = {81, 8, STORE_DELTA},
	[HEAP_FACT_MAPPING_FLAGS] = {82, 1, STORE_PLAIN},
	[HEAP_FACT_MAPPING_PATH] = {83, 4, STORE_PLAIN},
};

void heap_facts_destroy(struct heap_facts *facts)
{
	if (!facts)
		return;
	for (unsigned i = 0; i < HEAP_FACT_COUNT; i++)
		pages_free(facts->columns[i].items, facts->columns[i].capacity,
			heap_fact_kinds[i].width);
	pages_free(facts->index.starts, facts->index.run_count, sizeof(uint32_t));
	pages_free(facts->index.rests, facts->index.shape_count, sizeof(uint32_t));
	mem_free(facts);
}

static bool grow(struct heap_column *column, unsigned width)
{
	uint64_t capacity = column->capacity ? column->capacity * 2 : 4096 / width;
	void *items = pages_realloc(column->items, column->capacity, capacity, width);

	if (!items)
		return false;
	column->items = items;
	column->capacity = capacity;
	return true;
}

bool heap_facts_push(struct heap_facts *facts, enum heap_fact fact, uint64_t value)
{
	struct heap_column *column = &facts->columns[fact];
	unsigned width = heap_fact_kinds[fact].width;

	if (column->count == column->capacity && !grow(column, width))
		return false;
	// Little-endian: the low bytes come first.
	memcpy((uint8_t *)column->items + column->count * width, &value, width);
	column->count++;
	return true;
}

uint64_t heap_facts_get(const struct heap_facts *facts, enum heap_fact fact, uint64_t index)
{
	unsigned width = heap_fact_kinds[fact].width;
	uint64_t value = 0;

	if (index < facts->columns[fact].count)
		memcpy(&value, (const uint8_t *)facts->columns[fact].items + index * width, width);
	return value;
}

uint64_t heap_facts_lower_bound(const struct heap_facts *facts, enum heap_fact table, node_id node)
{
	const uint32_t *nodes = facts->columns[table].items;

	return partition_point(i, facts->columns[table].count, nodes[i] < node);
}

bool heap_facts_find(
	const struct heap_facts *facts, enum heap_fact table, node_id node, uint64_t *ret)
{
	uint64_t index = heap_facts_lower_bound(facts, table, node);

	if (index == facts->columns[table].count || heap_facts_get(facts, table, index) != node)
		return false;
	*ret = heap_facts_get(facts, table + 1, index);
	return true;
}

uint64_t heap_facts_shape_of(const struct heap_facts *facts, node_id node)
{
	uint16_t shape = ((const uint16_t *)facts->columns[HEAP_FACT_SHAPE_OF].items)[node];
	uint64_t other = 0;

	if (shape != HEAP_SHAPE_ELSEWHERE)
		return shape;
	heap_facts_find(facts, HEAP_FACT_SHAPE, node, &other);
	return other;
}

const char *heap_facts_text(const struct heap_facts *facts, uint64_t number)
{
	const char *texts = facts->columns[HEAP_FACT_TEXTS].items;

	return number < facts->columns[HEAP_FACT_TEXTS].count ? texts + number : "";
}

// Columns of the same length, each row of a table.
static const enum heap_fact rows[][2] = {
	{HEAP_FACT_RUN_KIND, HEAP_FACT_RUN_EDGES},
	{HEAP_FACT_RUN_KIND, HEAP_FACT_RUN_VALUE},
	{HEAP_FACT_THREAD_NAME, HEAP_FACT_THREAD_ID},
	{HEAP_FACT_THREAD_NAME, HEAP_FACT_THREAD_END},
	{HEAP_FACT_FRAME_NAME, HEAP_FACT_FRAME_FILE},
	{HEAP_FACT_FRAME_NAME, HEAP_FACT_FRAME_LINE},
	{HEAP_FACT_FRAME_NAME, HEAP_FACT_FRAME_END},
	{HEAP_FACT_LOCAL_NAME, HEAP_FACT_LOCAL_NODE},
	{HEAP_FACT_STRING_NODE, HEAP_FACT_STRING_HASH},
	{HEAP_FACT_STRING_NODE, HEAP_FACT_STRING_LENGTH},
	{HEAP_FACT_STRING_NODE, HEAP_FACT_STRING_COUNT},
	{HEAP_FACT_STRING_NODE, HEAP_FACT_STRING_BYTES},
	{HEAP_FACT_MAPPING_START, HEAP_FACT_MAPPING_END},
	{HEAP_FACT_MAPPING_START, HEAP_FACT_MAPPING_FLAGS},
	{HEAP_FACT_MAPPING_START, HEAP_FACT_MAPPING_PATH},
};

// Ends of one table's rows in another one, which they divide.
static const enum heap_fact ends[][2] = {
	{HEAP_FACT_SHAPE_END, HEAP_FACT_RUN_KIND},
	{HEAP_FACT_THREAD_END, HEAP_FACT_FRAME_NAME},
	{HEAP_FACT_FRAME_END, HEAP_FACT_LOCAL_NAME},
};

static const enum heap_fact nodes_in[] = {HEAP_FACT_LOCAL_NODE, HEAP_FACT_STRING_NODE};

static struct error *bad(const char *what)
{
	return error_create(ERROR_BAD_DATA, "%s", what);
}

static struct error *check_tables(const struct heap_facts *facts, uint32_t nodes)
{
	for (enum heap_fact table = HEAP_FACT_SHAPE; table <= HEAP_FACT_CONTENT; table += 2) {
		const uint32_t *items = facts->columns[table].items;
		uint64_t count = heap_facts_count(facts, table);

		if (heap_facts_count(facts, table + 1) != count)
			return bad("a table's columns differ in length");
		for (uint64_t i = 0; i < count; i++) {
			if (items[i] >= nodes || (i && items[i] < items[i - 1]))
				return bad("a table's nodes are in no order");
		}
	}
	for (size_t i = 0; i < sizeof(nodes_in) / sizeof(nodes_in[0]); i++) {
		for (uint64_t j = 0; j < heap_facts_count(facts, nodes_in[i]); j++) {
			if (heap_facts_get(facts, nodes_in[i], j) >= nodes)
				return bad("a node is none");
		}
	}
	return NULL;
}

static struct error *check_ends(
	const struct heap_facts *facts, enum heap_fact which, uint64_t limit)
{
	uint64_t last = 0;

	for (uint64_t i = 0; i < heap_facts_count(facts, which); i++) {
		uint64_t end = heap_facts_get(facts, which, i);

		if (end < last || end > limit)
			return bad("a table's ends run backwards");
		last = end;
	}
	return last == limit ? NULL : bad("a table's ends leave some out");
}

static struct error *check_runs(const struct heap_facts *facts)
{
	for (uint64_t i = 0; i < heap_facts_count(facts, HEAP_FACT_RUN_KIND); i++) {
		uint64_t kind = heap_facts_get(facts, HEAP_FACT_RUN_KIND, i);

		if (kind > HEAP_LABEL_STACK && kind != HEAP_RUN_PAIRS)
			return bad("a label of no kind");
	}
	return NULL;
}

static struct error *check_shapes(const struct heap_facts *facts, uint32_t nodes)
{
	const uint16_t *shape_of = facts->columns[HEAP_FACT_SHAPE_OF].items;
	const uint64_t *others = facts->columns[HEAP_FACT_SHAPE_VALUE].items;
	uint64_t shapes = heap_facts_count(facts, HEAP_FACT_SHAPE_END);

	if (heap_facts_count(facts, HEAP_FACT_SHAPE_OF) != nodes)
		return bad("not each object has a shape");
	for (uint64_t i = 0; i < nodes; i++) {
		if (shape_of[i] > shapes && shape_of[i] != HEAP_SHAPE_ELSEWHERE)
			return bad("a shape that is not there");
	}
	for (uint64_t i = 0; i < heap_facts_count(facts, HEAP_FACT_SHAPE_VALUE); i++) {
		if (others[i] > shapes)
			return bad("a shape that is not there");
	}
	return NULL;
}

struct error *heap_facts_check(const struct heap_facts *facts, uint32_t nodes)
{
	const struct heap_column *texts = &facts->columns[HEAP_FACT_TEXTS];
	struct error *err;

	if (texts->count && ((const char *)texts->items)[texts->count - 1])
		return bad("the last text does not end");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (heap_facts_count(facts, rows[i][0]) != heap_facts_count(facts, rows[i][1]))
			return bad("a table's columns differ in length");
	}
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		err = check_ends(facts, ends[i][0], heap_facts_count(facts, ends[i][1]));
		if (err)
			return err;
	}
	err = check_runs(facts);
	if (!err)
		err = check_tables(facts, nodes);
	return err ? err : check_shapes(facts, nodes);
}

static struct error *index_shape(struct heap_facts *facts, uint64_t shape, uint64_t first)
{
	const uint32_t *edges = facts->columns[HEAP_FACT_RUN_EDGES].items;
	uint64_t end = heap_facts_get(facts, HEAP_FACT_SHAPE_END, shape), sum = 0;

	facts->index.rests[shape] = UINT32_MAX;
	for (uint64_t run = first; run < end; run++) {
		// No object has so many edges: what is past that is not asked for.
		facts->index.starts[run] = sum < UINT32_MAX ? (uint32_t)sum : UINT32_MAX;
		if (edges[run] != HEAP_RUN_REST) {
			sum += edges[run];
			continue;
		}
		if (facts->index.rests[shape] != UINT32_MAX)
			return bad("two labels for what is left of a shape");
		facts->index.rests[shape] = (uint32_t)run;
	}
	return NULL;
}

struct error *heap_facts_index(struct heap_facts *facts)
{
	struct heap_run_index *index = &facts->index;
	struct error *err = NULL;

	index->run_count = heap_facts_count(facts, HEAP_FACT_RUN_KIND);
	index->shape_count = heap_facts_count(facts, HEAP_FACT_SHAPE_END);
	index->starts = pages_alloc(index->run_count, sizeof(*index->starts));
	index->rests = pages_alloc(index->shape_count, sizeof(*index->rests));
	if (!index->starts || !index->rests)
		return error_enomem();
	for (uint64_t shape = 0; !err && shape < index->shape_count; shape++)
		err = index_shape(facts, shape,
			shape ? heap_facts_get(facts, HEAP_FACT_SHAPE_END, shape - 1) : 0);
	return err;
}

static void fill_threads(const struct heap_facts *facts, struct heap_threads *ret)
{
	size_t frames = 0, locals = 0;

	for (size_t i = 0; i < ret->count; i++) {
		ret->items[i] = (struct heap_thread){
			.name = heap_facts_text(
				facts, heap_facts_get(facts, HEAP_FACT_THREAD_NAME, i)),
			.id = heap_facts_get(facts, HEAP_FACT_THREAD_ID, i),
			.first_frame = frames,
			.frame_count = heap_facts_get(facts, HEAP_FACT_THREAD_END, i) - frames,
		};
		frames += ret->items[i].frame_count;
	}
	for (size_t i = 0; i < ret->frame_count; i++) {
		ret->frames[i] = (struct heap_frame){
			.function = heap_facts_text(
				facts, heap_facts_get(facts, HEAP_FACT_FRAME_NAME, i)),
			.file = heap_facts_text(
				facts, heap_facts_get(facts, HEAP_FACT_FRAME_FILE, i)),
			.line = (uint32_t)heap_facts_get(facts, HEAP_FACT_FRAME_LINE, i),
			.first_local = locals,
			.local_count = heap_facts_get(facts, HEAP_FACT_FRAME_END, i) - locals,
		};
		locals += ret->frames[i].local_count;
	}
	for (size_t i = 0; i < ret->local_count; i++)
		ret->locals[i] = (struct heap_local){
			heap_facts_text(facts, heap_facts_get(facts, HEAP_FACT_LOCAL_NAME, i)),
			(uint32_t)heap_facts_get(facts, HEAP_FACT_LOCAL_NODE, i)};
}

struct error *heap_facts_threads(const struct heap_facts *facts, struct heap_threads *ret)
{
	struct heap_threads threads = {
		.count = heap_facts_count(facts, HEAP_FACT_THREAD_NAME),
		.frame_count = heap_facts_count(facts, HEAP_FACT_FRAME_NAME),
		.local_count = heap_facts_count(facts, HEAP_FACT_LOCAL_NAME),
	};

	threads.items = mem_calloc(threads.count, sizeof(*threads.items));
	threads.frames = mem_calloc(threads.frame_count, sizeof(*threads.frames));
	threads.locals = mem_calloc(threads.local_count, sizeof(*threads.locals));
	if (!threads.items || !threads.frames || !threads.locals) {
		heap_threads_deinit(&threads);
		return error_enomem();
	}
	fill_threads(facts, &threads);
	*ret = threads;
	return NULL;
}
