# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A defaultdict that also remembers what was only asked for."""

import collections

from workload import ticks

blocked = collections.defaultdict(set)


def is_blocked(address, path):
    return path in blocked[address]


for number in ticks():
    is_blocked("10.0.%d.%d" % (number // 250, number % 250), "/login")
