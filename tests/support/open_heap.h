// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * A written heap, opened: what the tests of the readers start with, on each row of layouts. Include
 * after check.h.
 */
#pragma once

#include "heap_writer.h"

#include "cpython/pydict.h"
#include "cpython/pyobject.h"
#include "cpython/pystr.h"
#include "cpython/python_open.h"

// After headers that have functions of their own with a parameter of the name.
#include "each_row.h"

#define SCAN_REFS_MAX 4096

struct open_heap {
	struct heap_writer *writer;
	struct target *target;
	struct pyruntime_place place;
	struct python *python;
	struct pycontext context;
	/** What the last scan_object() gave. */
	struct scanned {
		uint64_t refs[SCAN_REFS_MAX];
		struct pylabel labels[SCAN_REFS_MAX];
		size_t count;
		uint64_t size;
		bool is_torn;
	} scanned;
};

static inline void open_written_heap(struct open_heap *heap, struct heap_writer *writer)
{
	*heap = (struct open_heap){.writer = writer};
	heap->target = heap_writer_finish(writer, &heap->place);
	assert_success(python_open(heap->target, &heap->place, &heap->python));
	assert_string_equal(heap->python->row->name, layout->name);
	assert_success(pycontext_init(&heap->context, heap->python, 16));
}

static inline void close_written_heap(struct open_heap *heap)
{
	pycontext_deinit(&heap->context);
	python_close(heap->python);
	target_destroy(heap->target);
	heap_writer_destroy(heap->writer);
}

static inline void take_refs(struct pyscan *scan)
{
	struct scanned *scanned = scan->user;

	assert_true(scanned->count + scan->count <= SCAN_REFS_MAX);
	for (uint32_t i = 0; i < scan->count; i++, scanned->count++) {
		scanned->refs[scanned->count] = scan->refs[i];
		scanned->labels[scanned->count] = scan->labels[i];
	}
}

/** Scan an object with labels into heap->scanned; it must be one. */
static inline const struct scanned *scan_object(struct open_heap *heap, remote_addr addr)
{
	static struct pylabel labels[PYSCAN_BATCH];
	static struct pyscan scan;

	heap->scanned.count = 0;
	scan = (struct pyscan){.context = &heap->context,
		.flush = take_refs,
		.user = &heap->scanned,
		.labels = labels};
	assert_true(pyobject_scan_at(&scan, addr));
	pyscan_flush(&scan);
	heap->scanned.size = scan.size;
	heap->scanned.is_torn = scan.is_torn;
	return &heap->scanned;
}
