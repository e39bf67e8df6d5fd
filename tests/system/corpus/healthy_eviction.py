# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A cache that is full: each new entry puts out the oldest."""

import collections

from workload import ticks

SIZE = 2000
cache = collections.OrderedDict()


def remember(number):
    cache["key-%d" % number] = {"value": number}
    if len(cache) > SIZE:
        cache.popitem(last=False)


for number in range(SIZE):
    remember(number)

for number in ticks():
    remember(SIZE + number)
