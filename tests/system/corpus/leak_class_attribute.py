# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A profiler whose results are one list for all instances."""

import time

from workload import ticks


class Profiler(object):
    results = []

    def __init__(self, name):
        self.name = name
        self.started = time.time()

    def end(self):
        self.results.append((self.name, time.time() - self.started))


def handle(number):
    profiler = Profiler("handle")
    total = sum(range(number % 100))
    profiler.end()
    return total


for number in ticks():
    handle(number)
