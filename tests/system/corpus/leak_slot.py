# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A list in a __slots__ attribute of an object in a list."""

from workload import ticks


class Engine(object):
    __slots__ = ("name", "backlog")

    def __init__(self, name):
        self.name = name
        self.backlog = []


engines = [Engine("first"), Engine("second")]

for number in ticks():
    engines[1].backlog.append(number * 1.5)
