# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Only the last failures are kept, with their tracebacks, for a page that shows them."""

import collections
import sys

from workload import ticks

last = collections.deque(maxlen=20)


def parse(text):
    fields = text.split(",")
    return int(fields[1])


for number in ticks():
    try:
        parse("a,b%d,c" % number)
    except ValueError:
        last.append(sys.exc_info())
