# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A pipeline of generators per request, run to its end."""

from workload import ticks


def numbers(count):
    for number in range(count):
        yield number


def doubled(source):
    for number in source:
        yield number * 2.5


for number in ticks():
    sum(value for value in doubled(numbers(100 + number % 50)) if value > 3)
