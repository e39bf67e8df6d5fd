// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "report/show_report.h"

#include "base/alloc.h"
#include "base/human.h"
#include "base/path.h"
#include "base/utf8.h"
#include "report/text_writer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

// Wider columns are not waited for by the others.
#define COLUMN_WIDTH_MAX 60
#define GAP              "  "
#define INDENT           2

void show_report_deinit(struct show_report *report)
{
	for (size_t i = 0; i < report->text_count; i++)
		mem_free(report->texts[i]);
	mem_free(report->texts);
	mem_free(report->rows);
	*report = (struct show_report){0};
}

static void write_target(struct text_writer *writer, const struct show_report *report)
{
	const struct show_target *target = &report->target;

	text_writer_line(writer, NULL, TEXT_PLAIN, TEXT_BOLD,
		"shikari: %s, %s (%s, %s, %s thread%s)", path_base_name(target->executable),
		target->name, target->python, human_bytes((double)target->rss_bytes).text,
		human_count(target->threads).text, target->threads == 1 ? "" : "s");
	if (target->stopped_ms > 0)
		text_writer_line(writer, NULL, TEXT_PLAIN, TEXT_PLAIN,
			"target stopped for %s · %s objects, %s",
			human_seconds(target->stopped_ms / 1e3).text,
			human_count(target->objects).text, human_bytes((double)target->bytes).text);
	else
		text_writer_line(writer, NULL, TEXT_PLAIN, TEXT_PLAIN, "%s objects, %s",
			human_count(target->objects).text, human_bytes((double)target->bytes).text);
	for (size_t i = 0; i < report->note_count; i++)
		text_writer_line(writer, i == 0 ? "  notes" : "", TEXT_DIM, TEXT_PLAIN, "%s",
			report->notes[i]);
}

static void write_delta(enum show_kind kind, int64_t delta, char *ret, size_t size)
{
	uint64_t much = delta < 0 ? 0 - (uint64_t)delta : (uint64_t)delta;
	const char *sign = delta < 0 ? "-" : delta > 0 ? "+" : "";

	snprintf(ret, size, "%s%s", sign,
		kind == SHOW_DELTA ? human_count(much).text : human_bytes((double)much).text);
}

// A cell as text that a terminal may have; the caller owns it.
static char *cell_text(const struct show_column *column, const struct show_cell *cell)
{
	char text[HUMAN_SIZE + 4] = "";

	if (!cell->is_known)
		return mem_strdup("");
	switch (column->kind) {
	case SHOW_TEXT:
		return utf8_clean(cell->text, true);
	case SHOW_COUNT:
		return mem_strdup(human_count(cell->count).text);
	case SHOW_BYTES:
		return mem_strdup(human_bytes((double)cell->count).text);
	case SHOW_NUMBER:
	case SHOW_DEPTH:
		snprintf(text, sizeof(text), "%" PRIu64, cell->count);
		break;
	case SHOW_SHARE:
		snprintf(text, sizeof(text), "%.1f %%", cell->share * 100);
		break;
	case SHOW_DELTA:
	case SHOW_DELTA_BYTES:
		write_delta(column->kind, (int64_t)cell->count, text, sizeof(text));
		break;
	}
	return mem_strdup(text);
}

// The same where it stands: in a tree, with blanks for its depth before it.
static char *placed_text(
	const struct show_report *report, const struct show_row *row, size_t column)
{
	char *text = cell_text(&report->columns[column], &row->cells[column]), *placed;
	const struct show_cell *depth = column ? &row->cells[column - 1] : NULL;

	if (!text || !depth || report->columns[column - 1].kind != SHOW_DEPTH || !depth->is_known)
		return text;
	placed = mem_alloc(strlen(text) + INDENT * SHOW_DEPTH_MAX + 1);
	if (placed)
		sprintf(placed, "%*s%s",
			(int)(INDENT *
				(depth->count < SHOW_DEPTH_MAX ? depth->count : SHOW_DEPTH_MAX)),
			"", text);
	mem_free(text);
	return placed;
}

// Has it a place among the others in a line?
static bool is_in_line(const struct show_column *column)
{
	return !column->is_heading && column->kind != SHOW_DEPTH;
}

static void add_padding(struct text_writer *writer, size_t from, size_t to)
{
	string_builder_add_format(&writer->out, "%*s", (int)(from < to ? to - from : 0), "");
}

static void write_cell(struct text_writer *writer, const struct show_column *column,
	const char *text, size_t width, bool is_last)
{
	size_t length = utf8_count(text);

	if (column->kind != SHOW_TEXT)
		add_padding(writer, length, width);
	string_builder_add(&writer->out, text);
	if (column->kind == SHOW_TEXT && !is_last)
		add_padding(writer, length, width);
	string_builder_add(&writer->out, is_last ? "\n" : GAP);
}

static bool is_last_shown(const struct show_report *report, size_t column)
{
	for (size_t i = column + 1; i < report->column_count; i++) {
		if (is_in_line(&report->columns[i]))
			return false;
	}
	return true;
}

// No blanks at the end of a line whose last cells are empty.
static void trim_line(struct string_builder *out)
{
	size_t end = out->length;

	if (out->failed || end == 0 || out->text[end - 1] != '\n')
		return;
	while (end > 1 && out->text[end - 2] == ' ')
		end--;
	out->text[end - 1] = '\n';
	out->text[end] = '\0';
	out->length = end;
}

static void write_row(struct text_writer *writer, const struct show_report *report,
	const struct show_row *row, const size_t *widths)
{
	for (size_t i = 0; i < report->column_count; i++) {
		_cleanup_(mem_free) char *text = NULL;

		if (!is_in_line(&report->columns[i]))
			continue;
		text = placed_text(report, row, i);
		if (!text)
			writer->out.failed = true;
		else
			write_cell(writer, &report->columns[i], text, widths[i],
				is_last_shown(report, i));
	}
	trim_line(&writer->out);
}

static void measure(const struct show_report *report, const struct show_row *row, size_t *widths)
{
	for (size_t i = 0; i < report->column_count; i++) {
		_cleanup_(mem_free) char *text = placed_text(report, row, i);
		size_t width = text ? utf8_count(text) : 0;

		width = width < COLUMN_WIDTH_MAX ? width : COLUMN_WIDTH_MAX;
		widths[i] = width > widths[i] ? width : widths[i];
	}
}

static bool is_same_cell(
	const struct show_column *column, const struct show_cell *a, const struct show_cell *b)
{
	if (!a->is_known || !b->is_known)
		return a->is_known == b->is_known;
	return column->kind == SHOW_TEXT ? strcmp(a->text, b->text) == 0 : a->count == b->count;
}

static bool has_headings(const struct show_report *report)
{
	return report->column_count > 0 && report->columns[0].is_heading;
}

static bool begins_group(const struct show_report *report, size_t row)
{
	for (size_t i = 0; i < report->column_count; i++) {
		if (report->columns[i].is_heading &&
			(row == 0 ||
				!is_same_cell(&report->columns[i], &report->rows[row - 1].cells[i],
					&report->rows[row].cells[i])))
			return true;
	}
	return false;
}

// "1  thread MainThread  id 4242"
static void write_heading(
	struct text_writer *writer, const struct show_report *report, const struct show_row *row)
{
	_cleanup_(string_builder_deinit) struct string_builder line = {0};
	_cleanup_(mem_free) char *text = NULL;

	for (size_t i = 0; i < report->column_count; i++) {
		const struct show_column *column = &report->columns[i];
		_cleanup_(mem_free) char *cell = NULL;

		if (!column->is_heading || !row->cells[i].is_known)
			continue;
		cell = cell_text(column, &row->cells[i]);
		if (cell)
			string_builder_add_format(&line, "%s%s%s%s", line.length ? GAP : "",
				column->title, *column->title ? " " : "", cell);
	}
	text = string_builder_finish(&line);
	if (!text)
		writer->out.failed = true;
	else
		text_writer_line(writer, NULL, TEXT_PLAIN, TEXT_BOLD, "%s", text);
}

static void write_titles(
	struct text_writer *writer, const struct show_report *report, const size_t *widths)
{
	for (size_t i = 0; i < report->column_count; i++) {
		if (is_in_line(&report->columns[i]))
			write_cell(writer, &report->columns[i], report->columns[i].title, widths[i],
				is_last_shown(report, i));
	}
}

static bool has_sums(const struct show_report *report)
{
	for (size_t i = 0; i < report->column_count; i++) {
		if (report->other.cells[i].is_known)
			return true;
	}
	return false;
}

static void write_rows(struct text_writer *writer, const struct show_report *report)
{
	size_t widths[SHOW_COLUMNS_MAX] = {0};

	for (size_t i = 0; i < report->column_count; i++)
		widths[i] = has_headings(report) ? 0 : strlen(report->columns[i].title);
	for (size_t i = 0; i < report->row_count; i++)
		measure(report, &report->rows[i], widths);
	if (report->other_rows)
		measure(report, &report->other, widths);
	if (!has_headings(report))
		write_titles(writer, report, widths);
	for (size_t i = 0; i < report->row_count; i++) {
		if (begins_group(report, i)) {
			if (i)
				text_writer_blank(writer);
			write_heading(writer, report, &report->rows[i]);
		}
		write_row(writer, report, &report->rows[i], widths);
	}
	if (report->other_rows && has_sums(report))
		write_row(writer, report, &report->other, widths);
	if (report->other_rows)
		text_writer_line(writer, NULL, TEXT_PLAIN, TEXT_DIM, "%s more rows (--limit)",
			human_count(report->other_rows).text);
}

char *show_report_text(const struct show_report *report, const struct report_style *style)
{
	struct text_writer writer = {.style = *style};

	write_target(&writer, report);
	text_writer_blank(&writer);
	write_rows(&writer, report);
	return string_builder_finish(&writer.out);
}
