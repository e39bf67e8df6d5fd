# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Sessions in the order of their start."""

import collections

from workload import ticks

sessions = collections.OrderedDict()

for number in ticks():
    sessions["session-%d" % number] = (number, number / 2)
