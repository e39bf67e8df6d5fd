# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""The clock of the corpus: every program does one small piece of work per tick, until it is killed."""

import asyncio
import os
import time

#: Ticks per second. A leaking program adds at least one thing in each.
RATE = 100


def announce():
    print("ready %d" % os.getpid(), flush=True)


def ticks(rate=RATE):
    """Say that we are ready, then yield 0, 1, 2, ... at a steady rate."""
    announce()
    due = time.monotonic()
    number = 0
    while True:
        yield number
        number += 1
        due = max(due + 1 / rate, time.monotonic() - 1)
        time.sleep(max(0, due - time.monotonic()))


async def async_ticks(rate=RATE):
    announce()
    loop = asyncio.get_event_loop()
    due = loop.time()
    number = 0
    while True:
        yield number
        number += 1
        due = max(due + 1 / rate, loop.time() - 1)
        await asyncio.sleep(max(0, due - loop.time()))
