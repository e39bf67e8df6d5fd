# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A few lists under keys that are no identifiers: to a reader one and the same place."""

from workload import ticks


class Timings(object):
    def __init__(self):
        self.by_route = {}

    def add(self, route, seconds):
        self.by_route.setdefault(route, []).append(seconds)


timings = Timings()

for number in ticks():
    timings.add("/users/%d" % (number % 3), number / 7.0)
