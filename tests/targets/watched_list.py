# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A list that is watched, for run_bench.py: prints "ready ADDRESS", then answers commands with a number.

    append N DEPTH   append N times below DEPTH frames, with pauses: the median time of an append, in seconds
    work SECONDS     do something else all the time: how often per second
    fill SECONDS     append without pause: how often per second
"""

import statistics
import sys
import time

watched = []
PAUSE_S = 0.002
BATCH = 1000


def append_once():
    begin = time.perf_counter()
    watched.append(1)
    return time.perf_counter() - begin


def below(depth):
    return below(depth - 1) if depth else append_once()


def append(count, depth):
    times = []
    for _ in range(int(count)):
        times.append(below(int(depth)))
        time.sleep(PAUSE_S)
    return statistics.median(times)


def work_once():
    other = []
    for number in range(100):
        other.append({"number": number})
    return len(other)


def repeat(function, seconds):
    begin, count = time.perf_counter(), 0
    while time.perf_counter() < begin + seconds:
        function()
        count += 1
    return count / (time.perf_counter() - begin)


def fill():
    for _ in range(BATCH):
        watched.append(1)


COMMANDS = {
    "append": append,
    "work": lambda seconds: repeat(work_once, float(seconds)),
    "fill": lambda seconds: repeat(fill, float(seconds)) * BATCH,
}


def main():
    print("ready", hex(id(watched)), flush=True)
    for line in sys.stdin:
        name, *arguments = line.split()
        print(COMMANDS[name](*arguments), flush=True)


main()
