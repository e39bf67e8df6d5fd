// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/*
 * numpy's arrays and records: which data they own, and where objects are in it.
 *
 * The structs are those that extensions are compiled against (numpy/ndarraytypes.h). Arrays and
 * records are the same in numpy 1 and 2; of a dtype only the beginning is:
 *
 *	        typeobj  kind  flags  elsize     subarray  fields  names
 *	1.x        16     24   27 u8  32 i32        40       48      56     tp_basicsize 96
 *	2.x        16     24   32 u64 40 i64        88       96     104     tp_basicsize 120 or more
 *
 * kind is 'O' for objects, 'V' for records. `fields` is a dict {name: (dtype, offset[, title])},
 * which has an entry under the title too; `subarray` a block of (dtype, shape).
 */
#include "cpython/kinds/kinds.h"

#include "base/limits.h"
#include "cpython/pytext.h"

enum {
	NDARRAY_DATA = 16,
	NDARRAY_ND = 24,
	NDARRAY_DIMENSIONS = 32,
	NDARRAY_BASE = 48,
	NDARRAY_DESCR = 56,
	NDARRAY_FLAGS = 64,
	NDARRAY_MEM_HANDLER = 88, /* since 1.22 */
	NDARRAY_ND_MAX = 64,
	VOID_DATA = 24,
	VOID_DESCR = 32,
	VOID_FLAGS = 40,
	VOID_BASE = 48,
	DESCR_KIND = 24,
};
#define OWNDATA       4u
#define BYTES_MAX     (1ull << 44)
// NPY_ITEM_REFCOUNT: there are objects in the items.
#define ITEM_REFCOUNT 1u

static const struct descr_layout {
	uint32_t basicsize, flags, elsize, elsize_bytes, subarray, fields;
} descr_1 = {96, 27, 32, 4, 40, 48}, descr_2 = {120, 32, 40, 8, 88, 96};

// What one item of an array is made of.
struct descr {
	remote_addr subarray, fields;
	uint64_t item_bytes;
	uint8_t kind;
	bool has_objects;
};

static bool read_descr(struct pyscan *scan, remote_addr addr, struct descr *ret)
{
	uint32_t index = pyobject_type(scan->context, addr);
	const struct descr_layout *layout;
	const uint8_t *bytes;
	int64_t basicsize;

	if (index == PYTYPE_NONE)
		return false;
	basicsize = scan->context->python->types->list.items[index].basicsize;
	layout = basicsize == descr_1.basicsize ? &descr_1 : &descr_2;
	// A dtype of numpy 2 without fields may end before them.
	bytes = pyreader_bytes(reader_of(scan), addr, (size_t)layout->elsize + 8);
	if (!bytes || basicsize < layout->elsize + 8)
		return false;
	ret->kind = bytes[DESCR_KIND];
	ret->has_objects = bytes[layout->flags] & ITEM_REFCOUNT;
	ret->item_bytes = layout->elsize_bytes == 4 ? load_u32(bytes + layout->elsize)
						    : load_u64(bytes + layout->elsize);
	ret->subarray = ret->fields = 0;
	if (ret->kind == 'V' && basicsize >= layout->basicsize) {
		ret->subarray = pyreader_pointer(reader_of(scan), addr + layout->subarray);
		ret->fields = pyreader_pointer(reader_of(scan), addr + layout->fields);
	}
	return ret->item_bytes <= BYTES_MAX;
}

// Records of records, and arrays in them, taken apart: a stack of what is still to be looked at,
// and where in an item objects are. Both are bounded; no record in use is near it.
#define PARTS_MAX        256
#define PARTS_TAKEN_MAX  4096
#define ITEM_OBJECTS_MAX 256

struct record_parts {
	struct record_part {
		remote_addr descr;
		uint64_t offset;
	} parts[PARTS_MAX];
	uint32_t part_count, taken;
	uint64_t objects[ITEM_OBJECTS_MAX]; /* offsets */
	uint32_t object_count;
};

static void add_part(
	struct pyscan *scan, struct record_parts *record, remote_addr descr, uint64_t offset)
{
	if (record->part_count == PARTS_MAX)
		scan->is_torn = true;
	else
		record->parts[record->part_count++] = (struct record_part){descr, offset};
}

static void add_elements(struct pyscan *scan, struct record_parts *record,
	const struct descr *descr, uint64_t offset)
{
	remote_addr base = pyreader_pointer(reader_of(scan), descr->subarray);
	struct descr element;

	if (!read_descr(scan, base, &element) || !element.item_bytes) {
		scan->is_torn = true;
		return;
	}
	for (uint64_t i = 0; i < descr->item_bytes / element.item_bytes && !scan->is_torn; i++)
		add_part(scan, record, base, offset + i * element.item_bytes);
}

static void add_fields(
	struct pyscan *scan, struct record_parts *record, remote_addr fields, uint64_t offset)
{
	const struct pylayout *layout = layout_of(scan);
	struct pyreader *reader = reader_of(scan);
	remote_addr name, field;
	struct pydict_table table;

	if (!pydict_read(reader, layout, fields, &table)) {
		scan->is_torn = true;
		return;
	}
	for (uint64_t i = 0; pydict_entry(reader, &table, i, &name, &field); i++) {
		remote_addr items = field + layout->tuple.ob_item;
		uint64_t count =
			field ? pyreader_pointer(reader, field + layout->object.ob_size) : 0;
		int64_t at = 0;

		if (!may_look(scan, 4) || scan->is_torn)
			return;
		if (count < 2 || (count > 2 && pyreader_pointer(reader, items + 16) == name))
			continue;
		pytext_int(scan->context, pyreader_pointer(reader, items + 8), &at);
		add_part(scan, record, pyreader_pointer(reader, items), offset + (uint64_t)at);
	}
}

static void find_objects(struct pyscan *scan, struct record_parts *record, remote_addr descr)
{
	record->part_count = record->taken = record->object_count = 0;
	add_part(scan, record, descr, 0);
	while (record->part_count && !scan->is_torn) {
		struct record_part part = record->parts[--record->part_count];
		struct descr it;

		if (++record->taken > PARTS_TAKEN_MAX || !read_descr(scan, part.descr, &it)) {
			scan->is_torn = true;
		} else if (!it.has_objects) {
			continue;
		} else if (it.kind == 'O') {
			if (record->object_count == ITEM_OBJECTS_MAX)
				scan->is_torn = true;
			else
				record->objects[record->object_count++] = part.offset;
		} else if (it.subarray) {
			add_elements(scan, record, &it, part.offset);
		} else if (it.fields) {
			add_fields(scan, record, it.fields, part.offset);
		}
	}
}

// Objects in @p count records that lie one behind the other: not aligned, if the record is packed.
static void scan_records(struct pyscan *scan, remote_addr data, uint64_t count, remote_addr descr,
	uint64_t item_bytes)
{
	struct record_parts record;

	find_objects(scan, &record, descr);
	if (!record.object_count || count > LIMIT_ITEMS)
		return;
	for (uint64_t i = 0; i < count; i++, data += item_bytes) {
		if (!may_look(scan, record.object_count))
			return;
		for (uint32_t j = 0; j < record.object_count; j++)
			emit(scan, pyreader_pointer(reader_of(scan), data + record.objects[j]),
				(struct pylabel){.kind = PYLABEL_INDEX, .index = i});
	}
}

// Data that is the object's own: @p count items in one piece, in whatever order.
static void scan_owned(struct pyscan *scan, remote_addr data, uint64_t count, remote_addr addr)
{
	struct descr descr;

	if (!read_descr(scan, addr, &descr) ||
		(descr.item_bytes && count > BYTES_MAX / descr.item_bytes)) {
		scan->is_torn = true;
		return;
	}
	scan->size += count * descr.item_bytes;
	pyscan_note_block(scan, data, count * descr.item_bytes, 0);
	if (!descr.has_objects)
		return;
	if (descr.kind == 'O')
		emit_array(scan, data, count, 0, PYLABEL_INDEX, 0);
	else if (descr.kind == 'V')
		scan_records(scan, data, count, addr, descr.item_bytes);
}

// The product of the dimensions.
static bool count_items(struct pyscan *scan, uint32_t dimensions, uint64_t *ret)
{
	remote_addr addr = word(scan, NDARRAY_DIMENSIONS);
	bool is_empty = false, is_too_many = false;
	uint64_t count = 1;

	for (uint32_t i = 0; i < dimensions; i++) {
		uint64_t extent;

		if (!pyreader_u64(reader_of(scan), addr + i * 8ull, &extent))
			return false;
		is_empty |= !extent;
		if (extent > BYTES_MAX / count)
			is_too_many = true;
		else if (extent)
			count *= extent;
	}
	*ret = is_empty ? 0 : count;
	return is_empty || !is_too_many;
}

// A view's data is its base's. sys.getsizeof: array_sizeof() of numpy.
void pykind_scan_ndarray(struct pyscan *scan)
{
	uint32_t dimensions = half(scan, NDARRAY_ND);
	remote_addr descr = word(scan, NDARRAY_DESCR);
	uint64_t count = 0;

	emit_field(scan, word(scan, NDARRAY_BASE), "base");
	emit_field(scan, descr, "dtype");
	if (scan->type->basicsize >= NDARRAY_MEM_HANDLER + 8)
		emit_field(scan, word(scan, NDARRAY_MEM_HANDLER), "mem_handler");
	if (dimensions > NDARRAY_ND_MAX || !count_items(scan, dimensions, &count)) {
		scan->is_torn = true;
		return;
	}
	scan->size += 16ull * dimensions;
	note_part_at(scan, NDARRAY_DIMENSIONS);
	if (half(scan, NDARRAY_FLAGS) & OWNDATA)
		scan_owned(scan, word(scan, NDARRAY_DATA), count, descr);
}

// A record on its own: a view of an array's, or with data of its own.
void pykind_scan_numpy_void(struct pyscan *scan)
{
	remote_addr descr = word(scan, VOID_DESCR);

	emit_field(scan, word(scan, VOID_BASE), "base");
	emit_field(scan, descr, "dtype");
	if (half(scan, VOID_FLAGS) & OWNDATA)
		scan_owned(scan, word(scan, VOID_DATA), 1, descr);
}
