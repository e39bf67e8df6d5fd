// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * The rows of a question, as they come: a table, JSON, or CSV.
 *
 * A table's columns are as wide as the first SQL_OUTPUT_ROWS rows need: answers of any length are
 * written without being kept.
 */
#pragma once

#include <sqlite3.h>

struct error;
struct sql_session;

#define SQL_OUTPUT_ROWS 1000

enum sql_format {
	SQL_FORMAT_TABLE,
	SQL_FORMAT_JSON, /* one array; an object for each row */
	SQL_FORMAT_CSV,  /* RFC 4180, with a line of names */
};

/** Ask for all rows and write them to standard output. A closed pipe is no error: *ret_code says so. */
struct error *sql_output(struct sql_session *session, sqlite3_stmt *statement,
	enum sql_format format, int *ret_code);
