# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""The clock of the corpus: every program does one small piece of work per tick, until it is killed.

What it has done is a matter of the time that has passed, also where it had no processor for a while: it catches up.
"""

from __future__ import print_function

import os
import sys
import time

#: Ticks per second. A leaking program adds at least one thing in each.
RATE = 100
#: Seconds after which a program that starts has imported what it needs, and filled small caches.
WARM_UP = 2

clock = getattr(time, "monotonic", time.time)  # 2.7 has no other


def announce():
    print("ready %d" % os.getpid())
    sys.stdout.flush()


def warm():
    """Say that what was done in WARM_UP seconds is done."""
    print("warm")
    sys.stdout.flush()


def ticks(rate=RATE):
    """Say that we are ready, then yield 0, 1, 2, ... at a steady rate; and say when we are warm."""
    announce()
    due = clock()
    number = 0
    while True:
        yield number
        number += 1
        if number == WARM_UP * rate:
            warm()
        due += 1.0 / rate
        time.sleep(max(0, due - clock()))
