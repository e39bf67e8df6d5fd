// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "export/export_show.h"

#include "export/json_object.h"

static json_t *target_json(const struct show_report *report)
{
	const struct show_target *its = &report->target;
	struct json_object target = json_object_begin();

	json_object_put(&target, "kind", json_string(its->kind));
	json_object_put(&target, "name", json_text(its->name));
	json_object_put(&target, "pid", its->pid ? json_integer(its->pid) : json_null());
	json_object_put(&target, "python", json_text(its->python));
	json_object_put(&target, "executable", json_text(its->executable));
	json_object_put(&target, "command_line", json_text(its->command_line));
	json_object_put(&target, "rss_bytes", json_count(its->rss_bytes));
	json_object_put(&target, "threads", json_count(its->threads));
	return json_object_end(&target);
}

static json_t *heap_json(const struct show_report *report)
{
	struct json_object heap = json_object_begin();

	json_object_put(&heap, "objects", json_count(report->target.objects));
	json_object_put(&heap, "bytes", json_count(report->target.bytes));
	return json_object_end(&heap);
}

static json_t *cell_json(const struct show_column *column, const struct show_cell *cell)
{
	if (!cell->is_known)
		return json_null();
	switch (column->kind) {
	case SHOW_TEXT:
		return json_text(cell->text);
	case SHOW_SHARE:
		return json_decimal(cell->share);
	case SHOW_DELTA:
	case SHOW_DELTA_BYTES:
		return json_integer((json_int_t)(int64_t)cell->count);
	case SHOW_COUNT:
	case SHOW_NUMBER:
	case SHOW_BYTES:
	case SHOW_DEPTH:
		break;
	}
	return json_count(cell->count);
}

static void put_cells(
	struct json_object *object, const struct show_report *report, const struct show_row *row)
{
	for (size_t i = 0; i < report->column_count; i++)
		json_object_put(object, report->columns[i].name,
			cell_json(&report->columns[i], &row->cells[i]));
}

static json_t *rows_json(const struct show_report *report)
{
	json_t *array = json_array();

	for (size_t i = 0; i < report->row_count; i++) {
		struct json_object row = json_object_begin();

		put_cells(&row, report, &report->rows[i]);
		if (json_array_append_new(array, json_object_end(&row)) != 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *other_json(const struct show_report *report)
{
	struct json_object other;

	if (!report->other_rows)
		return json_null();
	other = json_object_begin();
	json_object_put(&other, "rows", json_count(report->other_rows));
	put_cells(&other, report, &report->other);
	return json_object_end(&other);
}

static json_t *report_json(const struct show_report *report)
{
	struct json_object root = json_object_begin();

	json_object_put(&root, "schema", json_string("shikari.show/1"));
	json_object_put(&root, "view", json_string(report->view));
	json_object_put(&root, "target", target_json(report));
	json_object_put(&root, "stopped_ms", json_decimal(report->target.stopped_ms));
	json_object_put(&root, "heap", heap_json(report));
	json_object_put(&root, "rows", rows_json(report));
	json_object_put(&root, "other", other_json(report));
	json_object_put(&root, "notes", json_texts((char **)report->notes, report->note_count));
	return json_object_end(&root);
}

struct error *export_show_json(const struct show_report *report, char **ret)
{
	return json_print(report_json(report), ret);
}
