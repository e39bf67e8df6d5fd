// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
//
// What objects hold and how large they are, on heaps written by hand for each row of layouts.
#include "check.h"
#include "open_heap.h"

#include <string.h>

#include "base/limits.h"
#include "cpython/pydict.h"

static const struct pylayout *layout; /* of the row being tested */

// A list of floats: something to refer to.
static void make_floats(struct heap_writer *writer, size_t count, remote_addr *ret)
{
	for (size_t i = 0; i < count; i++)
		ret[i] = heap_writer_float(writer, (double)i);
}

static void assert_refs(const struct scanned *scanned, size_t count, const remote_addr *refs)
{
	assert_int_equal(scanned->count, count);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(scanned->refs[i], refs[i]);
	assert_false(scanned->is_torn);
}

static void test_list(void **state)
{
	struct heap_writer *writer = heap_writer_create(layout);
	struct open_heap heap;
	remote_addr items[100], list, empty;
	const struct scanned *scanned;

	(void)state;
	make_floats(writer, 100, items);
	list = heap_writer_list(writer, 100, items, 120);
	empty = heap_writer_list(writer, 0, NULL, 0);
	open_written_heap(&heap, writer);
	scanned = scan_object(&heap, list);
	assert_refs(scanned, 100, items);
	assert_int_equal(scanned->labels[99].kind, PYLABEL_INDEX);
	assert_int_equal(scanned->labels[99].index, 99);
	assert_int_equal(
		scanned->size, layout->list.allocated + 8 + 120 * 8 + layout->gc_head.size);
	assert_int_equal(pyobject_length(&heap.context, list), 100);
	assert_refs(scan_object(&heap, empty), 0, NULL);

	// More items than room, and a length that no memory has: torn, and nothing is followed.
	heap_writer_put(writer, list + layout->object.ob_size, 121);
	assert_true(scan_object(&heap, list)->is_torn);
	assert_int_equal(heap.scanned.count, 0);
	heap_writer_put(writer, list + layout->object.ob_size, UINT64_MAX);
	heap_writer_put(writer, list + layout->list.allocated, UINT64_MAX);
	assert_true(scan_object(&heap, list)->is_torn);
	assert_int_equal(pyobject_length(&heap.context, list), 0);
	close_written_heap(&heap);
}

static void test_tuple(void **state)
{
	struct heap_writer *writer = heap_writer_create(layout);
	struct open_heap heap;
	remote_addr items[200], tuple;

	(void)state;
	make_floats(writer, 200, items);
	tuple = heap_writer_tuple(writer, 200, items);
	open_written_heap(&heap, writer);
	assert_refs(scan_object(&heap, tuple), 200, items);
	assert_int_equal(heap.scanned.size, layout->tuple.ob_item + 200 * 8 + layout->gc_head.size);
	heap_writer_put(writer, tuple + layout->object.ob_size, INT64_MIN);
	assert_true(scan_object(&heap, tuple)->is_torn);
	close_written_heap(&heap);
}

static void test_int_of_any_size(void **state)
{
	struct heap_writer *writer = heap_writer_create(layout);
	const int64_t values[] = {0, 1, -1, 1 << 30, -(1ll << 62), INT64_MAX};
	remote_addr ints[6];
	struct open_heap heap;

	(void)state;
	const struct pytype as_long = {.flags = PYTYPE_FLAG_LONG_SUBCLASS};

	for (size_t i = 0; i < 6; i++)
		ints[i] = heap_writer_int(writer, values[i]);
	open_written_heap(&heap, writer);
	for (size_t i = 0; i < 6; i++) {
		uint64_t digits =
			pytype_items(layout, &as_long, heap_writer_get(writer, ints[i] + layout->object.ob_size));

		scan_object(&heap, ints[i]);
		assert_int_equal(
			heap.scanned.size, layout->long_int.ob_digit + (digits ? digits : 1) * 4);
	}
	heap_writer_put(writer, ints[1] + layout->object.ob_size, INT64_MIN);
	assert_true(scan_object(&heap, ints[1])->is_torn);
	close_written_heap(&heap);
}

static void test_str(void **state)
{
	const uint32_t latin[] = {'a', 0xe9}, wide[] = {0x20ac}, astral[] = {0x1f600, 'b', 'c'};
	struct heap_writer *writer = heap_writer_create(layout);
	remote_addr ascii = heap_writer_str(writer, "hello");
	remote_addr one = heap_writer_str_of(writer, latin, 2, 1);
	remote_addr two = heap_writer_str_of(writer, wide, 1, 2);
	remote_addr four = heap_writer_str_of(writer, astral, 3, 4);
	remote_addr spare = heap_writer_alloc(writer, 64);
	struct open_heap heap;

	(void)state;
	open_written_heap(&heap, writer);
	assert_int_equal(scan_object(&heap, ascii)->size, layout->str.ascii_size + 6);
	assert_int_equal(scan_object(&heap, one)->size, layout->str.compact_size + 3);
	assert_int_equal(scan_object(&heap, two)->size, layout->str.compact_size + 4);
	assert_int_equal(scan_object(&heap, four)->size, layout->str.compact_size + 16);
	// An encoded copy beside the text counts; a length that cannot be is not believed.
	heap_writer_put(writer, two + layout->str.utf8, spare);
	heap_writer_put(writer, two + layout->str.utf8_length, 3);
	assert_int_equal(scan_object(&heap, two)->size, layout->str.compact_size + 4 + 4);
	heap_writer_put(writer, two + layout->str.utf8_length, UINT64_MAX - 1);
	assert_int_equal(scan_object(&heap, two)->size, layout->str.compact_size + 4);
	assert_true(heap.scanned.is_torn);
	close_written_heap(&heap);
}

static void test_dict_tables(void **state)
{
	struct heap_writer *writer = heap_writer_create(layout);
	remote_addr keys[300], values[300], expected[600], general, text, empty;
	struct open_heap heap;
	struct pydict_table table;

	(void)state;
	make_floats(writer, 300, values);
	for (unsigned i = 0; i < 300; i++) {
		char name[16];

		snprintf(name, sizeof(name), "key%u", i);
		keys[i] = heap_writer_str(writer, name);
		expected[2 * i] = keys[i];
		expected[2 * i + 1] = values[i];
	}
	general = heap_writer_dict(writer, 0, 5, values, keys);
	text = heap_writer_dict(writer, 1, 300, keys, values);
	empty = heap_writer_dict(writer, 1, 0, NULL, NULL);
	open_written_heap(&heap, writer);
	scan_object(&heap, general);
	assert_int_equal(heap.scanned.count, 10);
	assert_int_equal(heap.scanned.refs[0], values[0]);
	assert_int_equal(heap.scanned.refs[1], keys[0]);
	assert_int_equal(heap.scanned.labels[1].kind, PYLABEL_VALUE);
	assert_int_equal(heap.scanned.labels[1].object, values[0]);
	assert_refs(scan_object(&heap, text), 600, expected);
	// 512 slots, two index bytes each, room for 341 entries.
	assert_int_equal(heap.scanned.size, layout->dict.size + layout->gc_head.size +
						    layout->keys.dk_indices + 1024 +
						    341 * layout->unicode_entry.size);
	assert_refs(scan_object(&heap, empty), 0, NULL);
	assert_true(pydict_read(&heap.context.reader, layout, text, &table));
	assert_int_equal(table.count, 300);

	// More entries than the table can have, and a table too large to be one.
	heap_writer_put(writer,
		heap_writer_get(writer, text + layout->dict.ma_keys) + layout->keys.dk_nentries,
		342);
	assert_true(scan_object(&heap, text)->is_torn);
	*heap_writer_bytes(writer, heap_writer_get(writer, general + layout->dict.ma_keys) +
					   layout->keys.dk_log2_size) = 255;
	assert_true(scan_object(&heap, general)->is_torn);
	heap_writer_put(writer, empty + layout->dict.ma_keys, UINT64_MAX - 3);
	assert_true(scan_object(&heap, empty)->is_torn);
	close_written_heap(&heap);
}

static void test_split_dict_and_instance(void **state)
{
	struct heap_writer *writer = heap_writer_create(layout);
	remote_addr names[3] = {heap_writer_str(writer, "x"), heap_writer_str(writer, "y"),
		heap_writer_str(writer, "z")};
	remote_addr keys = heap_writer_keys(writer, 2, 3, names, NULL);
	remote_addr cls = heap_writer_class(
		writer, "Point", "shapes", heap_writer_type(writer, WRITER_OBJECT), keys);
	remote_addr items[3], dict, instance, with_dict;
	struct open_heap heap;

	(void)state;
	make_floats(writer, 3, items);
	items[1] = 0; // deleted: a hole
	dict = heap_writer_dict_of(writer, heap_writer_type(writer, WRITER_DICT), keys,
		heap_writer_values(writer, keys, 3, items), 2);
	instance = heap_writer_object(writer, cls, layout->object.size);
	with_dict = heap_writer_object(writer, cls, layout->object.size);
	heap_writer_put(writer, instance - layout->gc_head.size - layout->traits.preheader_bytes,
		heap_writer_values(writer, keys, 3, items));
	heap_writer_put_ref(writer,
		with_dict - layout->gc_head.size - layout->traits.preheader_bytes + 8, dict);
	open_written_heap(&heap, writer);
	assert_refs(scan_object(&heap, dict), 2, (remote_addr[]){items[0], items[2]});
	assert_int_equal(heap.scanned.labels[1].object, names[2]);
	assert_int_equal(heap.scanned.size, layout->dict.size + layout->gc_head.size + 5 * 8 +
						    layout->keys.dk_indices + 8 +
						    5 * layout->unicode_entry.size);
	assert_refs(scan_object(&heap, instance), 3, (remote_addr[]){cls, items[0], items[2]});
	assert_int_equal(heap.scanned.labels[2].kind, PYLABEL_ATTRIBUTE);
	assert_int_equal(heap.scanned.labels[2].object, names[2]);
	assert_int_equal(heap.scanned.size,
		layout->object.size + layout->gc_head.size + layout->traits.preheader_bytes);
	assert_refs(scan_object(&heap, with_dict), 2, (remote_addr[]){cls, dict});
	// The class owns the names.
	scan_object(&heap, cls);
	for (unsigned i = 0, seen = 0; i < heap.scanned.count; i++) {
		seen += heap.scanned.refs[i] == names[0] || heap.scanned.refs[i] == names[1] ||
			heap.scanned.refs[i] == names[2];
		if (i + 1 == heap.scanned.count)
			assert_int_equal(seen, 3);
	}
	close_written_heap(&heap);
}

// A dict offset that counts from the end of an object without items may not lead before it.
static void test_dict_offset_before_the_object(void **state)
{
	struct heap_writer *writer = heap_writer_create(layout);
	remote_addr cls =
		heap_writer_class(writer, "Odd", "odd", heap_writer_type(writer, WRITER_OBJECT), 0);
	remote_addr object = heap_writer_object(writer, cls, layout->object.size);
	struct open_heap heap;

	(void)state;
	heap_writer_put(writer, cls + layout->type.tp_dictoffset,
		0 - (uint64_t)layout->object.size - layout->gc_head.size - 8);
	open_written_heap(&heap, writer);
	assert_true(scan_object(&heap, object)->is_torn);
	assert_int_equal(heap.scanned.count, 1);
	close_written_heap(&heap);
}

static void test_set_passes_deleted_entries(void **state)
{
	struct heap_writer *writer = heap_writer_create(layout);
	remote_addr items[40], small, large;
	struct open_heap heap;

	(void)state;
	make_floats(writer, 40, items);
	small = heap_writer_set(writer, 2, items, 1);
	large = heap_writer_set(writer, 40, items, 3);
	open_written_heap(&heap, writer);
	assert_refs(scan_object(&heap, small), 2, items);
	assert_int_equal(heap.scanned.size,
		layout->set.smalltable + 8 * layout->set_entry.size + 8 + layout->gc_head.size);
	assert_refs(scan_object(&heap, large), 40, items);
	assert_int_equal(heap.scanned.size, layout->set.smalltable + 8 * layout->set_entry.size +
						    8 + layout->gc_head.size +
						    128 * layout->set_entry.size);
	heap_writer_put(writer, large + layout->set.mask, UINT64_MAX >> 1);
	assert_true(scan_object(&heap, large)->is_torn);
	close_written_heap(&heap);
}

static void test_deque(void **state)
{
	struct heap_writer *writer = heap_writer_create(layout);
	uint64_t per_block = (layout->deque_block.rightlink - layout->deque_block.data) / 8;
	remote_addr items[200], deque, block, next;
	struct open_heap heap;

	(void)state;
	make_floats(writer, 200, items);
	deque = heap_writer_deque(writer, 200, items, per_block - 3, 500);
	open_written_heap(&heap, writer);
	assert_refs(scan_object(&heap, deque), 200, items);
	assert_int_equal(heap.scanned.labels[150].index, 150);
	assert_int_equal(heap.scanned.size,
		layout->deque.maxlen + 16 + layout->gc_head.size + 5 * layout->deque_block.size);
	assert_int_equal(pyobject_bound(&heap.context, deque), 500);

	// A circle of two blocks under a deque that claims a billion items: torn, soon.
	block = heap_writer_get(writer, deque + layout->deque.leftblock);
	next = heap_writer_get(writer, block + layout->deque_block.rightlink);
	heap_writer_put(writer, next + layout->deque_block.rightlink, block);
	heap_writer_put(writer, deque + layout->object.ob_size, 1 << 30);
	assert_true(scan_object(&heap, deque)->is_torn);
	assert_true(heap.scanned.count < 8 * per_block);
	close_written_heap(&heap);
}

static void test_odict(void **state)
{
	struct heap_writer *writer = heap_writer_create(layout);
	remote_addr keys[3] = {heap_writer_str(writer, "a"), heap_writer_str(writer, "b"),
		heap_writer_str(writer, "c")};
	remote_addr values[3], odict, first;
	struct open_heap heap;

	(void)state;
	make_floats(writer, 3, values);
	odict = heap_writer_odict(writer, 3, keys, values);
	open_written_heap(&heap, writer);
	assert_refs(scan_object(&heap, odict), 9,
		(remote_addr[]){keys[0], values[0], keys[1], values[1], keys[2], values[2], keys[0],
			keys[1], keys[2]});
	assert_int_equal(heap.scanned.size,
		layout->odict.size + layout->gc_head.size + layout->keys.dk_indices + 8 +
			5 * layout->unicode_entry.size + 3 * 8 + 3 * layout->odict_node.size);
	first = heap_writer_get(writer, odict + layout->odict.od_first);
	heap_writer_put(writer, first + layout->odict_node.next, first);
	heap_writer_put(writer, odict + layout->dict.ma_used, UINT64_MAX);
	assert_true(scan_object(&heap, odict)->is_torn);
	assert_true(heap.scanned.count < 12);
	close_written_heap(&heap);
}

static void test_lru_cache(void **state)
{
	struct heap_writer *writer = heap_writer_create(layout);
	remote_addr function = heap_writer_none(writer);
	remote_addr cache = heap_writer_lru_cache(writer, function, 3), link;
	remote_addr empty = heap_writer_lru_cache(writer, function, 0);
	struct open_heap heap;

	(void)state;
	open_written_heap(&heap, writer);
	assert_int_equal(scan_object(&heap, cache)->count, 4);
	assert_false(heap.scanned.is_torn);
	assert_string_equal(heap.scanned.labels[3].text, "link");
	assert_int_equal(pyobject_bound(&heap.context, cache), UINT64_MAX);
	assert_refs(scan_object(&heap, empty), 1, &function);
	// A list that does not come back to the cache, but to one of its links.
	link = heap_writer_get(writer, cache + layout->lru_cache.root_next);
	heap_writer_put(writer, link + layout->lru_elem.next, link);
	assert_true(scan_object(&heap, cache)->is_torn);
	assert_true(heap.scanned.count < 8);
	close_written_heap(&heap);
}

static void test_tee(void **state)
{
	struct heap_writer *writer = heap_writer_create(layout);
	remote_addr tee = heap_writer_object(
		writer, heap_writer_type(writer, WRITER_TEE), layout->tee.values + 57 * 8);
	remote_addr items[2];
	struct open_heap heap;

	(void)state;
	make_floats(writer, 2, items);
	heap_writer_put_ref(writer, tee + layout->tee.values, items[0]);
	heap_writer_put_ref(writer, tee + layout->tee.values + 8, items[1]);
	heap_writer_put_u32(writer, tee + layout->tee.numread, 2);
	open_written_heap(&heap, writer);
	assert_refs(scan_object(&heap, tee), 2, items);
	heap_writer_put_u32(writer, tee + layout->tee.numread, 58);
	assert_true(scan_object(&heap, tee)->is_torn);
	close_written_heap(&heap);
}

static void test_generator_frame(void **state)
{
	static const char *const locals[] = {"first", "second"};
	struct heap_writer *writer = heap_writer_create(layout);
	remote_addr code = heap_writer_code(writer, "produce", 2, locals, 4, 1, NULL, 0);
	remote_addr slots[6], generator, running, names;
	struct open_heap heap;

	(void)state;
	make_floats(writer, 6, slots);
	// Suspended with one value on its stack; words above it are stale.
	generator = heap_writer_generator(writer, code, 3, slots, 3);
	running = heap_writer_generator(writer, code, 3, slots, -1);
	open_written_heap(&heap, writer);
	names = heap_writer_get(writer, code + layout->code.co_localsplusnames);
	assert_refs(scan_object(&heap, generator), 5,
		(remote_addr[]){code, code, slots[0], slots[1], slots[2]});
	assert_int_equal(heap.scanned.labels[2].kind, PYLABEL_LOCAL);
	assert_int_equal(heap.scanned.labels[3].object,
		heap_writer_get(writer, names + layout->tuple.ob_item + 8));
	assert_int_equal(heap.scanned.labels[4].kind, PYLABEL_STACK);
	assert_int_equal(heap.scanned.size,
		layout->gen.gi_iframe + layout->iframe.localsplus + 6 * 8 + layout->gc_head.size);
	// While it runs, how deep its stack is is in a register: what is there may be references.
	scan_object(&heap, running);
	assert_int_equal(heap.scanned.count, 5);
	assert_int_equal(heap.scanned.refs[4], slots[2] | PYREF_INFERRED);
	// Cleared: the frame holds nothing.
	*heap_writer_bytes(writer, generator + layout->gen.gi_frame_state) =
		(uint8_t)layout->traits.gen_cleared_state;
	assert_refs(scan_object(&heap, generator), 1, &code);
	// A stack deeper than the code allows.
	*heap_writer_bytes(writer, generator + layout->gen.gi_frame_state) = 0;
	heap_writer_put_u32(writer, generator + layout->gen.gi_iframe + layout->iframe.stacktop, 7);
	assert_true(scan_object(&heap, generator)->is_torn);
	close_written_heap(&heap);
}

static void test_what_is_no_object(void **state)
{
	struct heap_writer *writer = heap_writer_create(layout);
	remote_addr block = heap_writer_alloc(writer, 64);
	struct open_heap heap;

	(void)state;
	open_written_heap(&heap, writer);
	assert_int_equal(pyobject_type(&heap.context, block), PYTYPE_NONE);
	assert_int_equal(pyobject_type(&heap.context, block + 1), PYTYPE_NONE);
	assert_int_equal(pyobject_type(&heap.context, 0), PYTYPE_NONE);
	assert_int_equal(pyobject_type(&heap.context, UINT64_MAX - 7), PYTYPE_NONE);
	assert_int_equal(pyobject_length(&heap.context, block), 0);
	assert_int_equal(pyobject_bound(&heap.context, block), UINT64_MAX);
	close_written_heap(&heap);
}

static void test_chains(void **state)
{
	// rho of each tail and circle: it ends, and not before every node was there.
	(void)state;
	for (uint64_t tail = 0; tail < 20; tail++) {
		for (uint64_t circle = 1; circle < 20; circle++) {
			struct pychain chain = {0};
			uint64_t node = 1, steps = 0;

			while (pychain_goes_on(&chain, node)) {
				steps++;
				node = node == tail + circle ? tail + 1 : node + 1;
			}
			assert_true(steps >= tail + circle && steps <= 4 * (tail + circle));
		}
	}
	assert_false(pychain_goes_on(&(struct pychain){0}, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_tuple),
		cmocka_unit_test(test_int_of_any_size),
		cmocka_unit_test(test_str),
		cmocka_unit_test(test_dict_tables),
		cmocka_unit_test(test_split_dict_and_instance),
		cmocka_unit_test(test_dict_offset_before_the_object),
		cmocka_unit_test(test_set_passes_deleted_entries),
		cmocka_unit_test(test_deque),
		cmocka_unit_test(test_odict),
		cmocka_unit_test(test_lru_cache),
		cmocka_unit_test(test_tee),
		cmocka_unit_test(test_generator_frame),
		cmocka_unit_test(test_what_is_no_object),
		cmocka_unit_test(test_chains),
	};
	int failed = 0;

	for (size_t i = 0; (layout = pylayout_row(i)); i++)
		failed += cmocka_run_group_tests_name(layout->name, tests, NULL, NULL);
	return failed;
}
