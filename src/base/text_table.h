// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Texts that are each kept once and numbered 0, 1, 2, … in the order in which they came.
 *
 * Per different text its bytes, and 8 + 8 to 16 of index. A zeroed table is empty.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEXT_TABLE_NONE UINT32_MAX

struct text_table {
	char *bytes; /* pages: one text behind the other, each ending with NUL */
	uint64_t byte_count, byte_capacity;
	uint64_t *starts; /* by number */
	uint32_t count, capacity;
	uint32_t *slots; /* number + 1 */
	uint64_t slot_count;
};

/** The number of a text, which is copied; TEXT_TABLE_NONE without memory. */
uint32_t text_table_add(struct text_table *table, const char *text);
void text_table_deinit(struct text_table *table);

static inline void cleanup_text_table_deinit(struct text_table *table)
{
	text_table_deinit(table);
}

/** The text of a number. Valid until another is added. */
static inline const char *text_table_get(const struct text_table *table, uint32_t number)
{
	return table->bytes + table->starts[number];
}
