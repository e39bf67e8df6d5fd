// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * For the readers of each kind of object: how they emit references, and who they are.
 *
 * A reader is called with the object at hand in the scan (type, addr, bytes); it emits the strong
 * references of the object's C layout in a fixed order, and adds to or sets scan->size. What it
 * cannot make sense of makes the scan torn. Readers never recurse, and bound every walk.
 */
#pragma once

#include "cpython/pyobject.h"
#include "cpython/pydict.h"

static inline void emit(struct pyscan *scan, uint64_t ref, struct pylabel label)
{
	if (!(ref & PYREF_ADDRESS))
		return;
	if (scan->count == PYSCAN_BATCH)
		pyscan_flush(scan);
	if (scan->labels)
		scan->labels[scan->count] = label;
	scan->refs[scan->count++] = ref;
}

static inline uint64_t word(struct pyscan *scan, uint64_t offset);

static inline void emit_field(struct pyscan *scan, uint64_t ref, const char *text)
{
	emit(scan, ref, (struct pylabel){.kind = PYLABEL_FIELD, .text = text});
}

// Account for @p words more; false (and torn) past the bound.
static inline bool may_look(struct pyscan *scan, uint64_t words)
{
	scan->words += words;
	if (!scan->words_max || scan->words <= scan->words_max)
		return true;
	scan->is_torn = true;
	return false;
}

static inline const struct pylayout *layout_of(const struct pyscan *scan)
{
	return scan->context->python->layout;
}

static inline struct pyreader *reader_of(struct pyscan *scan)
{
	return &scan->context->reader;
}

// A word of the object itself; 0 (and torn) past what is at hand.
static inline uint64_t word(struct pyscan *scan, uint64_t offset)
{
	uint64_t value = 0;

	if (offset + 8 <= scan->bytes_size)
		return load_u64(scan->bytes + offset);
	if (!pyreader_u64(reader_of(scan), scan->addr + offset, &value))
		scan->is_torn = true;
	return value;
}

static inline uint32_t half(struct pyscan *scan, uint64_t offset)
{
	uint32_t value = 0;

	if (offset + 4 <= scan->bytes_size)
		return load_u32(scan->bytes + offset);
	if (!pyreader_u32(reader_of(scan), scan->addr + offset, &value))
		scan->is_torn = true;
	return value;
}

static inline uint8_t byte(struct pyscan *scan, uint64_t offset)
{
	return offset < scan->bytes_size ? scan->bytes[offset] : 0;
}

// Bytes of the target that may lie inside the object at hand.
static inline const uint8_t *span(
	struct pyscan *scan, remote_addr addr, uint64_t want, uint64_t *ret_size)
{
	if (addr >= scan->addr && addr < scan->addr + scan->bytes_size) {
		uint64_t left = scan->addr + scan->bytes_size - addr;

		*ret_size = left < want ? left : want;
		return scan->bytes + (addr - scan->addr);
	}
	return pyreader_span(reader_of(scan), addr, want, ret_size);
}

/** A pointer at @p offset, if the version has it, to memory of the object's own. */
static inline void note_part_at(struct pyscan *scan, uint32_t offset)
{
	if (scan->part && pylayout_has(offset))
		pyscan_note_part(scan, word(scan, offset), 0);
}

/** The word at @p offset if the version has such a field. */
static inline void emit_word(struct pyscan *scan, uint32_t offset, const char *text)
{
	if (pylayout_has(offset))
		emit_field(scan, word(scan, offset), text);
}

/** An array of object pointers, labelled with their index (from @p first) or as items. */
void emit_array(struct pyscan *scan, remote_addr addr, uint64_t count, uint64_t first,
	enum pylabel_kind kind, uint64_t mark);

// containers.c
void pykind_scan_dict(struct pyscan *scan);
void pykind_scan_defaultdict(struct pyscan *scan);
void pykind_scan_odict(struct pyscan *scan);
void pykind_scan_set(struct pyscan *scan);
void pykind_scan_list(struct pyscan *scan);
void pykind_scan_tuple(struct pyscan *scan, uint32_t hidden);
void pykind_scan_deque(struct pyscan *scan);
void pykind_scan_lru_cache(struct pyscan *scan);
void pykind_scan_ring(struct pyscan *scan);
void pykind_scan_tee(struct pyscan *scan);
void pykind_scan_hamt_node(struct pyscan *scan);
void pykind_scan_hamt_array(struct pyscan *scan);
/** The values array of a split table, or of attributes kept in the object. */
void pykind_scan_values(
	struct pyscan *scan, const struct pydict_table *table, enum pylabel_kind kind);

// leaves.c
void pykind_size_str(struct pyscan *scan);
void pykind_scan_old_unicode(struct pyscan *scan);
void pykind_scan_bytearray(struct pyscan *scan);
void pykind_size_int(struct pyscan *scan);
void pykind_size_array(struct pyscan *scan);

// ndarray.c
void pykind_scan_ndarray(struct pyscan *scan);
void pykind_scan_numpy_void(struct pyscan *scan);

// types.c
void pykind_scan_type(struct pyscan *scan);
void pykind_scan_module(struct pyscan *scan);
void pykind_scan_code(struct pyscan *scan);

// frames.c
void pykind_scan_frame_object(struct pyscan *scan);
void pykind_scan_generator(struct pyscan *scan);

// unknown.c
void pykind_scan_added(struct pyscan *scan);
