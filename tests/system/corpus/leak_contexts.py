# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A copy of the context per request, kept for debugging."""

import contextvars

from workload import ticks

request_id = contextvars.ContextVar("request_id")
recent = []

for number in ticks():
    context = contextvars.copy_context()
    context.run(request_id.set, "request-%d" % number)
    recent.append(context)
