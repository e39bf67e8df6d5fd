# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A cache written in Python that keeps to its limit, and is not full yet."""

from collections import OrderedDict

from workload import ticks


class Cache(object):
    def __init__(self, max_entries):
        self.max_entries = max_entries
        self.hits = 0
        self._entries = OrderedDict()

    def get(self, key, make):
        if key in self._entries:
            self.hits += 1
            value = self._entries.pop(key)
        else:
            value = make(key)
        self._entries[key] = value
        if len(self._entries) > self.max_entries:
            self._entries.popitem(last=False)
        return value


pages = Cache(20000)
for number in ticks():
    pages.get("/products/%d" % number, lambda key: {"path": key, "title": "Product " + key})
    pages.get("/products/%d" % (number // 2), dict)
