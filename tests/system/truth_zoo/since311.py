# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""What needs the syntax of Python 3.11."""

import asyncio
import typing

from .common import caught, fail, started
from .python3 import suspend

Ts = typing.TypeVarTuple("Ts")
T = typing.TypeVar("T")


class Variadic(typing.Generic[T, *Ts]):
    def method(self, *arguments: *Ts) -> tuple[T, *Ts]:
        return arguments


def handling():
    """Waits while it handles a part of a group."""
    try:
        raise ExceptionGroup("group", [ValueError([1]), TypeError([2]), caught(fail, 1, ["in a group"])])
    except* ValueError as some:
        yield_in = [some]
    except* TypeError as others:
        yield_in = [others]
    return yield_in


async def handling_group():
    try:
        raise ExceptionGroup("group", [ValueError([1]), TypeError([2])])
    except* ValueError as some:
        await suspend()
        some.add_note("waited while handled")


def waiting_group():
    try:
        raise BaseExceptionGroup("group", [KeyboardInterrupt([1]), ValueError([2])])
    except* ValueError as some:
        yield some


async def with_task_group():
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.sleep(3600), name="in a group")
        async with asyncio.timeout(3600) as limit:
            await asyncio.sleep(3600)
            return limit


def task_groups():
    loop = asyncio.new_event_loop()
    task = loop.create_task(with_task_group())
    for _ in range(3):
        loop.call_soon(loop.stop)
        loop.run_forever()
    runner = asyncio.Runner()
    runner.get_loop()
    return [loop, task, runner]


def groups():
    coroutine = handling_group()
    coroutine.send(None)
    return {
        "variadic": [Variadic, Variadic[int, str], Variadic[int, *Ts], Variadic.method, Ts, next(iter(Ts))],
        "unraised": [caught(handling), coroutine, started(waiting_group())],
        "noted": [caught(fail, 2, ["noted"])],
        "tasks": task_groups(),
    }


PARTS = [groups]
