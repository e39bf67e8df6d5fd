# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A numeric array that grows."""

import array

from workload import ticks

samples = array.array("d")

for number in ticks():
    samples.extend(number * 0.1 + n for n in range(50))
