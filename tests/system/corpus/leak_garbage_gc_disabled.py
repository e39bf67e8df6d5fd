# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Cycles, with the collector switched off: held by nobody."""

import gc

from workload import ticks


class Element(object):
    def __init__(self, parent):
        self.parent = parent
        self.children = []
        if parent:
            parent.children.append(self)


gc.collect()
gc.disable()

for _ in ticks():
    document = Element(None)
    for _ in range(3):
        Element(document)
