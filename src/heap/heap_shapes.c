// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "heap/heap_shapes.h"

#include "base/alloc.h"
#include "base/error.h"
#include "cpython/pytext.h"

#include <string.h>
#include <xxhash.h>

#define SLOTS_START 1024

const uint8_t heap_label_kinds[] = {
	[PYLABEL_NONE] = HEAP_LABEL_NONE,
	[PYLABEL_FIELD] = HEAP_LABEL_FIELD,
	[PYLABEL_KEY_OBJECT] = HEAP_LABEL_KEY_OBJECT,
	[PYLABEL_VALUE] = HEAP_LABEL_KEY,
	[PYLABEL_ATTRIBUTE] = HEAP_LABEL_ATTRIBUTE,
	[PYLABEL_INDEX] = HEAP_LABEL_INDEX,
	[PYLABEL_ITEM] = HEAP_LABEL_ITEM,
	[PYLABEL_LOCAL] = HEAP_LABEL_LOCAL,
	[PYLABEL_STACK] = HEAP_LABEL_STACK,
	[PYLABEL_SLOT] = HEAP_LABEL_SLOT,
};

static void begin_run(struct heap_sketch *sketch, uint32_t kind, uint32_t edges, uint64_t token)
{
	if (sketch->count == HEAP_SHAPE_RUNS_MAX) {
		sketch->is_too_long = true;
		return;
	}
	sketch->runs[sketch->count++] = (struct heap_sketch_run){kind, edges, token};
}

// The value under the key before it: the two go on a run of pairs, or begin one.
static void add_pair(struct heap_sketch *sketch)
{
	struct heap_sketch_run *last = &sketch->runs[sketch->count - 1];

	if (last->edges > 1) {
		last->edges--;
		begin_run(sketch, HEAP_RUN_PAIRS, 2, 0);
	} else if (sketch->count > 1 && last[-1].kind == HEAP_RUN_PAIRS) {
		sketch->count--;
		last[-1].edges += 2;
	} else {
		*last = (struct heap_sketch_run){HEAP_RUN_PAIRS, 2, 0};
	}
}

static uint64_t token_of(uint32_t kind, const struct pylabel *label)
{
	switch (kind) {
	case PYLABEL_FIELD:
		return (uint64_t)(uintptr_t)label->text;
	case PYLABEL_VALUE:
	case PYLABEL_ATTRIBUTE:
	case PYLABEL_LOCAL:
	case PYLABEL_SLOT:
		return label->object;
	case PYLABEL_INDEX:
		return label->index;
	default:
		return 0;
	}
}

void heap_sketch_add(struct heap_sketch *sketch, uint64_t ref, const struct pylabel *label)
{
	struct heap_sketch_run *last = sketch->count ? &sketch->runs[sketch->count - 1] : NULL;
	uint64_t last_ref = sketch->last_ref, token;
	uint32_t kind = label->kind;

	sketch->edges++;
	sketch->last_ref = ref & PYREF_ADDRESS;
	// Declared, it has a name at least (heap_naming.c).
	if (ref & PYREF_INFERRED && kind != PYLABEL_SLOT)
		kind = PYLABEL_NONE;
	if (kind == PYLABEL_VALUE && last && last->kind == PYLABEL_KEY_OBJECT &&
		label->object == last_ref) {
		add_pair(sketch);
		return;
	}
	token = token_of(kind, label);
	if (last && last->kind == kind &&
		token == last->token + (kind == PYLABEL_INDEX ? last->edges : 0))
		last->edges++;
	else
		begin_run(sketch, kind, 1, token);
}

// The longest of the runs that can be of any length takes what the others leave.
static void release_longest(struct heap_sketch *sketch)
{
	struct heap_sketch_run *longest = NULL;

	for (uint32_t i = 0; i < sketch->count; i++) {
		struct heap_sketch_run *run = &sketch->runs[i];

		if ((run->kind == PYLABEL_INDEX || run->kind == PYLABEL_ITEM ||
			    run->kind == PYLABEL_NONE || run->kind == HEAP_RUN_PAIRS) &&
			(!longest || run->edges > longest->edges))
			longest = run;
	}
	if (longest)
		longest->edges = HEAP_RUN_REST;
}

// Text of a run's name, as heap_naming.c has it.
static void read_name(
	struct pycontext *context, const struct heap_sketch_run *run, char *ret, size_t size)
{
	ret[0] = '\0';
	switch (run->kind) {
	case PYLABEL_FIELD:
		if (run->token)
			strncat(ret, (const char *)(uintptr_t)run->token, size - 1);
		break;
	case PYLABEL_VALUE:
		pytext_key(context, run->token, ret, size);
		break;
	case PYLABEL_ATTRIBUTE:
	case PYLABEL_LOCAL:
		pytext_str(context, run->token, ret, size);
		break;
	case PYLABEL_SLOT:
		pytext_c_string(context, run->token, ret, size);
		break;
	default:
		break;
	}
}

// Write the runs behind those that are there. False without memory.
static bool write_runs(struct heap_shape_cache *cache, const struct heap_sketch *sketch)
{
	struct heap_facts *facts = cache->shapes->facts;

	for (uint32_t i = 0; i < sketch->count; i++) {
		const struct heap_sketch_run *run = &sketch->runs[i];
		bool is_pairs = run->kind == HEAP_RUN_PAIRS;
		uint64_t value = run->kind == PYLABEL_INDEX ? run->token : 0;
		char name[sizeof(((struct heap_label *)0)->text)];

		if (run->kind != PYLABEL_INDEX && !is_pairs) {
			read_name(cache->context, run, name, sizeof(name));
			value = heap_texts_add(cache->shapes->texts, name);
		}
		if (value == HEAP_TEXTS_NONE ||
			!heap_facts_push(facts, HEAP_FACT_RUN_KIND,
				is_pairs ? HEAP_RUN_PAIRS : heap_label_kinds[run->kind]) ||
			!heap_facts_push(facts, HEAP_FACT_RUN_EDGES, run->edges) ||
			!heap_facts_push(facts, HEAP_FACT_RUN_VALUE, value))
			return false;
	}
	return true;
}

static uint64_t hash_runs(const struct heap_facts *facts, uint64_t first, uint64_t end)
{
	uint64_t hash = 0;

	for (uint64_t i = first; i < end; i++) {
		uint64_t words[] = {hash, heap_facts_get(facts, HEAP_FACT_RUN_KIND, i),
			heap_facts_get(facts, HEAP_FACT_RUN_EDGES, i),
			heap_facts_get(facts, HEAP_FACT_RUN_VALUE, i)};

		hash = XXH3_64bits(words, sizeof(words));
	}
	return hash;
}

static bool same_runs(const struct heap_facts *facts, uint64_t a, uint64_t b, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		for (enum heap_fact fact = HEAP_FACT_RUN_KIND; fact <= HEAP_FACT_RUN_VALUE;
			fact++) {
			if (heap_facts_get(facts, fact, a + i) !=
				heap_facts_get(facts, fact, b + i))
				return false;
		}
	}
	return true;
}

static uint64_t first_run(const struct heap_facts *facts, uint32_t shape)
{
	return shape ? heap_facts_get(facts, HEAP_FACT_SHAPE_END, shape - 1) : 0;
}

// The slot of the shape with the runs [first, end), or where it belongs.
static uint32_t *find_shape(const struct heap_shapes *shapes, uint64_t first, uint64_t end)
{
	const struct heap_facts *facts = shapes->facts;
	uint32_t slot = (uint32_t)hash_runs(facts, first, end) & (shapes->slot_count - 1);

	for (; shapes->slots[slot]; slot = (slot + 1) & (shapes->slot_count - 1)) {
		uint32_t shape = shapes->slots[slot] - 1;
		uint64_t other = first_run(facts, shape);

		if (heap_facts_get(facts, HEAP_FACT_SHAPE_END, shape) - other == end - first &&
			same_runs(facts, other, first, end - first))
			break;
	}
	return &shapes->slots[slot];
}

// Of new runs a shape, unless there is one with the same. Locked.
static bool add_shape(
	struct heap_shape_cache *cache, const struct heap_sketch *sketch, uint32_t *ret)
{
	struct heap_shapes *shapes = cache->shapes;
	struct heap_facts *facts = shapes->facts;
	uint64_t first = heap_facts_count(facts, HEAP_FACT_RUN_KIND), end;
	uint64_t count = heap_facts_count(facts, HEAP_FACT_SHAPE_END);
	uint32_t *slot;

	*ret = 0;
	if (!write_runs(cache, sketch))
		return false;
	end = heap_facts_count(facts, HEAP_FACT_RUN_KIND);
	slot = find_shape(shapes, first, end);
	if (!*slot && count < HEAP_SHAPES_MAX) {
		if (!heap_facts_push(facts, HEAP_FACT_SHAPE_END, end))
			return false;
		*slot = (uint32_t)count + 1;
	} else {
		for (enum heap_fact fact = HEAP_FACT_RUN_KIND; fact <= HEAP_FACT_RUN_VALUE; fact++)
			facts->columns[fact].count = first;
	}
	*ret = *slot;
	return true;
}

struct error *heap_shapes_init(
	struct heap_shapes *shapes, struct heap_facts *facts, struct heap_texts *texts)
{
	*shapes = (struct heap_shapes){
		facts, texts, PTHREAD_MUTEX_INITIALIZER, NULL, 4 * HEAP_SHAPES_MAX};
	shapes->slots = mem_calloc(shapes->slot_count, sizeof(*shapes->slots));
	return shapes->slots ? NULL : error_enomem();
}

void heap_shapes_deinit(struct heap_shapes *shapes)
{
	mem_free(shapes->slots);
	shapes->slots = NULL;
}

static struct heap_shape_slot *find_slot(
	struct heap_shape_slot *slots, uint32_t count, uint64_t hash)
{
	uint32_t i = (uint32_t)hash & (count - 1);

	while (slots[i].shape && slots[i].hash != hash)
		i = (i + 1) & (count - 1);
	return &slots[i];
}

static bool grow_cache(struct heap_shape_cache *cache)
{
	uint32_t count = cache->slot_count ? cache->slot_count * 2 : SLOTS_START;
	struct heap_shape_slot *slots = mem_calloc(count, sizeof(*slots));

	if (!slots)
		return false;
	for (uint32_t i = 0; i < cache->slot_count; i++) {
		if (cache->slots[i].shape)
			*find_slot(slots, count, cache->slots[i].hash) = cache->slots[i];
	}
	mem_free(cache->slots);
	cache->slots = slots;
	cache->slot_count = count;
	return true;
}

struct error *heap_shape_cache_find(
	struct heap_shape_cache *cache, struct heap_sketch *sketch, uint32_t *ret)
{
	struct heap_shape_slot *slot;
	uint64_t hash;
	bool is_done;

	*ret = 0;
	if (sketch->is_too_long)
		return NULL;
	release_longest(sketch);
	if (cache->used * 2 >= cache->slot_count && !grow_cache(cache))
		return error_enomem();
	// 64 bits for at most some millions of sketches: equal hashes are equal sketches.
	hash = XXH3_64bits(sketch->runs, sketch->count * sizeof(sketch->runs[0]));
	slot = find_slot(cache->slots, cache->slot_count, hash);
	if (!slot->shape) {
		pthread_mutex_lock(&cache->shapes->lock);
		is_done = add_shape(cache, sketch, ret);
		pthread_mutex_unlock(&cache->shapes->lock);
		if (!is_done)
			return error_enomem();
		*slot = (struct heap_shape_slot){hash, *ret + 1u};
		cache->used++;
	}
	*ret = slot->shape - 1;
	return NULL;
}

void heap_shape_cache_deinit(struct heap_shape_cache *cache)
{
	mem_free(cache->slots);
	cache->slots = NULL;
}
