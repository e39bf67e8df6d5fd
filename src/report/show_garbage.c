// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
// What no root reaches: what the collector would free, by type, and what it would not.
#include "report/show_rows.h"

#include "analysis/garbage.h"
#include "base/error.h"

enum { BYTES, OBJECTS, FATE, TYPE, COLUMNS };

static const struct show_column columns[COLUMNS] = {
	[BYTES] = {"bytes", "bytes", SHOW_BYTES, false},
	[OBJECTS] = {"count", "objects", SHOW_COUNT, false},
	[FATE] = {"fate", "fate", SHOW_TEXT, false},
	[TYPE] = {"type", "type", SHOW_TEXT, false},
};

static struct error *add(const struct show_input *input, uint64_t objects, uint64_t bytes,
	const char *fate, const char *type, struct show_report *ret)
{
	const struct show_row row = {.cells = {
					     [BYTES] = cell_count(bytes),
					     [OBJECTS] = cell_count(objects),
					     [FATE] = cell_text(fate),
					     [TYPE] = cell_text(type),
				     }};

	return objects ? show_add_row(input, &row, ret) : NULL;
}

struct error *show_garbage(const struct show_input *input, struct show_report *ret)
{
	struct garbage garbage;
	struct error *err = garbage_compute(input->graph, input->dominators, &garbage);

	ret->columns = columns;
	ret->column_count = COLUMNS;
	if (err)
		return err;
	err = add(input, garbage.uncollectable_objects - garbage.frozen_objects,
		garbage.uncollectable_bytes - garbage.frozen_bytes, "not collectable", NULL, ret);
	if (!err)
		err = add(input, garbage.frozen_objects, garbage.frozen_bytes,
			"not before gc.unfreeze()", NULL, ret);
	for (size_t i = 0; !err && i < garbage.type_count; i++)
		err = add(input, garbage.types[i].objects, garbage.types[i].bytes, "collectable",
			input->graph->types[garbage.types[i].type].name, ret);
	garbage_deinit(&garbage);
	return err;
}
