# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A small process with objects of many kinds, for a memory image: python3 -I -S -E many_kinds.py.

Prints "ready" and waits for standard input to close.
"""
import _thread
import array
import collections
import contextvars
import functools
import gc
import itertools
import sys
import time
import types
import weakref


class Plain:
    def __init__(self, number):
        self.number = number
        self.text = "text %d" % number

    def method(self):
        return self.number


class Slots:
    __slots__ = ("left", "right", "__weakref__")


class Materialised(Plain):
    pass


class MyList(list):
    pass


class MyDict(dict):
    pass


def generator(argument):
    local = [argument]
    yield local
    yield argument


async def coroutine(argument):
    await suspended()
    return argument


@types.coroutine
def suspended():
    yield "waiting"


def closure():
    captured = {"captured": 1}

    def inner():
        return captured
    return inner


@functools.lru_cache(maxsize=64)
def cached(argument):
    return (argument, [argument])


def raised():
    try:
        raise ValueError("with a traceback", [1, 2])
    except ValueError as error:
        return error


def cycle():
    left, right = Slots(), Slots()
    left.left, left.right = right, [left]
    right.left, right.right = left, {"other": left}
    return left


def build():
    keep = {"plain": [Plain(i) for i in range(40)], "slots": [cycle() for _ in range(8)]}
    keep["materialised"] = [Materialised(i) for i in range(8)]
    keep["dicts"] = [vars(item) for item in keep["materialised"]]
    keep["lists"] = [list(range(1000, 1000 + n)) for n in range(0, 200, 20)] + [MyList("abc")]
    keep["tuples"] = [tuple("tuple %d" % i for i in range(n)) for n in range(12)]
    keep["sets"] = [{i * 1000 for i in range(n)} for n in range(0, 60, 7)] + [frozenset("abcdef")]
    keep["deques"] = [collections.deque(range(5000, 5000 + n), maxlen=300) for n in (0, 1, 63, 200)]
    keep["odict"] = collections.OrderedDict((i, [i]) for i in range(30))
    keep["defaultdict"] = collections.defaultdict(list, {"a": [1], 2: [2]})
    keep["mydict"] = MyDict({i: str(i) for i in range(50)})
    keep["generators"] = [generator(i) for i in range(6)]
    for item in keep["generators"][:4]:
        next(item)
    keep["coroutines"] = [coroutine("c%d" % i) for i in range(4)]
    for item in keep["coroutines"][:3]:
        item.send(None)
    keep["closures"] = [closure() for _ in range(4)]
    keep["bound"] = [item.method for item in keep["plain"][:5]]
    keep["partial"] = functools.partial(print, "x", end="")
    keep["exceptions"] = [raised() for _ in range(3)]
    keep["weakrefs"] = [weakref.ref(item) for item in keep["plain"][:5]]
    keep["tee"] = itertools.tee(iter(range(10000, 10200)))
    keep["teed"] = list(itertools.islice(keep["tee"][0], 100))
    keep["arrays"] = [array.array("d", range(100)), bytearray(b"x" * 700), memoryview(b"abc" * 40)]
    keep["texts"] = ["\u00e9" * 30, "\u20ac" * 30, "\U0001f600" * 30, "a" * 2000]
    keep["numbers"] = [1 << 100, -(1 << 200), 3.25, 2 + 3j]
    keep["structs"] = [time.gmtime(0), sys.version_info]
    keep["context"] = contextvars.copy_context()
    for i in range(40):
        variable = contextvars.ContextVar("variable%d" % i)
        keep["context"].run(variable.set, [i])
        keep["variable%d" % i] = variable
    keep["cached"] = [cached(i) for i in range(80)]
    keep["iterators"] = [iter([1, 2]), iter({1: 2}), iter("ab"), zip([1], [2]), map(str, [1])]
    keep["property"] = property(Plain.method)
    keep["module"] = types.ModuleType("made")
    keep["large"] = [None] * 4000
    return keep


def wait(lock):
    local = {"in": "thread"}
    lock.acquire()
    return local


KEEP = build()
LOCK = _thread.allocate_lock()
LOCK.acquire()
_thread.start_new_thread(wait, (LOCK,))
gc.collect()
sys.stdout.write("ready\n")
sys.stdout.flush()
sys.stdin.read()
