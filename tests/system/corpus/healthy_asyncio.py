# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Tasks are started, wait a little and end."""

import asyncio

from async_workload import async_ticks


class Server(object):
    def __init__(self):
        self.running = set()

    async def handle(self, number):
        await asyncio.sleep(0.2)
        return number

    async def serve(self):
        async for number in async_ticks():
            task = asyncio.ensure_future(self.handle(number))
            self.running.add(task)
            task.add_done_callback(self.running.discard)


asyncio.new_event_loop().run_until_complete(Server().serve())
