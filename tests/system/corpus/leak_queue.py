# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A queue whose consumer has died."""

import queue

from workload import ticks

outbox = queue.Queue()

for number in ticks():
    outbox.put({"to": "user-%d" % number, "attempt": 1})
