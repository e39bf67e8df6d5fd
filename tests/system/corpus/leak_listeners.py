# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Observers that subscribe and never unsubscribe."""

from workload import ticks


class Bus(object):
    def __init__(self):
        self.listeners = []

    def subscribe(self, listener):
        self.listeners.append(listener)


class View(object):
    def __init__(self, number):
        self.number = number
        self.cells = [None] * 8

    def on_change(self, event):
        self.cells[0] = event


bus = Bus()

for number in ticks():
    view = View(number)
    bus.subscribe(view.on_change)
    view.on_change("drawn")
