# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Data of a thread that lives as long as the process: cleared per request, it was thought."""

import threading

from workload import ticks

context = threading.local()


def handle(number):
    if not hasattr(context, "breadcrumbs"):
        context.breadcrumbs = []
    context.breadcrumbs.append(("step", number * 0.5))


def serve():
    for number in ticks():
        handle(number)


thread = threading.Thread(target=serve, name="server")
thread.start()
thread.join()
