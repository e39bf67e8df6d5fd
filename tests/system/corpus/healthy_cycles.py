# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Cyclic garbage, and a collector that does its work."""

from workload import ticks


class Element(object):
    def __init__(self, parent):
        self.parent = parent
        self.children = []
        if parent:
            parent.children.append(self)


for _ in ticks():
    document = Element(None)
    for _ in range(20):
        Element(document)
