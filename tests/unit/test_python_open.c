// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
//
// Which row of layouts is taken for an interpreter, and that what fits none is refused with the name of
// a field.
#include "check.h"
#include "open_heap.h"

#include <string.h>

#include "cpython/pyruntime.h"
#include "cpython/python_open.h"
#include "target/memory_image.h"

struct subject {
	struct heap_writer *writer;
	struct target *target;
	struct pyruntime_place place;
};

// A small heap: lists and a class besides what every interpreter has.
static void write_subject(struct subject *subject, const struct pylayout *row, uint32_t version)
{
	struct heap_writer *writer = heap_writer_create(row);
	remote_addr object = heap_writer_type(writer, WRITER_OBJECT);

	*subject = (struct subject){.writer = writer};
	heap_writer_set_version(writer, version);
	for (unsigned i = 0; i < 10; i++)
		heap_writer_list(writer, 0, NULL, 0);
	heap_writer_hold(writer, "cls", heap_writer_class(writer, "C", "m", object));
	subject->target = heap_writer_finish(writer, &subject->place);
}

static void drop_subject(struct subject *subject)
{
	target_destroy(subject->target);
	heap_writer_destroy(subject->writer);
}

static void assert_row(const struct subject *subject, const struct pylayout *row)
{
	struct python *python = NULL;

	assert_success(python_open(subject->target, &subject->place, &python));
	assert_string_equal(python->row->name, row->name);
	python_close(python);
}

// Whose that is may not be known.
static bool names_a_row(const char *message, uint32_t version)
{
	const struct pylayout *row = NULL;

	while ((row = pylayout_next(version, row))) {
		if (strstr(message, row->name))
			return true;
	}
	return false;
}

static void assert_refused(const struct subject *subject, const char *word)
{
	struct python *python = NULL;
	struct error *err = python_open(subject->target, &subject->place, &python);

	assert_non_null(err);
	assert_null(python);
	assert_int_equal(error_kind(err), ERROR_BAD_DATA);
	if (!strstr(error_message(err), word))
		fail_msg("'%s' is not in: %s", word, error_message(err));
	if (!names_a_row(error_message(err), subject->place.version_hex))
		fail_msg("no row of the version is in: %s", error_message(err));
	error_destroy(err);
}

// ---- the right row -------------------------------------------------------------------------

static void test_each_version_of_a_row(void **state)
{
	const uint32_t versions[] = {layout->version_low, layout->version_high,
		layout->version_low + (layout->version_high - layout->version_low) / 2};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct subject subject;

		write_subject(&subject, layout, versions[i]);
		assert_row(&subject, layout);
		drop_subject(&subject);
	}
}

// A version that is in several rows: what is found in memory decides.
static void test_rows_of_one_version(void **state)
{
	const struct pylayout *other;

	(void)state;
	for (size_t i = 0; (other = pylayout_row(i)); i++) {
		uint32_t low = layout->version_low > other->version_low ? layout->version_low
									: other->version_low;
		struct subject subject;

		if (other == layout || low > layout->version_high || low > other->version_high)
			continue;
		write_subject(&subject, layout, low);
		assert_row(&subject, layout);
		drop_subject(&subject);
	}
}

// With the debug offsets, an interpreter whose structs are not where the row has them.
static void test_debug_offsets_are_laid_over(void **state)
{
	struct pylayout moved = *layout;
	struct python *python = NULL;
	struct subject subject;

	(void)state;
	if (!layout->debug_offsets_count)
		return;
	moved.interp.sysdict += 64;
	moved.interp.modules += 64;
	moved.interp.builtins += 64;
	moved.list.ob_item += 8;
	moved.list.allocated += 8;
	write_subject(&subject, &moved, moved.version_low);
	assert_success(python_open(subject.target, &subject.place, &python));
	assert_int_equal(python->layout->interp.sysdict, moved.interp.sysdict);
	assert_int_equal(python->layout->list.ob_item, moved.list.ob_item);
	assert_int_equal(python->row->interp.sysdict, layout->interp.sysdict);
	python_close(python);
	drop_subject(&subject);
}

// What is no offset is not believed: the row's value stays.
static void test_debug_offsets_that_are_none(void **state)
{
	struct subject subject;

	(void)state;
	if (!layout->debug_offsets_count)
		return;
	write_subject(&subject, layout, layout->version_low);
	for (uint32_t i = 0; i < layout->debug_offsets_count; i++)
		heap_writer_put(subject.writer,
			subject.place.runtime + layout->debug_offsets[i].position,
			i % 2 ? UINT64_MAX : 1ull << 32);
	assert_row(&subject, layout);
	drop_subject(&subject);
}

// Types that were never made ready are types in Python 2.
static void test_unready_types(void **state)
{
	struct heap_writer *writer = heap_writer_create(layout);
	remote_addr object = heap_writer_type(writer, WRITER_OBJECT);
	remote_addr cls = heap_writer_class(writer, "C", "m", object);
	struct open_heap heap;

	(void)state;
	heap_writer_put(writer, cls + layout->type.tp_flags,
		heap_writer_get(writer, cls + layout->type.tp_flags) &
			~(uint64_t)PYTYPE_FLAG_READY);
	open_written_heap(&heap, writer);
	assert_int_equal(pytypes_find(heap.python->types, cls) != PYTYPE_NONE,
		layout->traits.has_unready_types);
	close_written_heap(&heap);
}

// What each interpreter keeps of built-in types is found: their dicts, and all subclasses.
static void test_built_in_types(void **state)
{
	struct heap_writer *writer = heap_writer_create(layout);
	struct open_heap heap;
	uint32_t index;

	(void)state;
	open_written_heap(&heap, writer);
	for (unsigned i = 0; i < WRITER_TYPE_COUNT; i++) {
		remote_addr type = heap_writer_type(writer, (enum heap_writer_type)i);

		if (type)
			assert_int_not_equal(pytypes_find(heap.python->types, type), PYTYPE_NONE);
	}
	index = pytypes_find(heap.python->types, heap_writer_type(writer, WRITER_FLOAT));
	assert_int_not_equal(heap.python->types->list.items[index].dict, 0);
	index = pytypes_find(heap.python->types, heap_writer_type(writer, WRITER_TEE));
	assert_int_equal(heap.python->types->list.items[index].kind, PYKIND_TEE);
	close_written_heap(&heap);
}

// Where the lock is: in the runtime, in each interpreter, or no lock but a current thread.
static void test_gil(void **state)
{
	struct heap_writer *writer = heap_writer_create(layout);
	remote_addr lock = heap_writer_alloc(writer, 64);
	remote_addr holder = heap_writer_alloc(writer, 64), found = 0;
	struct open_heap heap;

	(void)state;
	open_written_heap(&heap, writer);
	assert_false(pyruntime_gil_is_held(&heap.context));
	if (!heap.place.runtime) {
		heap_writer_put(writer, heap.place.current_thread, holder);
	} else if (pylayout_has(layout->runtime.gil_locked)) {
		heap_writer_put_u32(writer, heap.place.runtime + layout->runtime.gil_locked, 1);
		heap_writer_put(
			writer, heap.place.runtime + layout->runtime.gil_last_holder, holder);
	} else {
		heap_writer_put(writer, heap_writer_interpreter(writer) + layout->interp.gil, lock);
		heap_writer_put(writer, lock + layout->gil.last_holder, holder);
		assert_false(pyruntime_gil_is_held(&heap.context));
		heap_writer_put_u32(writer, lock + layout->gil.locked, 1);
	}
	assert_true(pyruntime_gil_is_held(&heap.context));
	assert_int_equal(pyruntime_gil_holders(&heap.context, &found, 1), 1);
	assert_int_equal(found, holder);
	close_written_heap(&heap);
}

static void test_collector(void **state)
{
	struct heap_writer *writer = heap_writer_create(layout);
	struct open_heap heap;
	remote_addr collector;

	(void)state;
	open_written_heap(&heap, writer);
	assert_false(pyruntime_is_collecting(&heap.context));
	if (!pylayout_has(layout->gc.enabled)) {
		// Before 3.7 it is a variable that nobody knows.
		assert_true(pyruntime_collector_is_enabled(&heap.context));
		close_written_heap(&heap);
		return;
	}
	collector = pylayout_has(layout->interp.gc)
			    ? heap_writer_interpreter(writer) + layout->interp.gc
			    : heap.place.runtime + layout->runtime.gc;
	assert_false(pyruntime_collector_is_enabled(&heap.context));
	heap_writer_put_u32(writer, collector + layout->gc.enabled, 1);
	assert_true(pyruntime_collector_is_enabled(&heap.context));
	heap_writer_put_u32(writer, collector + layout->gc.collecting, 1);
	assert_true(pyruntime_is_collecting(&heap.context));
	close_written_heap(&heap);
}

// ---- refusals ------------------------------------------------------------------------------

static void begin(struct subject *subject)
{
	write_subject(subject, layout, layout->version_low);
}

static void refuse(struct subject *subject, const char *word)
{
	assert_refused(subject, word);
	drop_subject(subject);
}

static remote_addr dict_of(struct subject *subject, uint32_t offset)
{
	return heap_writer_get(subject->writer, heap_writer_interpreter(subject->writer) + offset);
}

static void refuse_type(uint32_t offset, uint64_t value, const char *word)
{
	struct subject subject;

	begin(&subject);
	heap_writer_put(subject.writer, subject.place.type_type + offset, value);
	refuse(&subject, word);
}

static void test_refuses_types(void **state)
{
	(void)state;
	refuse_type(layout->type.tp_name, 0, "type.tp_name");
	refuse_type(layout->type.tp_name, UINT64_MAX - 7, "type.tp_name");
	if (!layout->traits.has_unready_types)
		refuse_type(layout->type.tp_flags, 0, "type.tp_name");
	refuse_type(layout->type.tp_basicsize, UINT64_MAX, "type.tp_name");
	refuse_type(layout->object.ob_type, 4096, "object.ob_type");
	refuse_type(layout->type.tp_base, 4096, "type.tp_base");
	refuse_type(layout->type.tp_base, 0, "type.tp_base");
}

static void test_refuses_sys(void **state)
{
	struct subject subject;
	remote_addr interpreter;

	(void)state;
	begin(&subject);
	interpreter = heap_writer_interpreter(subject.writer);
	heap_writer_put(subject.writer, interpreter + layout->interp.sysdict, 0);
	assert_refused(&subject, "interp.sysdict");
	// A dict, but not that one.
	heap_writer_put(subject.writer, interpreter + layout->interp.sysdict,
		dict_of(&subject, layout->interp.builtins));
	refuse(&subject, "interp.sysdict");
}

static void test_refuses_another_version(void **state)
{
	struct subject subject;

	(void)state;
	write_subject(&subject, layout, layout->version_high + 0x100);
	subject.place.version_hex = layout->version_low < 0x030b0000
					    ? layout->version_low & 0xffff0000
					    : layout->version_low;
	if (layout->debug_offsets_count) // the head of _PyRuntime says it before sys does
		heap_writer_put(subject.writer, subject.place.runtime + 8, layout->version_low);
	if (!pylayout_next(layout->version_high + 0x100, NULL))
		assert_refused(&subject, "sys.hexversion");
	drop_subject(&subject);
}

static void test_refuses_gc_heads(void **state)
{
	const uint32_t dicts[] = {
		layout->interp.sysdict, layout->interp.modules, layout->interp.builtins};
	struct subject subject;

	(void)state;
	begin(&subject);
	for (unsigned i = 0; i < 3; i++)
		heap_writer_put(subject.writer,
			dict_of(&subject, dicts[i]) - layout->gc_head.size + layout->gc_head.next,
			4096);
	refuse(&subject, "gc_head.size");
}

static void test_refuses_gc_lists(void **state)
{
	remote_addr heads[PYRUNTIME_GC_HEADS_MAX];
	struct python *python = NULL;
	struct pycontext context;
	struct subject subject;
	size_t count;

	(void)state;
	begin(&subject);
	assert_success(python_open(subject.target, &subject.place, &python));
	assert_success(pycontext_init(&context, python, 16));
	count = pyruntime_gc_heads(&context, python->interpreters.items[0], heads);
	pycontext_deinit(&context);
	python_close(python);
	assert_int_equal(count, layout->runtime.size == PYLAYOUT_NONE ? 3 : 4);
	for (size_t i = 0; i < count; i++)
		heap_writer_put(subject.writer, heads[i] + layout->gc_head.prev, heads[i] + 8);
	refuse(&subject, pylayout_has(layout->gc.young) ? "gc.young" : "gc.generations");
}

static void test_refuses_alignment(void **state)
{
	uint32_t alignment = layout->traits.alignment, other = alignment == 8 ? 16 : 8;
	struct subject subject;
	struct pydict_table table;
	struct pyreader reader;
	remote_addr key, value;

	(void)state;
	begin(&subject);
	assert_success(pyreader_init(&reader, subject.target, 16));
	assert_true(
		pydict_read(&reader, layout, dict_of(&subject, layout->interp.builtins), &table));
	for (uint64_t i = 0; pydict_entry(&reader, &table, i, &key, &value); i++) {
		remote_addr pool = value & ~(uint64_t)(layout->traits.pool_bytes - 1);
		uint32_t size;

		if (!value)
			continue;
		// Blocks of the same class, with the other alignment.
		size = (heap_writer_get_u32(subject.writer, pool + layout->pool.szidx) + 1) * other;
		heap_writer_put_u32(subject.writer, pool + layout->pool.maxnextoffset,
			layout->traits.pool_bytes - size);
	}
	pyreader_deinit(&reader);
	refuse(&subject, "alignment");
}

static void test_refuses_builtins(void **state)
{
	struct subject subject;

	(void)state;
	begin(&subject);
	heap_writer_put(subject.writer,
		heap_writer_interpreter(subject.writer) + layout->interp.builtins, 0);
	refuse(&subject, "interp.builtins");
}

static void test_refuses_static_types(void **state)
{
	struct subject subject;

	(void)state;
	if (!pylayout_has(layout->interp.static_types))
		return;
	begin(&subject);
	// Where PyType_Type's state is.
	heap_writer_put(subject.writer,
		heap_writer_interpreter(subject.writer) + layout->interp.static_types +
			layout->static_type.type,
		0);
	refuse(&subject, "interp.static_types");
}

static void test_refuses_debug_offsets(void **state)
{
	struct subject subject;

	(void)state;
	if (!layout->debug_offsets_count)
		return;
	begin(&subject);
	heap_writer_put(subject.writer, subject.place.runtime, 0);
	refuse(&subject, "_PyRuntime does not begin with the debug offsets");
	begin(&subject);
	heap_writer_put(subject.writer, subject.place.runtime + 8, layout->version_low + 0x100);
	refuse(&subject, "_PyRuntime does not begin with the debug offsets");
}

static void test_refuses_no_interpreter(void **state)
{
	struct subject subject;
	remote_addr head;

	(void)state;
	begin(&subject);
	head = subject.place.runtime ? subject.place.runtime + layout->runtime.interpreters_head
				     : subject.place.interpreters_head;
	heap_writer_put(subject.writer, head, 0);
	refuse(&subject, "no Python interpreter yet");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_version_of_a_row),
		cmocka_unit_test(test_rows_of_one_version),
		cmocka_unit_test(test_debug_offsets_are_laid_over),
		cmocka_unit_test(test_debug_offsets_that_are_none),
		cmocka_unit_test(test_unready_types),
		cmocka_unit_test(test_built_in_types),
		cmocka_unit_test(test_gil),
		cmocka_unit_test(test_collector),
		cmocka_unit_test(test_refuses_types),
		cmocka_unit_test(test_refuses_sys),
		cmocka_unit_test(test_refuses_another_version),
		cmocka_unit_test(test_refuses_gc_heads),
		cmocka_unit_test(test_refuses_gc_lists),
		cmocka_unit_test(test_refuses_alignment),
		cmocka_unit_test(test_refuses_builtins),
		cmocka_unit_test(test_refuses_static_types),
		cmocka_unit_test(test_refuses_debug_offsets),
		cmocka_unit_test(test_refuses_no_interpreter),
	};

	return RUN_ON_EACH_ROW(tests);
}
