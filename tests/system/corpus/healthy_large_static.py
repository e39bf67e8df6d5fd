# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A large heap of objects of many types that stays as it is."""

from workload import ticks


class Point(object):
    __slots__ = ("x", "y")

    def __init__(self, x, y):
        self.x = x
        self.y = y


points = [Point(n * 0.5, n * 1.5) for n in range(100000)]
names = {"point %d" % n: points[n] for n in range(0, 100000, 4)}
pairs = tuple((n, str(n)) for n in range(30000))

for number in ticks():
    points[number % len(points)].x += 1
