// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
//
// The tables for any SQLite 3.38 or newer: load_extension('shikari_sqlite'). It calls back into the
// library that loads it, not into one of its own.
#include "sql/sql_module.h"

#include "base/alloc.h"

SQLITE_EXTENSION_INIT1

static void destroy(void *heaps)
{
	sql_heaps_deinit(heaps);
	mem_free(heaps);
}

// Holds the heaps for as long as the connection lives, and says which program's tables these are.
static void version(sqlite3_context *ret, int argc, sqlite3_value **argv)
{
	(void)argc;
	(void)argv;
	sqlite3_result_text(ret, SHIKARI_VERSION, -1, SQLITE_STATIC);
}

__attribute__((__visibility__("default"))) int sqlite3_shikarisqlite_init(
	sqlite3 *db, char **ret_message, const sqlite3_api_routines *api);

int sqlite3_shikarisqlite_init(sqlite3 *db, char **ret_message, const sqlite3_api_routines *api)
{
	struct sql_heaps *heaps;
	int code;

	SQLITE_EXTENSION_INIT2(api)
	if (sqlite3_libversion_number() < 3038000) {
		*ret_message = sqlite3_mprintf("shikari's tables need SQLite 3.38 or newer");
		return SQLITE_ERROR;
	}
	heaps = mem_calloc(1, sizeof(*heaps));
	if (!heaps)
		return SQLITE_NOMEM;
	heaps->may_open = true;
	// Destroys them also when it fails.
	code = sqlite3_create_function_v2(
		db, "shikari_version", 0, SQLITE_UTF8, heaps, version, NULL, NULL, destroy);
	return code == SQLITE_OK ? sql_module_register(db, heaps) : code;
}
