# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Calls to a peer that never answers: one pending future for each."""

import asyncio

from async_workload import async_ticks


class Peer(object):
    def __init__(self):
        self.pending = {}

    def call(self, number):
        future = asyncio.get_event_loop().create_future()
        future.add_done_callback(lambda done: self.pending.pop(number))
        self.pending[number] = future
        return future


peer = Peer()


async def main():
    async for number in async_ticks():
        peer.call(number)


asyncio.new_event_loop().run_until_complete(main())
