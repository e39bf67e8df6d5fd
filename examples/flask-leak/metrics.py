# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Timings of the calls that this service makes to others."""

import time


class Profiler:
    """Times one call: `with Profiler('inventory.stock'): ...`."""

    #: One (name, microseconds) per call, of all profilers.
    results = []

    def __init__(self, name):
        self.name = name
        self.started = None

    def __enter__(self):
        self.started = time.perf_counter()
        return self

    def __exit__(self, *exception):
        self.end()

    def end(self):
        elapsed = time.perf_counter() - self.started
        self.results.append((self.name, int(elapsed * 1e6)))

    @classmethod
    def summary(cls):
        """Calls and mean microseconds by name."""
        totals = {}
        for name, elapsed in cls.results:
            calls, total = totals.get(name, (0, 0))
            totals[name] = (calls + 1, total + elapsed)
        return {
            name: {"calls": calls, "mean_us": total // calls}
            for name, (calls, total) in totals.items()
        }
