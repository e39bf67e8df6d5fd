# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Rows are written, read and deleted; cursors are closed."""

import contextlib
import sqlite3

from workload import ticks

connection = sqlite3.connect(":memory:")
connection.execute("create table item (id integer primary key, name text)")

for number in ticks():
    with contextlib.closing(connection.cursor()) as cursor:
        cursor.execute("insert into item values (?, ?)", (number, "item %d" % number))
        cursor.execute("delete from item where id < ?", (number - 100,))
        cursor.execute("select * from item").fetchall()
    connection.commit()
