# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Asynchronous generators that are begun, kept, and never closed."""

import asyncio

from async_workload import async_ticks

streams = []


async def lines(number):
    for n in range(5):
        yield "line %d of %d" % (n, number)


async def main():
    async for number in async_ticks():
        stream = lines(number)
        await stream.__anext__()
        streams.append(stream)


asyncio.new_event_loop().run_until_complete(main())
