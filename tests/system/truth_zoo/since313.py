# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
# Syntax of Python 3.13.
"""What needs the syntax of Python 3.13: defaults of type parameters; locals that are proxies of frames."""

import copy
import sys


class Defaults[T = int, **P = [int, str]]:
    def method(self):
        self.seen, self.by = [1], "the compiler"
        return self


type Default[T = list[int], *Ts = *tuple[int, str]] = dict[str, T]


def proxied(argument):
    local = [argument]
    frame = sys._getframe()
    frame.f_locals["added"] = [local]
    return frame, frame.f_locals


def defaults():
    return {
        "type parameters": [Defaults, Defaults.__type_params__, Defaults.__type_params__[0].__default__, Default,
                            Default.__type_params__[0].__default__, Defaults().method()],
        "frames": [proxied([1]), proxied([2])],
        "replaced": copy.replace(sys.implementation, name="replaced"),
    }


PARTS = [defaults]
