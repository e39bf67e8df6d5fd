// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"

#include "base/error.h"
#include "cli/interrupt.h"
#include "cli/sql_output.h"
#include "sql/sql_heap.h"
#include "sql/sql_session.h"

struct sql_options {
	struct core_options core;
	unsigned pause_ms_max;
	bool json, csv, force;
};

static const struct option_row sql_rows[] = {
	{.name = "json",
		.type = OPTION_FLAG,
		.offset = offsetof(struct sql_options, json),
		.help = "an array with an object for each row"},
	{.name = "csv",
		.type = OPTION_FLAG,
		.offset = offsetof(struct sql_options, csv),
		.help = "comma-separated values, the names of the columns first"},
	CORE_OPTION_ROWS(struct sql_options, core),
	PAUSE_OPTION_ROW(struct sql_options),
	FORCE_OPTION_ROW(struct sql_options),
	{.type = OPTION_END},
};

static void set_defaults(void *options)
{
	(void)options;
}

static bool is_interrupted(void)
{
	return interrupt_signal();
}

static struct error *add_heap(
	struct sql_session *session, const struct sql_options *options, const char *word)
{
	const struct heap_source_options places = {.core = options->core};
	const struct heap_snapshot_options how = {.capture = {
							  .pause_ms_max = options->pause_ms_max,
							  .force = options->force,
						  }};
	struct sql_heap *heap;
	struct error *err = sql_heap_open(word, &places, &how, &heap);

	return err ? err : sql_session_add(session, heap);
}

static struct error *answer(struct sql_session *session, const struct sql_options *options,
	const char *question, int *ret_code)
{
	enum sql_format format = options->json  ? SQL_FORMAT_JSON
				 : options->csv ? SQL_FORMAT_CSV
						: SQL_FORMAT_TABLE;
	sqlite3_stmt *statement;
	struct error *err = sql_session_ask(session, question, &statement);

	if (err)
		return err;
	err = sql_output(session, statement, format, ret_code);
	sqlite3_finalize(statement);
	return err;
}

static struct error *run(const void *options, int operand_count, char **operands, int *ret_code)
{
	const struct sql_options *sql_options = options;
	_cleanup_(sql_session_destroy) struct sql_session *session = NULL;
	struct error *err;

	if (operand_count < 2)
		return error_create(
			ERROR_USAGE, "sql needs a snapshot file and a question: FILE 'SELECT …'");
	if (sql_options->json && sql_options->csv)
		return error_create(ERROR_USAGE, "--json and --csv are two formats");
	err = sql_session_create(is_interrupted, &session);
	for (int i = 0; !err && i < operand_count - 1; i++)
		err = add_heap(session, sql_options, operands[i]);
	return err ? err : answer(session, sql_options, operands[operand_count - 1], ret_code);
}

const struct command command_sql = {
	.name = "sql",
	.summary = "ask snapshots questions in SQL",
	.usage = "sql [OPTIONS] FILE… 'SELECT …'",
	.text = "Tables, with all of the snapshot and without an import (docs/sql.md has the "
		"columns):\n"
		"  objects     id, address, type, type_id, size, length, name, is_tracked, …; by "
		"name only:\n"
		"              retained, is_reachable, path\n"
		"  types       id, name, role, objects, bytes, node\n"
		"  edges       src, dst, number, kind, label, is_inferred\n"
		"  roots       node, kind, name, file\n"
		"  dominators  node, idom, retained, depth\n"
		"  paths       node, path, parent, is_user_code, is_named\n"
		"  mappings    start, end, permissions, path\n"
		"\n"
		"FILE is a snapshot, a core or a process id. Several are side by side: a.objects, "
		"b.objects.\n"
		"Only questions are answered: nothing can be written.\n",
	.examples = "examples:\n"
		    "  shikari sql a.shk 'SELECT type, count(*), sum(size) FROM objects GROUP BY "
		    "type'\n"
		    "  shikari sql a.shk \"SELECT o.path FROM objects o WHERE type = 'dict' AND "
		    "length > 1000\"\n"
		    "  shikari sql a.shk b.shk 'SELECT name, sum(b.objects - a.objects) FROM "
		    "a.types a JOIN b.types b USING (name) GROUP BY name ORDER BY 2 DESC LIMIT "
		    "10'\n\n"
		    "exit codes: 0 done, 2 usage or wrong SQL, 3 the process or file cannot be "
		    "read,\n"
		    "            4 not supported, 128+N ended by signal N\n",
	.options = sql_rows,
	.options_size = sizeof(struct sql_options),
	.defaults = set_defaults,
	.run = run,
};
