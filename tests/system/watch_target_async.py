# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Coroutines of watch_target.py: syntax that 2.7 does not have."""

import asyncio


class Context:
    def __init__(self, add):
        self.add = add

    async def __aenter__(self):
        self.add()

    async def __aexit__(self, *exception):
        await asyncio.sleep(0)
        self.add()


async def numbers(add):
    yield 1
    add()
    yield 2


async def leaf(add):
    add()
    await asyncio.sleep(0)
    add()


async def chain(add):
    async with Context(add):
        await leaf(add)
    async for _ in numbers(add):
        pass
    await asyncio.gather(leaf(add), leaf(add))


def run(add):
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(chain(add))
    finally:
        loop.close()
