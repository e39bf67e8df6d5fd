// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "cpython/pylayout.h"

#include <string.h>

#include "pylayout_table.inc"

#define ROW_COUNT (sizeof(pylayout_rows) / sizeof(pylayout_rows[0]))

const struct pylayout *pylayout_find(uint32_t version_hex)
{
	for (size_t i = 0; i < ROW_COUNT; i++) {
		if (version_hex >= pylayout_rows[i]->version_low &&
			version_hex <= pylayout_rows[i]->version_high)
			return pylayout_rows[i];
	}
	return NULL;
}

const struct pylayout *pylayout_row(size_t index)
{
	return index < ROW_COUNT ? pylayout_rows[index] : NULL;
}

const char *pylayout_supported(void)
{
	return "3.11";
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
