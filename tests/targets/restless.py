# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A process that never has a quiet moment: restless.py resize|collect.

It keeps KEPT objects aside that never change, prints "ready KEPT", and then only resizes lists,
dicts, sets and deques, or only collects a heap full of cycles. When standard input closes it prints
"rounds N" and ends.
"""
import collections
import gc
import itertools
import select
import sys

KEPT = 10000
CYCLES = 2000
ROUNDS_PER_LOOK = 20


class Kept:
    def __init__(self, number):
        self.number = number + 1000
        self.text = f"kept {number}"


class KeptList(list):
    pass


class KeptTuple(tuple):
    """Large and in no pool: found only through what refers to it."""


class Node:
    pass


def resize():
    numbers, table, seen, queue, text = [], {}, set(), collections.deque(), ""
    for i in range(400):
        numbers.append([i])
        table[i * 7919] = numbers
        seen.add(i * 31)
        queue.append((i, text))
        text += "more"
        numbers[i].extend(range(1000, 1000 + i % 50))
    for i in range(0, 400, 3):
        del table[i * 7919]
        seen.discard(i * 31)
        queue.popleft()
    numbers[100:] = itertools.chain.from_iterable(numbers[:50])


def make_cycles():
    nodes = [Node() for _ in range(CYCLES)]
    for left, right in zip(nodes, nodes[1:] + nodes[:1]):
        left.other, left.items = right, [left]
    return nodes


def collect():
    for left in make_cycles()[:3]:
        left.extra = {}
    gc.collect()


def main():
    work = {"resize": resize, "collect": collect}[sys.argv[1]]
    items = [Kept(number) for number in range(KEPT)]
    kept = [KeptList(items), KeptTuple(items)]
    del items
    if sys.argv[1] == "collect":
        kept.append(make_cycles())
    print("ready", KEPT, flush=True)
    rounds = 0
    while not select.select([sys.stdin], [], [], 0)[0]:
        for _ in range(ROUNDS_PER_LOOK if sys.argv[1] == "resize" else 1):
            work()
            rounds += 1
    if [item.number for item in kept[0]] != list(range(1000, 1000 + KEPT)) or \
            list(kept[1]) != kept[0]:
        print("violation: what was kept has changed")
    print("rounds", rounds)


main()
