# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Ten numbers are kept of each large array, as a view: the whole array stays."""

import numpy as np

from workload import ticks

BYTES = 40000
peaks = []

for number in ticks():
    signal = np.sin(np.arange(BYTES // 8, dtype=np.float64) + number)
    peaks.append(signal[:10])
