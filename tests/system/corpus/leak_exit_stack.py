# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A context that is entered once per request and left at the end of the program."""

import contextlib

from workload import ticks


@contextlib.contextmanager
def transaction(number):
    rows = [number + n / 3.0 for n in range(5)]
    yield rows


class Stack(object):
    def __init__(self):
        self.entered = []

    def enter(self, context):
        self.entered.append(context)
        return context.__enter__()


stack = Stack()

for number in ticks():
    stack.enter(transaction(number))
