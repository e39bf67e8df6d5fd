# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A context of its own for each request, as frameworks do it, dropped with the request."""

import contextvars

from workload import ticks

request_id = contextvars.ContextVar("request_id")
trail = contextvars.ContextVar("trail")


def handle(number):
    request_id.set("request-%d" % number)
    trail.set([])
    for n in range(20):
        trail.get().append("step %d" % n)


for number in ticks():
    contextvars.copy_context().run(handle, number)
