# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A store in blocks of a fixed length: no list in it is long, and each grows for a moment only."""

from workload import ticks

BLOCK = 64


class Store(object):
    def __init__(self):
        self.blocks = [[]]

    def add(self, record):
        if len(self.blocks[-1]) >= BLOCK:
            self.blocks.append([])
        self.blocks[-1].append(record)


store = Store()

for number in ticks():
    store.add({"number": number})
