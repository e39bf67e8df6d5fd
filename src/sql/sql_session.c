// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "sql/sql_session.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "sql/sql_tables.h"

#include <string.h>

/** Instructions of SQLite's machine between two looks at is_interrupted(): some milliseconds. */
#define STEPS_PER_LOOK 100000

struct sql_session {
	sqlite3 *db;
	struct sql_heaps heaps;
	bool (*is_interrupted)(void);
};

// The strictest that real questions get along with.
static const struct {
	int number, value;
} limits[] = {
	{SQLITE_LIMIT_LENGTH, 64 << 20},
	{SQLITE_LIMIT_SQL_LENGTH, 1 << 20},
	{SQLITE_LIMIT_COLUMN, 200},
	{SQLITE_LIMIT_EXPR_DEPTH, 200},
	{SQLITE_LIMIT_COMPOUND_SELECT, 100},
	{SQLITE_LIMIT_VDBE_OP, 250000},
	{SQLITE_LIMIT_FUNCTION_ARG, 32},
	{SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000},
	{SQLITE_LIMIT_TRIGGER_DEPTH, 1},
	{SQLITE_LIMIT_WORKER_THREADS, 0},
};

static struct error *sqlite_error(struct sql_session *session, int code)
{
	if (code == SQLITE_NOMEM)
		return error_enomem();
	return error_create(ERROR_USAGE, "%s", sqlite3_errmsg(session->db));
}

// What a question may do. Settings can be read that say what there is.
static int authorize(void *context, int action, const char *first, const char *second,
	const char *schema, const char *trigger)
{
	static const char *const settings[] = {
		"table_info", "table_xinfo", "table_list", "database_list", "function_list"};

	(void)context;
	(void)schema;
	(void)trigger;
	switch (action) {
	case SQLITE_SELECT:
	case SQLITE_READ:
	case SQLITE_RECURSIVE:
		return SQLITE_OK;
	case SQLITE_FUNCTION:
		return strcmp(second, "load_extension") == 0 ? SQLITE_DENY : SQLITE_OK;
	case SQLITE_PRAGMA:
		for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++) {
			if (sqlite3_stricmp(first, settings[i]) == 0)
				return SQLITE_OK;
		}
		return SQLITE_DENY;
	default:
		return SQLITE_DENY;
	}
}

static int look(void *context)
{
	const struct sql_session *session = context;

	return session->is_interrupted && session->is_interrupted();
}

static int set_up(struct sql_session *session)
{
	sqlite3 *db;
	int code = sqlite3_open_v2(":memory:", &session->db,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);

	if (code != SQLITE_OK)
		return code;
	db = session->db;
	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++)
		sqlite3_limit(db, limits[i].number, limits[i].value);
	sqlite3_hard_heap_limit64(LIMIT_SQL_BYTES);
	sqlite3_progress_handler(db, STEPS_PER_LOOK, look, session);
	code = sqlite3_exec(
		db, "PRAGMA temp_store=MEMORY; PRAGMA trusted_schema=OFF", NULL, NULL, NULL);
	return code == SQLITE_OK ? sql_module_register(db, &session->heaps) : code;
}

struct error *sql_session_create(bool (*is_interrupted)(void), struct sql_session **ret)
{
	_cleanup_(sql_session_destroy) struct sql_session *session =
		mem_calloc(1, sizeof(*session));
	int code;

	if (!session)
		return error_enomem();
	session->is_interrupted = is_interrupted;
	code = set_up(session);
	if (code != SQLITE_OK)
		return sqlite_error(session, code);
	*ret = take(session);
	return NULL;
}

void sql_session_destroy(struct sql_session *session)
{
	if (!session)
		return;
	sqlite3_close(session->db);
	sql_heaps_deinit(&session->heaps);
	mem_free(session);
}

static int execute(struct sql_session *session, char *sql)
{
	int code = sql ? sqlite3_exec(session->db, sql, NULL, NULL, NULL) : SQLITE_NOMEM;

	sqlite3_free(sql);
	return code;
}

// A schema of its own: "a.objects", and of the first also "objects".
static int attach(struct sql_session *session, char schema, const char *word)
{
	int code = execute(session, sqlite3_mprintf("ATTACH ':memory:' AS %c", schema));

	for (size_t i = 0; code == SQLITE_OK && i < sql_table_count; i++) {
		const char *name = sql_tables[i]->name;

		code = execute(
			session, sqlite3_mprintf("CREATE VIRTUAL TABLE %c.%s USING shikari_%s(%Q)",
					 schema, name, name, word));
		// What is used without being created is declared at its first use: now, when that is
		// allowed.
		if (code == SQLITE_OK)
			code = execute(
				session, sqlite3_mprintf("EXPLAIN SELECT 1 FROM shikari_%s(%Q)",
						 name, word));
	}
	return code;
}

struct error *sql_session_add(struct sql_session *session, struct sql_heap *heap)
{
	size_t count = session->heaps.heaps.count;
	int code;

	if (count == SQL_HEAPS_MAX || !sql_heap_vector_push(&session->heaps.heaps, heap)) {
		sql_heap_destroy(heap);
		return count == SQL_HEAPS_MAX
			       ? error_create(
					 ERROR_USAGE, "sql takes up to %d snapshots", SQL_HEAPS_MAX)
			       : error_enomem();
	}
	sqlite3_set_authorizer(session->db, NULL, NULL);
	code = attach(session, (char)('a' + count), heap->word);
	sqlite3_set_authorizer(session->db, authorize, NULL);
	return code == SQLITE_OK ? NULL : sqlite_error(session, code);
}

struct error *sql_session_ask(struct sql_session *session, const char *question, sqlite3_stmt **ret)
{
	sqlite3_stmt *statement = NULL, *second = NULL;
	const char *rest = "";
	int code = sqlite3_prepare_v2(session->db, question, -1, &statement, &rest);

	if (code == SQLITE_AUTH)
		return error_create(ERROR_USAGE,
			"sql answers questions only: this one would change something (%s)",
			sqlite3_errmsg(session->db));
	if (code != SQLITE_OK)
		return sqlite_error(session, code);
	if (!statement)
		return error_create(ERROR_USAGE, "there is no question");
	code = sqlite3_prepare_v2(session->db, rest, -1, &second, NULL);
	if (code != SQLITE_OK || second || !sqlite3_stmt_readonly(statement)) {
		sqlite3_finalize(second);
		sqlite3_finalize(statement);
		return error_create(ERROR_USAGE, "sql takes one question at a time");
	}
	*ret = statement;
	return NULL;
}

struct error *sql_session_next(struct sql_session *session, sqlite3_stmt *statement, bool *ret)
{
	int code = sqlite3_step(statement);

	*ret = code == SQLITE_ROW;
	if (code == SQLITE_ROW || code == SQLITE_DONE || code == SQLITE_INTERRUPT)
		return NULL;
	if (session->heaps.failure)
		return take(session->heaps.failure);
	return sqlite_error(session, code);
}
