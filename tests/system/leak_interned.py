# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Names made from data and interned: 3.12 never lets go of an interned string."""

import sys

from workload import ticks

for number in ticks():
    for n in range(10):
        sys.intern("attribute_%d" % (number * 10 + n))
