# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A timeout of an hour is set per request and not cancelled when the request is done."""

import asyncio

from async_workload import async_ticks


class Request(object):
    def __init__(self, number):
        self.number = number
        self.done = False

    def expire(self):
        self.done = True


async def main():
    loop = asyncio.get_event_loop()
    async for number in async_ticks():
        request = Request(number)
        loop.call_later(3600, request.expire)
        request.done = True


asyncio.new_event_loop().run_until_complete(main())
