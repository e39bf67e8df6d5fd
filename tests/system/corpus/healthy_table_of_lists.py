# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A table of lists of any length, exchanged all the time: some are longer than what was there."""

import random

from workload import ticks

table = {number: [0] * random.randrange(60) for number in range(20000)}

for number in ticks():
    for _ in range(200):
        table[random.randrange(20000)] = [number] * random.randrange(60)
