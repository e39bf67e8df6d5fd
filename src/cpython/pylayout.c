// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "cpython/pylayout.h"

#include <string.h>

#include "pylayout_table.inc"

#define ROW_COUNT (sizeof(pylayout_rows) / sizeof(pylayout_rows[0]))

// A version whose lower half is not known fits all rows of its minor version.
static bool fits(const struct pylayout *row, uint32_t version_hex)
{
	if (!(version_hex & 0xffff))
		return row->version_low >> 16 == version_hex >> 16;
	return version_hex >= row->version_low && version_hex <= row->version_high;
}

const struct pylayout *pylayout_next(uint32_t version_hex, const struct pylayout *row)
{
	bool is_after = row == NULL;

	for (size_t i = 0; i < ROW_COUNT; i++) {
		if (is_after && fits(pylayout_rows[i], version_hex))
			return pylayout_rows[i];
		is_after |= pylayout_rows[i] == row;
	}
	return NULL;
}

const struct pylayout *pylayout_row(size_t index)
{
	return index < ROW_COUNT ? pylayout_rows[index] : NULL;
}

// How far a version is from those of a row.
static uint32_t distance(uint32_t version_hex, const struct pylayout *row)
{
	if (version_hex < row->version_low)
		return row->version_low - version_hex;
	return version_hex > row->version_high ? version_hex - row->version_high : 0;
}

const struct pylayout *pylayout_nearest(uint32_t version_hex)
{
	const struct pylayout *best = pylayout_rows[0];

	for (size_t i = 1; i < ROW_COUNT; i++) {
		if (distance(version_hex, pylayout_rows[i]) < distance(version_hex, best))
			best = pylayout_rows[i];
	}
	return best;
}

const struct pylayout_field_name *pylayout_field_name(size_t index)
{
	return index < sizeof(pylayout_field_names) / sizeof(pylayout_field_names[0])
		       ? &pylayout_field_names[index]
		       : NULL;
}

static uint32_t value_at(const struct pylayout *layout, uint32_t field)
{
	uint32_t value;

	memcpy(&value, (const char *)layout + field, sizeof(value));
	return value;
}

uint32_t pylayout_value(const struct pylayout *layout, const struct pylayout_field_name *field)
{
	return value_at(layout, field->field);
}

// A field that is taken out of the bytes up to another one, or of a struct's size.
struct inner_field {
	const char *name;
	uint32_t field, width, end; /* field and end: offsets in struct pylayout */
};

// clang-format off
// NOLINTBEGIN(bugprone-macro-parentheses): names of members cannot be in parentheses.
#define INNER(group, member, bytes, end_member) \
	{#group "." #member, offsetof(struct pylayout, group.member), (bytes), \
		offsetof(struct pylayout, group.end_member)}
// NOLINTEND(bugprone-macro-parentheses)
// clang-format on

// All that debug offsets can say, and what they could come too near to.
static const struct inner_field inner_fields[] = {
	INNER(object, ob_refcnt, 8, size),
	INNER(object, ob_type, 8, size),
	INNER(type, tp_name, 8, size),
	INNER(type, tp_flags, 8, size),
	INNER(dict, ma_keys, 8, size),
	INNER(dict, ma_values, 8, size),
	INNER(str, length, 8, ascii_size),
	INNER(str, state, 4, ascii_size),
	INNER(iframe, f_func, 8, localsplus),
	INNER(iframe, f_globals, 8, localsplus),
	INNER(iframe, f_locals, 8, localsplus),
	INNER(iframe, f_code, 8, localsplus),
	INNER(iframe, frame_obj, 8, localsplus),
	INNER(iframe, previous, 8, localsplus),
	INNER(iframe, prev_instr, 8, localsplus),
	INNER(iframe, instr_ptr, 8, localsplus),
	INNER(iframe, stackpointer, 8, localsplus),
	INNER(iframe, stacktop, 4, localsplus),
	INNER(iframe, owner, 1, localsplus),
};

// The bits of a str's state are shifted out of the word that it is.
static bool is_bit_of_state(const struct pylayout *layout, uint32_t bit, uint32_t width)
{
	uint64_t first = (uint64_t)layout->str.state * 8;

	return bit >= first && (uint64_t)bit + width <= first + 32;
}

const char *pylayout_misfit(const struct pylayout *layout)
{
	for (size_t i = 0; i < sizeof(inner_fields) / sizeof(inner_fields[0]); i++) {
		const struct inner_field *inner = &inner_fields[i];
		uint32_t offset = value_at(layout, inner->field);

		if (pylayout_has(offset) &&
			(uint64_t)offset + inner->width > value_at(layout, inner->end))
			return inner->name;
	}
	if (pylayout_has(layout->str.state) &&
		(!is_bit_of_state(layout, layout->str.interned_bit, 2) ||
			!is_bit_of_state(layout, layout->str.kind_bit, 3) ||
			!is_bit_of_state(layout, layout->str.compact_bit, 1) ||
			!is_bit_of_state(layout, layout->str.ascii_bit, 1)))
		return "str.state";
	return NULL;
}

const char *pylayout_supported(void)
{
	return "2.7, 3.6 to 3.15";
}

// Is @p name one of the comma-separated @p names?
static bool is_among(const char *names, const char *name)
{
	size_t length = strlen(name);

	for (const char *start = names; start; start = strchr(start, ',')) {
		start += *start == ',';
		if (strncmp(start, name, length) == 0 &&
			(start[length] == ',' || start[length] == '\0'))
			return true;
	}
	return false;
}

const struct pyfields *pylayout_fields(
	const struct pylayout *layout, const char *type_name, int64_t basicsize)
{
	for (uint32_t i = 0; i < layout->fields_count; i++) {
		const struct pyfields *fields = &layout->fields[i];

		if (is_among(fields->type_names, type_name) && basicsize >= (int64_t)fields->size)
			return fields;
	}
	return NULL;
}
