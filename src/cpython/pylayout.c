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

uint32_t pylayout_value(const struct pylayout *layout, const struct pylayout_field_name *field)
{
	uint32_t value;

	memcpy(&value, (const char *)layout + field->field, sizeof(value));
	return value;
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
