// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Questions in SQL to heaps, and nothing but questions.
 *
 *	err = sql_session_create(is_interrupted, &session);
 *	err = sql_session_add(session, heap); // schema a; the next one is b
 *	err = sql_session_ask(session, "SELECT …", &statement);
 *	while (!(err = sql_session_next(session, statement, &has_row)) && has_row)
 *		… sqlite3_column_text(statement, 0) …
 *	sqlite3_finalize(statement);
 *
 * The database is empty memory with the heaps' tables. A question that would write, attach a file, load code
 * or change a setting is refused when it is prepared; recursion ends at the limit on memory or when
 * is_interrupted() says so. Temporary results stay in memory: no question writes a file.
 */
#pragma once

#include "base/cleanup.h"

#include <sqlite3.h>
#include <stdbool.h>

struct error;
struct sql_heap;
struct sql_session;

/** Schemas a, b, …: as many databases as SQLite attaches. */
#define SQL_HEAPS_MAX 10

/** @p is_interrupted is asked now and then; NULL: never. */
struct error *sql_session_create(bool (*is_interrupted)(void), struct sql_session **ret);
void sql_session_destroy(struct sql_session *session);
DEFINE_CLEANUP(struct sql_session *, sql_session_destroy)

/** Takes @p heap, also on failure. Two of one word are two. ERROR_USAGE: too many. */
struct error *sql_session_add(struct sql_session *session, struct sql_heap *heap);

/** Prepare a question. ERROR_USAGE, in a line: it is wrong, there are two, or it does more than ask. */
struct error *sql_session_ask(
	struct sql_session *session, const char *question, sqlite3_stmt **ret);
/** The next row. Errors: those of opening the heap; ERROR_USAGE, what SQLite says of the question;
 *  ERROR_MEMORY. When interrupted, there are no more rows. */
struct error *sql_session_next(struct sql_session *session, sqlite3_stmt *statement, bool *ret);
