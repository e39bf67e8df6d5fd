# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Exceptions kept for a report; each keeps the frames of its traceback, and their locals."""

from workload import ticks

errors = []


def parse(text):
    fields = text.split(",")
    return int(fields[1])


def handle(number):
    body = "a,b%d,c" % number
    return parse(body)


for number in ticks():
    try:
        handle(number)
    except ValueError as error:
        errors.append(error)
