# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
# Syntax of Python 3.15.
"""What needs the syntax of Python 3.15: imports that wait, unpacking in comprehensions."""

lazy import this
lazy import colorsys as resolved
lazy from turtle import Turtle

from .common import started


def unpacking(parts):
    yield [*part for part in parts]
    yield {**part for part in [{"a": [1]}, {"b": [2]}]}


def lazy_imports():
    resolved.rgb_to_hsv
    return {
        # What is still lazy is held by the module's dict. Loading it as a global would import it; locals, which
        # the observer has it in, do not.
        "names": list(globals()),
        "comprehensions": started(unpacking([[[1]], [[2]]])),
    }


def frozen():
    return {
        "dicts": [frozendict(a=[1]), frozendict({frozendict(b=2): [3]}), frozendict()],
        "views": [started(iter(frozendict(a=[1], b=[2]))), frozendict(c=3).items()],
        "sentinels": [sentinel("MISSING"), sentinel("OTHER")],
    }


PARTS = [lazy_imports, frozen]
