// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
//
// What objects hold and how large they are, on heaps written by hand for each row of layouts.
#include "check.h"
#include "open_heap.h"

#include <string.h>

#include "base/limits.h"
#include "cpython/pydict.h"

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
	const unsigned digits[] = {0, 1, 1, 2, 3, 3};
	remote_addr ints[6];
	struct open_heap heap;

	(void)state;
	for (size_t i = 0; i < 6; i++)
		ints[i] = heap_writer_long(writer, values[i]);
	open_written_heap(&heap, writer);
	for (size_t i = 0; i < 6; i++) {
		unsigned counted = !digits[i] && layout->traits.zero_has_digit ? 1 : digits[i];

		assert_refs(scan_object(&heap, ints[i]), 0, NULL);
		assert_int_equal(heap.scanned.size, layout->long_int.ob_digit + counted * 4);
	}
	heap_writer_put(writer, ints[1] + layout->object.ob_size, INT64_MIN);
	assert_true(scan_object(&heap, ints[1])->is_torn);
	close_written_heap(&heap);
}

// Python 2's int has its value in the object.
static void test_old_int(void **state)
{
	struct heap_writer *writer = heap_writer_create(layout);
	remote_addr number = heap_writer_int(writer, -7);
	struct open_heap heap;

	(void)state;
	open_written_heap(&heap, writer);
	assert_refs(scan_object(&heap, number), 0, NULL);
	if (WRITER_IS_PYTHON_2(layout))
		assert_int_equal(heap.scanned.size, layout->old_int.ob_ival + 8);
	close_written_heap(&heap);
}

static void test_str(void **state)
{
	const uint32_t latin[] = {'a', 0xe9}, wide[] = {0x20ac}, astral[] = {0x1f600, 'b', 'c'};
	struct heap_writer *writer;
	remote_addr ascii, one, two, four, spare;
	struct open_heap heap;

	(void)state;
	if (WRITER_IS_PYTHON_2(layout))
		return;
	writer = heap_writer_create(layout);
	ascii = heap_writer_str(writer, "hello");
	one = heap_writer_str_of(writer, latin, 2, 1);
	two = heap_writer_str_of(writer, wide, 1, 2);
	four = heap_writer_str_of(writer, astral, 3, 4);
	spare = heap_writer_alloc(writer, 64);
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

// Python 2's str is bytes; its unicode has the text elsewhere, and a str of it beside that.
static void test_old_str(void **state)
{
	const uint32_t wide[] = {0x20ac, 'x'};
	struct heap_writer *writer;
	remote_addr bytes, unicode;
	struct open_heap heap;

	(void)state;
	if (!WRITER_IS_PYTHON_2(layout))
		return;
	writer = heap_writer_create(layout);
	bytes = heap_writer_str(writer, "hello");
	unicode = heap_writer_str_of(writer, wide, 2, 4);
	heap_writer_put_ref(writer, unicode + layout->old_unicode.defenc, bytes);
	open_written_heap(&heap, writer);
	assert_refs(scan_object(&heap, bytes), 0, NULL);
	assert_int_equal(heap.scanned.size, layout->bytes.ob_sval + 6);
	assert_refs(scan_object(&heap, unicode), 1, &bytes);
	assert_int_equal(heap.scanned.size, layout->str.legacy_size + 3 * 4);
	assert_int_equal(pyobject_length(&heap.context, unicode), 2);
	heap_writer_put(writer, unicode + layout->old_unicode.length, UINT64_MAX);
	assert_true(scan_object(&heap, unicode)->is_torn);
	close_written_heap(&heap);
}

// Bytes of the table besides the dict, with @p slots slots of which each takes @p index_bytes.
static uint64_t table_bytes(uint64_t slots, unsigned index_bytes, bool is_general)
{
	uint64_t entry = is_general || !pylayout_has(layout->unicode_entry.size)
				 ? layout->key_entry.size
				 : layout->unicode_entry.size;

	return layout->keys.dk_indices + slots * index_bytes + slots * 2 / 3 * entry;
}

// More entries than a table can have, and a table too large to be one.
static void spoil_table(struct heap_writer *writer, remote_addr dict, bool has_many_entries)
{
	remote_addr keys;

	if (pylayout_has(layout->dict.ma_mask)) {
		heap_writer_put(writer, dict + layout->dict.ma_mask,
			has_many_entries ? UINT64_MAX >> 1 : 341);
		return;
	}
	keys = heap_writer_get(writer, dict + layout->dict.ma_keys);
	if (has_many_entries)
		heap_writer_put(writer, keys + layout->keys.dk_nentries, 342);
	else if (pylayout_has(layout->keys.dk_size))
		heap_writer_put(writer, keys + layout->keys.dk_size, UINT64_MAX);
	else
		*heap_writer_bytes(writer, keys + layout->keys.dk_log2_size) = 255;
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
	assert_int_equal(heap.scanned.size,
		layout->dict.size + layout->gc_head.size +
			(pylayout_has(layout->dict.ma_table) ? 512 * layout->key_entry.size
							     : table_bytes(512, 2, false)));
	assert_refs(scan_object(&heap, empty), 0, NULL);
	assert_true(pydict_read(&heap.context.reader, layout, text, &table));
	assert_int_equal(table.count, pylayout_has(layout->dict.ma_table) ? 512 : 300);
	assert_int_equal(pyobject_length(&heap.context, text), 300);

	spoil_table(writer, text, true);
	assert_true(scan_object(&heap, text)->is_torn);
	spoil_table(writer, general, false);
	assert_true(scan_object(&heap, general)->is_torn);
	heap_writer_put(writer,
		empty + (pylayout_has(layout->dict.ma_table) ? layout->dict.ma_table
							     : layout->dict.ma_keys),
		UINT64_MAX - 3);
	assert_true(scan_object(&heap, empty)->is_torn);
	close_written_heap(&heap);
}

// What a deleted entry leaves: nothing, or (Python 2) a dummy key that is counted.
static void test_deleted_entry(void **state)
{
	struct heap_writer *writer = heap_writer_create(layout);
	remote_addr keys[2] = {heap_writer_str(writer, "a"), heap_writer_str(writer, "b")};
	remote_addr values[2], dict, key, value;
	struct pydict_table table;
	struct open_heap heap;

	(void)state;
	make_floats(writer, 2, values);
	dict = heap_writer_dict(writer, 1, 2, keys, values);
	open_written_heap(&heap, writer);
	assert_true(pydict_read(&heap.context.reader, layout, dict, &table));
	heap_writer_put(writer, table.entries + table.value_offset, 0);
	if (!table.has_dummies)
		heap_writer_put(writer, table.entries + table.key_offset, 0);
	assert_true(pydict_entry(&heap.context.reader, &table, 0, &key, &value));
	assert_int_equal(value, 0);
	if (table.has_dummies)
		assert_refs(
			scan_object(&heap, dict), 3, (remote_addr[]){keys[0], keys[1], values[1]});
	else
		assert_refs(scan_object(&heap, dict), 2, (remote_addr[]){keys[1], values[1]});
	assert_false(pydict_entry(&heap.context.reader, &table, table.count, &key, &value));
	close_written_heap(&heap);
}

static void test_split_dict(void **state)
{
	struct heap_writer *writer;
	remote_addr names[3], keys, items[3], dict;
	struct open_heap heap;

	(void)state;
	if (WRITER_IS_PYTHON_2(layout))
		return;
	writer = heap_writer_create(layout);
	for (unsigned i = 0; i < 3; i++)
		names[i] = heap_writer_str(writer, (const char *[]){"x", "y", "z"}[i]);
	keys = heap_writer_keys(writer, 2, 3, names, NULL);
	make_floats(writer, 3, items);
	items[1] = 0; // deleted: a hole
	dict = heap_writer_dict_of(writer, heap_writer_type(writer, WRITER_DICT), keys,
		heap_writer_values(writer, keys, 3, items), 2);
	open_written_heap(&heap, writer);
	assert_refs(scan_object(&heap, dict), 2, (remote_addr[]){items[0], items[2]});
	assert_int_equal(heap.scanned.labels[1].object, names[2]);
	assert_int_equal(heap.scanned.size,
		layout->dict.size + layout->gc_head.size + 5 * 8 + table_bytes(8, 1, false));
	// The keys are not this dict's alone: they are not of its size.
	heap_writer_put(writer, keys + layout->keys.dk_refcnt, 2);
	assert_int_equal(
		scan_object(&heap, dict)->size, layout->dict.size + layout->gc_head.size + 5 * 8);
	close_written_heap(&heap);
}

static void assert_owns_names(
	struct open_heap *heap, remote_addr cls, size_t count, const remote_addr *names)
{
	const struct scanned *scanned = scan_object(heap, cls);
	size_t seen = 0;

	for (size_t i = 0; i < scanned->count; i++) {
		for (size_t k = 0; k < count; k++)
			seen += scanned->refs[i] == names[k];
	}
	assert_int_equal(seen, WRITER_IS_PYTHON_2(layout) ? 0 : count);
}

// Attributes in the object, in an array, or in a dict.
static void test_instance(void **state)
{
	struct heap_writer *writer = heap_writer_create(layout);
	remote_addr names[3] = {heap_writer_str(writer, "x"), heap_writer_str(writer, "y"),
		heap_writer_str(writer, "z")};
	remote_addr cls = heap_writer_class_with(
		writer, "Point", "shapes", heap_writer_type(writer, WRITER_OBJECT), 3, names);
	remote_addr items[3], dict, instance, with_dict;
	struct open_heap heap;

	(void)state;
	make_floats(writer, 3, items);
	items[1] = 0; // deleted: a hole
	instance = heap_writer_instance(writer, cls, items);
	dict = heap_writer_dict(writer, 1, 1, names, items);
	with_dict = heap_writer_instance_of_dict(writer, cls, dict);
	open_written_heap(&heap, writer);
	if (WRITER_HAS_PREHEADER(layout)) {
		assert_refs(
			scan_object(&heap, instance), 3, (remote_addr[]){cls, items[0], items[2]});
		assert_int_equal(heap.scanned.labels[2].kind, PYLABEL_ATTRIBUTE);
		assert_int_equal(heap.scanned.labels[2].object, names[2]);
		assert_int_equal(heap.scanned.size, layout->object.size + layout->gc_head.size +
							    layout->traits.preheader_bytes);
	} else {
		assert_refs(scan_object(&heap, instance), 2,
			(remote_addr[]){cls, heap_writer_get(writer, heap_writer_dict_slot(writer,
									     cls, instance))});
		assert_string_equal(heap.scanned.labels[1].text, "__dict__");
		assert_refs(scan_object(&heap, heap.scanned.refs[1]),
			WRITER_IS_PYTHON_2(layout) ? 4 : 2,
			WRITER_IS_PYTHON_2(layout)
				? (remote_addr[]){names[0], items[0], names[2], items[2]}
				: (remote_addr[]){items[0], items[2]});
	}
	assert_refs(scan_object(&heap, with_dict), 2, (remote_addr[]){cls, dict});
	assert_owns_names(&heap, cls, 3, names);
	close_written_heap(&heap);
}

// Values inside an object are those of the dict that was made for them, as long as they are valid.
static void test_dict_of_inline_values(void **state)
{
	struct heap_writer *writer;
	remote_addr names[2], cls, items[2], instance, values, dict, slot;
	struct open_heap heap;

	(void)state;
	if (layout->traits.attributes != PYATTRIBUTES_INLINE)
		return;
	writer = heap_writer_create(layout);
	names[0] = heap_writer_str(writer, "x");
	names[1] = heap_writer_str(writer, "y");
	cls = heap_writer_class_with(
		writer, "Point", "shapes", heap_writer_type(writer, WRITER_OBJECT), 2, names);
	make_floats(writer, 2, items);
	instance = heap_writer_instance(writer, cls, items);
	values = instance + layout->object.size;
	dict = heap_writer_dict_of(writer, heap_writer_type(writer, WRITER_DICT),
		heap_writer_get(writer, cls + layout->heap_type.ht_cached_keys), values, 2);
	slot = heap_writer_dict_slot(writer, cls, instance);
	heap_writer_put_ref(writer, slot, dict);
	open_written_heap(&heap, writer);
	assert_refs(scan_object(&heap, instance), 2, (remote_addr[]){cls, dict});
	assert_refs(scan_object(&heap, dict), 2, items);
	assert_int_equal(heap.scanned.labels[1].object, names[1]);
	// The dict was taken over, and died.
	heap_writer_put(writer, slot, 0);
	*heap_writer_bytes(writer, values + layout->dict_values.valid) = 0;
	assert_refs(scan_object(&heap, instance), 1, &cls);
	close_written_heap(&heap);
}

// A dict offset that counts from the end of an object without items may not lead before it.
static void test_dict_offset_before_the_object(void **state)
{
	struct heap_writer *writer = heap_writer_create(layout);
	remote_addr cls =
		heap_writer_class(writer, "Odd", "odd", heap_writer_type(writer, WRITER_OBJECT));
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

static void assert_set(struct open_heap *heap, remote_addr set, size_t count,
	const remote_addr *items, size_t deleted)
{
	const struct scanned *scanned = scan_object(heap, set);
	// Python 2 counts the dummies.
	size_t dummies = WRITER_IS_PYTHON_2(layout) ? deleted : 0;

	assert_false(scanned->is_torn);
	assert_int_equal(scanned->count, dummies + count);
	for (size_t i = 0; i < dummies; i++)
		assert_int_equal(scanned->refs[i], heap_writer_none(heap->writer));
	for (size_t i = 0; i < count; i++)
		assert_int_equal(scanned->refs[dummies + i], items[i]);
}

static void test_set_passes_deleted_entries(void **state)
{
	struct heap_writer *writer = heap_writer_create(layout);
	uint64_t fixed =
		layout->set.smalltable + 8 * layout->set_entry.size + 8 + layout->gc_head.size;
	remote_addr items[40], small, large;
	struct open_heap heap;

	(void)state;
	make_floats(writer, 40, items);
	small = heap_writer_set(writer, 2, items, 1);
	large = heap_writer_set(writer, 40, items, 3);
	open_written_heap(&heap, writer);
	assert_set(&heap, small, 2, items, 1);
	assert_int_equal(heap.scanned.size, fixed);
	assert_int_equal(pyobject_length(&heap.context, small), 2);
	assert_set(&heap, large, 40, items, 3);
	assert_int_equal(heap.scanned.size, fixed + 128 * layout->set_entry.size);
	heap_writer_put(writer, large + layout->set.mask, UINT64_MAX >> 1);
	assert_true(scan_object(&heap, large)->is_torn);
	close_written_heap(&heap);
}

static void test_deque(void **state)
{
	struct heap_writer *writer = heap_writer_create(layout);
	uint64_t per_block = layout->deque_block.size / 8 - 2;
	uint32_t length =
		pylayout_has(layout->deque.len) ? layout->deque.len : layout->object.ob_size;
	remote_addr items[200], deque, block, next;
	struct open_heap heap;

	(void)state;
	make_floats(writer, 200, items);
	deque = heap_writer_deque(writer, 200, items, per_block - 3, 500);
	open_written_heap(&heap, writer);
	assert_refs(scan_object(&heap, deque), 200, items);
	assert_int_equal(heap.scanned.labels[150].index, 150);
	// Python 2's deque does not say how large its blocks are.
	assert_int_equal(heap.scanned.size,
		layout->deque.maxlen + 16 + layout->gc_head.size +
			(pylayout_has(layout->deque.len) ? 0 : 5 * layout->deque_block.size));
	assert_int_equal(pyobject_length(&heap.context, deque), 200);
	assert_int_equal(pyobject_bound(&heap.context, deque), 500);

	// A circle of two blocks under a deque that claims a billion items: torn, soon.
	block = heap_writer_get(writer, deque + layout->deque.leftblock);
	next = heap_writer_get(writer, block + layout->deque_block.rightlink);
	heap_writer_put(writer, next + layout->deque_block.rightlink, block);
	heap_writer_put(writer, deque + length, 1 << 30);
	assert_true(scan_object(&heap, deque)->is_torn);
	assert_true(heap.scanned.count < 8 * per_block);
	close_written_heap(&heap);
}

static void test_odict(void **state)
{
	struct heap_writer *writer;
	remote_addr keys[3], values[3], odict, first;
	struct open_heap heap;

	(void)state;
	if (!pylayout_has(layout->odict.size))
		return;
	writer = heap_writer_create(layout);
	for (unsigned i = 0; i < 3; i++)
		keys[i] = heap_writer_str(writer, (const char *[]){"a", "b", "c"}[i]);
	make_floats(writer, 3, values);
	odict = heap_writer_odict(writer, 3, keys, values);
	open_written_heap(&heap, writer);
	assert_refs(scan_object(&heap, odict), 9,
		(remote_addr[]){keys[0], values[0], keys[1], values[1], keys[2], values[2], keys[0],
			keys[1], keys[2]});
	assert_int_equal(heap.scanned.size, layout->odict.size + layout->gc_head.size +
						    table_bytes(8, 1, false) + 3 * 8 +
						    3 * layout->odict_node.size);
	first = heap_writer_get(writer, odict + layout->odict.od_first);
	heap_writer_put(writer, first + layout->odict_node.next, first);
	heap_writer_put(writer, odict + layout->dict.ma_used, UINT64_MAX);
	assert_true(scan_object(&heap, odict)->is_torn);
	assert_true(heap.scanned.count < 12);
	close_written_heap(&heap);
}

static void test_lru_cache(void **state)
{
	struct heap_writer *writer;
	remote_addr function, cache, link, empty;
	struct open_heap heap;

	(void)state;
	if (!pylayout_has(layout->lru_cache.root_next))
		return;
	writer = heap_writer_create(layout);
	function = heap_writer_none(writer);
	cache = heap_writer_lru_cache(writer, function, 3);
	empty = heap_writer_lru_cache(writer, function, 0);
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

// What a generator or frame emits before its frame's slots: its code, once per field that has it.
static size_t assert_owns_code(const struct scanned *scanned, remote_addr code, remote_addr frame)
{
	size_t count = 0;

	assert_false(scanned->is_torn);
	while (count < scanned->count &&
		(scanned->refs[count] == code || scanned->refs[count] == frame))
		count++;
	return count;
}

static void test_generator_frame(void **state)
{
	static const char *const locals[] = {"first", "second"};
	struct heap_writer *writer = heap_writer_create(layout);
	remote_addr code = heap_writer_code(writer, "produce", 2, locals, 4, 1, NULL, 0);
	bool is_old = WRITER_HAS_OLD_FRAMES(layout);
	remote_addr slots[6], generator, running, names, frame;
	const struct scanned *scanned;
	struct open_heap heap;
	size_t first;

	(void)state;
	make_floats(writer, 6, slots);
	// Suspended with one value on its stack; words above it are stale.
	generator = heap_writer_generator(writer, code, 3, slots, 3);
	running = heap_writer_generator(writer, code, 3, slots, -1);
	frame = heap_writer_frame_of(writer, generator);
	open_written_heap(&heap, writer);
	names = heap_writer_get(writer,
		code + (is_old ? layout->code.co_varnames : layout->code.co_localsplusnames));
	if (is_old) // the frame is an object: the generator has it and the code
		assert_refs(scan_object(&heap, generator), 2, (remote_addr[]){frame, code});
	scanned = scan_object(&heap, is_old ? frame : generator);
	first = assert_owns_code(scanned, code, 0);
	assert_int_equal(first, pylayout_has(layout->gen.gi_code) && !is_old ? 2 : 1);
	assert_int_equal(scanned->count, first + 3);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(scanned->refs[first + i], slots[i]);
	assert_int_equal(scanned->labels[first].kind, PYLABEL_LOCAL);
	assert_int_equal(scanned->labels[first + 1].object,
		heap_writer_get(writer, names + layout->tuple.ob_item + 8));
	assert_int_equal(scanned->labels[first + 2].kind, PYLABEL_STACK);
	assert_int_equal(
		scanned->size, (is_old ? layout->frame.f_localsplus
				       : layout->gen.gi_iframe + layout->iframe.localsplus) +
				       6 * 8 + layout->gc_head.size);
	// While it runs, how deep its stack is is in a register: what is there may be references.
	scan_object(&heap, is_old ? heap_writer_frame_of(writer, running) : running);
	assert_int_equal(heap.scanned.count, first + 3);
	assert_int_equal(heap.scanned.refs[first + 2], slots[2] | PYREF_INFERRED);
	close_written_heap(&heap);
}

// From 3.11 on a generator has its frame in itself, and a state.
static void test_generator_state(void **state)
{
	struct heap_writer *writer;
	remote_addr code, generator, frame, slot;
	struct open_heap heap;
	size_t own;

	(void)state;
	if (WRITER_HAS_OLD_FRAMES(layout))
		return;
	writer = heap_writer_create(layout);
	code = heap_writer_code(writer, "produce", 1, (const char *[]){"x"}, 4, 1, NULL, 0);
	slot = heap_writer_float(writer, 1);
	generator = heap_writer_generator(writer, code, 1, &slot, 1);
	frame = heap_writer_frame_of(writer, generator);
	own = pylayout_has(layout->gen.gi_code);
	open_written_heap(&heap, writer);
	for (int value = -4; value <= 5; value++) {
		*heap_writer_bytes(writer, generator + layout->gen.gi_frame_state) = (uint8_t)value;
		scan_object(&heap, generator);
		assert_false(heap.scanned.is_torn);
		// Cleared: the frame holds nothing.
		assert_int_equal(heap.scanned.count,
			value < layout->traits.gen_cleared_state ? own + 2 : own);
	}
	// A stack deeper than the code allows.
	*heap_writer_bytes(writer, generator + layout->gen.gi_frame_state) = 0;
	heap_writer_set_stacktop(writer, frame, 6);
	assert_true(scan_object(&heap, generator)->is_torn);
	// A stack that ends before it begins is none that is known.
	if (pylayout_has(layout->iframe.stackpointer)) {
		heap_writer_put(writer, frame + layout->iframe.stackpointer, frame);
		assert_false(scan_object(&heap, generator)->is_torn);
	}
	close_written_heap(&heap);
}

// Slots with tags: a number, or a use of what somebody else counts (3.14).
static void test_tagged_slots(void **state)
{
	static const char *const locals[] = {"first", "second"};
	struct heap_writer *writer;
	remote_addr code, items[2], slots[4], generator;
	struct open_heap heap;

	(void)state;
	if (!layout->traits.tagged_stack)
		return;
	writer = heap_writer_create(layout);
	code = heap_writer_code(writer, "produce", 2, locals, 4, 1, NULL, 0);
	make_floats(writer, 2, items);
	slots[0] = items[0];
	slots[1] = items[1] | 1;
	slots[2] = 77 << 2 | 3; // a number
	slots[3] = items[0];
	generator = heap_writer_generator(writer, code, 4, slots, 4);
	open_written_heap(&heap, writer);
	assert_refs(scan_object(&heap, generator), 3, (remote_addr[]){code, items[0], items[0]});
	// The same of the code itself.
	heap_writer_put(
		writer, heap_writer_frame_of(writer, generator) + layout->iframe.f_code, code | 1);
	assert_refs(scan_object(&heap, generator), 2, (remote_addr[]){items[0], items[0]});
	close_written_heap(&heap);
}

// A frame object that is no thread's any more: it has what the frame had.
static void test_frame_object(void **state)
{
	struct heap_writer *writer = heap_writer_create(layout);
	remote_addr code = heap_writer_code(writer, "f", 1, (const char *[]){"x"}, 2, 1, NULL, 0);
	remote_addr slots[2], frame;
	struct open_heap heap;

	(void)state;
	make_floats(writer, 2, slots);
	frame = heap_writer_frame_object(writer, code, 2, slots, 1);
	open_written_heap(&heap, writer);
	assert_refs(scan_object(&heap, frame), 2, (remote_addr[]){code, slots[0]});
	assert_string_equal(heap.scanned.labels[0].text, "f_code");
	assert_int_equal(heap.scanned.size,
		(WRITER_HAS_OLD_FRAMES(layout)
				? layout->frame.f_localsplus
				: layout->frame.f_frame_data + layout->iframe.localsplus) +
			3 * 8 + layout->gc_head.size);
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
		cmocka_unit_test(test_old_int),
		cmocka_unit_test(test_str),
		cmocka_unit_test(test_old_str),
		cmocka_unit_test(test_dict_tables),
		cmocka_unit_test(test_deleted_entry),
		cmocka_unit_test(test_split_dict),
		cmocka_unit_test(test_instance),
		cmocka_unit_test(test_dict_of_inline_values),
		cmocka_unit_test(test_dict_offset_before_the_object),
		cmocka_unit_test(test_set_passes_deleted_entries),
		cmocka_unit_test(test_deque),
		cmocka_unit_test(test_odict),
		cmocka_unit_test(test_lru_cache),
		cmocka_unit_test(test_tee),
		cmocka_unit_test(test_generator_frame),
		cmocka_unit_test(test_generator_state),
		cmocka_unit_test(test_tagged_slots),
		cmocka_unit_test(test_frame_object),
		cmocka_unit_test(test_what_is_no_object),
		cmocka_unit_test(test_chains),
	};

	return RUN_ON_EACH_ROW(tests);
}
