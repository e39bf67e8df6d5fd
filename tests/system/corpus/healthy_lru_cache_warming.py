# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A bounded lru_cache that is not full yet: it grows, and has a bound."""

import functools

from workload import ticks


@functools.lru_cache(maxsize=50000)
def lookup(key):
    return {"key": key}


for number in ticks():
    lookup(number)
