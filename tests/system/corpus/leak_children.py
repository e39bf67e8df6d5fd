# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Spans that register with their parent; the parent is the process's own span and never ends."""

from workload import ticks


class Span(object):
    def __init__(self, name, parent=None):
        self.name = name
        self.parent = parent
        self.children = []
        if parent:
            parent.children.append(self)


class Tracer(object):
    root = Span("process")


for number in ticks():
    request = Span("request %d" % number, Tracer.root)
    Span("query", request)
