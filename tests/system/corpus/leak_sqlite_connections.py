# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A connection per request, never closed, kept in a list."""

import sqlite3

from workload import ticks


class Pool:
    def __init__(self):
        self.opened = []

    def get(self):
        connection = sqlite3.connect(":memory:")
        connection.row_factory = sqlite3.Row
        self.opened.append(connection)
        return connection


pool = Pool()

for number in ticks(50):
    pool.get().execute("select 1").fetchone()
