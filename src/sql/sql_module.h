// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Heaps as virtual tables of SQLite.
 *
 * Each table is a module, "shikari_objects" and so on (sql_tables.h), in two uses:
 *
 *	SELECT type, count(*) FROM shikari_objects('a.shk') GROUP BY type;
 *	CREATE VIRTUAL TABLE temp.objects USING shikari_objects('a.shk');
 *
 * A word is looked up among the heaps that are open; others are opened if that is allowed. Nothing is
 * copied: cells are made from the graph when SQLite asks for them.
 */
#pragma once

#include "sql/sql_heap.h"

#ifdef SHIKARI_SQLITE_EXTENSION
#include <sqlite3ext.h>
SQLITE_EXTENSION_INIT3
#else
#include <sqlite3.h>
#endif

struct sql_heaps {
	struct sql_heap_vector heaps; /* owned */
	/** Words that name no heap that is there are opened. */
	bool may_open;
	/** The first error that a table met; else NULL. Whoever asks takes it. */
	struct error *failure;
};

void sql_heaps_deinit(struct sql_heaps *heaps);

/** Rows of a table: numbers from next to before end, or items of them. */
struct sql_range {
	const uint32_t *items; /* NULL: the numbers themselves */
	uint64_t next, end;
};

struct sql_cursor {
	sqlite3_vtab_cursor base;
	const struct sql_table *table;
	struct sql_heap *heap;
	struct sql_range range;
	uint32_t type_rank; /* of objects in the order of types: that of the type asked for last */
	node_id source;     /* of edges: whose references were asked for last */
};

/** How to find rows by the value of a column. */
struct sql_seek {
	int column;
	unsigned parts; /* what it takes, besides the table's: enum sql_part */
	double rows;    /* how many it finds, by custom */
	/** Leaves *ret, which is empty, alone if there are none. May find rows that do not match: SQLite
	 *  looks again. */
	void (*find)(const struct sql_heap *heap, sqlite3_value *value, struct sql_range *ret);
};

#define SQL_SEEKS_MAX 5

struct sql_table {
	const char *name;    /* "objects" */
	const char *columns; /* as CREATE TABLE has them */
	unsigned parts;      /* what a scan takes */
	int snapshot_column; /* hidden: the word */
	int row_column;      /* is the number of the row; -1: none is */
	int type_column;     /* rows can be had in its order; -1: none */
	int type_id_column;
	double rows; /* how many, by custom; 0: as many as nodes */
	void (*all)(const struct sql_heap *heap, struct sql_range *ret);
	struct sql_seek seeks[SQL_SEEKS_MAX]; /* ends with one without find */
	struct error *(*column)(
		struct sql_cursor *cursor, uint64_t row, int column, sqlite3_context *ret);
};

/** Make the modules of all tables known. @p heaps must outlive the connection. */
int sql_module_register(sqlite3 *db, struct sql_heaps *heaps);
