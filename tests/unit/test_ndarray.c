// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
//
// numpy's arrays and records, written as numpy 1 and 2 do: what they own, and where objects are.
#include "check.h"
#include "open_heap.h"

#include <string.h>

#define OWNDATA      4u
#define HAS_OBJECTS  1u
#define NDARRAY_SIZE 96
#define VOID_SIZE    64

// Where a dtype's fields are, by numpy's major version.
static const struct numpy {
	uint32_t descr_size, flags, elsize, subarray, fields;
} numpys[] = {{96, 27, 32, 40, 48}, {120, 32, 40, 88, 96}};

struct scene {
	struct heap_writer *writer;
	const struct numpy *numpy;
	remote_addr ndarray, dtype, record;
	struct open_heap heap;
};

// A type that a static C struct of the library is.
static remote_addr c_type(struct heap_writer *writer, const char *name, uint64_t basicsize)
{
	remote_addr type =
		heap_writer_class(writer, name, "numpy", heap_writer_type(writer, WRITER_OBJECT));
	remote_addr flags = type + layout->type.tp_flags;

	heap_writer_put(writer, type + layout->type.tp_dealloc, 0x1234);
	heap_writer_put(writer, type + layout->type.tp_basicsize, basicsize);
	heap_writer_put(writer, flags,
		heap_writer_get(writer, flags) & ~(uint64_t)(PYTYPE_FLAG_HEAP | PYTYPE_FLAG_GC));
	return type;
}

static void begin(struct scene *scene, const struct numpy *numpy)
{
	struct heap_writer *writer = heap_writer_create(layout);

	*scene = (struct scene){.writer = writer, .numpy = numpy};
	scene->ndarray = c_type(writer, "numpy.ndarray", NDARRAY_SIZE);
	scene->dtype = c_type(writer, "numpy.dtype[x]", numpy->descr_size);
	scene->record = c_type(writer, "numpy.void", VOID_SIZE);
}

static remote_addr dtype(struct scene *scene, char kind, uint32_t item_bytes, bool has_objects)
{
	remote_addr descr =
		heap_writer_object(scene->writer, scene->dtype, scene->numpy->descr_size);
	uint8_t *bytes = heap_writer_bytes(scene->writer, descr);

	bytes[24] = (uint8_t)kind;
	bytes[scene->numpy->flags] = has_objects ? HAS_OBJECTS : 0;
	memcpy(bytes + scene->numpy->elsize, &item_bytes, sizeof(item_bytes));
	return descr;
}

struct field {
	const char *name;
	remote_addr dtype;
	int64_t offset;
	const char *title;
};

// A record: {name: (dtype, offset[, title])}, and the same tuple under the title.
static remote_addr record_dtype(
	struct scene *scene, uint32_t item_bytes, unsigned count, const struct field *fields)
{
	remote_addr keys[8], values[8];
	remote_addr descr = dtype(scene, 'V', item_bytes, true);
	unsigned entries = 0;

	for (unsigned i = 0; i < count; i++) {
		remote_addr items[3] = {
			fields[i].dtype, heap_writer_int(scene->writer, fields[i].offset)};

		keys[entries] = heap_writer_str(scene->writer, fields[i].name);
		if (fields[i].title)
			items[2] = heap_writer_str(scene->writer, fields[i].title);
		values[entries++] =
			heap_writer_tuple(scene->writer, fields[i].title ? 3 : 2, items);
		if (fields[i].title) {
			keys[entries] = items[2];
			values[entries] = values[entries - 1];
			entries++;
		}
	}
	heap_writer_put_ref(scene->writer, descr + scene->numpy->fields,
		heap_writer_dict(scene->writer, 1, entries, keys, values));
	return descr;
}

static remote_addr sub_array(struct scene *scene, remote_addr base, uint32_t item_bytes)
{
	remote_addr descr = dtype(scene, 'V', item_bytes, true);
	remote_addr block = heap_writer_alloc(scene->writer, 16);

	heap_writer_put_ref(scene->writer, block, base);
	heap_writer_put(scene->writer, descr + scene->numpy->subarray, block);
	return descr;
}

static remote_addr array(struct scene *scene, uint32_t dimensions, const uint64_t *shape,
	remote_addr descr, remote_addr data, remote_addr base)
{
	struct heap_writer *writer = scene->writer;
	remote_addr it = heap_writer_object(writer, scene->ndarray, NDARRAY_SIZE);
	remote_addr block = heap_writer_alloc(writer, 16 * dimensions + 16);

	for (uint32_t i = 0; i < dimensions; i++)
		heap_writer_put(writer, block + i * 8ull, shape[i]);
	heap_writer_put(writer, it + 16, data);
	heap_writer_put_u32(writer, it + 24, dimensions);
	heap_writer_put(writer, it + 32, block);
	heap_writer_put(writer, it + 40, block + dimensions * 8ull);
	heap_writer_put_ref(writer, it + 48, base);
	heap_writer_put_ref(writer, it + 56, descr);
	heap_writer_put_u32(writer, it + 64, base ? 0 : OWNDATA);
	return it;
}

static void assert_refs(
	struct scene *scene, remote_addr object, size_t count, const remote_addr *refs)
{
	const struct scanned *scanned = scan_object(&scene->heap, object);

	assert_false(scanned->is_torn);
	assert_int_equal(scanned->count, count);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(scanned->refs[i], refs[i]);
}

static void end(struct scene *scene)
{
	close_written_heap(&scene->heap);
}

static void test_the_owner_has_the_data(const struct numpy *numpy)
{
	struct scene scene;
	remote_addr f8, owner, view, scalar, empty;

	begin(&scene, numpy);
	f8 = dtype(&scene, 'f', 8, false);
	// Whatever the strides are: here they are all 0.
	owner = array(&scene, 2, (uint64_t[]){3, 4}, f8, heap_writer_alloc(scene.writer, 96), 0);
	view = array(&scene, 2, (uint64_t[]){2, 4}, f8, 0, owner);
	scalar = array(&scene, 0, NULL, f8, heap_writer_alloc(scene.writer, 8), 0);
	empty = array(
		&scene, 2, (uint64_t[]){0, 1ull << 60}, f8, heap_writer_alloc(scene.writer, 8), 0);
	open_written_heap(&scene.heap, scene.writer);
	assert_refs(&scene, owner, 1, &f8);
	assert_int_equal(scene.heap.scanned.size, NDARRAY_SIZE + 2 * 16 + 12 * 8);
	assert_refs(&scene, view, 2, (remote_addr[]){owner, f8});
	assert_int_equal(scene.heap.scanned.size, NDARRAY_SIZE + 2 * 16);
	assert_refs(&scene, scalar, 1, &f8);
	assert_int_equal(scene.heap.scanned.size, NDARRAY_SIZE + 8);
	assert_refs(&scene, empty, 1, &f8);
	assert_int_equal(scene.heap.scanned.size, NDARRAY_SIZE + 2 * 16);
	end(&scene);
}

static void test_objects(const struct numpy *numpy)
{
	struct scene scene;
	remote_addr objects, owner, view, data, items[4];

	begin(&scene, numpy);
	objects = dtype(&scene, 'O', 8, true);
	data = heap_writer_alloc(scene.writer, 32);
	for (unsigned i = 0; i < 4; i++) {
		items[i] = heap_writer_float(scene.writer, i);
		heap_writer_put_ref(scene.writer, data + i * 8, items[i]);
	}
	owner = array(&scene, 2, (uint64_t[]){2, 2}, objects, data, 0);
	view = array(&scene, 1, (uint64_t[]){4}, objects, data, owner);
	open_written_heap(&scene.heap, scene.writer);
	assert_refs(
		&scene, owner, 5, (remote_addr[]){objects, items[0], items[1], items[2], items[3]});
	assert_refs(&scene, view, 2, (remote_addr[]){owner, objects});
	end(&scene);
}

// Where an object lies in a packed record is no multiple of 8.
static void put_unaligned(struct scene *scene, remote_addr addr, remote_addr object)
{
	remote_addr slot = heap_writer_alloc(scene->writer, 8);

	heap_writer_put_ref(scene->writer, slot, object);
	memcpy(heap_writer_bytes(scene->writer, addr), &object, sizeof(object));
}

// i4, object (with a title), a record of i1 and object, an array of two objects.
static void test_records(const struct numpy *numpy)
{
	const unsigned at[4] = {4, 13, 21, 29};
	struct scene scene;
	remote_addr i4, object, inner, two, record, data, owner, lone, lone_data, items[8];

	begin(&scene, numpy);
	i4 = dtype(&scene, 'i', 4, false);
	object = dtype(&scene, 'O', 8, true);
	inner = record_dtype(&scene, 9, 2,
		(struct field[]){
			{"x", dtype(&scene, 'i', 1, false), 0, NULL}, {"what", object, 1, NULL}});
	two = sub_array(&scene, object, 16);
	record = record_dtype(&scene, 37, 4,
		(struct field[]){{"a", i4, 0, NULL}, {"b", object, 4, "the second"},
			{"c", inner, 12, NULL}, {"d", two, 21, NULL}});
	data = heap_writer_alloc(scene.writer, 74);
	for (unsigned i = 0; i < 8; i++) {
		items[i] = heap_writer_float(scene.writer, i);
		put_unaligned(&scene, data + i / 4 * 37 + at[i % 4], items[i]);
	}
	owner = array(&scene, 1, (uint64_t[]){2}, record, data, 0);
	lone_data = heap_writer_alloc(scene.writer, 37);
	put_unaligned(&scene, lone_data + 4, items[0]);
	lone = heap_writer_object(scene.writer, scene.record, VOID_SIZE);
	heap_writer_put(scene.writer, lone + 24, lone_data);
	heap_writer_put_ref(scene.writer, lone + 32, record);
	heap_writer_put_u32(scene.writer, lone + 40, OWNDATA);
	open_written_heap(&scene.heap, scene.writer);

	assert_false(scan_object(&scene.heap, owner)->is_torn);
	assert_int_equal(scene.heap.scanned.count, 9);
	assert_int_equal(scene.heap.scanned.size, NDARRAY_SIZE + 16 + 74);
	for (unsigned i = 0; i < 8; i++) {
		bool is_there = false;

		for (unsigned j = 1; j < 9; j++)
			is_there |= scene.heap.scanned.refs[j] == items[i] &&
				    scene.heap.scanned.labels[j].index == i / 4;
		assert_true(is_there);
	}
	assert_refs(&scene, lone, 2, (remote_addr[]){record, items[0]});
	assert_int_equal(scene.heap.scanned.size, VOID_SIZE + 37);
	end(&scene);
}

// What cannot be is torn, and ends.
static void test_nonsense(const struct numpy *numpy)
{
	struct scene scene;
	remote_addr f8, circle, itself, arrays[6], data;
	struct field again[2] = {{"a", 0, 0, NULL}, {"b", 0, 8, NULL}};

	begin(&scene, numpy);
	data = heap_writer_alloc(scene.writer, 64);
	f8 = dtype(&scene, 'f', 8, false);
	circle = record_dtype(&scene, 16, 2, again);
	for (unsigned i = 0; i < 2; i++)
		again[i].dtype = circle;
	heap_writer_put(scene.writer, circle + scene.numpy->fields,
		heap_writer_get(
			scene.writer, record_dtype(&scene, 16, 2, again) + scene.numpy->fields));
	itself = sub_array(&scene, f8, 1u << 31);
	heap_writer_put(scene.writer, heap_writer_get(scene.writer, itself + scene.numpy->subarray),
		itself);
	arrays[0] = array(&scene, 1, (uint64_t[]){4}, circle, data, 0);
	arrays[1] = array(&scene, 1, (uint64_t[]){4}, itself, data, 0);
	arrays[2] = array(&scene, 3, (uint64_t[]){1u << 31, 1u << 31, 1u << 31}, f8, data, 0);
	arrays[3] = array(&scene, 1, (uint64_t[]){1ull << 43}, f8, data, 0);
	arrays[4] = array(&scene, 1, (uint64_t[]){4}, f8, data, 0);
	heap_writer_put_u32(scene.writer, arrays[4] + 24, 65);
	arrays[5] = array(&scene, 1, (uint64_t[]){4}, data, data, 0);
	open_written_heap(&scene.heap, scene.writer);
	for (unsigned i = 0; i < 6; i++)
		assert_true(scan_object(&scene.heap, arrays[i])->is_torn);
	end(&scene);
}

static void each_numpy(void (*test)(const struct numpy *numpy))
{
	for (size_t i = 0; i < sizeof(numpys) / sizeof(numpys[0]); i++)
		test(&numpys[i]);
}

#define TEST(name)                                                                                 \
	static void name(void **state)                                                             \
	{                                                                                          \
		(void)state;                                                                       \
		each_numpy(test_##name);                                                           \
	}

TEST(the_owner_has_the_data)
TEST(objects)
TEST(records)
TEST(nonsense)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_owner_has_the_data),
		cmocka_unit_test(objects),
		cmocka_unit_test(records),
		cmocka_unit_test(nonsense),
	};

	return RUN_ON_EACH_ROW(tests);
}
