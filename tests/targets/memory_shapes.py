# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""memory_shapes.py SHAPE [steadily]: memory of a kind, on any CPython. Prints "ready", then obeys lines of stdin:

    collect     a full collection: prints what it found as JSON {"count": N, "types": {name: objects}}
    trim        malloc_trim(0): prints by how many bytes RSS fell
    gc          gc.collect(): prints what it returned
    thaw        gc.unfreeze(), then the same
    grow_SHAPE  lets it grow by a step
    frozen      prints gc.get_freeze_count()
    stats       prints how many arenas pymalloc has, as sys._debugmallocstats() says

With "steadily", a shape that can grow does so all the time.
"""
import gc
import json
import os
import sys
import threading
import time

KEEP = []


class Node(object):
    def __init__(self):
        self.other = None


def rss():
    with open("/proc/self/smaps_rollup") as file:
        for line in file:
            if line.startswith("Rss:"):
                return int(line.split()[1]) * 1024


def libc():
    import ctypes
    found = ctypes.CDLL(None)
    found.malloc.restype = ctypes.c_void_p
    found.malloc.argtypes = [ctypes.c_size_t]
    found.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
    return found


def fresh():
    pass


def heap():
    KEEP.append([{"number": i, "text": "text %d" % i} for i in range(50000)])


# A burst, of which every 97th object stays.
def fragmented():
    burst = [object() for _ in range(600000)]
    KEEP.append(burst[::97])


# Objects and tables that are no small blocks: 6 MB of bytes, 6 of items, 7 of keys, 3 of a bytearray.
def large():
    KEEP.append([os.urandom(2000) for _ in range(3000)])
    KEEP.append([[None] * (200 + i % 100) for i in range(3000)])
    KEEP.append([dict.fromkeys(range(100)) for _ in range(1500)])
    KEEP.append([bytearray(3000) for _ in range(1000)])


# The burst in malloc: blocks too large for pymalloc.
def malloc_burst():
    burst = [bytearray(600 + i % 4000) for i in range(12000)]
    KEEP.append(burst[::31])


# Many arenas of malloc, one per thread, mostly free again.
def threads():
    def work(started, done):
        mine = [bytearray(700) for _ in range(5000)]
        KEEP.append(mine[::9])
        del mine
        started.set()
        done.wait()

    done = threading.Event()
    for _ in range(10):
        started = threading.Event()
        thread = threading.Thread(target=work, args=(started, done))
        thread.daemon = True
        thread.start()
        started.wait()
    KEEP.append(done)


# Python 2 keeps the places of ten million ints for ever.
def numbers():
    burst = range(10 ** 7)
    if not isinstance(burst, list):
        burst = list(burst)
    del burst


def cycles():
    gc.collect()
    gc.disable()
    grow_cycles()


def grow_cycles(steps=5000):
    for _ in range(steps):
        one, two = Node(), Node()
        one.other, two.other = two, {"back": [one]}


# As a server does before it forks: but what was frozen was let go of after that.
def freeze():
    gc.collect()
    gc.disable()
    KEEP.append([])
    for _ in range(4000):
        one = Node()
        one.other, one.number = {"back": one}, [0.5] * 9
        KEEP[-1].append(one)
    gc.freeze()
    del KEEP[-1][:]
    grow_cycles(300)


# C code takes references and does not give them back.
def references():
    global ctypes
    import ctypes
    grow_references()


def grow_references(steps=2000):
    for i in range(steps):
        one = ["taken %d" % i] * 8
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(one))


# malloc without free, of one size.
def native():
    KEEP.append(libc())
    grow_native()


def grow_native(steps=2000):
    for _ in range(steps):
        KEEP[0].memset(KEEP[0].malloc(3000), 1, 3000)


# Tables too large for any pool.
def lists():
    KEEP.extend([[None] * 400000 for _ in range(10)])


# Batches that are worked off.
def sawtooth():
    KEEP.append([])
    grow_sawtooth()


def grow_sawtooth(steps=200):
    KEEP[0].extend(["line %d of a batch" % i for i in range(steps * 50)])
    if len(KEEP[0]) > 200000:
        del KEEP[0][:]


# A cache that is bounded, and far from full.
def lru():
    global look_up
    import functools

    @functools.lru_cache(maxsize=10 ** 6)
    def look_up(number):
        return "answer %d" % number

    KEEP.append(0)
    grow_lru()


def grow_lru(steps=200):
    for _ in range(steps):
        KEEP[0] += 1
        look_up(KEEP[0])


# What each version must get right, in one process: less to start.
def mixed():
    heap()
    fragmented()
    malloc_burst()
    threads()
    cycles()


def numpy():
    import numpy
    KEEP.append(numpy.ones(2 * 10 ** 6))
    KEEP.append([numpy.ones(1000) for _ in range(2000)])
    KEEP.append(numpy.zeros(10 ** 8))
    KEEP.append(numpy.random.rand(300, 300).dot(numpy.random.rand(300, 300)))


def collect():
    gc.set_debug(gc.DEBUG_SAVEALL)
    count = gc.collect()
    types = {}
    for found in gc.garbage:
        name = type(found).__name__
        types[name] = types.get(name, 0) + 1
    gc.set_debug(0)
    del gc.garbage[:]
    return json.dumps({"count": count, "types": types})


def thaw():
    gc.unfreeze()
    return gc.collect()


def frozen():
    return gc.get_freeze_count()


def trim():
    library = libc()
    before = rss()
    library.malloc_trim(0)
    return before - rss()


# It writes to the file descriptor of stderr.
def stats():
    reader, writer = os.pipe()
    saved = os.dup(2)
    os.dup2(writer, 2)
    thread = threading.Thread(target=sys._debugmallocstats)
    thread.start()
    thread.join()
    os.dup2(saved, 2)
    os.close(writer)
    with os.fdopen(reader) as file:
        for line in file:
            if "arenas allocated current" in line:
                return int(line.split("=")[1].replace(",", ""))


def steadily(grow):
    """By the clock: what was missed without a processor is made up for. Growth that pauses is another answer."""
    clock = getattr(time, "monotonic", time.time)

    def run():
        due = clock()
        while True:
            grow(100)
            due += 0.02
            time.sleep(max(0, due - clock()))

    thread = threading.Thread(target=run)
    thread.daemon = True
    thread.start()


def main():
    shape = sys.argv[1]
    globals()[shape]()
    if "steadily" in sys.argv[2:]:
        steadily(globals()["grow_" + shape])
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        line = sys.stdin.readline().strip()
        if not line:
            break
        sys.stdout.write("%s\n" % (gc.collect() if line == "gc" else globals()[line]()))
        sys.stdout.flush()


if __name__ == "__main__":
    main()
