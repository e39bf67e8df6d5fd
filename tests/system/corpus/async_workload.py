# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""The clock of workload.py for programs that run in an event loop."""

import asyncio

from workload import RATE, WARM_UP, announce, warm


async def async_ticks(rate=RATE):
    announce()
    loop = asyncio.get_event_loop()
    due = loop.time()
    number = 0
    while True:
        yield number
        number += 1
        if number == WARM_UP * rate:
            warm()
        due += 1 / rate
        await asyncio.sleep(max(0, due - loop.time()))
