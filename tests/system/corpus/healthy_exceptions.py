# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Exceptions are raised, caught, chained and dropped."""

from workload import ticks


def parse(text):
    try:
        return int(text)
    except ValueError as error:
        raise LookupError(text) from error


for number in ticks():
    for n in range(10):
        try:
            parse("x%d" % (number + n))
        except LookupError:
            pass
