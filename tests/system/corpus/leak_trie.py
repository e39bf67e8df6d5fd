# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Every search is indexed in a tree of dicts, which grows everywhere, a little."""

import random

from workload import ticks

LETTERS = "abcdefghijklmnop"


class Index(object):
    def __init__(self):
        self.root = {}

    def add(self, word):
        node = self.root
        for letter in word:
            node = node.setdefault(letter, {})
        node["$"] = True


index = Index()
random.seed(3)

for number in ticks():
    index.add("".join(random.choice(LETTERS) for _ in range(9)))
