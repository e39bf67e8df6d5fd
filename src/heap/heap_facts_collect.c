// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "heap/heap_facts_collect.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/parallel.h"
#include "cpython/pycode.h"
#include "cpython/pytext.h"
#include "heap/heap_shapes.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

// As large as those of the builder's workers: the same memory is read.
#define SCAN_CACHE_SLOTS   2048
#define PROBE_CACHE_SLOTS  64
// Bytes of a text that are kept as content.
#define CONTENT_BYTES_MAX  200
// Free variables of one function: more than anybody writes.
#define FREE_VARIABLES_MAX 1024

struct entry {
	node_id node;
	uint64_t value;
};

DEFINE_VECTOR(entry_vector, struct entry)

// What one worker finds out about its share of the nodes.
struct labeller {
	struct collection *collection;
	struct pycontext context, probe;
	struct pyscan scan;
	struct pylabel labels[PYSCAN_BATCH];
	struct heap_sketch sketch;
	struct heap_shape_cache shapes;
	struct entry_vector shapes_elsewhere, lengths, capacities, bounds;
	struct heap_string_vector strings;
	uint64_t nameless;
	uint64_t string_budget; /* bytes of strings that may still be hashed */
	bool is_checked;        /* not all references lead to nodes: look each up */
};

struct collection {
	struct heap_builder *builder;
	struct heap_facts *facts;
	struct heap_texts texts;
	struct heap_shapes shapes;
	struct labeller *team;
	unsigned workers;
	uint64_t *keys; /* a bit per node: it is a key of a dict */
};

static void take_labels(struct pyscan *scan)
{
	struct labeller *labeller = scan->user;
	const struct heap_addresses *addresses = &labeller->collection->builder->addresses;

	for (uint32_t i = 0; i < scan->count; i++) {
		if (labeller->is_checked &&
			heap_addresses_find(addresses, scan->refs[i] & PYREF_ADDRESS) ==
				HEAP_NODE_NONE)
			continue;
		heap_sketch_add(&labeller->sketch, scan->refs[i], &scan->labels[i]);
	}
	scan->count = 0;
}

static void sketch_object(struct labeller *labeller, remote_addr addr, bool is_checked)
{
	heap_sketch_reset(&labeller->sketch);
	labeller->is_checked = is_checked;
	if (pyobject_scan_at(&labeller->scan, addr))
		pyscan_flush(&labeller->scan);
}

static void mark_keys(struct labeller *labeller, node_id node)
{
	const struct heap_sketch *sketch = &labeller->sketch;
	uint32_t count, at = 0;
	const uint32_t *edges = heap_edges_of(labeller->collection->builder->graph, node, &count);

	for (uint32_t i = 0; i < sketch->count; i++) {
		const struct heap_sketch_run *run = &sketch->runs[i];

		for (uint32_t k = 0; run->kind == HEAP_RUN_PAIRS && k < run->edges; k += 2) {
			node_id key = edges[at + k] & HEAP_EDGE_NODE;

			__atomic_fetch_or(&labeller->collection->keys[key / 64], 1ull << key % 64,
				__ATOMIC_RELAXED);
		}
		at += run->edges;
	}
}

static struct error *find_shape(
	struct labeller *labeller, node_id node, remote_addr addr, uint32_t edge_count)
{
	uint16_t *shape_of = labeller->collection->facts->columns[HEAP_FACT_SHAPE_OF].items;
	struct error *err;
	uint32_t shape;

	// As a rule every reference leads to a node, and none needs to be looked up.
	sketch_object(labeller, addr, false);
	if (labeller->sketch.edges != edge_count)
		sketch_object(labeller, addr, true);
	if (labeller->sketch.edges != edge_count)
		labeller->sketch.is_too_long = true;
	if (!labeller->sketch.is_too_long)
		mark_keys(labeller, node);
	err = heap_shape_cache_find(&labeller->shapes, &labeller->sketch, &shape);
	if (err)
		return err;
	labeller->nameless += !shape;
	shape_of[node] = shape < HEAP_SHAPE_ELSEWHERE ? (uint16_t)shape : HEAP_SHAPE_ELSEWHERE;
	if (shape >= HEAP_SHAPE_ELSEWHERE &&
		!entry_vector_push(&labeller->shapes_elsewhere, (struct entry){node, shape}))
		return error_enomem();
	return NULL;
}

static bool note(struct entry_vector *entries, node_id node, uint64_t value, uint64_t usual)
{
	return value == usual || entry_vector_push(entries, (struct entry){node, value});
}

static struct error *measure(
	struct labeller *labeller, node_id node, remote_addr addr, uint32_t edge_count)
{
	struct heap_builder *builder = labeller->collection->builder;
	const struct heap_type *type = &builder->graph->types[heap_type_of(builder->graph, node)];
	uint64_t length, hash;
	bool is_done = true;

	if (heap_has_flag(builder->graph, node, HEAP_NODE_CONTAINER)) {
		uint64_t usual = type->role == HEAP_TYPE_DICT ? edge_count / 2 : edge_count;
		uint64_t capacity = pyobject_capacity(&labeller->probe, addr);

		length = pyobject_length(&labeller->probe, addr);
		is_done = note(&labeller->lengths, node, length, usual) &&
			  note(&labeller->capacities, node, capacity > length ? capacity : length,
				  length);
	}
	if (type->role == HEAP_TYPE_DEQUE || type->role == HEAP_TYPE_PLAIN)
		is_done = is_done && note(&labeller->bounds, node,
					     pyobject_bound(&labeller->probe, addr), UINT64_MAX);
	if (type->role == HEAP_TYPE_BUFFER &&
		heap_string_hash(&labeller->probe, addr, &labeller->string_budget, &hash))
		is_done = is_done && heap_string_vector_push(
					     &labeller->strings, (struct heap_string){hash, node});
	return is_done ? NULL : error_enomem();
}

static struct error *label_share(void *context, unsigned worker)
{
	struct collection *collection = context;
	struct labeller *labeller = &collection->team[worker];
	const struct heap_graph *graph = collection->builder->graph;
	uint64_t nodes = graph->node_count - 1;
	node_id first = 1 + (node_id)(nodes * worker / collection->workers);
	node_id end = 1 + (node_id)(nodes * (worker + 1) / collection->workers);

	for (node_id node = first; node < end; node++) {
		remote_addr addr = heap_addresses_of(&collection->builder->addresses, node);
		struct error *err = NULL;
		uint32_t count;

		heap_edges_of(graph, node, &count);
		if (count)
			err = find_shape(labeller, node, addr, count);
		if (!err)
			err = measure(labeller, node, addr, count);
		if (err)
			return err;
	}
	return NULL;
}

static void disband(struct collection *collection)
{
	for (unsigned i = 0; collection->team && i < collection->workers; i++) {
		struct labeller *labeller = &collection->team[i];

		pycontext_deinit(&labeller->context);
		pycontext_deinit(&labeller->probe);
		heap_shape_cache_deinit(&labeller->shapes);
		entry_vector_deinit(&labeller->shapes_elsewhere);
		entry_vector_deinit(&labeller->lengths);
		entry_vector_deinit(&labeller->capacities);
		entry_vector_deinit(&labeller->bounds);
		heap_string_vector_deinit(&labeller->strings);
	}
	pages_free(collection->team, collection->workers, sizeof(*collection->team));
	collection->team = NULL;
}

static struct error *assemble(struct collection *collection)
{
	struct heap_builder *builder = collection->builder;

	collection->team = pages_alloc(collection->workers, sizeof(*collection->team));
	if (!collection->team)
		return error_enomem();
	for (unsigned i = 0; i < collection->workers; i++) {
		struct labeller *labeller = &collection->team[i];
		struct error *err;

		labeller->collection = collection;
		labeller->scan = (struct pyscan){.context = &labeller->context,
			.flush = take_labels,
			.user = labeller,
			.labels = labeller->labels,
			.words_max = builder->words_max};
		labeller->string_budget = builder->words_max * sizeof(uint64_t);
		labeller->shapes.shapes = &collection->shapes;
		labeller->shapes.context = &labeller->probe;
		err = pycontext_init(&labeller->context, builder->python, SCAN_CACHE_SLOTS);
		if (!err)
			err = pycontext_init(&labeller->probe, builder->python, PROBE_CACHE_SLOTS);
		if (err)
			return err;
	}
	return NULL;
}

static bool move_entries(
	struct heap_facts *facts, enum heap_fact table, const struct entry_vector *entries)
{
	for (size_t i = 0; i < entries->count; i++) {
		if (!heap_facts_push(facts, table, entries->items[i].node) ||
			!heap_facts_push(facts, table + 1, entries->items[i].value))
			return false;
	}
	return true;
}

// The workers' shares follow one another, and so do their entries.
static struct error *gather(struct collection *collection, struct heap_string_vector *ret_strings)
{
	struct heap_facts *facts = collection->facts;

	for (unsigned i = 0; i < collection->workers; i++) {
		const struct labeller *labeller = &collection->team[i];

		facts->nameless += labeller->nameless;
		if (!move_entries(facts, HEAP_FACT_SHAPE, &labeller->shapes_elsewhere) ||
			!move_entries(facts, HEAP_FACT_LENGTH, &labeller->lengths) ||
			!move_entries(facts, HEAP_FACT_CAPACITY, &labeller->capacities) ||
			!move_entries(facts, HEAP_FACT_BOUND, &labeller->bounds))
			return error_enomem();
		for (size_t j = 0; j < labeller->strings.count; j++) {
			if (!heap_string_vector_push(ret_strings, labeller->strings.items[j]))
				return error_enomem();
		}
	}
	return NULL;
}

static struct error *label_all(struct collection *collection)
{
	struct heap_facts *facts = collection->facts;
	struct heap_column *shape_of = &facts->columns[HEAP_FACT_SHAPE_OF];
	_cleanup_(heap_string_vector_deinit) struct heap_string_vector strings = {0};
	struct error *err;

	shape_of->count = shape_of->capacity = collection->builder->graph->node_count;
	shape_of->items = pages_alloc(shape_of->count, sizeof(uint16_t));
	collection->keys = pages_alloc(shape_of->count / 64 + 1, sizeof(uint64_t));
	if (!shape_of->items || !collection->keys) {
		shape_of->count = shape_of->capacity = 0;
		return error_enomem();
	}
	err = assemble(collection);
	if (!err)
		err = parallel_run(collection->workers, label_share, collection);
	if (!err)
		err = gather(collection, &strings);
	disband(collection);
	return err ? err : heap_facts_add_strings(collection->builder, facts, &strings);
}

struct error *heap_facts_say(struct heap_facts *facts, struct heap_texts *texts,
	enum heap_fact table, node_id node, const char *text)
{
	uint32_t number;

	if (!text || !*text)
		return NULL;
	number = heap_texts_add(texts, text);
	if (number == HEAP_TEXTS_NONE || !heap_facts_push(facts, table, node) ||
		!heap_facts_push(facts, table + 1, number))
		return error_enomem();
	return NULL;
}

static struct error *say_free_variables(struct collection *collection, node_id node)
{
	struct heap_builder *builder = collection->builder;
	remote_addr code = heap_addresses_of(&builder->addresses, node);
	struct error *err = NULL;

	for (uint64_t i = 0; !err && i < FREE_VARIABLES_MAX; i++) {
		remote_addr str = pycode_free_name(&builder->context, code, i);
		char name[LIMIT_TYPE_NAME];

		if (!str)
			break;
		// One that has no name keeps the place of those after it.
		pytext_str(&builder->context, str, name, sizeof(name));
		err = heap_facts_say(collection->facts, &collection->texts, HEAP_FACT_FREE, node,
			name[0] ? name : "?");
	}
	return err;
}

// Only these have names of their own (heap_naming.c).
static bool is_named(const struct pytype *type)
{
	return type->kind == PYKIND_TYPE || type->kind == PYKIND_MODULE ||
	       type->kind == PYKIND_CODE || type->kind == PYKIND_FRAME ||
	       pykind_is_generator(type->kind) || strcmp(type->tp_name, "function") == 0;
}

static struct error *say_names(struct collection *collection, node_id node)
{
	const struct heap_naming *naming = &collection->builder->graph->naming;
	enum heap_type_role role =
		collection->builder->graph->types[heap_type_of(collection->builder->graph, node)]
			.role;
	char text[LIMIT_NAME_BYTES];
	struct error *err;

	naming->name(naming->context, node, text, sizeof(text));
	err = heap_facts_say(collection->facts, &collection->texts, HEAP_FACT_NAME, node, text);
	if (err || role == HEAP_TYPE_TYPE)
		return err;
	naming->file(naming->context, node, text, sizeof(text));
	err = heap_facts_say(collection->facts, &collection->texts, HEAP_FACT_FILE, node, text);
	if (err || role != HEAP_TYPE_CODE)
		return err;
	return say_free_variables(collection, node);
}

// pytext_key() shows no text but names, and numbers: in quotes and angle brackets are names. A number may
// be anybody's.
static bool has_numbers(const char *key)
{
	char end = '\0';

	for (; *key; key++) {
		if (end && *key == end)
			end = '\0';
		else if (end)
			continue;
		else if (*key == '\'' || *key == '"')
			end = *key;
		else if (*key == '<')
			end = '>';
		else if (isdigit((unsigned char)*key))
			return true;
	}
	return false;
}

// What a key is called; nothing if that is only its type, or contents.
static struct error *say_key(struct collection *collection, node_id node, bool with_content)
{
	struct heap_builder *builder = collection->builder;
	char text[sizeof(((struct heap_label *)0)->text)], usual[sizeof(text)];

	pytext_key(&builder->context, heap_addresses_of(&builder->addresses, node), text,
		sizeof(text));
	snprintf(usual, sizeof(usual), "<%s>",
		builder->graph->types[heap_type_of(builder->graph, node)].name);
	if (strcmp(text, usual) == 0 || (!with_content && has_numbers(text)))
		return NULL;
	return heap_facts_say(collection->facts, &collection->texts, HEAP_FACT_KEY, node, text);
}

static struct error *say_content(struct collection *collection, node_id node)
{
	struct heap_builder *builder = collection->builder;
	remote_addr addr = heap_addresses_of(&builder->addresses, node);
	char text[CONTENT_BYTES_MAX];
	int64_t number;

	if (!pytext_str(&builder->context, addr, text, sizeof(text))) {
		if (!pytext_int(&builder->context, addr, &number))
			return NULL;
		snprintf(text, sizeof(text), "%lld", (long long)number);
	}
	return heap_facts_say(collection->facts, &collection->texts, HEAP_FACT_CONTENT, node, text);
}

static struct error *say_all(
	struct collection *collection, const struct heap_facts_options *options)
{
	const struct heap_graph *graph = collection->builder->graph;
	const struct pytype *types = collection->builder->python->types->list.items;
	struct error *err = NULL;

	for (node_id node = 1; !err && node < graph->node_count; node++) {
		uint32_t type = heap_type_of(graph, node);
		enum heap_type_role role = graph->types[type].role;

		// Type 0 is the root's.
		if (type && is_named(&types[type - 1]))
			err = say_names(collection, node);
		if (!err && collection->keys[node / 64] >> node % 64 & 1)
			err = say_key(collection, node, options->with_content);
		if (!err && options->with_content &&
			(role == HEAP_TYPE_BUFFER || role == HEAP_TYPE_NUMBER))
			err = say_content(collection, node);
	}
	return err;
}

static bool add_text(struct collection *collection, enum heap_fact fact, const char *text)
{
	uint32_t number = heap_texts_add(&collection->texts, text);

	return number != HEAP_TEXTS_NONE && heap_facts_push(collection->facts, fact, number);
}

static bool move_threads(struct collection *collection, const struct heap_threads *threads)
{
	struct heap_facts *facts = collection->facts;
	bool is_done = true;

	for (size_t i = 0; i < threads->count && is_done; i++) {
		const struct heap_thread *thread = &threads->items[i];

		is_done = add_text(collection, HEAP_FACT_THREAD_NAME, thread->name) &&
			  heap_facts_push(facts, HEAP_FACT_THREAD_ID, thread->id) &&
			  heap_facts_push(facts, HEAP_FACT_THREAD_END,
				  thread->first_frame + thread->frame_count);
	}
	for (size_t i = 0; i < threads->frame_count && is_done; i++) {
		const struct heap_frame *frame = &threads->frames[i];

		is_done = add_text(collection, HEAP_FACT_FRAME_NAME, frame->function) &&
			  add_text(collection, HEAP_FACT_FRAME_FILE, frame->file) &&
			  heap_facts_push(facts, HEAP_FACT_FRAME_LINE, frame->line) &&
			  heap_facts_push(facts, HEAP_FACT_FRAME_END,
				  frame->first_local + frame->local_count);
	}
	for (size_t i = 0; i < threads->local_count && is_done; i++)
		is_done = add_text(collection, HEAP_FACT_LOCAL_NAME, threads->locals[i].name) &&
			  heap_facts_push(facts, HEAP_FACT_LOCAL_NODE, threads->locals[i].node);
	return is_done;
}

static struct error *add_threads(struct collection *collection)
{
	_cleanup_(heap_threads_deinit) struct heap_threads threads = {0};
	struct error *err = heap_threads_read(collection->builder, &threads);

	if (err)
		return err;
	return move_threads(collection, &threads) ? NULL : error_enomem();
}

static struct error *add_mappings(struct collection *collection)
{
	const struct mappings *mappings = target_mappings(collection->builder->target);
	struct heap_facts *facts = collection->facts;

	for (size_t i = 0; i < mappings->count; i++) {
		const struct mapping *mapping = &mappings->items[i];
		uint32_t path = heap_texts_add(&collection->texts, mapping->path);
		unsigned flags = mapping->readable * 1u + mapping->writable * 2u +
				 mapping->executable * 4u + mapping->shared * 8u;

		if (path == HEAP_TEXTS_NONE ||
			!heap_facts_push(facts, HEAP_FACT_MAPPING_START, mapping->start) ||
			!heap_facts_push(facts, HEAP_FACT_MAPPING_END, mapping->end) ||
			!heap_facts_push(facts, HEAP_FACT_MAPPING_FLAGS, flags) ||
			!heap_facts_push(facts, HEAP_FACT_MAPPING_PATH, path))
			return error_enomem();
	}
	return NULL;
}

struct error *heap_facts_collect(struct heap_builder *builder,
	const struct heap_facts_options *options, struct heap_facts **ret)
{
	_cleanup_(heap_facts_destroy) struct heap_facts *facts = mem_calloc(1, sizeof(*facts));
	struct collection collection = {
		.builder = builder, .facts = facts, .workers = builder->workers};
	struct error *err = NULL;

	if (!facts || !heap_texts_init(&collection.texts, &facts->columns[HEAP_FACT_TEXTS]))
		err = error_enomem();
	if (!err)
		err = heap_shapes_init(&collection.shapes, facts, &collection.texts);
	if (!err)
		err = label_all(&collection);
	if (!err)
		err = say_all(&collection, options);
	if (!err)
		err = add_threads(&collection);
	if (!err)
		err = add_mappings(&collection);
	if (!err)
		err = heap_facts_index(facts);
	heap_shapes_deinit(&collection.shapes);
	heap_texts_deinit(&collection.texts);
	pages_free(collection.keys, builder->graph->node_count / 64 + 1, sizeof(uint64_t));
	if (err)
		return err;
	*ret = take(facts);
	return NULL;
}
