# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A closure that records its calls."""

from workload import ticks


def make_recorder(name):
    history = []

    def record(value):
        history.append((name, value))
        return len(history)

    return record


record = make_recorder("latency")

for number in ticks():
    record(number / 3)
