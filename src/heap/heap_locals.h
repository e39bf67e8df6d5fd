// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * The objects that a frame's variables refer to. Private to heap_threads.c.
 */
#pragma once

#include "base/vector.h"
#include "cpython/pyframe.h"
#include "cpython/pyobject.h"
#include "heap/heap_builder.h"
#include "heap/heap_threads.h"

DEFINE_VECTOR(heap_local_vector, struct heap_local)

struct heap_locals {
	struct heap_builder *builder;
	struct pycontext frames; /* its reader must not be the one that names are read with */
	struct pyscan *scan;
	struct pylabel *labels;
	struct heap_local_vector list; /* of all frames so far */
	bool failed;                   /* no memory */
};

struct error *heap_locals_init(struct heap_locals *locals, struct heap_builder *builder);
void heap_locals_deinit(struct heap_locals *locals);
/** Append those of a frame. */
struct error *heap_locals_read(struct heap_locals *locals, const struct pyframe *frame);
