# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""The clock of the corpus: every program does one small piece of work per tick, until it is killed."""

from __future__ import print_function

import os
import sys
import time

#: Ticks per second. A leaking program adds at least one thing in each.
RATE = 100

clock = getattr(time, "monotonic", time.time)  # 2.7 has no other


def announce():
    print("ready %d" % os.getpid())
    sys.stdout.flush()


def ticks(rate=RATE):
    """Say that we are ready, then yield 0, 1, 2, ... at a steady rate."""
    announce()
    due = clock()
    number = 0
    while True:
        yield number
        number += 1
        due = max(due + 1.0 / rate, clock() - 1)
        time.sleep(max(0, due - clock()))
