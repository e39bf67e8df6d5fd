// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "heap/heap_locals.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "cpython/pytext.h"

#define FRAME_CACHE_SLOTS 64

static void take_locals(struct pyscan *scan)
{
	struct heap_locals *locals = scan->user;
	struct heap_builder *builder = locals->builder;

	for (uint32_t i = 0; i < scan->count; i++) {
		const struct pylabel *label = &scan->labels[i];
		struct heap_local local = {.node = heap_addresses_find(&builder->addresses,
						   scan->refs[i] & PYREF_ADDRESS)};
		char name[LIMIT_TYPE_NAME] = "";

		if (local.node == HEAP_NODE_NONE ||
			(label->kind != PYLABEL_LOCAL && label->kind != PYLABEL_STACK))
			continue;
		if (label->kind == PYLABEL_LOCAL)
			pytext_str(&builder->context, label->object, name, sizeof(name));
		local.name = heap_graph_intern(builder->graph, name);
		locals->failed |= !local.name || !heap_local_vector_push(&locals->list, local);
	}
	scan->count = 0;
}

struct error *heap_locals_init(struct heap_locals *locals, struct heap_builder *builder)
{
	struct error *err;

	*locals = (struct heap_locals){
		.builder = builder,
		.scan = mem_calloc(1, sizeof(*locals->scan)),
		.labels = mem_calloc(PYSCAN_BATCH, sizeof(*locals->labels)),
	};
	err = locals->scan && locals->labels
		      ? pycontext_init(&locals->frames, builder->python, FRAME_CACHE_SLOTS)
		      : error_enomem();
	if (err) {
		heap_locals_deinit(locals);
		return err;
	}
	locals->scan->context = &locals->frames;
	locals->scan->flush = take_locals;
	locals->scan->user = locals;
	locals->scan->labels = locals->labels;
	locals->scan->words_max = LIMIT_FRAME_WORDS;
	return NULL;
}

void heap_locals_deinit(struct heap_locals *locals)
{
	pycontext_deinit(&locals->frames);
	heap_local_vector_deinit(&locals->list);
	mem_free(locals->labels);
	mem_free(locals->scan);
	*locals = (struct heap_locals){0};
}

struct error *heap_locals_read(struct heap_locals *locals, const struct pyframe *frame)
{
	// Frames that claim the same words again and again are not read for ever.
	if (locals->scan->words > locals->scan->words_max)
		return NULL;
	if (frame->is_object)
		pyobject_scan_at(locals->scan, frame->addr);
	else
		pyframe_scan(locals->scan, frame->addr);
	pyscan_flush(locals->scan);
	return locals->failed ? error_enomem() : NULL;
}
