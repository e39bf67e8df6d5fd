# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A set of everything that was seen once."""

from workload import ticks


class Deduplicator(object):
    def __init__(self):
        self.seen = set()

    def is_new(self, message):
        if message in self.seen:
            return False
        self.seen.add(message)
        return True


deduplicator = Deduplicator()

for number in ticks():
    deduplicator.is_new("message %d" % number)
    deduplicator.is_new("message %d" % (number // 3))
