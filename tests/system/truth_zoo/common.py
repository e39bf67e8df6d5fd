# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""What 2.7 and 3 both have."""

import array
import bz2
import codecs
import collections
import contextlib
import copy
import csv
import ctypes
import datetime
import decimal
import fractions
import functools
import hashlib
import heapq
import importlib
import io
import itertools
import json
import logging
import mmap
import operator
import os
import pickle
import random
import re
import select
import socket
import sqlite3
import string
import struct
import sys
import tempfile
import threading
import time
import traceback
import types
import uuid
import weakref
import zlib

#: Seconds that a thread gets to reach the place where it blocks.
BLOCK_TIMEOUT_S = 10
IS_3 = sys.version_info >= (3,)


# --- helpers ------------------------------------------------------------------------------------


def nothing(*arguments, **keywords):
    return arguments, keywords


def found(dotted):
    """What a dotted name stands for; None where this Python has no such thing."""
    words = dotted.split(".")
    for length in range(len(words), 0, -1):
        try:
            one = importlib.import_module(".".join(words[:length]))
        except ImportError:
            continue
        for word in words[length:]:
            one = getattr(one, word, None)
        return one
    return getattr(importlib.import_module("builtins" if IS_3 else "__builtin__"), dotted, None)


def made(dotted, *arguments, **keywords):
    """What a callable of the library makes; None where there is no such callable."""
    function = found(dotted)
    return None if function is None else function(*arguments, **keywords)


def with_attributes(one, **attributes):
    for name, value in attributes.items():
        setattr(one, name, value)
    return one


def started(iterator, steps=1):
    for _ in range(steps):
        next(iterator)
    return iterator


def caught(function, *arguments):
    try:
        function(*arguments)
    except BaseException as error:
        return error
    raise AssertionError("did not raise")


class CustomError(Exception):
    def __init__(self, message, detail):
        super(CustomError, self).__init__(message)
        self.detail = detail


def fail(depth, detail):
    local = [depth, detail]
    if depth:
        fail(depth - 1, local)
    raise CustomError("failed", detail)


# --- containers, numbers, text ------------------------------------------------------------------


def containers():
    recursive = [1]
    recursive.append(recursive)
    shrunk = list(range(100))
    del shrunk[10:]
    holey = {n: str(n) for n in range(100)}
    for n in range(0, 100, 3):
        del holey[n]
    holey_text = {"key %d" % n: [n] for n in range(50)}
    for n in range(0, 50, 4):
        del holey_text["key %d" % n]
    holey_text["key 4"] = "again"
    emptied = {"a": 1}
    emptied.clear()
    popped = {n: [n] for n in range(20)}
    while popped:
        popped.popitem()
    mixed = {"text": 1}
    mixed[5] = 2  # no longer keys of one kind
    cleared_set = set(range(100))
    cleared_set.clear()
    holey_set = {str(n) for n in range(100)}
    for n in range(0, 100, 3):
        holey_set.discard(str(n))
    return {
        "nested": [[{"a": (1, [2, {3, 4.5}])} for _ in range(20)]],
        "recursive": recursive,
        "lists": [[], [None] * 10, list("abc"), shrunk, [0.5] * 3000],
        "tuples": [(), (1,), tuple(range(30)), ((), ((), ())), tuple([[]])],
        "dicts": [{}, dict.fromkeys("abc"), dict.fromkeys(range(1000)), holey, emptied, holey_text,
                  popped, mixed, {(1, 2): 3, "x": 4, 5.5: 6}, {n: [n] for n in range(70000)},
                  dict.fromkeys(["key %d" % n for n in range(300)], 0), {"a": 1, "b": []}.copy()],
        "sets": [set(), {1}, set(range(8)), set(range(1000)), cleared_set, holey_set,
                 {"item %d" % n for n in range(50)}],
        "frozensets": [frozenset(), frozenset("abc"), frozenset(range(100)),
                       frozenset([frozenset([1]), frozenset([2])])],
        "slices": [slice(None), slice(1, "two", [3])],
    }


def numbers():
    floats = [n + 0.5 for n in range(500)]
    integers = [n * 1000 for n in range(500)]
    del floats[::3], integers[::3]  # the free lists of some versions
    return {
        "ints": [0, -5, 256, 257, 2**29, 2**30, 2**31, -2**60, 2**64, 3**500, -7**900, 1 << 100000],
        "floats": [0.0, 1.5, float("inf"), float("nan")],
        "many": [floats, integers],
        "complex": [1j, complex(2.5, -3)],
        "bools": [True, False],
        "decimals": [decimal.Decimal("1.5"), decimal.Decimal(10) ** 400, decimal.getcontext()],
        "fractions": [fractions.Fraction(1, 3), fractions.Fraction(10**30, 7)],
        "random": [random.Random(1), random.SystemRandom()],
    }


def texts():
    class Text(type(u"")):
        pass

    class SlottedText(type(u"")):
        __slots__ = ()

    annotated = Text(u"annotated \u20ac")
    annotated.note = ["x"]
    intern = found("sys.intern" if IS_3 else "intern")
    hashed = u"hashed \u20ac" * 3
    return {
        "ascii": [u"", u"a", u"plain text %d" % 1, u"x" * 10000],
        "latin1": [u"\u00e9", u"\u00e9t\u00e9" * 10],
        "ucs2": [u"\u20ac", u"\u20ac" * 100],
        "ucs4": [u"\U0001f40d", u"\U0001f40d" * 50],
        "hashed": {hashed: hash(hashed)},
        "interned": [intern("interned " + "text"), intern("zoo_" * 3)],
        "subclasses": [Text(u"ascii"), Text(u"\U0001f40d"), annotated, SlottedText(u"slotted")],
    }


def buffers():
    data = bytearray(range(200))
    shrunk = bytearray(1000)
    del shrunk[:900]
    numbers_array = array.array("d", [0.5] * 100)
    text_array = array.array("u", u"text")
    appended = array.array("l")
    for n in range(100):
        appended.append(n)
    return {
        "bytes": [b"", b"a", b"bytes" * 100, bytes(bytearray(100000))],
        "bytearrays": [bytearray(), bytearray(b"x"), data, shrunk],
        "memoryviews": [memoryview(b"abc"), memoryview(data)[10:20], memoryview(data)],
        "arrays": [array.array("b"), numbers_array, text_array, appended],
        "mmaps": [mmap.mmap(-1, 8192)],
    }


# --- classes and instances ----------------------------------------------------------------------


class Plain(object):
    """Instances: attributes as the version keeps them, never given a dict unless asked for."""

    def __init__(self, first, second):
        self.first = first
        self.second = second

    def method(self):
        return self.first


class Slotted(object):
    __slots__ = ("left", "right", "__weakref__")

    def __init__(self, left):
        self.left = left


class SlottedChild(Slotted):
    __slots__ = ("extra",)


class SlottedWithDict(Slotted):
    pass


class OnlyDict(object):
    __slots__ = ("__dict__",)


class OnlyWeak(object):
    __slots__ = ("__weakref__",)


class Meta(type):
    def __new__(meta, name, bases, body, **keywords):
        new = super(Meta, meta).__new__(meta, name, bases, body)
        new.keywords = keywords
        return new

    @property
    def label(cls):
        return cls.__name__.lower()


WithMeta = Meta("WithMeta", (object,), {"attribute": {"shared": True}})


class Base1(object):
    one = 1


class Base2(object):
    __slots__ = ("two",)


class Multiple(Base1, Base2):
    pass


class MultipleDict(Base1, dict):
    pass


class SlottedList(list):
    __slots__ = ("mark",)


class DictWithDict(dict):
    pass


class IntWithDict(int):
    pass


class TupleWithDict(tuple):
    pass


class SlottedTuple(tuple):
    __slots__ = ()


class FloatWithDict(float):
    pass


class BytesWithDict(bytes):
    pass


class SetWithDict(set):
    pass


class ErrorWithSlots(ValueError):
    __slots__ = ("extra",)


class OwnSize(object):
    def __init__(self):
        self.data = [1, 2, 3]

    def __sizeof__(self):
        return 123456


class Finalized(object):
    def __init__(self, kept):
        self.kept = kept

    def __del__(self):
        self.kept = None


class Descriptors(object):
    def __init__(self):
        self._value = 5

    @property
    def value(self):
        """The value."""
        return self._value

    @value.setter
    def value(self, value):
        self._value = value

    @classmethod
    def made(cls):
        return cls()

    @staticmethod
    def help():
        return "help"


Point = collections.namedtuple("Point", "x y")


def instances():
    materialised = [Plain(n, str(n)) for n in range(20)]
    dicts = [vars(plain) for plain in materialised[:10]]
    for plain in materialised[5:8]:
        del plain.first
    for plain in materialised[8:10]:
        plain.third = [plain.second]
    deleted = Plain([1], [2])
    del deleted.first
    deleted_all = Plain([1], [2])
    del deleted_all.first, deleted_all.second
    returned = Plain([1], [2])
    del returned.first
    returned.first = "after second"
    many = Plain(1, 2)
    for n in range(60):
        setattr(many, "attribute_%d" % n, [n])
    replaced = Plain(1, 2)
    replaced.__dict__ = {"fresh": [True]}
    shared = Plain([3], 4)
    shared.__dict__ = vars(materialised[0])
    cleared = Plain([1], 2)
    vars(cleared).clear()
    number_key = Plain([1], 2)
    vars(number_key)[5] = "not a name"
    outlived = vars(Plain(["its instance"], "is gone"))

    class Wide(object):
        """More attributes than shared keys hold, in instances that differ."""

    wide = [with_attributes(Wide(), **{"wide_%d" % m: [n, m] for m in range(3 * n)}) for n in range(15)]
    different = [with_attributes(Wide(), **{"own_%d" % n: n}) for n in range(40)]
    full = Slotted([1])
    full.right = full
    child = with_attributes(SlottedChild({}), extra=[3])
    multiple = with_attributes(Multiple(), two=[2], three=[3])
    return {
        "inline": [Plain(n, [n]) for n in range(50)],
        "materialised": materialised,
        "dicts": dicts,
        "odd": [deleted, deleted_all, returned, many, replaced, shared, cleared, number_key, outlived],
        "wide": [wide, different, Wide()],
        "slotted": [Slotted(1), full, child, with_attributes(SlottedWithDict(2), more=[4]),
                    OnlyDict(), with_attributes(OnlyDict(), a=[1]), OnlyWeak()],
        "meta": [WithMeta, WithMeta()],
        "multiple": [multiple, with_attributes(MultipleDict(a=[1]), three=[3])],
        "subclassed": [
            with_attributes(SlottedList([1, [2]]), mark={"x"}),
            with_attributes(DictWithDict(a=[1]), note=[2]), DictWithDict(b=[2]),
            with_attributes(IntWithDict(2**60), note=[3]), IntWithDict(0),
            with_attributes(TupleWithDict(([1], 2)), note=[4]), TupleWithDict(),
            SlottedTuple((1, [2])), with_attributes(FloatWithDict(1.5), note=[5]),
            with_attributes(BytesWithDict(b"abc"), note=[6]),
            with_attributes(SetWithDict([1, 2]), note=[7]),
            with_attributes(ErrorWithSlots("x"), extra=[8], note=[9]),
        ],
        "own size": OwnSize(),
        "finalized": Finalized([1]),
        "descriptors": [Descriptors(), Descriptors.__dict__["value"], Descriptors.__dict__["made"],
                        Descriptors.__dict__["help"], Descriptors.made, Descriptors().help],
        "named tuples": [Point(1, [2])],
        "local class": type("Made", (Plain,), {"body": [1], "__slots__": ("slot",)}),
        "objects": [object() for _ in range(10)],
    }


class OnlyGetItem(object):
    def __getitem__(self, index):
        return [index]


# --- functions, frames, generators --------------------------------------------------------------


def make_closure():
    captured, later = [1], {"two": 2}

    def inner(argument=captured):
        return later, argument, inner

    def empty_cell():
        return never

    inner.attribute = ["function attribute"]
    if captured is None:
        never = 1
    return inner, empty_cell


def functions():
    plain = Plain(1, 2)
    compiled = compile("x = lambda: [y for y in (1, 2.5, 'three')]", "<zoo>", "exec")
    return {
        "closures": [make_closure(), make_closure()],
        "methods": [plain.method, types.MethodType(nothing, [1]), Plain.method, Plain.method.__get__(plain),
                    Descriptors.made, Meta.__new__],
        "builtin methods": [len, [].append, {}.get, "".join, dict.fromkeys, str.upper, [].__len__,
                            int.__add__, object().__repr__, type.__dict__["__mro__"],
                            dict.__dict__["fromkeys"], type(nothing).__dict__["__globals__"],
                            type(nothing).__dict__["__closure__"]],
        "partials": [functools.partial(nothing, [1], a={2}), functools.partial(int, base=2),
                     functools.partial(functools.partial(nothing, 1), [2]),
                     with_attributes(functools.partial(nothing), note=[3])],
        "lambdas": [lambda x=[1]: x, lambda *a, **k: (a, k)],
        "code": [compiled, compiled.co_consts, nothing.__code__, compiled.co_code,
                 nothing.__code__.co_varnames],
        "operators": [operator.itemgetter(1), operator.itemgetter("a", [1]),
                      operator.attrgetter("a.b"), operator.attrgetter("a", "b.c"),
                      operator.methodcaller("name", [1], key={2}), functools.cmp_to_key(nothing),
                      functools.cmp_to_key(nothing)([1])],
        "super": [super(SlottedChild, SlottedChild(1)), super(Plain, Plain), super(Plain)],
        "proxies": [vars(Plain), object.__dict__],
    }


def generator(start):
    held = [start]
    try:
        for item in (held, (start, held), "last"):
            yield item
    finally:
        held.append("done")


def keep_frame(depth):
    local = {"depth": depth}
    if depth:
        return keep_frame(depth - 1)
    return sys._getframe(), local


def within_expressions(one, other):
    """Waits with arguments of calls, and parts of containers, on its stack."""
    nothing(one, [other, (yield one)], {"key": (yield other)}, keyword=(one, (yield)))
    for item in (one, other):
        yield [item, [one, other, (yield item)]]


def in_blocks():
    """Generators that wait within blocks of all sorts."""
    def waiting():
        for n in [[1], [2]]:
            with contextlib.closing(io.BytesIO()) as opened:
                try:
                    fail(1, ["handled while waiting"])
                except CustomError as error:
                    while True:
                        yield n, error, opened

    return [started(waiting()) for _ in range(3)]


def traced(frame, event, argument):
    return traced


def traced_frames():
    """Frames that have a trace function, and code that was executed under one and under a profiler."""
    held = []

    def keep():
        local = ["traced"]
        held.append(sys._getframe())
        return local

    sys.settrace(traced)
    try:
        keep()
    finally:
        sys.settrace(None)
    sys.setprofile(nothing)
    try:
        keep()
    finally:
        sys.setprofile(None)
    return held


def generators():
    suspended = [generator(n) for n in range(10)]
    for one in suspended[:8]:
        next(one)
    for one in suspended[:3]:
        next(one)
    finished = generator(0)
    list(finished)
    closed = started(generator(1))
    closed.close()
    failing = started(generator(2))
    caught(failing.throw, CustomError("thrown", [1]))
    framed = started(generator(7))
    context_manager = contextlib.contextmanager(generator)(3)
    context_manager.__enter__()
    frame, local = keep_frame(3)
    return {
        "suspended": suspended,
        "finished": [finished, closed, failing],
        "with frame": [framed, framed.gi_frame, framed.gi_frame.f_locals],
        "unstarted": [generator(8), generator(9).gi_frame],
        "expression": [(x for x in [1, [2]]), started(x for x in [[3], [4]]),
                       map(lambda x: x, [[1]])],
        "context manager": context_manager,
        "frames": [frame, frame.f_back, local, frame.f_locals],
        "blocks": in_blocks(),
        "in expressions": [started(within_expressions([n], {n}), n) for n in range(1, 7)],
        "traced": traced_frames(),
    }


# --- exceptions ---------------------------------------------------------------------------------


def traceback_of_failure():
    try:
        fail(3, {"traceback": True})
    except CustomError:
        return sys.exc_info()


def exceptions():
    kind, value, trace = traceback_of_failure()
    return {
        "raised": [kind, value, trace, trace.tb_next, trace.tb_frame, trace.tb_next.tb_frame],
        "built-in": [caught(int, "x"), caught(open, "/does/not/exist"), caught(eval, "1 +"),
                     caught(lambda: undefined), caught(getattr, [], "absent"),  # noqa: F821
                     caught(b"\xff".decode, "utf8"), caught(u"\u20ac".encode, "ascii"),
                     caught(__import__, "does_not_exist"), caught(next, iter(())), caught(dict().pop, [1]),
                     SystemExit([1]), KeyboardInterrupt(), UnicodeTranslateError(u"a", 0, 1, "b"),
                     GeneratorExit(), OSError(2, "why", "file"), MemoryError(), ZeroDivisionError(1)],
        "formatted": traceback.format_exception(kind, value, trace),
        "entries": traceback.extract_tb(trace),
    }


# --- references, threads ------------------------------------------------------------------------


def references():
    kept = [Plain(n, [n]) for n in range(10)]
    dead = weakref.ref(Plain(1, 2))
    dead_with_callback = weakref.ref(Plain(1, 2), nothing)
    values = weakref.WeakValueDictionary((n, plain) for n, plain in enumerate(kept))
    keys = weakref.WeakKeyDictionary((plain, [plain.first]) for plain in kept)

    class OwnRef(weakref.ref):
        pass

    return {
        "kept": kept,
        "weak": [weakref.ref(kept[0]), weakref.ref(kept[1], nothing), weakref.ref(kept[1], nothing),
                 weakref.ref(kept[1], functools.partial(nothing, [1])), dead, dead_with_callback,
                 with_attributes(OwnRef(kept[6]), note=[1]), weakref.ref(Plain), weakref.ref(nothing)],
        "proxies": [weakref.proxy(kept[2]), weakref.proxy(kept[2], nothing),
                    weakref.proxy(nothing)],
        "containers": [values, keys, weakref.WeakSet(kept)],
        "keyed": weakref.KeyedRef(kept[5], nothing, "key"),
    }


class Blocked(object):
    """Threads that stand still, with frames, locals and thread data of their own."""

    def __init__(self):
        self.release = threading.Lock()
        self.release.acquire()
        self.never = threading.Event()
        self.local = threading.local()
        self.threads = []

    def start(self, function, *arguments):
        reached = threading.Event()
        thread = threading.Thread(
            target=function, args=(reached,) + arguments, name=function.__name__)
        thread.daemon = True
        thread.start()
        reached.wait(BLOCK_TIMEOUT_S)
        if not reached.is_set():
            raise RuntimeError("%s did not reach its place" % thread.name)
        self.threads.append(thread)

    def wait(self, reached):
        held = ["held while waiting"]
        reached.set()
        self.never.wait()
        return held

    def with_locals(self, reached, depth):
        local = {"depth": depth}
        self.local.value = [depth]
        if depth:
            return self.with_locals(reached, depth - 1), local
        return self.wait(reached)

    def in_lock(self, reached):
        held = ["held while locked out"]
        reached.set()
        with self.release:
            return held

    def in_generator(self, reached):
        def running():
            local = [1]
            yield self.wait(reached), local

        for item in running():
            return item

    def in_except(self, reached):
        try:
            fail(2, ["being handled"])
        except CustomError as error:
            detail = error.detail
            self.wait(reached)
            return detail

    def in_finally(self, reached):
        try:
            return [reached]
        finally:
            self.wait(reached)

    def in_c_call(self, reached):
        return functools.reduce(lambda a, b: self.wait(reached), [[1], [2]])

    def in_comprehension(self, reached):
        return [[item, self.wait(reached)] for item in ([1], [2])]

    def in_arguments(self, reached):
        return nothing([1], {"two": 2}, self.wait(reached), keyword=[3])

    def in_property(self, reached):
        class Lazy(object):
            value = property(lambda lazy: self.wait(reached))

        return [Lazy().value]

    def in_recursion_through_c(self, reached, depth=5):
        local = [depth]
        if not depth:
            return self.wait(reached)
        return sorted(local, key=lambda item: self.in_recursion_through_c(reached, depth - 1))

    def in_class_body(self, reached):
        class Unfinished(object):
            before = [1]
            after = self.wait(reached)

        return Unfinished

    def in_exec(self, reached):
        space = {"wait": self.wait, "reached": reached}
        exec("held = ['in exec']\nwait(reached)", space)


def threads():
    blocked = Blocked()
    blocked.local.value = ["of the main thread"]
    blocked.start(blocked.with_locals, 3)
    for function in (blocked.in_lock, blocked.in_generator, blocked.in_except, blocked.in_finally,
                     blocked.in_c_call, blocked.in_comprehension, blocked.in_arguments,
                     blocked.in_property, blocked.in_recursion_through_c, blocked.in_class_body,
                     blocked.in_exec):
        blocked.start(function)
    held = threading.Lock()
    held.acquire()
    reentrant = threading.RLock()
    reentrant.acquire()
    queue = found("queue" if IS_3 else "Queue")
    filled = queue.Queue()
    filled.put([1])
    return {
        "blocked": blocked,
        "locks": [held, reentrant, threading.Lock(), threading.Condition(), threading.Semaphore(3),
                  threading.Event()],
        "timer": threading.Timer(3600, nothing, [[1]]),
        "queues": [filled, queue.PriorityQueue()],
    }


# --- iterators and the standard library's C types -----------------------------------------------


def iterators():
    source = {"a": [1], "b": [2], "c": [3]}
    lists = [[1], [2], [3]]
    tee = itertools.tee(iter([[n] for n in range(200)]), 3)
    started(tee[0], 150)
    started(tee[1], 30)
    grouped = itertools.groupby(lists, len)
    group = next(grouped)
    exhausted = iter(lists)
    list(exhausted)
    return {
        "dict": [source, started(iter(source)), source.keys(), source.values(), source.items()],
        "sequence": [started(iter(lists)), started(iter(tuple(lists))), iter({1, 2}), iter("ab"),
                     iter(u"\u20ac"), iter(b"ab"), iter(bytearray(b"ab")), iter(range(9)),
                     reversed(lists), reversed((1, 2)), exhausted, iter(array.array("b", [1])),
                     iter(memoryview(b"ab")), started(iter(OnlyGetItem()))],
        "callable": [iter(nothing, [1]), iter(lists.pop, None)],
        "built-in": [started(enumerate(lists)), enumerate(lists, 10**20), zip(lists, lists),
                     map(nothing, lists, lists), filter(None, lists)],
        "infinite": [itertools.count(), itertools.count(1.5, 2), itertools.count(10**20),
                     started(itertools.cycle(lists), 5), itertools.repeat([1]),
                     itertools.repeat([1], 5)],
        "combining": [started(itertools.product(lists, repeat=2), 2),
                      started(itertools.permutations(lists, 2)),
                      started(itertools.combinations(lists, 2)),
                      started(itertools.combinations_with_replacement(lists, 2))],
        "filtering": [started(itertools.chain(lists, lists)),
                      itertools.chain.from_iterable([lists]), started(itertools.islice(lists, 2)),
                      itertools.compress(lists, [1, 0]), itertools.takewhile(len, lists),
                      itertools.dropwhile(len, lists), itertools.starmap(nothing, [lists])],
        "grouping": [grouped, group],
        "tee": list(tee),
        "deque": [started(iter(collections.deque(lists))), reversed(collections.deque(lists))],
    }


def collection_types():
    rotated = collections.deque(([n] for n in range(500)), maxlen=300)
    rotated.rotate(70)
    drained = collections.deque(range(1000))
    for _ in range(950):
        drained.popleft()
    ordered = collections.OrderedDict(("key %d" % n, [n]) for n in range(50))
    del ordered["key 7"]

    class OwnOrdered(collections.OrderedDict):
        pass

    class OwnDeque(collections.deque):
        pass

    defaults = collections.defaultdict(lambda: [1], a=[2])
    defaults["b"]
    return {
        "deques": [collections.deque(), rotated, drained, collections.deque([[1]] * 64),
                   with_attributes(OwnDeque([[1]]), note=[2])],
        "ordered": [collections.OrderedDict(), ordered, OwnOrdered(a=[1]),
                    with_attributes(OwnOrdered(b=2), note=[3]),
                    with_attributes(collections.OrderedDict(c=3), note=[4]), ordered.keys()],
        "defaults": [defaults, collections.defaultdict(None, x=[1])],
        "counters": [collections.Counter("hello"), collections.Counter()],
        "heap": heapq.nsmallest(3, [3, 1, 2]),
    }


def files(directory):
    path = os.path.join(directory, "file")
    with io.open(path, "w", encoding="utf8") as file:
        file.write(u"line one\nline two \u20ac\n" * 100)
    text = io.open(path, encoding="utf8")
    text.readline()
    written = io.open(os.path.join(directory, "written"), "w", encoding="utf8")
    written.write(u"pending text")
    buffered = io.open(path, "rb")
    buffered.read(5)
    bytes_io = io.BytesIO(b"content" * 100)
    bytes_io.read(3)
    grown = io.BytesIO()
    grown.write(b"x" * 5000)
    string_io = io.StringIO(u"initial\ntext")
    string_io.readline()
    accumulating = io.StringIO()
    for n in range(50):
        accumulating.write(u"piece %d\n" % n)
    pair = socket.socketpair()
    poll = select.epoll()
    poll.register(pair[0])
    poller = select.poll()
    poller.register(pair[0])
    pipe = os.pipe()
    return {
        "text": [text, written, text.buffer, text.buffer.raw],
        "binary": [buffered, io.open(path, "rb", buffering=0), io.open(path, "r+b"),
                   io.BufferedRWPair(io.open(pipe[0], "rb", 0), io.open(pipe[1], "wb", 0)),
                   io.TextIOWrapper(io.BytesIO(b"wrapped"), encoding="latin1")],
        "memory": [bytes_io, grown, string_io, accumulating,
                   with_attributes(io.StringIO(), note=[1]), with_attributes(io.BytesIO(), note=[1])],
        "decoders": [io.IncrementalNewlineDecoder(None, True),
                     codecs.getincrementaldecoder("utf8")(), codecs.lookup("utf8"),
                     codecs.getreader("utf8")(io.BytesIO()),
                     codecs.getincrementalencoder("euc_jp")(), codecs.getincrementaldecoder("big5")(),
                     codecs.getreader("shift_jis")(io.BytesIO()),
                     codecs.getwriter("gb2312")(io.BytesIO())],
        "sockets": [pair, pair[0].makefile("rb")],
        "polling": [poll, poller],
        "archives": zipped(directory),
        "temporary": tempfile.SpooledTemporaryFile(),
        "directory": [os.stat(path), os.statvfs(path)],
    }


class Structure(ctypes.Structure):
    _fields_ = [("number", ctypes.c_int), ("text", ctypes.c_char_p), ("next", ctypes.c_void_p)]


class BigEndian(ctypes.BigEndianStructure):
    _fields_ = [("short", ctypes.c_short), ("bits", ctypes.c_int, 3)]


class Union(ctypes.Union):
    _fields_ = [("integer", ctypes.c_long), ("real", ctypes.c_double)]


def foreign():
    structure = Structure(5, b"text")
    callback_type = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_char_p)
    pointer = ctypes.pointer(structure)
    objects = (ctypes.py_object * 3)([1], {"two": 2})
    function = ctypes.CDLL(None).strlen
    function.argtypes, function.restype = [ctypes.c_char_p], ctypes.c_size_t
    checked = ctypes.CDLL(None).getpid
    checked.errcheck = nothing
    resized = ctypes.create_string_buffer(10)
    ctypes.resize(resized, 5000)
    return {
        "simple": [ctypes.c_int(5), ctypes.c_double(2.5), ctypes.c_char_p(b"x"),
                   ctypes.c_wchar_p(u"wide"), ctypes.py_object(["held"])],
        "structures": [structure, Union(7), Structure, BigEndian(1, 2), Structure.number],
        "arrays": [(ctypes.c_int * 10)(*range(10)), (Structure * 3)(), objects,
                   ctypes.create_string_buffer(100), resized],
        "pointers": [pointer, pointer.contents, ctypes.POINTER(Structure), ctypes.byref(structure),
                     ctypes.cast(pointer, ctypes.c_void_p)],
        "functions": [callback_type(nothing), callback_type(Plain(1, 2).method), function, checked,
                      ctypes.pythonapi],
        "views": [memoryview((ctypes.c_int * 4)()), Structure.from_buffer(bytearray(100))],
    }


def library():
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    connection.execute("create table item (id integer, name text)")
    connection.executemany("insert into item values (?, ?)", [(n, str(n)) for n in range(10)])
    connection.create_function("own", 1, nothing)
    cursor = connection.execute("select * from item where id > ?", (2,))
    row = cursor.fetchone()
    element_tree = found("xml.etree.ElementTree" if IS_3 else "xml.etree.cElementTree")
    tree = element_tree.fromstring("<a x='1'><b>text</b>tail<c y='2'/></a>")
    compressor = zlib.compressobj()
    compressor.compress(b"data" * 1000)
    decompressor = zlib.decompressobj()
    decompressor.decompress(zlib.compress(b"data" * 1000) + b"unused")
    log = logging.getLogger("zoo")
    log.addHandler(logging.NullHandler())
    pattern = re.compile(r"(?P<word>\w+)-(\d+)")
    expat = found("xml.parsers.expat").ParserCreate(namespace_separator=" ")
    expat.StartElementHandler = nothing
    return {
        "sqlite": [connection, cursor, row],
        "xml": [tree, tree[0], tree.attrib, element_tree.XMLParser(), element_tree.TreeBuilder(), expat,
                tree.iter()],
        "compression": [compressor, decompressor, bz2.BZ2Compressor(), bz2.BZ2Decompressor()],
        "hashes": [hashlib.md5(b"x"), hashlib.sha256(b"x"), made("_sha256.sha224"), made("_sha512.sha384"),
                   made("_sha512.sha512"), found("hmac").new(b"key", b"x", hashlib.sha1)],
        "json": [json.JSONEncoder(), json.JSONDecoder(), json.JSONDecoder(object_hook=nothing).scan_once],
        "regular expressions": [pattern, pattern.search("word-12 more"), pattern.scanner("a-1"),
                                pattern.finditer("a-1 b-2"), re.compile(b"bytes")],
        "csv": [csv.reader(["a,b", "c,d"]), csv.writer(io.BytesIO()), csv.get_dialect("excel"),
                csv.DictReader(["a,b", "1,2"])],
        "dates": [datetime.datetime(2026, 1, 2), datetime.date.min, datetime.timedelta(1, 2),
                  datetime.time(1, 2), datetime.tzinfo()],
        "structs": [struct.Struct("<IQd"), struct.Struct(">5s")],
        "struct sequences": [os.stat("/"), time.gmtime(0), sys.version_info, sys.flags, os.times(),
                             time.struct_time(tuple(range(9))), sys.float_info,
                             profiled(), made("resource.getrusage", 0), made("pwd.getpwuid", 0), made("grp.getgrgid", 0)],
        "identifiers": [uuid.UUID(int=5)],
        "templates": [string.Template("$x"), string.Formatter()],
        "logging": [log, log.handlers[0], logging.makeLogRecord({"msg": "m", "args": ([1],)})],
        "copies": [copy.deepcopy([{"a": [1]}]), types.ModuleType("made", "doc")],
        "pickled": pickle.loads(pickle.dumps([Plain(1, [2])], 2)),
        "modules": [sys, types, operator],
        "capsules": [found("datetime.datetime_CAPI"), found("_socket.CAPI"), found("unicodedata.ucnhash_CAPI")],
        "network": [made("ssl.SSLContext", found("ssl.PROTOCOL_TLS") or 2)],
        "bases": [made("_random.Random"), made("_socket.socket"), made("decimal.localcontext"),
                  made("sqlite3.PrepareProtocol"), made("_ssl._SSLContext", found("ssl.PROTOCOL_TLS") or 2)],
        "text": [codecs.charmap_build(bytes(bytearray(range(256))).decode("latin1")), format_iterators()],
        "syntax": [made("symtable.symtable", "x = 1", "name", "exec"), made("parser.expr", "a + b"),
                   found("ast").parse(SYNTAX)],
        "other": [found("unicodedata.ucd_3_2_0"),
                  made("imp.NullImporter", "/does/not/exist"), made("zipfile.ZipInfo"),
                  made("_multiprocessing.SemLock", *SEMAPHORE)],
    }


SYNTAX = """
@decorated
def function(a, b=1, *c, **d):
    global e
    for f in a[1:2, ::3]:
        while not f: break
        else: continue
    if a < b <= c or (d and e): pass
    return lambda g: (yield) if g else {h: {i} for h in {j for j in k}}
class Class(Base):
    del a.b, c[d]
    with a as b: a += ~b ** -c
    try: raise e
    except (F, G) as h: assert i, "text"
    finally: import j.k as l; from m import n
x = [a for b in c if d], (e for f in g), {"h": 1.5j}, b"bytes"
"""


def profiled():
    """What the profiler in C counted: a list of struct sequences, and it that holds the code."""
    profiler = made("_lsprof.Profiler", subcalls=True)
    profiler.enable()
    traced_frames()
    sorted([2, 1], key=lambda item: nothing(item))
    profiler.disable()
    return profiler, profiler.getstats()


def format_iterators():
    if IS_3:
        return [found("_string").formatter_field_name_split("a.b[c]"), found("_string").formatter_parser("a{b}")]
    return ["a.b[c]"._formatter_field_name_split(), u"a{b}"._formatter_parser()]


def zipped(directory):
    path = os.path.join(directory, "zipped.zip")
    archive = found("zipfile").ZipFile(path, "w")
    archive.writestr("inside/module.py", "x = 1")
    archive.close()
    return [archive, found("zipimport").zipimporter(path)]


#: Arguments of SemLock, which is what multiprocessing locks with.
SEMAPHORE = (1, 1, 1, "/truth-%d" % os.getpid(), True) if IS_3 else (1, 1, 1)

PARTS = [numbers, texts, buffers, instances, functions, generators, containers, exceptions, references,
         iterators, collection_types, foreign, library, files, threads]
