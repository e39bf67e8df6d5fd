# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A queue that C code implements, and nobody takes from."""

import queue

from workload import ticks

outbox = queue.SimpleQueue()

for number in ticks():
    outbox.put({"number": number, "body": "x" * 100})
