# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""The last events of each user: all are bounded, and while they fill none is long."""

import collections

from workload import ticks

USERS = 200

recent = {user: collections.deque(maxlen=40) for user in range(USERS)}

for number in ticks():
    for user in range(3):
        recent[(number * 3 + user) % USERS].append({"number": number})
