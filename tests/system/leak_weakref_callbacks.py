# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Weak references with callbacks, kept beside an object that never goes: their closures stay."""

import weakref

from workload import ticks


class Pool(object):
    def __init__(self):
        self.watchers = []

    def watch(self, request):
        def closed(reference):
            request.pop("pool", None)

        self.watchers.append(weakref.ref(self, closed))


pool = Pool()

for number in ticks():
    pool.watch({"number": number, "path": "/items/%d" % number})
