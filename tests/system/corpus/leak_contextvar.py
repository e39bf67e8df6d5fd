# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A context variable of the main thread that is never reset."""

import contextvars

from workload import ticks

trail = contextvars.ContextVar("trail")
trail.set([])

for number in ticks():
    trail.get().append("crumb %d" % number)
