// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * From the labels of an object's references to its shape (heap_facts.h).
 *
 * A *sketch* has runs whose names are still words of the target: the address of a str, of a C string.
 * Equal sketches have equal shapes, so that texts are read once per shape and not once per object.
 */
#pragma once

#include "cpython/pyobject.h"
#include "heap/heap_facts.h"
#include "heap/heap_texts.h"

#include <pthread.h>

/** By enum pylabel_kind: the enum heap_label_kind that it is. */
extern const uint8_t heap_label_kinds[];

/** Runs of a shape: more are data, not structure. */
#define HEAP_SHAPE_RUNS_MAX 1024

struct heap_sketch_run {
	uint32_t kind, edges; /* kind: enum pylabel_kind, or HEAP_RUN_PAIRS */
	uint64_t token;       /* address, static text, or first index */
};

struct heap_sketch {
	struct heap_sketch_run runs[HEAP_SHAPE_RUNS_MAX];
	uint32_t count;
	uint64_t edges;
	bool is_too_long;
	uint64_t last_ref;
};

/** Start with the next object. */
static inline void heap_sketch_reset(struct heap_sketch *sketch)
{
	sketch->count = 0;
	sketch->edges = 0;
	sketch->is_too_long = false;
	sketch->last_ref = 0;
}

/** Append the label of one more edge, which leads to @p ref (with PYREF_INFERRED). */
void heap_sketch_add(struct heap_sketch *sketch, uint64_t ref, const struct pylabel *label);

/** All shapes; shared by the workers, who lock it. */
struct heap_shapes {
	struct heap_facts *facts;
	struct heap_texts *texts;
	pthread_mutex_t lock;
	uint32_t *slots; /* shape + 1, by what it consists of */
	uint32_t slot_count;
};

/** One worker's view: which sketch is which shape. */
struct heap_shape_cache {
	struct heap_shapes *shapes;
	struct pycontext *context; /* names are read with it */
	struct heap_shape_slot {
		uint64_t hash;
		uint32_t shape; /* plus one; 0: free */
	} * slots;
	uint32_t slot_count, used;
};

struct error *heap_shapes_init(
	struct heap_shapes *shapes, struct heap_facts *facts, struct heap_texts *texts);
void heap_shapes_deinit(struct heap_shapes *shapes);

/** The number of a sketch's shape, plus one; 0 if it has too many runs or there are too many
 *  shapes. Ends the sketch. */
struct error *heap_shape_cache_find(
	struct heap_shape_cache *cache, struct heap_sketch *sketch, uint32_t *ret);
void heap_shape_cache_deinit(struct heap_shape_cache *cache);
