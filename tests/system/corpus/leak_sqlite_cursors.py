# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Cursors kept open, each with a row to come."""

import sqlite3

from workload import ticks

connection = sqlite3.connect(":memory:")
connection.execute("create table item (id integer, name text)")
connection.executemany("insert into item values (?, ?)", ((n, "item %d" % n) for n in range(50)))


class Report(object):
    cursors = []

    def first(self, number):
        cursor = connection.execute("select id, name from item where id >= ?", (number % 40,))
        self.cursors.append(cursor)
        return cursor.fetchone()


report = Report()

for number in ticks():
    report.first(number)
