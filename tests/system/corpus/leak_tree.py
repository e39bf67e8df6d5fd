# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A binary tree under an attribute of an object; no container grows."""

import random

from workload import ticks


class Node(object):
    def __init__(self, key):
        self.key = key
        self.left = None
        self.right = None


class Tracker(object):
    def __init__(self):
        self.root = Node(0.5)

    def insert(self, key):
        node = self.root
        while True:
            side = "left" if key < node.key else "right"
            child = getattr(node, side)
            if child is None:
                setattr(node, side, Node(key))
                return
            node = child


tracker = Tracker()
numbers = random.Random(7)

for _ in ticks():
    tracker.insert(numbers.random())
    tracker.insert(numbers.random())
