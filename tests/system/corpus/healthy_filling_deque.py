# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A deque with a maxlen that is not full yet: it grows, and has a bound."""

import collections

from workload import ticks

window = collections.deque(maxlen=50000)

for number in ticks():
    window.append(number * 1.5)
