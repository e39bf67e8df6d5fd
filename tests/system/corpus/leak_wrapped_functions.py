# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A function that is wrapped again in each request: a chain of closures, no container."""

from workload import ticks


def trace(function, number):
    def traced(*arguments):
        return function, number, arguments

    return traced


def handler(*arguments):
    return arguments


for number in ticks():
    handler = trace(handler, number * 1.5)
