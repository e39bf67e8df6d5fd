// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "cpython/kinds/kinds.h"

#include "base/limits.h"

static uint64_t bits_of(uint64_t value, uint32_t bit, uint32_t base_offset, unsigned width)
{
	return value >> (bit - base_offset * 8) & ((1u << width) - 1);
}

// Bytes of a str's second form, kept beside the text.
static uint64_t extra_bytes(struct pyscan *scan, uint64_t length, unsigned width)
{
	if (length < LIMIT_ITEMS)
		return (length + 1) * width;
	scan->is_torn = true;
	return 0;
}

void pykind_size_str(struct pyscan *scan)
{
	const struct pylayout *layout = layout_of(scan);
	uint32_t state_at = layout->str.state;
	uint64_t state = half(scan, state_at);
	uint64_t length = word(scan, layout->str.length);
	uint64_t kind = bits_of(state, layout->str.kind_bit, state_at, 3);
	uint64_t is_compact = bits_of(state, layout->str.compact_bit, state_at, 1);
	uint64_t is_ascii = bits_of(state, layout->str.ascii_bit, state_at, 1);
	remote_addr text;

	if (length > LIMIT_ITEMS || kind > 4) {
		scan->is_torn = true;
		return;
	}
	if (is_compact) {
		uint32_t head = is_ascii ? layout->str.ascii_size : layout->str.compact_size;

		text = scan->addr + head;
		scan->size = head + (length + 1) * kind;
	} else {
		text = word(scan, layout->str.data);
		pyscan_note_part(scan, text, 0);
		scan->size = layout->str.legacy_size + (text ? (length + 1) * kind : 0);
	}
	if (layout->str.wstr != PYLAYOUT_NONE) {
		remote_addr wstr = word(scan, layout->str.wstr);

		// PyUnicode_WSTR_LENGTH: an ASCII string's wstr has the string's length.
		if (wstr != text)
			pyscan_note_part(scan, wstr, 0);
		if (wstr && wstr != text)
			scan->size += extra_bytes(scan,
				is_ascii && is_compact ? length
						       : word(scan, layout->str.wstr_length),
				4);
	}
	if (!(is_ascii && is_compact)) {
		remote_addr utf8 = word(scan, layout->str.utf8);

		if (utf8 != text)
			pyscan_note_part(scan, utf8, 0);
		if (utf8 && utf8 != text)
			scan->size += extra_bytes(scan, word(scan, layout->str.utf8_length), 1);
	}
}

void pykind_size_int(struct pyscan *scan)
{
	const struct pylayout *layout = layout_of(scan);
	uint64_t digits = pytype_items(layout, scan->type, word(scan, layout->object.ob_size));

	if (digits > LIMIT_ITEMS) {
		scan->is_torn = true;
		return;
	}
	if (!digits && layout->traits.zero_has_digit)
		digits = 1;
	scan->size = layout->long_int.ob_digit + digits * 4;
}

void pykind_scan_old_unicode(struct pyscan *scan)
{
	const struct pylayout *layout = layout_of(scan);

	scan->size += extra_bytes(scan, word(scan, layout->old_unicode.length),
		scan->context->python->old_unicode_width);
	note_part_at(scan, layout->old_unicode.str);
	emit_field(scan, word(scan, layout->old_unicode.defenc), "defenc");
}

// The buffer is the bytearray's own, or (3.15) that of a bytes object.
void pykind_scan_bytearray(struct pyscan *scan)
{
	const struct pylayout *layout = layout_of(scan);
	uint64_t allocated = word(scan, layout->bytearray.ob_alloc);

	emit_word(scan, layout->bytearray.ob_bytes_object, "buffer");
	if (allocated > LIMIT_ITEMS) {
		scan->is_torn = true;
		return;
	}
	scan->size += allocated;
	pyscan_note_block(scan, word(scan, layout->bytearray.ob_bytes), allocated, 0);
}

void pykind_size_array(struct pyscan *scan)
{
	const struct pylayout *layout = layout_of(scan);
	uint64_t allocated = word(scan, layout->arraymodule.allocated);
	uint32_t itemsize = 0;

	// struct arraydescr: char typecode, int itemsize (Modules/arraymodule.c).
	pyreader_u32(reader_of(scan), word(scan, layout->arraymodule.ob_descr) + 4, &itemsize);
	if (allocated > LIMIT_ITEMS || itemsize > 64) {
		scan->is_torn = true;
		return;
	}
	scan->size += allocated * itemsize;
	// ob_item is before it.
	pyscan_note_block(
		scan, word(scan, layout->arraymodule.allocated - 8), allocated * itemsize, 0);
}
