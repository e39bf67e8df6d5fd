# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Arrays in a dict by request: nearly all that grows is their data."""

import numpy as np

from workload import ticks

#: Bytes of each array's data.
BYTES = 40000


class Results:
    def __init__(self):
        self.by_request = {}


results = Results()

for number in ticks():
    results.by_request[number] = np.arange(BYTES // 8, dtype=np.float64)
