# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Generators that are read once and then kept, suspended with their locals."""

from workload import ticks

cursors = []


def rows(number):
    page = [number + n / 3 for n in range(5)]
    for row in page:
        yield row


for number in ticks():
    cursor = rows(number)
    next(cursor)
    cursors.append(cursor)
