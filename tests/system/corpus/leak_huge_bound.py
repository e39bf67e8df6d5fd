# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A cache with a bound that nobody has the memory for."""

import functools

from workload import ticks


@functools.lru_cache(maxsize=10 ** 9)
def render(number):
    return "%d " % number * 5000


for number in ticks():
    render(number)
