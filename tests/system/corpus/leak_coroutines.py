# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Coroutines that are created and put aside, never awaited."""

from workload import ticks

deferred = []


async def send(number):
    return number


for number in ticks():
    deferred.append(send(number))
