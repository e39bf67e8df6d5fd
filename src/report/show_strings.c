// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
// Strings with the same characters.
#include "report/show_rows.h"

#include "base/alloc.h"
#include "base/error.h"
#include "heap/heap_facts.h"

#include <inttypes.h>
#include <stdio.h>

enum { WASTED, BYTES, OBJECTS, LENGTH, HASH, TEXT, PATH, COLUMNS };

static const struct show_column columns[COLUMNS] = {
	[WASTED] = {"wasted_bytes", "wasted", SHOW_BYTES, false},
	[BYTES] = {"bytes", "bytes", SHOW_BYTES, false},
	[OBJECTS] = {"count", "objects", SHOW_COUNT, false},
	[LENGTH] = {"length", "length", SHOW_COUNT, false},
	[HASH] = {"hash", "hash", SHOW_TEXT, false},
	[TEXT] = {"text", "text", SHOW_TEXT, false},
	[PATH] = {"path", "one of them", SHOW_TEXT, false},
};

static struct error *add(const struct show_input *input, uint64_t index, struct show_report *ret)
{
	const struct heap_facts *facts = input->facts;
	node_id node = (node_id)heap_facts_get(facts, HEAP_FACT_STRING_NODE, index);
	uint64_t count = heap_facts_get(facts, HEAP_FACT_STRING_COUNT, index);
	uint64_t bytes = heap_facts_get(facts, HEAP_FACT_STRING_BYTES, index);
	uint64_t content;
	char hash[20];
	const char *own_hash, *path;
	struct error *err;

	// What is left out needs no words.
	if (ret->row_count >= input->limit) {
		ret->other_rows++;
		return NULL;
	}
	snprintf(hash, sizeof(hash), "%016" PRIx64,
		heap_facts_get(facts, HEAP_FACT_STRING_HASH, index));
	err = show_own_text(ret, mem_strdup(hash), &own_hash);
	if (!err)
		err = show_path(input, node, ret, &path);
	if (err)
		return err;
	const struct show_row row = {
		.cells = {
			[WASTED] = cell_count(count ? bytes / count * (count - 1) : 0),
			[BYTES] = cell_count(bytes),
			[OBJECTS] = cell_count(count),
			[LENGTH] =
				cell_count(heap_facts_get(facts, HEAP_FACT_STRING_LENGTH, index)),
			[HASH] = cell_text(own_hash),
			[TEXT] = cell_text(heap_facts_find(facts, HEAP_FACT_CONTENT, node, &content)
						   ? heap_facts_text(facts, content)
						   : NULL),
			[PATH] = cell_text(path),
		}};

	return show_add_row(input, &row, ret);
}

struct error *show_strings(const struct show_input *input, struct show_report *ret)
{
	struct error *err = NULL;

	ret->columns = columns;
	ret->column_count = COLUMNS;
	for (uint64_t i = 0; !err && i < heap_facts_count(input->facts, HEAP_FACT_STRING_NODE); i++)
		err = add(input, i, ret);
	return err;
}
