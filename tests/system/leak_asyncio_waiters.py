# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Tasks that nobody awaits: they wait for an event that is never set."""

import asyncio

from async_workload import async_ticks


class Warehouse(object):
    def __init__(self):
        self.delivered = asyncio.Event()

    async def reserve(self, number):
        await self.delivered.wait()
        return number

    async def serve(self):
        async for number in async_ticks():
            asyncio.ensure_future(self.reserve(number))


async def main():
    global warehouse
    warehouse = Warehouse()
    await warehouse.serve()


asyncio.new_event_loop().run_until_complete(main())
