// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "check.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/string_builder.h"
#include "graph_from.h"
#include "sql/sql_heap.h"
#include "sql/sql_session.h"

#include <string.h>

// A module with a list of two instances and a dict; a tuple that nothing holds. Numbers: root 0, m 1, l 2,
// d 3, x 4, y 5, s 6, u 7.
#define APP                                                                                        \
	"root:interpreter>m m/module m+module m\"app\" m:.items>l,.cache>d l/list l+container "    \
	"l#2 "                                                                                     \
	"l=100 d/dict d+container d=200 l:[0]>x,[1]>y d:'k'>s,'q'>x x/Thing y/Thing x=10 y=10 "    \
	"s/str s=70000 u/tuple u=7 u:[0]>s?"

struct asked {
	struct graph_from *from[2];
	struct sql_session *session;
};

static bool is_over;

static bool interrupted(void)
{
	return is_over;
}

static struct asked begin(size_t heaps)
{
	struct asked it = {0};

	is_over = false;
	assert_success(sql_session_create(interrupted, &it.session));
	for (size_t i = 0; i < heaps; i++) {
		struct sql_heap *heap;

		it.from[i] = graph_from(i ? APP " z/Thing" : APP);
		assert_success(sql_heap_of_graph(i ? "two" : "one", it.from[i]->graph, &heap));
		assert_success(sql_session_add(it.session, heap));
	}
	return it;
}

static void end(struct asked *it)
{
	sql_session_destroy(it->session);
	for (size_t i = 0; i < 2; i++)
		graph_from_destroy(it->from[i]);
}

// All rows: cells joined by '|', rows by blanks; NULL is '-'.
static char *rows_of(struct sql_session *session, const char *question)
{
	struct string_builder out = {0};
	sqlite3_stmt *statement;
	bool has_row;

	assert_success(sql_session_ask(session, question, &statement));
	for (;;) {
		assert_success(sql_session_next(session, statement, &has_row));
		if (!has_row)
			break;
		if (out.length)
			string_builder_add(&out, " ");
		for (int i = 0; i < sqlite3_column_count(statement); i++) {
			const char *text = (const char *)sqlite3_column_text(statement, i);

			string_builder_add_format(&out, "%s%s", i ? "|" : "", text ? text : "-");
		}
	}
	sqlite3_finalize(statement);
	return string_builder_finish(&out);
}

struct example {
	const char *question, *rows;
};

static void check_examples(
	struct sql_session *session, const struct example *examples, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char *rows = rows_of(session, examples[i].question);

		if (strcmp(rows, examples[i].rows) != 0)
			print_error("%s\n", examples[i].question);
		assert_string_equal(rows, examples[i].rows);
		mem_free(rows);
	}
}

#define CHECK(session, examples)                                                                   \
	check_examples(session, examples, sizeof(examples) / sizeof((examples)[0]))

static void test_each_table_says_what_the_graph_says(void **state)
{
	static const struct example examples[] = {
		{"SELECT id, type, size, is_container, is_module FROM objects",
			"1|module|1|0|1 2|list|100|1|0 3|dict|200|1|0 4|Thing|10|0|0 "
			"5|Thing|10|0|0 6|str|70000|0|0 7|tuple|7|0|0"},
		{"SELECT name, length FROM objects WHERE id < 3", "app|0 -|2"},
		{"SELECT retained, is_reachable, path FROM objects WHERE id IN (2, 6, 7)",
			"110|1|interpreter state: app .items 70000|1|interpreter state: app "
			".cache['k'] 7|0|unreachable"},
		{"SELECT name, role, objects, bytes FROM types WHERE objects > 1",
			"Thing|instance|2|20"},
		{"SELECT src, dst, number, kind, label, is_inferred FROM edges",
			"1|2|0|attribute|items|0 1|3|1|attribute|cache|0 2|4|0|item|0|0 "
			"2|5|1|item|1|0 3|6|0|value|'k'|0 3|4|1|value|'q'|0 7|6|0|item|0|1"},
		{"SELECT node, kind FROM roots", "1|interpreter"},
		{"SELECT * FROM dominators",
			"0|-|70321|0 1|0|70321|1 2|1|110|2 3|1|70200|2 4|1|10|2 5|2|10|3 "
			"6|3|70000|3 7|-|7|-"},
		{"SELECT node, parent, path FROM paths WHERE node = 5",
			"5|2|interpreter state: app .items[1]"},
		{"SELECT count(*) FROM mappings", "0"},
	};
	struct asked it = begin(1);

	(void)state;
	CHECK(it.session, examples);
	end(&it);
}

static void test_keys_find_what_a_scan_finds(void **state)
{
	// IS TRUE around a comparison keeps SQLite from looking it up.
	static const char *const columns[][2] = {{"objects", "id"}, {"objects", "type"},
		{"objects", "type_id"}, {"objects", "address"}, {"types", "id"}, {"edges", "src"},
		{"edges", "dst"}, {"roots", "node"}, {"dominators", "node"}, {"dominators", "idom"},
		{"paths", "node"}};
	static const char *const values[] = {"-1", "0", "1", "2", "3", "4", "5", "6", "7", "8",
		"2.0", "2.5", "'3'", "'x'", "x'00'", "NULL", "4294967295", "4294967298",
		"9223372036854775807", "-9223372036854775808", "1e300", "'Thing'", "'dict'", "''"};
	struct asked it = begin(1);

	(void)state;
	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
		for (size_t k = 0; k < sizeof(values) / sizeof(values[0]); k++) {
			static const char *const operators[] = {"=", "<", "<=", ">", ">="};

			for (size_t o = 0; o < 5; o++) {
				char question[2][200];
				char *rows[2];

				for (size_t plain = 0; plain < 2; plain++) {
					snprintf(question[plain], sizeof(question[0]),
						"SELECT rowid FROM %s WHERE (%s %s %s) %s "
						"ORDER BY +rowid",
						columns[i][0], columns[i][1], operators[o],
						values[k], plain ? "" : "IS TRUE");
					rows[plain] = rows_of(it.session, question[plain]);
				}
				if (strcmp(rows[0], rows[1]) != 0)
					print_error("%s\n", question[1]);
				assert_string_equal(rows[1], rows[0]);
				mem_free(rows[0]);
				mem_free(rows[1]);
			}
		}
	}
	end(&it);
}

static void test_joins_groups_and_orders(void **state)
{
	static const struct example examples[] = {
		{"SELECT type, count(*), sum(size) FROM objects GROUP BY type",
			"Thing|2|20 dict|1|200 list|1|100 module|1|1 str|1|70000 tuple|1|7"},
		{"SELECT count(*), sum(size) FROM objects GROUP BY type_id ORDER BY 2 DESC LIMIT 1",
			"1|70000"},
		{"SELECT o.type, o.size FROM types t JOIN objects o ON o.type_id = t.id "
		 "ORDER BY t.name DESC",
			"tuple|7 str|70000 module|1 list|100 dict|200 Thing|10 Thing|10"},
		{"SELECT type, size FROM objects WHERE type IN ('tuple', 'Thing', 'str') "
		 "ORDER BY size",
			"tuple|7 Thing|10 Thing|10 str|70000"},
		{"SELECT DISTINCT type FROM objects ORDER BY type DESC",
			"tuple str module list dict Thing"},
		{"SELECT id FROM objects ORDER BY id DESC LIMIT 2", "7 6"},
		{"SELECT o.id, r.kind FROM objects o LEFT JOIN roots r ON r.node = o.id WHERE "
		 "o.id < 3",
			"1|interpreter 2|-"},
		{"SELECT o.id, e.src FROM objects o LEFT JOIN edges e ON e.dst = o.id AND "
		 "e.is_inferred = 0 WHERE o.id >= 6",
			"6|3 7|-"},
		{"SELECT d.node, o.type FROM dominators d LEFT JOIN objects o ON o.id = d.idom "
		 "WHERE d.node IN (1, 2, 7)",
			"1|- 2|module 7|-"},
		{"WITH RECURSIVE below(n) AS (SELECT 2 UNION SELECT node FROM dominators, below "
		 "WHERE idom = n) SELECT n FROM below",
			"2 5"},
		{"SELECT count(*) FROM shikari_edges('one') WHERE dst = 4", "2"},
		{"SELECT b.objects - a.objects FROM a.types a JOIN b.types b USING (name) WHERE "
		 "name = 'Thing'",
			"1"},
		{"SELECT o.id FROM b.objects o LEFT JOIN a.objects p ON p.id = o.id WHERE p.id IS "
		 "NULL",
			"8"},
	};
	struct asked it = begin(2);

	(void)state;
	CHECK(it.session, examples);
	end(&it);
}

static void test_only_questions_are_answered(void **state)
{
	static const char *const refused[] = {
		"CREATE TABLE t(x)",
		"CREATE TEMP TABLE t(x)",
		"CREATE VIRTUAL TABLE temp.t USING shikari_objects('/etc/passwd')",
		"INSERT INTO objects(id) VALUES (1)",
		"UPDATE objects SET size = 0",
		"DELETE FROM objects",
		"DROP TABLE a.objects",
		"DETACH a",
		"ATTACH 'x.db' AS x",
		"VACUUM a INTO 'x.db'",
		"PRAGMA temp_store = 1",
		"PRAGMA writable_schema = 1",
		"PRAGMA hard_heap_limit = 0",
		"SELECT load_extension('x')",
		"BEGIN",
		"SAVEPOINT x",
		"ANALYZE",
		"SELECT 1; SELECT 2",
		"SELECT 1; DROP TABLE a.objects",
		"SELEC 1",
		"SELECT nothing FROM objects",
		"SELECT * FROM shikari_objects",
		"SELECT 1 FROM objects WHERE (",
		"",
		"-- nothing",
	};
	struct asked it = begin(1);

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		sqlite3_stmt *statement = NULL;
		struct error *err = sql_session_ask(it.session, refused[i], &statement);

		if (!err)
			print_error("%s\n", refused[i]);
		assert_non_null(err);
		assert_int_equal(error_kind(err), ERROR_USAGE);
		assert_null(strchr(error_message(err), '\n'));
		error_destroy(err);
	}
	end(&it);
}

static enum error_kind failure_of(struct sql_session *session, const char *question)
{
	sqlite3_stmt *statement;
	struct error *err = sql_session_ask(session, question, &statement);
	bool has_row = true;
	enum error_kind kind;

	if (!err) {
		while (!err && has_row)
			err = sql_session_next(session, statement, &has_row);
		sqlite3_finalize(statement);
	}
	assert_non_null(err);
	kind = error_kind(err);
	error_destroy(err);
	return kind;
}

static void test_what_goes_too_far_ends(void **state)
{
	struct asked it = begin(1);
	char *deep = mem_alloc(100000), *rows;

	(void)state;
	assert_int_equal(
		failure_of(it.session, "SELECT * FROM shikari_objects('/dev/null')"), ERROR_USAGE);
	assert_int_equal(failure_of(it.session, "SELECT length(zeroblob(1 << 30))"), ERROR_USAGE);
	assert_non_null(deep);
	memset(deep, '(', 100000);
	memcpy(deep, "SELECT ", 7);
	deep[99999] = '\0';
	assert_int_equal(failure_of(it.session, deep), ERROR_USAGE);
	mem_free(deep);
	// Without an end.
	is_over = true;
	rows = rows_of(it.session,
		"WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) "
		"FROM c");
	assert_string_equal(rows, "");
	mem_free(rows);
	end(&it);
}

static void test_there_are_only_so_many_schemas(void **state)
{
	struct graph_from *from = graph_from(APP);
	struct sql_session *session;
	struct sql_heap *heap;
	struct error *err;

	(void)state;
	assert_success(sql_session_create(NULL, &session));
	for (int i = 0; i < SQL_HEAPS_MAX; i++) {
		assert_success(sql_heap_of_graph("one", from->graph, &heap));
		assert_success(sql_session_add(session, heap));
	}
	assert_success(sql_heap_of_graph("one", from->graph, &heap));
	err = sql_session_add(session, heap);
	assert_non_null(err);
	assert_int_equal(error_kind(err), ERROR_USAGE);
	error_destroy(err);
	sql_session_destroy(session);
	graph_from_destroy(from);
}

static void test_two_of_one_name_are_two(void **state)
{
	static const struct example examples[] = {
		{"SELECT (SELECT count(*) FROM a.objects), (SELECT count(*) FROM b.objects)",
			"1|2"},
	};
	struct graph_from *from[2] = {
		graph_from("root:x x/list"), graph_from("root:x,y x/list y/list")};
	struct sql_session *session;
	struct sql_heap *heap;

	(void)state;
	assert_success(sql_session_create(NULL, &session));
	for (size_t i = 0; i < 2; i++) {
		assert_success(sql_heap_of_graph("4242", from[i]->graph, &heap));
		assert_success(sql_session_add(session, heap));
	}
	CHECK(session, examples);
	sql_session_destroy(session);
	graph_from_destroy(from[0]);
	graph_from_destroy(from[1]);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_table_says_what_the_graph_says),
		cmocka_unit_test(test_keys_find_what_a_scan_finds),
		cmocka_unit_test(test_joins_groups_and_orders),
		cmocka_unit_test(test_only_questions_are_answered),
		cmocka_unit_test(test_what_goes_too_far_ends),
		cmocka_unit_test(test_two_of_one_name_are_two),
		cmocka_unit_test(test_there_are_only_so_many_schemas),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
