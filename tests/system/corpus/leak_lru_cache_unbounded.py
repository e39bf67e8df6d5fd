# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""functools.lru_cache without a bound on a function whose arguments never repeat."""

import functools

from workload import ticks


@functools.lru_cache(maxsize=None)
def lookup(key):
    return {"key": key, "found": False}


for number in ticks():
    lookup("key-%d" % number)
    lookup("key-%d" % (number // 2))
