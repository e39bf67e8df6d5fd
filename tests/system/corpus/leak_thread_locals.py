# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Thread locals of threads that never end: each thread's own cache grows."""

import threading
import time

from workload import WARM_UP, announce, clock, warm

THREADS = 8
context = threading.local()


def handle(number):
    if not hasattr(context, "rendered"):
        context.rendered = {}
    context.rendered["page %d" % number] = "<p>%d</p>" % number


def serve():
    due = clock()
    number = 0
    while True:
        handle(number)
        number += 1
        due += 0.04
        time.sleep(max(0, due - clock()))


for number in range(THREADS):
    thread = threading.Thread(target=serve, name="server %d" % number)
    thread.daemon = True
    thread.start()

announce()
time.sleep(WARM_UP)
warm()
thread.join()
