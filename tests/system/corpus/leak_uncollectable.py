# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Cycles with __del__, which 2.7 does not dare to collect: they end in gc.garbage."""

import gc

from workload import ticks


class Connection(object):
    def __init__(self):
        self.session = None

    def __del__(self):
        self.session = None


class Session(object):
    def __init__(self, connection, number):
        self.connection = connection
        self.number = number
        connection.session = self


for number in ticks():
    Session(Connection(), number)
    if number % 50 == 0:
        gc.collect()
