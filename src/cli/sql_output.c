// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "cli/sql_output.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/string_builder.h"
#include "base/utf8.h"
#include "base/vector.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "export/json_object.h"
#include "sql/sql_session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Between columns of a table. */
#define GAP 2

DEFINE_VECTOR(cell_vector, char *)

struct output {
	struct sql_session *session;
	sqlite3_stmt *statement;
	int columns;
	/** Of a table, until enough are known: rows of texts, one behind the other. */
	struct cell_vector cells;
	size_t *widths; /* characters */
	bool *is_number;
	bool is_begun;
	int *code;
};

static void output_deinit(struct output *output)
{
	for (size_t i = 0; i < output->cells.count; i++)
		mem_free(output->cells.items[i]);
	cell_vector_deinit(&output->cells);
	mem_free(output->widths);
	mem_free(output->is_number);
}

// NULL is nothing, a blob is hexadecimal.
static char *cell_text(sqlite3_stmt *statement, int column)
{
	_cleanup_(string_builder_deinit) struct string_builder text = {0};
	const unsigned char *bytes;

	if (sqlite3_column_type(statement, column) != SQLITE_BLOB) {
		const char *value = (const char *)sqlite3_column_text(statement, column);

		return utf8_clean(value ? value : "", true);
	}
	bytes = sqlite3_column_blob(statement, column);
	for (int i = 0; i < sqlite3_column_bytes(statement, column); i++)
		string_builder_add_format(&text, "%02x", bytes[i]);
	return string_builder_finish(&text);
}

static void add_cell(
	const struct output *output, struct string_builder *out, int column, const char *text)
{
	size_t width = utf8_count(text), blanks = 0;
	bool is_last = column + 1 == output->columns;

	if (column)
		string_builder_add_format(out, "%*s", GAP, "");
	if (width < output->widths[column])
		blanks = output->widths[column] - width;
	if (output->is_number[column])
		string_builder_add_format(out, "%*s", (int)blanks, "");
	string_builder_add(out, text);
	if (!output->is_number[column] && !is_last)
		string_builder_add_format(out, "%*s", (int)blanks, "");
	if (is_last)
		string_builder_add(out, "\n");
}

static struct error *write_built(const struct output *output, struct string_builder *out)
{
	_cleanup_(mem_free) char *text = string_builder_finish(out);

	return text ? write_output(text, output->code) : error_enomem();
}

// Names and the rows that were kept.
static struct error *begin_table(struct output *output)
{
	struct string_builder out = {0};

	output->is_begun = true;
	for (int i = 0; i < output->columns; i++) {
		_cleanup_(mem_free) char *name =
			utf8_clean(sqlite3_column_name(output->statement, i), true);

		if (!name)
			return error_enomem();
		if (utf8_count(name) > output->widths[i])
			output->widths[i] = utf8_count(name);
		add_cell(output, &out, i, name);
	}
	for (size_t i = 0; i < output->cells.count; i++)
		add_cell(output, &out, (int)(i % (size_t)output->columns), output->cells.items[i]);
	return write_built(output, &out);
}

static struct error *keep_row(struct output *output)
{
	for (int i = 0; i < output->columns; i++) {
		int type = sqlite3_column_type(output->statement, i);
		char *text = cell_text(output->statement, i);

		if (!text || !cell_vector_push(&output->cells, text)) {
			mem_free(text);
			return error_enomem();
		}
		if (utf8_count(text) > output->widths[i])
			output->widths[i] = utf8_count(text);
		if (type != SQLITE_INTEGER && type != SQLITE_FLOAT && type != SQLITE_NULL)
			output->is_number[i] = false;
	}
	return NULL;
}

static struct error *table_row(struct output *output)
{
	struct string_builder out = {0};
	struct error *err = NULL;

	if (output->cells.count < (size_t)output->columns * SQL_OUTPUT_ROWS)
		return keep_row(output);
	if (!output->is_begun)
		err = begin_table(output);
	for (int i = 0; !err && i < output->columns; i++) {
		_cleanup_(mem_free) char *text = cell_text(output->statement, i);

		if (!text)
			err = error_enomem();
		else
			add_cell(output, &out, i, text);
	}
	if (!err)
		return write_built(output, &out);
	string_builder_deinit(&out);
	return err;
}

static json_t *json_cell(sqlite3_stmt *statement, int column)
{
	_cleanup_(mem_free) char *text = NULL;

	switch (sqlite3_column_type(statement, column)) {
	case SQLITE_INTEGER:
		return json_integer(sqlite3_column_int64(statement, column));
	case SQLITE_FLOAT:
		// JSON has no infinity.
		text = cell_text(statement, column);
		return json_real(sqlite3_column_double(statement, column)) ?: json_text(text);
	case SQLITE_NULL:
		return json_null();
	case SQLITE_TEXT:
		return json_text((const char *)sqlite3_column_text(statement, column));
	default:
		text = cell_text(statement, column);
		return text ? json_text(text) : NULL;
	}
}

static struct error *json_row(struct output *output)
{
	struct json_object row = json_object_begin();
	char *text;
	json_t *json;

	for (int i = 0; i < output->columns; i++)
		json_object_put(&row, sqlite3_column_name(output->statement, i),
			json_cell(output->statement, i));
	json = json_object_end(&row);
	text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	if (!text)
		return error_enomem();
	fputs(output->is_begun ? ",\n" : "[", stdout);
	output->is_begun = true;
	fputs(text, stdout);
	free(text); // jansson's
	return write_output("", output->code);
}

static void csv_cell(const char *text)
{
	if (!text[strcspn(text, ",\"\r\n")]) {
		fputs(text, stdout);
		return;
	}
	putchar('"');
	for (; *text; text++) {
		if (*text == '"')
			putchar('"');
		putchar(*text);
	}
	putchar('"');
}

static struct error *csv_line(struct output *output, bool is_head)
{
	for (int i = 0; i < output->columns; i++) {
		_cleanup_(mem_free) char *text =
			is_head ? utf8_clean(sqlite3_column_name(output->statement, i), false)
				: cell_text(output->statement, i);

		if (!text)
			return error_enomem();
		if (i)
			putchar(',');
		csv_cell(text);
	}
	return write_output("\r\n", output->code);
}

static struct error *add_row(struct output *output, enum sql_format format)
{
	switch (format) {
	case SQL_FORMAT_JSON:
		return json_row(output);
	case SQL_FORMAT_CSV:
		return csv_line(output, false);
	default:
		return table_row(output);
	}
}

static struct error *finish(struct output *output, enum sql_format format)
{
	if (format == SQL_FORMAT_JSON)
		return write_output(output->is_begun ? "]\n" : "[]\n", output->code);
	if (format == SQL_FORMAT_TABLE && !output->is_begun)
		return begin_table(output);
	return NULL;
}

static struct error *write_rows(struct output *output, enum sql_format format)
{
	struct error *err = format == SQL_FORMAT_CSV ? csv_line(output, true) : NULL;
	bool has_row = true;

	while (!err && has_row && *output->code == EXIT_DONE) {
		err = sql_session_next(output->session, output->statement, &has_row);
		if (!err && has_row)
			err = add_row(output, format);
	}
	if (err || *output->code != EXIT_DONE)
		return err;
	if (interrupt_signal()) {
		*output->code = EXIT_SIGNAL + interrupt_signal();
		return NULL;
	}
	return finish(output, format);
}

struct error *sql_output(
	struct sql_session *session, sqlite3_stmt *statement, enum sql_format format, int *ret_code)
{
	struct output output = {.session = session,
		.statement = statement,
		.columns = sqlite3_column_count(statement),
		.code = ret_code};
	struct error *err = NULL;

	output.widths = mem_calloc((size_t)output.columns, sizeof(*output.widths));
	output.is_number = mem_alloc((size_t)output.columns * sizeof(*output.is_number));
	if (!output.widths || !output.is_number)
		err = error_enomem();
	for (int i = 0; !err && i < output.columns; i++)
		output.is_number[i] = true;
	if (!err)
		err = write_rows(&output, format);
	output_deinit(&output);
	return err;
}
