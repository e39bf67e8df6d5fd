# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
# Syntax of Python 3.14.
"""What needs the syntax of Python 3.14: templates, annotations that are evaluated when asked for."""

import annotationlib
import string.templatelib
import typing

from .common import Plain, started


class Asked:
    """Its annotations have been asked for."""

    first: list[int] = []
    second: "Asked"


class NeverAsked:
    first: not_there  # noqa: F821
    second: list[Plain]

    def method(self, argument: not_there) -> Plain:  # noqa: F821
        return argument


def asked(argument: list[Plain], *, keyword: dict[str, Plain] = {}) -> Plain:
    local: Plain = argument
    return local


def make_annotated(captured):
    class Closed:
        field: captured

        def method(self, argument: captured) -> list[captured]:
            return argument

    return Closed


def templates():
    name, width = ["held by a template"], 10
    template = t"text {name} and {name!r:>{width}} end"
    return {
        "templates": [template, t"", template.interpolations, template.strings, started(iter(template)),
                      template + t"{width}", string.templatelib.Interpolation([1], "expression", None, "")],
        "nested": t"{t"{name}"}",
    }


def finally_returning():
    try:
        yield [1]
    except ValueError, TypeError:
        yield [2]


def annotations():
    closed = make_annotated([int])
    strings = annotationlib.get_annotations(NeverAsked, format=annotationlib.Format.STRING)
    forward = annotationlib.get_annotations(NeverAsked, format=annotationlib.Format.FORWARDREF)
    return {
        "asked": [Asked.__annotations__, asked.__annotations__, Asked.__annotate__, Asked()],
        "never asked": [NeverAsked, NeverAsked.method, make_annotated([str])],
        "closed": [closed, closed.__annotations__, closed.method.__annotations__],
        "formats": [strings, forward],
        "evaluators": [typing.TypeVar("T", bound=Plain).evaluate_bound, typing.TypeVar("T", default=[1]).evaluate_default],
        "unions": [typing.Union[int, "Forward"], typing.Union[Plain, None]],
        "handling": started(finally_returning()),
    }


PARTS = [templates, annotations]
