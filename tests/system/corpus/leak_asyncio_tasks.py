# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Background tasks that wait for answers that never come, kept so that they are not collected."""

import asyncio

from async_workload import async_ticks


class Server(object):
    def __init__(self):
        self.background = set()

    async def notify(self, number):
        await asyncio.get_event_loop().create_future()
        return number

    async def serve(self):
        async for number in async_ticks():
            task = asyncio.ensure_future(self.notify(number))
            self.background.add(task)
            task.add_done_callback(self.background.discard)


server = Server()
asyncio.new_event_loop().run_until_complete(server.serve())
