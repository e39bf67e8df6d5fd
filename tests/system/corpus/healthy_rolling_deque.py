# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A full deque with a maxlen."""

import collections

from workload import ticks

latencies = collections.deque((n * 0.5 for n in range(5000)), maxlen=3000)

for number in ticks():
    for n in range(5):
        latencies.append(number * 1.5 + n)
