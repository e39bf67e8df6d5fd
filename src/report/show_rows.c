// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "report/show_rows.h"

#include "base/alloc.h"
#include "base/error.h"

static void *grow(void *items, size_t count, size_t *capacity, size_t size)
{
	size_t more = *capacity ? *capacity * 2 : 64;
	void *bigger;

	if (count < *capacity)
		return items;
	bigger = mem_realloc_array(items, more, size);
	if (bigger)
		*capacity = more;
	return bigger;
}

struct error *show_add_row(
	const struct show_input *input, const struct show_row *row, struct show_report *ret)
{
	struct show_row *rows;

	if (ret->row_count >= input->limit) {
		ret->other_rows++;
		return NULL;
	}
	rows = grow(ret->rows, ret->row_count, &ret->row_capacity, sizeof(*rows));
	if (!rows)
		return error_enomem();
	ret->rows = rows;
	ret->rows[ret->row_count++] = *row;
	return NULL;
}

struct error *show_own_text(struct show_report *report, char *text, const char **ret)
{
	char **texts =
		grow(report->texts, report->text_count, &report->text_capacity, sizeof(*texts));

	if (!texts || !text) {
		report->texts = texts ? texts : report->texts;
		mem_free(text);
		return error_enomem();
	}
	report->texts = texts;
	report->texts[report->text_count++] = text;
	*ret = text;
	return NULL;
}

struct error *show_path(
	const struct show_input *input, node_id node, struct show_report *report, const char **ret)
{
	struct path_description path;
	struct error *err = paths_describe(input->paths, node, &path);

	if (err)
		return err;
	err = show_own_text(report, take(path.text), ret);
	path_description_deinit(&path);
	return err;
}
