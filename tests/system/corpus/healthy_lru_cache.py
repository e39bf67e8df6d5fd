# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A bounded lru_cache, full, with hits and misses."""

import functools

from workload import ticks


@functools.lru_cache(maxsize=1000)
def lookup(key):
    return {"key": key}


for number in range(1500):
    lookup(number)

for number in ticks():
    lookup(1500 + number)
    lookup(number + 1000)
