# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
# Syntax of Python 3.12.
"""What needs the syntax of Python 3.12: type parameters, nested f-strings, inlined comprehensions."""

import collections.abc

from .common import Plain, started

type Alias[K, *V, **P] = dict[K, tuple[*V]] | collections.abc.Callable[P, K]
type Recursive = list[Recursive] | None
type NeverAsked = not_there.at_all  # noqa: F821


class Box[T: Plain, *Ts, **P]:
    content: T

    def method[U: (int, str)](self, other: U) -> T:
        return other

    class Inner[V]:
        outer: V


class IntBox(Box[Plain, int, [str]]):
    pass


def generic[T: (int, str), *Ts, **P](argument: T, *arguments: *Ts) -> T:
    local = [argument, T]

    def inner[U](more: U) -> T:
        return local, more, T

    return inner


async def generic_coroutine[T](argument: T) -> T:
    return argument


def inlined(items):
    captured = [lambda: item for item in items]
    yield [captured, [item for item in items if item]]
    yield f"{f"{items!r}"}"


class Buffered:
    def __init__(self):
        self.data = bytearray(b"buffered")
        self.released = []

    def __buffer__(self, flags):
        return memoryview(self.data)

    def __release_buffer__(self, view):
        self.released.append(len(view))


def type_parameters():
    asked = Recursive.__value__
    box = Box()
    return {
        "aliases": [Alias, Alias[int, str, [int]], Recursive, asked, NeverAsked, Alias.__type_params__,
                    Alias.__value__],
        "classes": [Box, Box.__type_params__, box, Box.Inner(), Box.Inner.__type_params__, IntBox(), Box.__orig_bases__,
                    Box.__type_params__[0].__bound__],
        "functions": [generic, generic([1]), generic.__type_params__, generic.__type_params__[0].__constraints__,
                      Box.method, box.method, generic_coroutine],
        "comprehensions": started(inlined([[1], [2]])),
        "buffers": [memoryview(Buffered()), memoryview(Buffered())[1:3]],
    }


PARTS = [type_parameters]
