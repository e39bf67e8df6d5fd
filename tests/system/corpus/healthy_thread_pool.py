# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A pool of threads with a queue that stays short."""

import concurrent.futures

from workload import ticks


def work(number):
    return sum(range(number % 500))


pool = concurrent.futures.ThreadPoolExecutor(4)

for number in ticks():
    futures = [pool.submit(work, number + n) for n in range(4)]
    concurrent.futures.wait(futures)
