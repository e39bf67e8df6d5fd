# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""What needs the syntax of Python 3.8."""

from .common import nothing, started


def positional(first, /, second, *, third=(keyword := ["at definition"])):
    return first, second, third


def walrus(items):
    if (found := [item for item in items if (last := item)]) and (yield found):
        yield last


def parallel(items):
    for item in (first := items[0], *items):
        yield f"{item=}", first


def functions():
    return {
        "positional": [positional, positional([1], [2]), keyword, nothing(*[[1]], **{"a": 2}, b=[3])],
        "generators": [started(walrus([[1], [2]])), started(parallel([[1], [2]]), 2)],
    }


PARTS = [functions]
