# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A list in a class that has no base: of the old style on 2.7, and so are the items."""

from workload import ticks


class Visit:
    def __init__(self, page):
        self.page = page
        self.seconds = page * 0.5


class Statistics:
    visits = []

    def add(self, page):
        self.visits.append(Visit(page))


statistics = Statistics()

for number in ticks():
    statistics.add(number)
