# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A queue that only local variables of coroutines refer to; its consumer is too slow."""

import asyncio

from async_workload import async_ticks


async def main():
    jobs = asyncio.Queue()

    async def work():
        while True:
            await jobs.get()
            await asyncio.sleep(0.1)

    worker = asyncio.ensure_future(work())
    async for number in async_ticks():
        jobs.put_nowait({"number": number})
    await worker


asyncio.new_event_loop().run_until_complete(main())
