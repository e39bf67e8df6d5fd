// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "heap_trial.h"

#include "analysis/dominators.h"
#include "analysis/garbage.h"
#include "analysis/paths.h"
#include "base/alloc.h"
#include "base/error.h"
#include "heap/heap_builder.h"
#include "target/target_ops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// More references than this cannot come out of an image of some 10 MB, whatever is patched.
#define EDGES_PER_WORD  4
#define PATHS_DESCRIBED 24
#define FRAMES_MAX      64

struct patch {
	uint8_t where, what;
	uint16_t word;
	uint32_t index;
	uint64_t value;
};
_Static_assert(sizeof(struct patch) == HEAP_TRIAL_PATCH_BYTES, "patches are 16 bytes");

static struct heap_image image;
static struct addr_vector objects, types, pools, frames, states;
static uint64_t image_bytes;

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
	for (size_t i = 0; i < image.count; i++) {
		if (strcmp(image.segments[i].path, "[stack]") == 0)
			target->threads[0].stack_pointer =
				image.segments[i].addr + image.segments[i].size / 2;
	}
}

static struct target *open_image(void)
{
	struct target *target = NULL;

	must(memory_image_create(image.segments, image.count, &target), "image");
	add_thread(target);
	return target;
}

static void learn_places(struct heap_builder *builder)
{
	const struct pylayout *layout = builder->python->layout;
	struct pycontext *context = &builder->context;
	struct addr_vector interpreters = {0};

	for (node_id node = 1; node < builder->graph->node_count; node++)
		push(&objects, heap_addresses_of(&builder->addresses, node));
	for (size_t i = 0; i < builder->python->types->list.count; i++)
		push(&types, builder->python->types->list.items[i].addr);
	for (uint32_t i = 0; i < builder->addresses.pool_count; i++)
		push(&pools, builder->addresses.pool_addr[i]);
	must(pyruntime_interpreters(context, &interpreters), "interpreters");
	push(&states, image.place.runtime);
	for (size_t i = 0; i < interpreters.count; i++) {
		push(&states, interpreters.items[i]);
		push(&states, interpreters.items[i] + layout->interp.gc);
		must(pyruntime_threads(context, interpreters.items[i], &states), "threads");
	}
	for (size_t i = 1 + 2 * interpreters.count; i < states.count; i++) {
		remote_addr cframe =
			pyreader_pointer(&context->reader, states.items[i] + layout->tstate.cframe);
		remote_addr frame =
			pyreader_pointer(&context->reader, cframe + layout->cframe.current_frame);

		push(&frames, cframe);
		for (unsigned depth = 0; frame && depth < FRAMES_MAX; depth++) {
			push(&frames, frame);
			frame = pyreader_pointer(&context->reader, frame + layout->iframe.previous);
		}
	}
	addr_vector_deinit(&interpreters);
}

void heap_trial_init(const char *image_path)
{
	const struct heap_builder_options options = {.workers = 1};
	struct heap_builder *builder = NULL;
	struct target *target;

	must(heap_image_load(image_path, &image), "load");
	for (size_t i = 0; i < image.count; i++)
		image_bytes += image.segments[i].size;
	target = open_image();
	must(heap_build(target, NULL, &image.place, &options, &builder), "the unchanged image");
	must(heap_graph_check(builder->graph), "the unchanged graph");
	learn_places(builder);
	if (objects.count < 5000 || types.count < 100 || pools.count < 20 || frames.count < 3)
		must(error_create(ERROR_BAD_DATA, "too little is in it"), "the unchanged image");
	heap_builder_destroy(builder);
	target_destroy(target);
}

static remote_addr pick(const struct addr_vector *from, uint64_t index)
{
	return from->items[index % from->count];
}

static uint64_t load(remote_addr addr)
{
	const uint8_t *bytes = heap_image_at(&image, addr, 8);
	uint64_t value = 0;

	if (bytes)
		memcpy(&value, bytes, sizeof(value));
	return value;
}

static remote_addr any_word(uint64_t index)
{
	uint64_t offset = index * 8 % image_bytes;

	for (size_t i = 0; i < image.count; i++) {
		if (offset < image.segments[i].size)
			return image.segments[i].addr + offset;
		offset -= image.segments[i].size;
	}
	return 0;
}

static remote_addr place_of(const struct patch *patch)
{
	uint64_t object = pick(&objects, patch->index);

	switch (patch->where % 8) {
	case 0: // GC head, pre-header, header, fields
		return object + (uint64_t)(patch->word % 16) * 8 - 32;
	case 1: // the same, farther on
		return object + (uint64_t)(patch->word % 128) * 8;
	case 2: // what a field points to: keys, tables, arrays, blocks, frames
		return load(object + (uint64_t)(patch->word % 8) * 8 + 16) +
		       (uint64_t)(patch->word / 8 % 32) * 8;
	case 3:
		return pick(&pools, patch->index) + (uint64_t)(patch->word % 6) * 8;
	case 4:
		return pick(&types, patch->index) + (uint64_t)(patch->word % 112) * 8;
	case 5: // the runtime's state is large, and its interesting part comes first
		return pick(&states, patch->index) + (uint64_t)(patch->word % 2048) * 8;
	case 6:
		return pick(&frames, patch->index) + (uint64_t)(patch->word % 16) * 8;
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
		return pick(&objects, patch->value);
	case 1:
		return pick(&types, patch->value);
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
		return patch->value & 1
			       ? pick(patch->value & 2 ? &frames : &states, patch->value >> 2)
			       : patch->value;
	}
}

static void examine(struct heap_builder *builder)
{
	const struct heap_graph *graph = builder->graph;
	struct dominators *dominators = NULL;
	struct paths *paths = NULL;
	struct garbage garbage;

	must(heap_graph_check(graph), "the graph");
	if (graph->edge_count > image_bytes / 8 * EDGES_PER_WORD)
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
	paths_destroy(paths);
	garbage_deinit(&garbage);
	dominators_destroy(dominators);
}

static void build_and_examine(void)
{
	const struct heap_builder_options options = {.workers = 1, .keep_audit = true};
	struct heap_builder *builder = NULL;
	struct target *target = open_image();
	struct error *err = heap_build(target, NULL, &image.place, &options, &builder);

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

	for (; size >= sizeof(struct patch) && count < HEAP_TRIAL_PATCHES_MAX;
		data += sizeof(struct patch), size -= sizeof(struct patch)) {
		struct patch patch;
		uint64_t value;
		uint8_t *at;

		memcpy(&patch, data, sizeof(patch));
		at = heap_image_at(&image, place_of(&patch), sizeof(value));
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
