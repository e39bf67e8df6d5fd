# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A deque that was meant to have a maxlen."""

import collections

from workload import ticks

events = collections.deque()

for number in ticks():
    events.append(("event", number * 1.5))
