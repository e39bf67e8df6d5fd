# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A cache on a method keeps every instance that the method was called on."""

import functools

from workload import ticks


class Report(object):
    def __init__(self, number):
        self.number = number
        self.rows = [number + n / 7 for n in range(10)]

    @functools.lru_cache(maxsize=None)
    def render(self, indent):
        return " " * indent + repr(sum(self.rows))


for number in ticks():
    Report(number).render(number % 4)
