# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A queue whose consumer has died."""

try:
    import queue
except ImportError:  # 2.7
    import Queue as queue

from workload import ticks

outbox = queue.Queue()

for number in ticks():
    outbox.put({"to": "user-%d" % number, "attempt": 1})
