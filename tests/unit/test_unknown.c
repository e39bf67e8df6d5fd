// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
//
// Types of C code without a reader: which of their words are references, and whose count has room
// for one.
#include "check.h"
#include "open_heap.h"

#include <string.h>

#include "cpython/pyruntime_place.h"
#include "heap/heap_builder.h"

enum { MEMBER_OBJECT = 6, MEMBER_OBJECT_EX = 16 };

static remote_addr c_string(struct heap_writer *writer, const char *text)
{
	remote_addr addr = heap_writer_alloc(writer, strlen(text) + 1);

	memcpy(heap_writer_bytes(writer, addr), text, strlen(text) + 1);
	return addr;
}

static remote_addr heap_class(struct heap_writer *writer, const char *name, uint64_t basicsize)
{
	remote_addr type =
		heap_writer_class(writer, name, "lib", heap_writer_type(writer, WRITER_OBJECT));

	heap_writer_put(writer, type + layout->type.tp_basicsize, basicsize);
	return type;
}

// The same with a tp_dealloc of its own.
static remote_addr c_type(struct heap_writer *writer, const char *name, uint64_t basicsize)
{
	remote_addr type = heap_class(writer, name, basicsize);

	heap_writer_put(writer, type + layout->type.tp_dealloc, 0x1234);
	return type;
}

static void declare(struct heap_writer *writer, remote_addr type, const char *name, uint32_t kind,
	uint64_t offset)
{
	remote_addr def = heap_writer_alloc(writer, 2ull * layout->member_def.size);

	heap_writer_put(writer, def + layout->member_def.name, c_string(writer, name));
	heap_writer_put_u32(writer, def + layout->member_def.type, kind);
	heap_writer_put(writer, def + layout->member_def.offset, offset);
	heap_writer_put(writer, type + layout->type.tp_members, def);
}

static void test_declared_words_may_be_lent(void **state)
{
	struct heap_writer *writer = heap_writer_create(layout);
	remote_addr type = c_type(writer, "lib.Thing", layout->object.size + 8);
	remote_addr held = heap_writer_float(writer, 1), thing;
	const struct scanned *scanned;
	struct open_heap heap;

	(void)state;
	declare(writer, type, "part", MEMBER_OBJECT, layout->object.size);
	thing = heap_writer_object(writer, type, layout->object.size + 8);
	heap_writer_put_ref(writer, thing + layout->object.size, held);
	open_written_heap(&heap, writer);
	scanned = scan_object(&heap, thing);
	assert_int_equal(scanned->count, 2);
	assert_int_equal(scanned->refs[0], type);
	assert_int_equal(scanned->refs[1], held | PYREF_INFERRED);
	assert_int_equal(scanned->labels[1].kind, PYLABEL_SLOT);
	close_written_heap(&heap);
}

// PyType_FromSpec() without Py_tp_dealloc: told from a class by words that are no slots.
static void test_classes_add_slots_only(void **state)
{
	struct heap_writer *writer = heap_writer_create(layout);
	remote_addr from_spec = heap_class(writer, "FromSpec", layout->object.size + 16);
	remote_addr slotted = heap_class(writer, "Slotted", layout->object.size + 8);
	remote_addr held = heap_writer_float(writer, 1), things[2];
	const struct scanned *scanned;
	struct open_heap heap;

	(void)state;
	// The vote on the tp_dealloc of classes.
	for (unsigned i = 0; i < 5; i++)
		heap_class(writer, "Plain", layout->object.size);
	declare(writer, slotted, "slot", MEMBER_OBJECT_EX, layout->object.size);
	things[0] = heap_writer_object(writer, from_spec, layout->object.size + 16);
	heap_writer_put_ref(writer, things[0] + layout->object.size + 8, held);
	things[1] = heap_writer_object(writer, slotted, layout->object.size + 8);
	heap_writer_put_ref(writer, things[1] + layout->object.size, held);
	open_written_heap(&heap, writer);
	scanned = scan_object(&heap, things[0]);
	assert_int_equal(scanned->count, 2);
	assert_int_equal(scanned->refs[1], held | PYREF_INFERRED);
	scanned = scan_object(&heap, things[1]);
	assert_int_equal(scanned->count, 2);
	assert_int_equal(scanned->refs[1], held);
	close_written_heap(&heap);
}

// A coroutine library's object leads to a block of its own, and that to frames set aside.
static void test_stacks_set_aside(void **state)
{
	struct heap_writer *writer = heap_writer_create(layout);
	remote_addr type = c_type(writer, "greenlet.greenlet", layout->object.size + 8);
	remote_addr held = heap_writer_float(writer, 1), thing, block, chunk;
	const struct scanned *scanned;
	struct open_heap heap;

	(void)state;
	thing = heap_writer_object(writer, type, layout->object.size + 8);
	block = heap_writer_alloc(writer, 64);
	chunk = (heap_writer_alloc(writer, 16384 + 4096) + 4095) & ~4095ull;
	heap_writer_put(writer, thing + layout->object.size, block);
	heap_writer_put(writer, block + 40, chunk);
	heap_writer_put(writer, chunk + 8, 16384);
	heap_writer_put_ref(writer, chunk + 8192, held);
	open_written_heap(&heap, writer);
	scanned = scan_object(&heap, thing);
	assert_int_equal(scanned->count, 2);
	assert_int_equal(scanned->refs[1], held | PYREF_INFERRED);
	// A size that is none.
	heap_writer_put(writer, chunk + 8, 16384 + 8);
	assert_int_equal(scan_object(&heap, thing)->count, 1);
	close_written_heap(&heap);
}

static bool leads_to(const struct heap_builder *builder, remote_addr from, remote_addr to)
{
	node_id node = heap_addresses_find(&builder->addresses, from);
	uint32_t count;
	const uint32_t *edges = heap_edges_of(builder->graph, node, &count);

	for (uint32_t i = 0; i < count; i++) {
		if ((edges[i] & HEAP_EDGE_NODE) == heap_addresses_find(&builder->addresses, to))
			return true;
	}
	return false;
}

static void test_edges_without_room(void **state)
{
	struct heap_writer *writer = heap_writer_create(layout);
	_cleanup_(heap_builder_destroy) struct heap_builder *builder = NULL;
	remote_addr type = c_type(writer, "lib.Thing", layout->object.size + 16);
	remote_addr explained = heap_writer_float(writer, 1), held = heap_writer_float(writer, 2);
	remote_addr thing = heap_writer_object(writer, type, layout->object.size + 16);
	struct heap_builder_options options = {.workers = 1};
	struct pyruntime_place place;
	struct target *target;
	struct heap_label label;

	(void)state;
	heap_writer_hold(writer, "list", heap_writer_list(writer, 1, &explained, 1));
	heap_writer_hold(writer, "thing", thing);
	heap_writer_put(writer, thing + layout->object.size, explained); // not counted
	heap_writer_put_ref(writer, thing + layout->object.size + 8, held);
	target = heap_writer_finish(writer, &place);
	assert_success(heap_build(target, &place, &options, &builder));
	assert_success(heap_graph_check(builder->graph));
	assert_true(leads_to(builder, thing, held));
	assert_false(leads_to(builder, thing, explained));
	// What is left keeps its place: the type, itself, what is held.
	assert_true(leads_to(builder, thing, thing));
	builder->graph->naming.label(builder->graph->naming.context,
		heap_addresses_find(&builder->addresses, thing), 0, &label);
	assert_string_equal(label.text, "__class__");
	heap_builder_destroy(builder);
	builder = NULL;
	target_destroy(target);
	heap_writer_destroy(writer);
}

static uint64_t size_of(const struct heap_builder *builder, remote_addr object)
{
	return heap_size_of(builder->graph, heap_addresses_find(&builder->addresses, object));
}

// What one object alone leads to is its own, by whatever way; what two lead to is nobody's.
static void test_blocks_have_one_owner(void **state)
{
	enum { OWN, BEHIND_A_WORD, NEAR, FAR, BLOCKS };
	struct heap_writer *writer = heap_writer_create(layout);
	_cleanup_(heap_builder_destroy) struct heap_builder *builder = NULL;
	const uint64_t size = layout->object.size + 16;
	remote_addr type = c_type(writer, "lib.Thing", size), things[3], blocks[BLOCKS], small;
	struct heap_builder_options options = {.workers = 2};
	struct pyruntime_place place;
	struct target *target;

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		things[i] = heap_writer_object(writer, type, size);
	for (unsigned i = 0; i < BLOCKS; i++)
		blocks[i] = heap_writer_alloc(writer, 1000 * (i + 1));
	heap_writer_alloc(writer, 1000); // a chunk in use behind the last
	small = heap_writer_alloc(writer, 64);
	heap_writer_put(writer, things[0] + layout->object.size, blocks[OWN]);
	heap_writer_put(writer, things[0] + layout->object.size + 8, blocks[BEHIND_A_WORD] + 8);
	heap_writer_put(writer, things[1] + layout->object.size, blocks[NEAR]);
	heap_writer_put(writer, things[1] + layout->object.size + 8, blocks[FAR]);
	heap_writer_put(writer, things[2] + layout->object.size, small);
	heap_writer_put(writer, things[2] + layout->object.size + 8, blocks[FAR]);
	heap_writer_put(writer, small + 8, blocks[NEAR]);
	heap_writer_hold(writer, "things", heap_writer_list(writer, 3, things, 3));
	target = heap_writer_finish(writer, &place);
	assert_success(heap_build(target, &place, &options, &builder));
	assert_int_equal(size_of(builder, things[0]), size + layout->gc_head.size +
							      ((1000 + 8 + 15) & ~15) - 8 +
							      ((2000 + 8 + 15) & ~15) - 8);
	assert_int_equal(size_of(builder, things[1]),
		size + layout->gc_head.size + ((3000 + 8 + 15) & ~15) - 8);
	assert_int_equal(size_of(builder, things[2]), size + layout->gc_head.size);
	heap_builder_destroy(builder);
	builder = NULL;
	target_destroy(target);
	heap_writer_destroy(writer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_declared_words_may_be_lent),
		cmocka_unit_test(test_classes_add_slots_only),
		cmocka_unit_test(test_stacks_set_aside),
		cmocka_unit_test(test_edges_without_room),
		cmocka_unit_test(test_blocks_have_one_owner),
	};

	return RUN_ON_EACH_ROW(tests);
}
