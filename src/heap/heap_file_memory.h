// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * The figures of memory (heap_memory.h) in a snapshot file: small tables, since version 2 of the format.
 *
 *	column  rows
 *	96      one: of the process, with the numbers of rows of the tables below
 *	97      by enum heap_memory_part: its bytes, how often it was met
 *	98      by type
 *	99      arenas of pymalloc
 *	100     arenas of malloc
 *	101     who leads to memory of C code
 *	102     sizes of C code's blocks
 *	103     mappings
 *
 * All items are u64: the first field of all rows, then the second of all, … The fields are listed in
 * heap_file_memory.c; new ones are appended, and a reader passes over those that it does not know. Texts are
 * numbers in column 2.
 *
 * What the graph says (what garbage consists of, who pins arenas, what is largest) is no figure: it is
 * found out from the graph again.
 */
#pragma once

#include "heap/heap_file.h"
#include "heap/heap_memory.h"

struct heap_texts;
struct store_writer;

/** Before column 2 is written, to which @p texts adds. */
struct error *heap_file_save_memory(struct store_writer *writer, struct heap_texts *texts,
	const struct heap_memory_figures *figures);

/** Files of version 1, and those of snapshots without, have none. */
bool heap_file_has_memory(const struct heap_file *file);

/** Texts are the file's. ERROR_BAD_DATA if they make no sense: the parts do not add up, an arena has objects
 *  that are not there; ERROR_UNSUPPORTED if there are parts that are not known here. */
struct error *heap_file_load_memory(const struct heap_file *file, struct heap_memory_figures *ret);
