# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Connections, cursors in the midst of their rows, functions that SQLite calls, blobs."""

import sqlite3

EACH = 100


class Sum:
    def __init__(self):
        self.count = 0

    def step(self, value):
        self.count += value

    def finalize(self):
        return self.count


def factory(cursor, row):
    return dict(enumerate(row))


def build(facts):
    held = []
    for number in range(EACH):
        connection = sqlite3.connect(":memory:")
        connection.execute("create table item (id integer, name text)")
        connection.executemany("insert into item values (?, ?)", ((n, "item %d" % n) for n in range(50)))
        connection.create_function("twice", 1, lambda x, n=number: x * n)
        connection.create_aggregate("total_of", 1, Sum)
        connection.create_collation("reverse", lambda a, b: (a < b) - (a > b))
        connection.set_trace_callback(lambda statement: None)
        connection.set_progress_handler(lambda: 0, 1000)
        connection.set_authorizer(lambda *arguments: sqlite3.SQLITE_OK)
        connection.row_factory = sqlite3.Row if number % 2 else factory
        cursor = connection.execute("select id, name, twice(id) from item where id >= ?", (10,))
        row = cursor.fetchone()
        # SQLite's own struct is its own; pages and tables are further away.
        facts.say("a connection", connection, least=connection.__sizeof__() + 513, holds=[connection.row_factory])
        facts.say("a cursor holds its connection", cursor, holds=[connection])
        rows = connection.execute("select total_of(id) from item").fetchall()
        held += [connection, cursor, row, rows]
        cursor = connection.cursor()
        cursor.row_factory = sqlite3.Row
        held += [cursor, cursor.execute("select * from item").fetchmany(3)]
        connection.execute("create table b (data blob)")
        blob = connection.execute("insert into b values (zeroblob(100))").lastrowid
        held.append(connection.blobopen("b", "data", blob))
    return held
