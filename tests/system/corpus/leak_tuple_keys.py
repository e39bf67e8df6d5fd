# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A cache keyed by all arguments, one of which is a timestamp."""

from workload import ticks


class Router(object):
    cache = {}

    def route(self, *key):
        if key not in self.cache:
            self.cache[key] = "backend-%d" % (hash(key) % 10)
        return self.cache[key]


router = Router()

for number in ticks():
    router.route("GET", "/items", number)
