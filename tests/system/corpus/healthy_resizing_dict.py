# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A dict whose table is made anew again and again, while the number of its keys stays."""

from workload import ticks

KEYS = 1000
table = {number: number * 0.5 for number in range(KEYS)}

for number in ticks():
    for n in range(50):
        oldest = number * 50 + n
        del table[oldest]
        table[oldest + KEYS] = oldest * 0.5
