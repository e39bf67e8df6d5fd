# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""What needs the syntax of Python 3.10."""

import contextlib
import dataclasses

from .common import CustomError, Plain, fail, nothing, started


@dataclasses.dataclass(slots=True, frozen=True)
class Frozen:
    """Copies its class: the first one, without slots, is garbage that its functions hold."""

    name: str
    number: int = 7

    def uses_class(self):
        return __class__


@dataclasses.dataclass(kw_only=True, slots=True)
class Keywords:
    items: list = dataclasses.field(default_factory=list)


class Matched:
    __match_args__ = ("left", "right")

    def __init__(self, left, right):
        self.left, self.right = left, right


def matching(subject):
    """Waits in the middle of a match, with what was captured."""
    match subject:
        case [first, *rest] if (yield first, rest):
            pass
        case {"key": value, **others}:
            yield value, others
        case Matched(left, right=[inner] as right):
            yield left, inner, right
        case str() | bytes() as text:
            yield text
        case _:
            yield subject


def within_many():
    with (contextlib.nullcontext([1]) as one, contextlib.nullcontext([2]) as two):
        try:
            fail(1, ["within"])
        except CustomError as error:
            yield one, two, error


def matches():
    subjects = [[[1], [2], [3]], {"key": [1], "more": [2]}, Matched([1], [[2]]), "text", Plain(1, 2)]
    return {
        "generators": [started(matching(subject)) for subject in subjects],
        "within": started(within_many()),
        "dataclasses": [Frozen("s"), Frozen("t", [1]), Keywords(items=[2]), Frozen.uses_class],
        "unions": [int | str, list[int] | None],
        "strict": zip([[1]], [[2]], strict=True),
        "called": nothing(**{"a": [1]} | {"b": [2]}),
    }


PARTS = [matches]
