// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "report/layout_text.h"

#include "base/alloc.h"
#include "report/text_writer.h"

#include <stdio.h>
#include <string.h>

// Columns of the tables: all but the last are of names that the program has.
#define ROW_NAME_WIDTH    20
#define ROW_VERSION_WIDTH 18
#define FIELD_NAME_WIDTH  32
#define VALUE_WIDTH       10
#define C_NAME_WIDTH      46

static void write_row_line(struct text_writer *writer, const struct doctor_layout_row *row)
{
	string_builder_add_format(&writer->out, "%-*s %-*s %s", ROW_NAME_WIDTH, row->name,
		ROW_VERSION_WIDTH, row->versions, row->labels);
	if (row->set_count)
		string_builder_add_format(&writer->out, "; %zu set", row->set_count);
	text_writer_blank(writer);
}

static void write_all(struct text_writer *writer, const struct doctor_layout *layout)
{
	string_builder_add_format(&writer->out, "%-*s %-*s %s\n", ROW_NAME_WIDTH, "row",
		ROW_VERSION_WIDTH, "CPython", "read from");
	for (size_t i = 0; i < layout->row_count; i++)
		write_row_line(writer, &layout->rows[i]);
	text_writer_blank(writer);
	text_writer_line(writer, NULL, TEXT_PLAIN, TEXT_PLAIN,
		"supported: CPython %s, 64-bit, with the GIL, no debug build", layout->supported);
}

static void write_trials(struct text_writer *writer, const struct doctor_layout *layout)
{
	for (size_t i = 0; i < layout->row_count; i++) {
		const struct doctor_layout_row *row = &layout->rows[i];

		if (row->is_taken)
			text_writer_line(writer, "row", TEXT_DIM, TEXT_BOLD,
				"%s: CPython %s, read from %s", row->name, row->versions,
				row->labels);
		else
			text_writer_line(writer, "refused", TEXT_DIM, TEXT_PLAIN, "%s: %s",
				row->name, row->refusal ? row->refusal : "");
	}
}

static void write_traits(struct text_writer *writer, const struct doctor_layout_row *row)
{
	_cleanup_(string_builder_deinit) struct string_builder traits = {0};
	_cleanup_(mem_free) char *text = NULL;

	for (size_t i = 0; i < row->trait_count; i++)
		string_builder_add_format(&traits, "%s%s %s", i ? ", " : "", row->traits[i].name,
			row->traits[i].value);
	text = string_builder_finish(&traits);
	if (text)
		text_writer_line(writer, "traits", TEXT_DIM, TEXT_PLAIN, "%s", text);
	else
		writer->out.failed = true;
}

static bool differs(const struct doctor_layout_field *field)
{
	return field->value != field->row_value;
}

static void write_counts(struct text_writer *writer, const struct doctor_layout *layout)
{
	size_t counts[] = {
		[DOCTOR_LAYOUT_READ] = 0, [DOCTOR_LAYOUT_SET] = 0, [DOCTOR_LAYOUT_TOLD] = 0};
	_cleanup_(string_builder_deinit) struct string_builder counted = {0};
	_cleanup_(mem_free) char *text = NULL;
	size_t different = 0;

	for (size_t i = 0; i < layout->field_count; i++) {
		counts[layout->fields[i].source]++;
		different += differs(&layout->fields[i]);
	}
	string_builder_add_format(&counted, "%zu of the row", counts[DOCTOR_LAYOUT_READ]);
	if (counts[DOCTOR_LAYOUT_SET])
		string_builder_add_format(&counted, ", %zu that data/layout/rows.txt sets",
			counts[DOCTOR_LAYOUT_SET]);
	if (counts[DOCTOR_LAYOUT_TOLD])
		string_builder_add_format(&counted,
			", %zu that the process told (_Py_DebugOffsets), %zu of them not what the "
			"row says",
			counts[DOCTOR_LAYOUT_TOLD], different);
	text = string_builder_finish(&counted);
	if (text)
		text_writer_line(writer, "fields", TEXT_DIM, TEXT_PLAIN, "%s", text);
	else
		writer->out.failed = true;
}

static void write_field(struct text_writer *writer, const struct doctor_layout_field *field)
{
	const char *kind =
		field->kind == DOCTOR_LAYOUT_OFFSET ? "" : doctor_layout_kind_name(field->kind);

	string_builder_add_format(&writer->out, "%-*s %4s %*u  %-*s %s", FIELD_NAME_WIDTH,
		field->name, kind, VALUE_WIDTH - 5, field->value, C_NAME_WIDTH,
		field->c_name ? field->c_name : "-", doctor_layout_source_name(field->source));
	if (differs(field) && field->row_value == DOCTOR_LAYOUT_NONE)
		string_builder_add(&writer->out, ", the row has none");
	else if (differs(field))
		string_builder_add_format(&writer->out, ", the row has %u", field->row_value);
	text_writer_blank(writer);
}

// A line for each type.
static void write_members(struct text_writer *writer, const struct doctor_layout *layout)
{
	const char *type = NULL;

	for (size_t i = 0; i < layout->member_count; i++) {
		const struct doctor_layout_member *member = &layout->members[i];

		if (member->type_names != type)
			string_builder_add_format(&writer->out, "%s%-*s %4s %*u ", type ? "\n" : "",
				FIELD_NAME_WIDTH, member->type_names, "size", VALUE_WIDTH - 5,
				member->size);
		string_builder_add_format(&writer->out, " %s %u",
			*member->label ? member->label : "-", member->offset);
		type = member->type_names;
	}
	text_writer_blank(writer);
}

static void write_process(struct text_writer *writer, const struct doctor_layout *layout)
{
	const struct doctor_layout_row *taken = doctor_layout_taken(layout);

	if (*layout->core)
		text_writer_line(writer, NULL, TEXT_PLAIN, TEXT_BOLD,
			"shikari: %s %d in %s (%s, in %s)", layout->executable, (int)layout->pid,
			layout->core, layout->python, layout->binary);
	else
		text_writer_line(writer, NULL, TEXT_PLAIN, TEXT_BOLD, "shikari: %s %d (%s, in %s)",
			layout->executable, (int)layout->pid, layout->python, layout->binary);
	text_writer_blank(writer);
	write_trials(writer, layout);
	if (!taken)
		return;
	write_traits(writer, taken);
	write_counts(writer, layout);
	text_writer_blank(writer);
	for (size_t i = 0; i < layout->field_count; i++)
		write_field(writer, &layout->fields[i]);
	text_writer_blank(writer);
	text_writer_line(writer, NULL, TEXT_PLAIN, TEXT_DIM,
		"built-in types whose references are plain fields, all of the row:");
	write_members(writer, layout);
}

char *layout_text(const struct doctor_layout *layout, const struct report_style *style)
{
	struct text_writer writer = {.style = *style};

	if (layout->is_of_process)
		write_process(&writer, layout);
	else
		write_all(&writer, layout);
	return string_builder_finish(&writer.out);
}
