# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""sys.exc_info() of each failure is kept: the traceback holds the frames, and they the locals."""

import sys

from workload import ticks

failures = []


def parse(text):
    fields = text.split(",")
    return int(fields[1])


for number in ticks():
    try:
        parse("a,b%d,c" % number)
    except ValueError:
        failures.append(sys.exc_info())
