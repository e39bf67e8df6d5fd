// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "cpython/kinds/kinds.h"

// PyArrayObject_fields, which extensions are compiled against: the same in numpy 1 and 2
// (numpy/ndarraytypes.h). mem_handler came with 1.22.
enum {
	NDARRAY_DATA = 16,
	NDARRAY_ND = 24,
	NDARRAY_DIMENSIONS = 32,
	NDARRAY_STRIDES = 40,
	NDARRAY_BASE = 48,
	NDARRAY_DESCR = 56,
	NDARRAY_FLAGS = 64,
	NDARRAY_MEM_HANDLER = 88,
	NDARRAY_DESCR_KIND = 24, /* in PyArray_Descr: 'O' for objects */
	NDARRAY_ND_MAX = 64,
};
#define NDARRAY_C_CONTIGUOUS 1u
#define NDARRAY_F_CONTIGUOUS 2u
#define NDARRAY_OWNDATA      4u
#define NDARRAY_BYTES_MAX    (1ull << 44)

// The bytes of data that lies in one piece: of its slowest dimension, all steps.
static uint64_t ndarray_bytes(struct pyscan *scan, uint32_t dimensions, uint32_t flags)
{
	uint64_t slowest = flags & NDARRAY_C_CONTIGUOUS ? 0 : (dimensions - 1) * 8ull;
	uint64_t count, stride;

	if (!dimensions || !(flags & (NDARRAY_C_CONTIGUOUS | NDARRAY_F_CONTIGUOUS)))
		return 0;
	if (!pyreader_u64(reader_of(scan), word(scan, NDARRAY_DIMENSIONS) + slowest, &count) ||
		!pyreader_u64(reader_of(scan), word(scan, NDARRAY_STRIDES) + slowest, &stride) ||
		(stride && count > NDARRAY_BYTES_MAX / stride)) {
		scan->is_torn = true;
		return 0;
	}
	return count * stride;
}

// A view's data is its base's. sys.getsizeof: array_sizeof() of numpy.
void pykind_scan_ndarray(struct pyscan *scan)
{
	uint32_t dimensions = half(scan, NDARRAY_ND), flags = half(scan, NDARRAY_FLAGS);
	remote_addr descr = word(scan, NDARRAY_DESCR);
	uint64_t bytes;
	const uint8_t *kind;

	emit_field(scan, word(scan, NDARRAY_BASE), "base");
	emit_field(scan, descr, "dtype");
	if (scan->type->basicsize >= NDARRAY_MEM_HANDLER + 8)
		emit_field(scan, word(scan, NDARRAY_MEM_HANDLER), "mem_handler");
	if (dimensions > NDARRAY_ND_MAX) {
		scan->is_torn = true;
		return;
	}
	scan->size += 16ull * dimensions;
	if (!(flags & NDARRAY_OWNDATA))
		return;
	bytes = ndarray_bytes(scan, dimensions, flags);
	scan->size += bytes;
	kind = bytes ? pyreader_bytes(reader_of(scan), descr + NDARRAY_DESCR_KIND, 1) : NULL;
	if (kind && *kind == 'O')
		emit_array(scan, word(scan, NDARRAY_DATA), bytes / 8, 0, PYLABEL_INDEX, 0);
}
