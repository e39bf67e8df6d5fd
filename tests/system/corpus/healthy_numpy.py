# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Arrays come and go; a ring of the last hundred is kept."""

import collections

import numpy as np

from workload import ticks

recent = collections.deque(maxlen=100)
recent.extend(np.zeros(1000) for _ in range(100))

for number in ticks():
    signal = np.random.random(5000)
    recent.append((signal * signal)[:1000].copy())
