# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A heap of a given number of objects, and what looking at it from inside costs.

    big_heap.py OBJECTS

Records as an application has them: instances whose attributes lie inline, each with strings,
numbers, a tuple, a list and a dict of its own, and strings, classes and keys that they share.
Prints "ready N", then answers on standard input:

    fork    seconds that a bare fork() took; the child ends at once
    walk    gc.get_objects() and gc.get_referents() of each of them: seconds, objects, references
    graph   the same made into a graph of all objects, also of those that the collector does not
            track: numbers, sizes, rows of references; seconds, objects, references
    change  a list in ten becomes one of new records, and a list in ten is there again: seconds
"""
import array
import gc
import os
import sys
import time

OBJECTS_PER_RECORD = 11
RECORDS_PER_LIST = 1000

TAGS = [f"tag-{i}" for i in range(500)]


class Record:
    def __init__(self, number):
        self.number = number + 1000
        self.name = f"record-{number}"
        self.price = number * 0.25
        self.tags = [TAGS[number % 500], TAGS[number * 7 % 500]]
        self.place = (number * 0.5, number * 1.5)
        self.meta = {"version": number + 5000, "origin": f"host-{number}", "status": "active"}


def build(objects):
    gc.disable()
    records = objects // OBJECTS_PER_RECORD
    return [[Record(number) for number in range(first, min(first + RECORDS_PER_LIST, records))]
            for first in range(0, records, RECORDS_PER_LIST)]


def timed_change(heap):
    started = time.perf_counter()
    for number in range(0, len(heap), 10):
        first = (len(heap) + number) * RECORDS_PER_LIST
        heap[number] = [Record(first + i) for i in range(RECORDS_PER_LIST)]
        heap.append([Record(2 * first + i) for i in range(RECORDS_PER_LIST)])
    return time.perf_counter() - started,


def timed_fork():
    started = time.perf_counter()
    child = os.fork()
    if child == 0:
        os._exit(0)
    seconds = time.perf_counter() - started
    os.waitpid(child, 0)
    return seconds,


def timed_walk():
    started = time.perf_counter()
    objects = gc.get_objects()
    references = 0
    for item in objects:
        references += len(gc.get_referents(item))
    return time.perf_counter() - started, len(objects), references


def timed_graph():
    started = time.perf_counter()
    objects = gc.get_objects()
    number_of = {id(item): number for number, item in enumerate(objects)}
    sizes, first, edges = array.array("Q"), array.array("Q"), array.array("I")
    for item in objects:  # grows meanwhile
        first.append(len(edges))
        sizes.append(sys.getsizeof(item))
        for referent in gc.get_referents(item):
            number = number_of.setdefault(id(referent), len(objects))
            if number == len(objects):
                objects.append(referent)
            edges.append(number)
    return time.perf_counter() - started, len(objects), len(edges)


def main():
    heap = build(int(sys.argv[1]))
    print("ready", len(heap), flush=True)
    answers = {"fork": timed_fork, "walk": timed_walk, "graph": timed_graph,
               "change": lambda: timed_change(heap)}
    for line in sys.stdin:
        print(*answers[line.strip()](), flush=True)


main()
