// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
// The histogram by the module that a type is defined in.
#include "report/show_rows.h"

#include "analysis/histogram.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/sort.h"

#include <string.h>

enum { BYTES, SHARE, OBJECTS, TYPES, MODULE, COLUMNS };

static const struct show_column columns[COLUMNS] = {
	[BYTES] = {"bytes", "bytes", SHOW_BYTES, false},
	[SHARE] = {"share", "share", SHOW_SHARE, false},
	[OBJECTS] = {"count", "objects", SHOW_COUNT, false},
	[TYPES] = {"types", "types", SHOW_COUNT, false},
	[MODULE] = {"module", "module", SHOW_TEXT, false},
};

struct group {
	const char *module;
	uint64_t types, objects, bytes;
};

static int by_type(const void *left, const void *right)
{
	return strcmp(((const struct histogram_row *)left)->type,
		((const struct histogram_row *)right)->type);
}

static int by_module(const void *left, const void *right)
{
	return strcmp(((const struct group *)left)->module, ((const struct group *)right)->module);
}

static int by_bytes(const void *left, const void *right)
{
	const struct group *a = left, *b = right;

	if (a->bytes != b->bytes)
		return a->bytes > b->bytes ? -1 : 1;
	return by_module(left, right);
}

// "app.models" of "app.models.User.Meta": what is before the last dot, unless that is a type itself.
// @p types are sorted by name.
static char *module_of(const struct histogram *types, const char *type)
{
	char *module = mem_strdup(type), *dot = NULL;

	while (module && (dot = strrchr(module, '.'))) {
		const struct histogram_row key = {.type = module};

		*dot = '\0';
		if (!bsearch(&key, types->rows, types->count, sizeof(key), by_type))
			return module;
	}
	mem_free(module);
	return mem_strdup("builtins");
}

static struct error *group_types(const struct histogram *types, struct group *groups,
	struct show_report *ret, size_t *ret_count)
{
	size_t kept = 0;

	for (size_t i = 0; i < types->count; i++) {
		const struct histogram_row *row = &types->rows[i];
		struct error *err =
			show_own_text(ret, module_of(types, row->type), &groups[i].module);

		if (err)
			return err;
		groups[i].types = 1;
		groups[i].objects = row->objects;
		groups[i].bytes = row->bytes;
	}
	sort_items(groups, types->count, sizeof(*groups), by_module);
	for (size_t i = 0; i < types->count; i++) {
		if (!kept || by_module(&groups[kept - 1], &groups[i]) != 0) {
			groups[kept++] = groups[i];
			continue;
		}
		groups[kept - 1].types++;
		groups[kept - 1].objects += groups[i].objects;
		groups[kept - 1].bytes += groups[i].bytes;
	}
	sort_items(groups, kept, sizeof(*groups), by_bytes);
	*ret_count = kept;
	return NULL;
}

struct error *show_modules(const struct show_input *input, struct show_report *ret)
{
	_cleanup_(histogram_deinit) struct histogram types = {0};
	_cleanup_(mem_free) struct group *groups = NULL;
	struct error *err = input->graph ? histogram_create(input->graph, &types)
					 : histogram_of_file(input->file, &types);
	size_t count = 0;

	ret->columns = columns;
	ret->column_count = COLUMNS;
	if (err)
		return err;
	groups = mem_calloc(types.count, sizeof(*groups));
	if (!groups)
		return error_enomem();
	sort_items(types.rows, types.count, sizeof(*types.rows), by_type);
	err = group_types(&types, groups, ret, &count);
	for (size_t i = 0; !err && i < count; i++) {
		const struct show_row row = {
			.cells = {
				[BYTES] = cell_count(groups[i].bytes),
				[SHARE] = cell_share(groups[i].bytes, types.bytes),
				[OBJECTS] = cell_count(groups[i].objects),
				[TYPES] = cell_count(groups[i].types),
				[MODULE] = cell_text(groups[i].module),
			}};

		err = show_add_row(input, &row, ret);
	}
	return err;
}
