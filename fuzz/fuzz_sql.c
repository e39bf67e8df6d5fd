// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Questions in SQL to snapshot files with any contents (file_trial.h). Each table is scanned, with the columns that
 * `*` leaves out too; then each column is compared with odd values, in ways of which xBestIndex makes seeks and
 * ranges, and as an expression, of which it makes nothing: both must find as many rows.
 */
#include "base/error.h"
#include "file_trial.h"
#include "sql/sql_heap.h"
#include "sql/sql_session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Questions by chance for each file, besides the scans. */
#define QUESTIONS 12
/** Rows that are looked at of one answer. */
#define ROWS_MAX  3000

static const struct table {
	const char *name, *hidden;
	const char *columns[16]; /* all but the one that says which snapshot */
} tables[] = {
	{"objects", ", retained, is_reachable, path",
		{"id", "address", "type", "type_id", "size", "length", "name", "is_tracked",
			"is_static", "retained", "is_reachable", "path", "rowid"}},
	{"types", "", {"id", "name", "role", "objects", "bytes", "node", "rowid"}},
	{"edges", "", {"src", "dst", "number", "kind", "label", "is_inferred", "rowid"}},
	{"roots", "", {"node", "kind", "name", "file", "rowid"}},
	{"dominators", "", {"node", "idom", "retained", "depth", "rowid"}},
	{"paths", "", {"node", "path", "parent", "is_user_code", "is_named", "rowid"}},
	{"mappings", "", {"start", "\"end\"", "permissions", "path", "rowid"}},
};
#define TABLE_COUNT (sizeof(tables) / sizeof(*tables))

static const char *const questions[] = {
	"SELECT type, count(*), sum(size) FROM objects GROUP BY type ORDER BY type",
	"SELECT DISTINCT type_id FROM objects",
	"SELECT type, type_id FROM objects ORDER BY type DESC, id",
	"SELECT o.type, e.label, t.name FROM objects o JOIN edges e ON e.src = o.id "
	"JOIN objects d ON d.id = e.dst JOIN types t ON t.id = d.type_id",
	"SELECT count(*) FROM roots r JOIN edges e ON e.dst = r.node "
	"LEFT JOIN paths p ON p.node = e.src",
	"WITH RECURSIVE up(n, d) AS (SELECT id, 0 FROM objects WHERE id % 7 = 1 UNION "
	"SELECT idom, d + 1 FROM up JOIN dominators ON node = n WHERE d < 20) SELECT count(*) FROM "
	"up",
	"SELECT count(*) FROM objects a, shikari_types(a.snapshot) t WHERE t.id = a.type_id",
	"SELECT id FROM shikari_objects WHERE snapshot = 'elsewhere'",
	"SELECT id FROM shikari_objects(NULL)",
	"SELECT count(*) FROM b.objects o JOIN a.objects USING (address) WHERE a.objects.type = "
	"o.type",
};

// An error is an honest answer, but for want of memory: there was enough.
static bool forgive(struct error *err, const char *what)
{
	if (err && error_kind(err) == ERROR_MEMORY)
		file_trial_must(err, what);
	error_destroy(err);
	return err;
}

// All cells of an answer, as each type that they may be asked as. False on an error.
static bool ask(struct sql_session *session, const char *question, sqlite3_int64 *ret_first)
{
	sqlite3_stmt *statement = NULL;
	struct error *err = sql_session_ask(session, question, &statement);
	bool has_row = true;

	if (forgive(err, question))
		return false;
	for (unsigned rows = 0; rows < ROWS_MAX; rows++) {
		err = sql_session_next(session, statement, &has_row);
		if (err || !has_row)
			break;
		for (int i = 0; i < sqlite3_column_count(statement); i++) {
			const unsigned char *text = sqlite3_column_text(statement, i);

			if (text && strlen((const char *)text) > 1 << 20)
				abort();
		}
		if (rows == 0)
			*ret_first = sqlite3_column_int64(statement, 0);
	}
	sqlite3_finalize(statement);
	return !forgive(err, question);
}

static uint64_t next_chance(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 33;
}

#define CHOOSE(items, state) (items)[next_chance(state) % (sizeof(items) / sizeof(*(items)))]

static void count_both_ways(struct sql_session *session, uint64_t *state)
{
	static const char *const operators[] = {"=", "=", "=", "<", "<=", ">", ">=", "IS", "<>"};
	static const char *const values[] = {"-1", "0", "1", "2", "7", "100", "65536", "4294967295",
		"4294967296", "9223372036854775807", "-9223372036854775808", "2.0", "2.5", "1e300",
		"'2'", "'x'", "''", "'dict'", "'list'", "x'00'", "NULL",
		"(SELECT max(address) FROM objects)", "(SELECT id FROM objects LIMIT 1)"};
	const struct table *table = &CHOOSE(tables, state);
	const char *operator= CHOOSE(operators, state), *value = CHOOSE(values, state), *column;
	sqlite3_int64 counts[2] = {0, 0};
	bool is_answered = true;
	size_t columns = 1;

	while (table->columns[columns])
		columns++;
	column = table->columns[next_chance(state) % columns];
	for (unsigned i = 0; i < 2; i++) {
		char question[400];

		// What is asked of a comparison is no constraint.
		snprintf(question, sizeof(question), "SELECT count(*) FROM %s WHERE (%s %s %s)%s",
			table->name, column, operator, value, i ? " IS TRUE" : "");
		is_answered &= ask(session, question, &counts[i]);
	}
	if (is_answered && counts[0] != counts[1]) {
		fprintf(stderr, "fuzz-sql: %s.%s %s %s: %lld rows by a seek, %lld by a scan\n",
			table->name, column, operator, value, (long long)counts[0],
			(long long)counts[1]);
		abort();
	}
}

static void scan(struct sql_session *session, const struct table *table)
{
	char question[200];
	sqlite3_int64 first;

	snprintf(question, sizeof(question), "SELECT *%s, snapshot FROM %s", table->hidden,
		table->name);
	ask(session, question, &first);
}

// In any order: what one question made is there for the next.
static void question_all(struct sql_session *session, uint64_t chance)
{
	sqlite3_int64 first;

	for (unsigned i = 0; i < QUESTIONS; i++) {
		switch (next_chance(&chance) % 4) {
		case 0:
			scan(session, &CHOOSE(tables, &chance));
			break;
		case 1:
			ask(session, CHOOSE(questions, &chance), &first);
			break;
		default:
			count_both_ways(session, &chance);
			break;
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct heap_snapshot_options options = {0};
	struct sql_session *session;
	const char *path;
	uint64_t chance = 0;
	unsigned heaps = 0;

	if (size < 4)
		return 0;
	memcpy(&chance, data, 3);
	path = file_trial_write(data + 3, size - 3);
	file_trial_must(sql_session_create(NULL, &session), "a session");
	for (; heaps < 2; heaps++) {
		struct sql_heap *heap;

		if (forgive(sql_heap_open(path, NULL, &options, &heap), "open") ||
			forgive(sql_session_add(session, heap), "attach"))
			break;
	}
	if (heaps == 2)
		question_all(session, chance);
	sql_session_destroy(session);
	file_trial_remove();
	return 0;
}
