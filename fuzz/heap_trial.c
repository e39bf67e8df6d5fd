// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "heap_trial.h"

#include "analysis/dominators.h"
#include "analysis/garbage.h"
#include "analysis/memory.h"
#include "analysis/paths.h"
#include "base/alloc.h"
#include "base/error.h"
#include "cpython/pyframe.h"
#include "cpython/pyruntime.h"
#include "heap/heap_builder.h"
#include "target/target_ops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// More references than this cannot come out of an image of some 10 MB, whatever is patched.
#define EDGES_PER_WORD  4
#define PATHS_DESCRIBED 24
#define FRAMES_MAX      64
#define SUBJECTS_MAX    32

struct patch {
	uint8_t where, what;
	uint16_t word;
	uint32_t index;
	uint64_t value;
};
_Static_assert(sizeof(struct patch) == HEAP_TRIAL_PATCH_BYTES, "patches are 16 bytes");

// An image, and where things are in it.
struct subject {
	struct heap_image image;
	struct addr_vector objects, types, pools, frames, states;
	uint64_t bytes;
};

static struct subject subjects[SUBJECTS_MAX], *it; /* the one of this trial */
static size_t subject_count;

static void must(struct error *err, const char *what)
{
	if (!err)
		return;
	fprintf(stderr, "heap trial: %s: %s\n", what, error_message(err));
	abort();
}

static void push(struct addr_vector *vector, remote_addr addr)
{
	if (!addr_vector_push(vector, addr))
		must(error_enomem(), "init");
}

// A thread at the interpreter's own stack, so that words of it are looked at as well.
static void add_thread(struct target *target)
{
	target->threads = mem_calloc(1, sizeof(*target->threads));
	if (!target->threads)
		return;
	target->thread_count = 1;
	target->threads[0] = (struct target_thread){.id = 1, .name = "main"};
	for (size_t i = 0; i < it->image.count; i++) {
		if (strcmp(it->image.segments[i].path, "[stack]") == 0)
			target->threads[0].stack_pointer =
				it->image.segments[i].addr + it->image.segments[i].size / 2;
	}
}

static struct target *open_image(void)
{
	struct target *target = NULL;

	must(memory_image_create(it->image.segments, it->image.count, &target), "image");
	add_thread(target);
	return target;
}

static void learn_frames(struct pycontext *context, remote_addr thread)
{
	const struct pylayout *layout = context->python->layout;
	remote_addr frame = pyframe_innermost(context, thread);
	struct pyframe read;

	if (pylayout_has(layout->tstate.cframe))
		push(&it->frames,
			pyreader_pointer(&context->reader, thread + layout->tstate.cframe));
	for (unsigned depth = 0; frame && depth < FRAMES_MAX; depth++) {
		push(&it->frames, frame);
		frame = pyframe_read(context, frame, &read) ? read.previous : 0;
	}
}

static void learn_interpreter(struct pycontext *context, remote_addr interpreter)
{
	const struct pylayout *layout = context->python->layout;
	remote_addr heads[PYRUNTIME_GC_HEADS_MAX];
	size_t count = pyruntime_gc_heads(context, interpreter, heads);
	struct addr_vector threads = {0};

	push(&it->states, interpreter);
	if (pylayout_has(layout->interp.gc))
		push(&it->states, interpreter + layout->interp.gc);
	else if (count)
		push(&it->states, heads[0]);
	must(pyruntime_threads(context, interpreter, &threads), "threads");
	for (size_t i = 0; i < threads.count; i++) {
		push(&it->states, threads.items[i]);
		learn_frames(context, threads.items[i]);
	}
	addr_vector_deinit(&threads);
}

static void learn_places(struct heap_builder *builder)
{
	const struct addr_vector *interpreters = &builder->python->interpreters;

	for (node_id node = 1; node < builder->graph->node_count; node++)
		push(&it->objects, heap_addresses_of(&builder->addresses, node));
	for (size_t i = 0; i < builder->python->types->list.count; i++)
		push(&it->types, builder->python->types->list.items[i].addr);
	for (uint32_t i = 0; i < builder->addresses.pool_count; i++)
		push(&it->pools, builder->addresses.pool_addr[i]);
	push(&it->states, builder->python->runtime ? builder->python->runtime
						   : builder->python->interpreters_head);
	for (size_t i = 0; i < interpreters->count; i++)
		learn_interpreter(&builder->context, interpreters->items[i]);
}

// What is made up (its path is none) is smaller than any process.
static void check_places(void)
{
	bool is_real = it->image.place.path[0] == '/';

	if (it->objects.count < (is_real ? 5000u : 200u) ||
		it->types.count < (is_real ? 100u : 20u) ||
		it->pools.count < (is_real ? 20u : 5u) || it->frames.count < (is_real ? 3u : 1u))
		must(error_create(ERROR_BAD_DATA, "too little is in it"), "the unchanged image");
}

static void add_subject(const char *image_path)
{
	const struct heap_builder_options options = {.workers = 1};
	struct heap_builder *builder = NULL;
	struct target *target;

	if (subject_count == SUBJECTS_MAX)
		must(error_create(ERROR_BAD_DATA, "too many images"), "init");
	it = &subjects[subject_count++];
	must(heap_image_load(image_path, &it->image), "load");
	for (size_t i = 0; i < it->image.count; i++)
		it->bytes += it->image.segments[i].size;
	target = open_image();
	must(heap_build(target, &it->image.place, &options, &builder), "the unchanged image");
	must(heap_graph_check(builder->graph), "the unchanged graph");
	learn_places(builder);
	check_places();
	heap_builder_destroy(builder);
	target_destroy(target);
}

void heap_trial_init(const char *image_paths)
{
	char *paths = mem_strdup(image_paths), *rest = paths, *path;

	if (!paths)
		must(error_enomem(), "init");
	while ((path = strtok_r(rest, ":", &rest)))
		add_subject(path);
	mem_free(paths);
	if (!subject_count)
		must(error_create(ERROR_BAD_DATA, "no image"), "init");
}

static remote_addr pick(const struct addr_vector *from, uint64_t index)
{
	return from->items[index % from->count];
}

static uint64_t load(remote_addr addr)
{
	const uint8_t *bytes = heap_image_at(&it->image, addr, 8);
	uint64_t value = 0;

	if (bytes)
		memcpy(&value, bytes, sizeof(value));
	return value;
}

static remote_addr any_word(uint64_t index)
{
	uint64_t offset = index * 8 % it->bytes;

	for (size_t i = 0; i < it->image.count; i++) {
		if (offset < it->image.segments[i].size)
			return it->image.segments[i].addr + offset;
		offset -= it->image.segments[i].size;
	}
	return 0;
}

static remote_addr place_of(const struct patch *patch)
{
	uint64_t object = pick(&it->objects, patch->index);

	switch (patch->where % 8) {
	case 0: // GC head, pre-header, header, fields
		return object + (uint64_t)(patch->word % 16) * 8 - 32;
	case 1: // the same, farther on
		return object + (uint64_t)(patch->word % 128) * 8;
	case 2: // what a field points to: keys, tables, arrays, blocks, frames
		return load(object + (uint64_t)(patch->word % 8) * 8 + 16) +
		       (uint64_t)(patch->word / 8 % 32) * 8;
	case 3:
		return pick(&it->pools, patch->index) + (uint64_t)(patch->word % 6) * 8;
	case 4:
		return pick(&it->types, patch->index) + (uint64_t)(patch->word % 112) * 8;
	case 5: // the runtime's state is large, and its interesting part comes first
		return pick(&it->states, patch->index) + (uint64_t)(patch->word % 2048) * 8;
	case 6:
		return pick(&it->frames, patch->index) + (uint64_t)(patch->word % 16) * 8;
	default:
		return any_word(patch->index);
	}
}

static uint64_t value_of(const struct patch *patch, uint64_t old)
{
	static const uint64_t odd[] = {0, 1, 2, 255, UINT64_MAX, (uint64_t)INT64_MIN, INT64_MAX,
		UINT32_MAX, INT32_MAX, 1ull << 32, 1ull << 36, 1ull << 40, 1ull << 47, 1ull << 48,
		4096, 65536, 65535, 0x0101010101010101, 0xff00ff00ff00ff00, UINT64_MAX - 7};

	switch (patch->what % 8) {
	case 0:
		return pick(&it->objects, patch->value);
	case 1:
		return pick(&it->types, patch->value);
	case 2:
		return odd[patch->value % (sizeof(odd) / sizeof(odd[0]))];
	case 3:
		return old + (uint64_t)(int64_t)(int8_t)patch->value;
	case 4:
		return old ^ 1ull << patch->value % 64;
	case 5: // one byte: the small fields of keys, frames, strings
		return (old & ~(0xffull << patch->value % 8 * 8)) | (patch->value >> 8 & 0xff)
									    << patch->value % 8 * 8;
	case 6:
		return any_word(patch->value);
	default: // a frame or a state, for chains that lead in a circle; or anything
		return patch->value & 1 ? pick(patch->value & 2 ? &it->frames : &it->states,
						  patch->value >> 2)
					: patch->value;
	}
}

// Each resident byte in one part.
static void account(struct heap_builder *builder, const struct dominators *dominators,
	const struct paths *paths)
{
	struct heap_memory *memory = NULL;
	struct memory_report report;
	uint64_t sum = 0;

	must(heap_memory_create(NULL, &memory), "memory");
	must(heap_memory_note_pages(memory, builder->target), "pages");
	heap_memory_set_builder(memory, builder);
	must(memory_examine(builder->graph, dominators, paths, memory, true, &report),
		"the account");
	for (size_t part = 0; part < HEAP_PART_COUNT; part++)
		sum += report.figures.part_bytes[part];
	if (sum != report.figures.rss_bytes || sum > it->bytes)
		must(error_create(ERROR_BAD_DATA, "%lu bytes in parts, %lu resident",
			     (unsigned long)sum, (unsigned long)report.figures.rss_bytes),
			"the account");
	memory_report_deinit(&report);
	heap_memory_destroy(memory);
}

static void examine(struct heap_builder *builder)
{
	const struct heap_graph *graph = builder->graph;
	struct dominators *dominators = NULL;
	struct paths *paths = NULL;
	struct garbage garbage;

	must(heap_graph_check(graph), "the graph");
	if (graph->edge_count > it->bytes / 8 * EDGES_PER_WORD)
		must(error_create(ERROR_BAD_DATA, "%u references", graph->edge_count), "the graph");
	must(dominators_create(graph, &dominators), "dominators");
	must(garbage_compute(graph, dominators, &garbage), "garbage");
	must(paths_create(graph, &paths), "paths");
	for (uint32_t i = 0; i < PATHS_DESCRIBED; i++) {
		node_id node =
			1 + (node_id)((uint64_t)(graph->node_count - 2) * i / PATHS_DESCRIBED);
		struct path_description description;

		if (node >= graph->node_count)
			break;
		must(paths_describe(paths, node, &description), "a path");
		path_description_deinit(&description);
		graph->naming.length(graph->naming.context, node);
		graph->naming.bound(graph->naming.context, node);
	}
	account(builder, dominators, paths);
	paths_destroy(paths);
	garbage_deinit(&garbage);
	dominators_destroy(dominators);
}

static void build_and_examine(void)
{
	const struct heap_builder_options options = {
		.workers = 1, .keep_audit = true, .keep_parts = true};
	struct heap_builder *builder = NULL;
	struct target *target = open_image();
	struct error *err = heap_build(target, &it->image.place, &options, &builder);

	// An error is an honest answer, but for want of memory: there was enough.
	if (err && error_kind(err) == ERROR_MEMORY)
		must(err, "build");
	if (!err)
		examine(builder);
	error_destroy(err);
	heap_builder_destroy(builder);
	target_destroy(target);
}

void heap_trial_run(const uint8_t *data, size_t size)
{
	struct {
		uint8_t *at;
		uint64_t old;
	} undo[HEAP_TRIAL_PATCHES_MAX];
	unsigned count = 0;

	// What is left over of whole patches says which image.
	it = &subjects[size % sizeof(struct patch) ? data[size - 1] % subject_count : 0];
	for (; size >= sizeof(struct patch) && count < HEAP_TRIAL_PATCHES_MAX;
		data += sizeof(struct patch), size -= sizeof(struct patch)) {
		struct patch patch;
		uint64_t value;
		uint8_t *at;

		memcpy(&patch, data, sizeof(patch));
		at = heap_image_at(&it->image, place_of(&patch), sizeof(value));
		if (!at)
			continue;
		memcpy(&undo[count].old, at, sizeof(value));
		value = value_of(&patch, undo[count].old);
		undo[count++].at = at;
		memcpy(at, &value, sizeof(value));
	}
	build_and_examine();
	while (count--)
		memcpy(undo[count].at, &undo[count].old, sizeof(undo[count].old));
}
