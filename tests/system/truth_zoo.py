# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""One of everything: objects of every kind that CPython and its standard library create.

build() returns a dict of name -> objects, which keeps all of them alive. Nothing in it runs or changes
after it was built; threads that it starts are blocked.
"""

import array
import asyncio
import builtins
import codecs
import collections
import collections.abc
import concurrent.futures
import contextlib
import contextvars
import copy
import csv
import ctypes
import dataclasses
import datetime
import decimal
import email.message
import enum
import fractions
import functools
import hashlib
import heapq
import inspect
import io
import itertools
import json
import json.encoder
import json.decoder
import logging
import lzma
import bz2
import mmap
import operator
import os
import pathlib
import pickle
import queue
import random
import re
import select
import selectors
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
import typing
import unittest.mock
import urllib.parse
import uuid
import weakref
import xml.etree.ElementTree
import zlib
import zoneinfo

#: Seconds that a thread gets to reach the place where it blocks.
BLOCK_TIMEOUT_S = 10


def nothing(*arguments, **keywords):
    return arguments, keywords


# --- containers, numbers, text ------------------------------------------------------------------


def containers():
    recursive = [1]
    recursive.append(recursive)
    shrunk = list(range(100))
    del shrunk[10:]
    holey = {n: str(n) for n in range(100)}
    for n in range(0, 100, 3):
        del holey[n]
    emptied = {"a": 1}
    emptied.clear()
    cleared_set = set(range(100))
    cleared_set.clear()
    return {
        "nested": [{"a": (1, [2, {3, 4.5}])} for _ in range(20)],
        "recursive": recursive,
        "lists": [[], [None] * 10, list("abc"), shrunk, [0.5] * 3000],
        "tuples": [(), (1,), tuple(range(30)), ((), ((), ())), tuple([[]])],
        "dicts": [{}, dict.fromkeys("abc"), dict.fromkeys(range(1000)), holey, emptied,
                  {(1, 2): 3, "x": 4, 5.5: 6}, {n: [n] for n in range(70000)},
                  dict.fromkeys([f"key {n}" for n in range(300)], 0)],
        "sets": [set(), {1}, set(range(8)), set(range(1000)), cleared_set,
                 {f"item {n}" for n in range(50)}],
        "frozensets": [frozenset(), frozenset("abc"), frozenset(range(100)),
                       frozenset([frozenset([1]), frozenset([2])])],
        "ranges": [range(3), range(10**20), range(5, 100, 7)],
        "slices": [slice(None), slice(1, "two", [3])],
    }


def numbers():
    return {
        "ints": [0, -5, 256, 257, 2**29, 2**30, 2**31, -2**60, 2**64, 3**500, -7**900, 1 << 100000],
        "floats": [0.0, 1.5, float("inf"), float("nan")],
        "complex": [1j, complex(2.5, -3)],
        "bools": [True, False],
        "decimals": [decimal.Decimal("1.5"), decimal.Decimal(10) ** 400, decimal.getcontext()],
        "fractions": [fractions.Fraction(1, 3), fractions.Fraction(10**30, 7)],
        "random": [random.Random(1), random.SystemRandom()],
    }


def texts():
    cached_utf8 = "cached \u00e9" * 5
    ctypes.pythonapi.PyUnicode_AsUTF8.restype = ctypes.c_char_p
    ctypes.pythonapi.PyUnicode_AsUTF8.argtypes = [ctypes.py_object]
    ctypes.pythonapi.PyUnicode_AsUTF8(cached_utf8)
    cached_wide = "\U0001f40d wide" * 3
    ctypes.pythonapi.PyUnicode_AsUTF8(cached_wide)

    class Text(str):
        pass

    class SlottedText(str):
        __slots__ = ()

    annotated = Text("annotated \u20ac")
    annotated.note = ["x"]
    return {
        "ascii": ["", "a", "plain text %d" % 1, "x" * 10000],
        "latin1": ["\u00e9", "\u00e9t\u00e9" * 10],
        "ucs2": ["\u20ac", "\u20ac" * 100],
        "ucs4": ["\U0001f40d", "\U0001f40d" * 50],
        "utf8": [cached_utf8, cached_wide],
        "interned": [sys.intern("interned " + "text"), sys.intern("zoo_" * 3)],
        "subclasses": [Text("ascii"), Text("\U0001f40d"), annotated, SlottedText("slotted")],
    }


def buffers():
    data = bytearray(range(200))
    shrunk = bytearray(1000)
    del shrunk[:900]
    numbers_array = array.array("d", [0.5] * 100)
    text_array = array.array("u", "text")
    mapped = mmap.mmap(-1, 8192)
    return {
        "bytes": [b"", b"a", b"bytes" * 100, bytes(100000)],
        "bytearrays": [bytearray(), bytearray(b"x"), data, shrunk],
        "memoryviews": [memoryview(b"abc"), memoryview(data)[10:20], memoryview(data).cast("B"),
                        memoryview(numbers_array), memoryview(bytes(24)).cast("B", (2, 3, 4))],
        "arrays": [array.array("b"), numbers_array, text_array, array.array("Q", range(500))],
        "mmaps": [mapped, memoryview(mapped)[:100]],
    }


# --- classes and instances ----------------------------------------------------------------------


class Plain:
    """Instances: attributes inline, never given a dict unless asked for."""

    def __init__(self, first, second):
        self.first = first
        self.second = second

    def method(self):
        return self.first


class Slotted:
    __slots__ = ("left", "right", "__weakref__")

    def __init__(self, left):
        self.left = left


class SlottedChild(Slotted):
    __slots__ = ("extra",)


class SlottedWithDict(Slotted):
    pass


class Meta(type):
    def __new__(meta, name, bases, body, **keywords):
        made = super().__new__(meta, name, bases, body)
        made.keywords = keywords
        return made

    @property
    def label(cls):
        return cls.__name__.lower()


class WithMeta(metaclass=Meta, option=[1, 2]):
    attribute = {"shared": True}


class Base1:
    one = 1


class Base2:
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


class OwnSize:
    def __init__(self):
        self.data = [1, 2, 3]

    def __sizeof__(self):
        return 123456


class Abstract(collections.abc.Sequence):
    def __len__(self):
        return 2

    def __getitem__(self, index):
        return (1, 2)[index]


class Descriptors:
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

    @functools.cached_property
    def cached(self):
        return [self._value]

    partial = functools.partialmethod(nothing, 1)

    @functools.singledispatchmethod
    def dispatch(self, value):
        return value

    @dispatch.register
    def _(self, value: int):
        return -value


class Colour(enum.Enum):
    RED = 1
    GREEN = "two"


class Permission(enum.Flag):
    READ = 1
    WRITE = 2


@dataclasses.dataclass
class Record:
    name: str
    tags: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass(slots=True, frozen=True)
class SlottedRecord:
    name: str
    number: int = 7


Point = collections.namedtuple("Point", "x y", defaults=[0])


class TypedPoint(typing.NamedTuple):
    x: int
    y: int = 3


class Options(typing.TypedDict, total=False):
    verbose: bool


T = typing.TypeVar("T", bound="Plain")
P = typing.ParamSpec("P")
Ts = typing.TypeVarTuple("Ts")


class Box(typing.Generic[T]):
    def __init__(self, content):
        self.content = content


class Quacks(typing.Protocol):
    def quack(self) -> str: ...


def with_attributes(made, **attributes):
    for name, value in attributes.items():
        setattr(made, name, value)
    return made


def instances():
    materialised = [Plain(n, str(n)) for n in range(20)]
    dicts = [vars(plain) for plain in materialised[:10]]
    deleted = Plain([1], [2])
    del deleted.first
    many = Plain(1, 2)
    for n in range(60):
        setattr(many, f"attribute_{n}", [n])
    replaced = Plain(1, 2)
    replaced.__dict__ = {"fresh": [True]}
    full = Slotted([1])
    full.right = full
    child = with_attributes(SlottedChild({}), extra=(child_value := [3]), right=child_value)
    multiple = with_attributes(Multiple(), two=[2], three=[3])
    return {
        "inline": [Plain(n, [n]) for n in range(50)],
        "materialised": materialised,
        "dicts": dicts,
        "odd": [deleted, many, replaced],
        "slotted": [Slotted(1), full, child, with_attributes(SlottedWithDict(2), more=[4])],
        "meta": [WithMeta, WithMeta()],
        "multiple": [multiple, with_attributes(MultipleDict(a=[1]), three=[3])],
        "subclassed": [
            with_attributes(SlottedList([1, [2]]), mark={"x"}),
            with_attributes(DictWithDict(a=[1]), note=[2]),
            with_attributes(IntWithDict(2**70), note=[3]), IntWithDict(0),
            with_attributes(TupleWithDict(([1], 2)), note=[4]),
            SlottedTuple((1, [2])), with_attributes(FloatWithDict(1.5), note=[5]),
            with_attributes(BytesWithDict(b"abc"), note=[6]),
            with_attributes(SetWithDict([1, 2]), note=[7]),
        ],
        "own size": OwnSize(),
        "abstract": Abstract(),
        "descriptors": [Descriptors(), Descriptors.__dict__["value"],
                        Descriptors.__dict__["made"], Descriptors.__dict__["help"],
                        Descriptors().cached, Descriptors.made, Descriptors().dispatch],
        "enums": [Colour.RED, Colour("two"), Permission.READ | Permission.WRITE, Colour],
        "dataclasses": [Record("r", ["x"]), SlottedRecord("s")],
        "named tuples": [Point(1, [2]), TypedPoint(1), Options(verbose=True)],
        "generic": [Box([1]), Box[Plain], T, P, P.args, Ts, typing.Optional[int],
                    typing.Callable[[int], str], typing.Literal["a"], typing.ForwardRef("Plain"),
                    typing.Annotated[int, "doc"], typing.NewType("Id", int), Quacks],
        "aliases": [list[int], dict[str, list[T]], int | None, list[T] | str],
        "namespace": types.SimpleNamespace(a=1, b=[2]),
        "local class": type("Made", (Plain,), {"body": [1], "__slots__": ("slot",)}),
        "mock": unittest.mock.Mock(name="mock", attribute=[1]),
    }


# --- functions, frames, generators --------------------------------------------------------------


def make_closure():
    captured, later = [1], {"two": 2}

    def inner(argument=captured, *, keyword: int = 3) -> dict:
        nonlocal later
        later = {"changed": argument}
        return later, captured, inner

    def empty_cell():
        return never

    inner.attribute = ["function attribute"]
    if captured is None:
        never = 1
    return inner, empty_cell


def functions():
    cached = functools.lru_cache(maxsize=None)(lambda key: [key])
    bounded = functools.lru_cache(maxsize=5)(lambda key, **more: {key: more})
    for n in range(20):
        cached(f"key {n}")
        bounded(n, more=n)
        bounded(n)
    typed = functools.lru_cache(typed=True)(nothing)
    typed(1)
    typed(1.0, key="x")
    plain = Plain(1, 2)
    compiled = compile("x = lambda: [y for y in (1, 2.5, 'three')]", "<zoo>", "exec")

    @functools.singledispatch
    def dispatched(value):
        return value

    dispatched.register(int, lambda value: value)
    return {
        "closures": [*make_closure(), *make_closure()],
        "cells": [types.CellType(), types.CellType([1])],
        "methods": [plain.method, types.MethodType(nothing, [1]), Plain.method,
                    Descriptors.made, WithMeta.__new__],
        "builtin methods": [len, [].append, {}.get, "".join, dict.fromkeys, str.upper, [].__len__,
                            int.__add__, object().__repr__, type.__dict__["__mro__"],
                            dict.__dict__["fromkeys"], types.FunctionType.__dict__["__globals__"],
                            types.FunctionType.__dict__["__closure__"]],
        "partials": [functools.partial(nothing, [1], a={2}), functools.partial(int, base=2),
                     with_attributes(functools.partial(nothing), note=[3])],
        "partial method": Descriptors().partial,
        "caches": [cached, bounded, typed],
        "dispatch": dispatched,
        "lambdas": [lambda x=[1]: x, lambda *a, **k: (a, k)],
        "code": [compiled, compiled.co_consts, nothing.__code__, compiled.co_code,
                 nothing.__code__.co_varnames],
        "operators": [operator.itemgetter(1), operator.itemgetter("a", [1]),
                      operator.attrgetter("a.b"), operator.attrgetter("a", "b.c"),
                      operator.methodcaller("name", [1], key={2}), functools.cmp_to_key(nothing),
                      functools.cmp_to_key(nothing)([1])],
        "super": [super(SlottedChild, SlottedChild(1)), super(Plain, Plain), super(Plain)],
        "proxies": [types.MappingProxyType({"a": [1]}), vars(Plain)],
        "signature": inspect.signature(nothing),
    }


def generator(start):
    held = [start]
    try:
        received = yield held
        yield from iter([received, held])
    finally:
        held.append("done")


def delegating(inner):
    kept = {"inner": True}
    yield kept
    yield from inner


async def coroutine(waited):
    local = ["coroutine", waited]
    await waited
    return local


async def asynchronous_generator():
    for item in ([1], [2]):
        yield item


@types.coroutine
def suspend():
    answer = yield ["suspended"]
    return answer


async def comprehension():
    return [[item, await suspend()] async for item in asynchronous_generator()]


def keep_frame(depth):
    local = {"depth": depth}
    if depth:
        return keep_frame(depth - 1)
    return sys._getframe(), local


def step(made):
    """Let a coroutine run to where it waits."""
    made.send(None)
    return made


def generators():
    suspended = [generator(n) for n in range(10)]
    for made in suspended[:8]:
        next(made)
    for made in suspended[:3]:
        made.send([3])
    finished = generator(0)
    list(finished)
    delegate = delegating(generator(5))
    next(delegate)
    next(delegate)
    framed = generator(7)
    next(framed)
    waiting = step(coroutine(suspend()))
    nested = step(coroutine(coroutine(suspend())))
    unstarted = coroutine(None)
    asynchronous = asynchronous_generator()
    with contextlib.suppress(StopIteration):
        asynchronous.asend(None).send(None)
    pending_asend = asynchronous_generator().asend(None)
    pending_athrow = asynchronous_generator().athrow(ValueError)
    context_manager = contextlib.contextmanager(generator)(3)
    context_manager.__enter__()
    frame, local = keep_frame(3)
    return {
        "suspended": suspended,
        "finished": finished,
        "delegating": delegate,
        "with frame": [framed, framed.gi_frame, framed.gi_frame.f_locals],
        "expression": [(x for x in [1, [2]]), map(lambda x: x, [[1]])],
        "coroutines": [waiting, nested, unstarted, waiting.cr_frame],
        "awaitables": [nested.cr_await, coroutine(None).__await__()],
        "asynchronous": [asynchronous, pending_asend, pending_athrow, asynchronous.aclose()],
        "comprehension": step(comprehension()),
        "context manager": context_manager,
        "frames": [frame, frame.f_back, local, frame.f_locals],
    }


# --- exceptions ---------------------------------------------------------------------------------


class CustomError(Exception):
    def __init__(self, message, detail):
        super().__init__(message)
        self.detail = detail


def fail(depth, detail):
    local = [depth, detail]
    if depth:
        fail(depth - 1, local)
    raise CustomError("failed", detail)


def caught(function, *arguments):
    try:
        function(*arguments)
    except BaseException as error:
        return error
    raise AssertionError("did not raise")


def fail_from():
    try:
        fail(2, ["cause"])
    except CustomError as error:
        raise LookupError("chained") from error


def fail_while_handling():
    try:
        fail(1, ["context"])
    except CustomError:
        {}["missing"]


def exceptions():
    group = ExceptionGroup("group", [caught(fail, 1, []), ValueError([2]),
                                     ExceptionGroup("inner", [TypeError("x")])])
    noted = ValueError("noted")
    noted.add_note("a note")
    raised = caught(fail, 3, {"detail": 1})
    return {
        "raised": [raised, raised.__traceback__, raised.__traceback__.tb_next,
                   raised.__traceback__.tb_frame],
        "chained": [caught(fail_from), caught(fail_while_handling)],
        "group": group,
        "noted": noted,
        "built-in": [caught(int, "x"), caught(open, "/does/not/exist"), caught(eval, "1 +"),
                     caught(lambda: undefined), caught(getattr, [], "absent"),  # noqa: F821
                     caught(b"\xff".decode, "utf8"), caught("\ud800".encode, "utf8"),
                     caught(__import__, "does_not_exist"), caught(next, iter(())),
                     SystemExit([1]), KeyboardInterrupt(), UnicodeTranslateError("a", 0, 1, "b")],
        "summary": traceback.TracebackException.from_exception(raised, capture_locals=True),
    }


# --- references, contexts, threads, asyncio -----------------------------------------------------


def references():
    kept = [Plain(n, [n]) for n in range(10)]
    dead = weakref.ref(Plain(1, 2))
    values = weakref.WeakValueDictionary((n, plain) for n, plain in enumerate(kept))
    keys = weakref.WeakKeyDictionary((plain, [plain.first]) for plain in kept)
    return {
        "kept": kept,
        "weak": [weakref.ref(kept[0]), weakref.ref(kept[1], nothing),
                 weakref.ref(kept[1], functools.partial(nothing, [1])), dead],
        "proxies": [weakref.proxy(kept[2]), weakref.proxy(kept[2], nothing),
                    weakref.proxy(nothing)],
        "containers": [values, keys, weakref.WeakSet(kept)],
        "methods": [weakref.WeakMethod(kept[3].method)],
        "finalizers": [weakref.finalize(kept[4], nothing, [1], key={2})],
        "keyed": weakref.KeyedRef(kept[5], nothing, "key"),
    }


def contexts():
    variables = [contextvars.ContextVar(f"variable {n}") for n in range(200)]
    with_default = contextvars.ContextVar("with default", default=[1])
    big = contextvars.copy_context()

    def fill():
        for n, variable in enumerate(variables):
            variable.set([n])

    big.run(fill)
    small = contextvars.copy_context()
    token = small.run(variables[0].set, ["small"])
    second = small.run(variables[0].set, ["again"])
    with_default.set(["main context"])
    return {
        "variables": variables,
        "default": with_default,
        "contexts": [big, small, big.copy(), contextvars.Context()],
        "tokens": [token, second, contextvars.Token.MISSING],
        "views": [big.items(), iter(big.values()), iter(big)],
    }


class Blocked:
    """Threads that stand still, with frames, locals and thread data of their own."""

    def __init__(self):
        self.release = threading.Event()
        self.local = threading.local()
        self.threads = []

    def start(self, function, *arguments):
        reached = threading.Event()
        thread = threading.Thread(
            target=function, args=(reached, *arguments), daemon=True, name=function.__name__)
        thread.start()
        if not reached.wait(BLOCK_TIMEOUT_S):
            raise RuntimeError(f"{thread.name} did not reach its place")
        self.threads.append(thread)

    def wait(self, reached):
        held = ["held while waiting"]
        reached.set()
        self.release.wait()
        return held

    def with_locals(self, reached, depth):
        local = {"depth": depth}
        self.local.value = [depth]
        if depth:
            return self.with_locals(reached, depth - 1), local
        return self.wait(reached)

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

    def in_c_call(self, reached):
        return functools.reduce(lambda a, b: self.wait(reached), [[1], [2]])

    def in_comprehension(self, reached):
        return [[item, self.wait(reached)] for item in ([1], [2])]

    def in_property(self, reached):
        class Lazy:
            value = property(lambda lazy: self.wait(reached))

        return [Lazy().value]

    def in_event_loop(self, reached):
        async def main():
            local = ["in the loop"]
            asyncio.get_running_loop().call_soon(reached.set)
            await asyncio.get_running_loop().create_future()
            return local

        asyncio.run(main())


def threads():
    blocked = Blocked()
    blocked.local.value = ["of the main thread"]
    for function, *arguments in (
            (blocked.with_locals, 3), (blocked.in_generator,), (blocked.in_except,),
            (blocked.in_c_call,), (blocked.in_comprehension,), (blocked.in_property,),
            (blocked.in_event_loop,)):
        blocked.start(function, *arguments)
    held = threading.Lock()
    held.acquire()
    reentrant = threading.RLock()
    reentrant.acquire()
    pool = concurrent.futures.ThreadPoolExecutor(2)
    done = pool.submit(nothing, [1])
    done.result(BLOCK_TIMEOUT_S)
    filled = queue.Queue()
    filled.put([1])
    simple = queue.SimpleQueue()
    simple.put([2])
    return {
        "blocked": blocked,
        "locks": [held, reentrant, threading.Lock(), threading.Condition(), threading.Semaphore(3),
                  threading.Barrier(2), threading.Event()],
        "timer": threading.Timer(3600, nothing, [[1]]),
        "pool": [pool, done],
        "queues": [filled, simple, queue.PriorityQueue()],
    }


def tasks():
    loop = asyncio.new_event_loop()
    made = {}

    async def main():
        event, lock, never = asyncio.Event(), asyncio.Lock(), loop.create_future()
        await lock.acquire()
        never.add_done_callback(nothing)
        never.add_done_callback(functools.partial(nothing, [1]))
        done, failed, cancelled = (loop.create_future() for _ in range(3))
        done.set_result(["result"])
        failed.set_exception(caught(fail, 1, []))
        failed.exception()
        cancelled.cancel()
        waiting = [loop.create_task(coroutine(wait), name=f"task {n}") for n, wait in enumerate(
            (never, event.wait(), lock.acquire(), asyncio.sleep(3600), asyncio.shield(never)))]
        gathered = asyncio.gather(*(loop.create_task(event.wait()) for _ in range(3)))
        finished = loop.create_task(asyncio.sleep(0, ["finished"]))
        task_queue = asyncio.Queue()
        task_queue.put_nowait([1])
        for _ in range(5):
            await asyncio.sleep(0)
        made.update(
            futures=[never, done, failed, cancelled], tasks=waiting, gathered=gathered,
            finished=finished, synchronisation=[event, lock, asyncio.Semaphore(2), task_queue],
            handles=[loop.call_later(7200, nothing, [1]), loop.call_soon(nothing, [2])],
            iterators=[iter(never), waiting[0].get_coro()])

    loop.run_until_complete(main())
    return {"loop": loop, **made}


# --- iterators and the standard library's C types -----------------------------------------------


def started(iterator, steps=1):
    for _ in range(steps):
        next(iterator)
    return iterator


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
        "dict": [source, source.keys(), source.values(), source.items(), started(iter(source)),
                 started(iter(source.values())), started(iter(source.items())), reversed(source),
                 reversed(source.items())],
        "sequence": [started(iter(lists)), started(iter(tuple(lists))), iter({1, 2}), iter("ab"),
                     iter("\u20ac"), iter(b"ab"), iter(bytearray(b"ab")), iter(range(9)),
                     iter(range(10**20)), reversed(lists), reversed((1, 2)), exhausted,
                     iter(array.array("b", [1])), iter(Abstract()),
                     iter(memoryview(b"ab")), iter(list[int])],
        "callable": [iter(nothing, [1]), iter(lists.pop, None)],
        "built-in": [started(enumerate(lists)), enumerate(lists, 10**20), started(zip(lists, lists)),
                     zip(lists, lists, strict=True), map(nothing, lists, lists),
                     filter(None, lists), filter(nothing, iter(lists))],
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
                      itertools.dropwhile(len, lists), itertools.filterfalse(len, lists),
                      itertools.starmap(nothing, [lists]),
                      started(itertools.accumulate(lists, initial=[])),
                      started(itertools.zip_longest(lists, [[4]], fillvalue=[5])),
                      started(itertools.pairwise(lists))],
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
    ordered = collections.OrderedDict((f"key {n}", [n]) for n in range(50))
    ordered.move_to_end("key 3")
    del ordered["key 7"]

    class OwnOrdered(collections.OrderedDict):
        pass

    defaults = collections.defaultdict(lambda: [1], a=[2])
    defaults["b"]
    return {
        "deques": [collections.deque(), rotated, drained, collections.deque([[1]] * 64)],
        "ordered": [collections.OrderedDict(), ordered, OwnOrdered(a=[1]),
                    with_attributes(OwnOrdered(b=2), note=[3]),
                    with_attributes(collections.OrderedDict(c=3), note=[4]),
                    ordered.keys(), started(iter(ordered.items()))],
        "defaults": [defaults, collections.defaultdict(None, x=[1])],
        "counters": [collections.Counter("hello"), collections.Counter()],
        "wrappers": [collections.ChainMap({"a": [1]}, {}), collections.UserDict(a=[1]),
                     collections.UserList([[1]]), collections.UserString("x")],
        "heap": heapq.nsmallest(3, [3, 1, 2]),
    }


def files(directory):
    path = os.path.join(directory, "file")
    with open(path, "w", encoding="utf8") as file:
        file.write("line one\nline two \u20ac\n" * 100)
    text = open(path, encoding="utf8")
    text.readline()
    written = open(os.path.join(directory, "written"), "w", encoding="utf8")
    written.write("pending text")
    buffered = open(path, "rb")
    buffered.read(5)
    bytes_io = io.BytesIO(b"content" * 100)
    bytes_io.read(3)
    grown = io.BytesIO()
    grown.write(b"x" * 5000)
    string_io = io.StringIO("initial\ntext")
    string_io.readline()
    accumulating = io.StringIO()
    for n in range(50):
        accumulating.write(f"piece {n}\n")
    pair = socket.socketpair()
    poll = select.epoll()
    poll.register(pair[0])
    selector = selectors.DefaultSelector()
    selector.register(pair[1], selectors.EVENT_READ, data=["data"])
    poller = select.poll()
    poller.register(pair[0])
    pipe = os.pipe()
    return {
        "text": [text, written, text.buffer, text.buffer.raw],
        "binary": [buffered, open(path, "rb", buffering=0), open(path, "r+b"),
                   io.BufferedRWPair(open(pipe[0], "rb", 0), open(pipe[1], "wb", 0)),
                   io.TextIOWrapper(io.BytesIO(b"wrapped"), encoding="latin1")],
        "memory": [bytes_io, grown, bytes_io.getbuffer(), string_io, accumulating,
                   with_attributes(io.StringIO(), note=[1])],
        "decoders": [io.IncrementalNewlineDecoder(None, True),
                     codecs.getincrementaldecoder("utf8")(), codecs.lookup("utf8"),
                     codecs.getreader("utf8")(io.BytesIO())],
        "sockets": [*pair, pair[0].makefile("rb")],
        "polling": [poll, selector, poller, selector.get_map()],
        "temporary": tempfile.SpooledTemporaryFile(),
        "directory": [os.scandir(directory), list(os.scandir(directory)), os.stat(path),
                      pathlib.Path(path), os.terminal_size((80, 24))],
    }


class Structure(ctypes.Structure):
    _fields_ = [("number", ctypes.c_int), ("text", ctypes.c_char_p), ("next", ctypes.c_void_p)]


class Union(ctypes.Union):
    _fields_ = [("integer", ctypes.c_long), ("real", ctypes.c_double)]


def foreign():
    structure = Structure(5, b"text")
    callback_type = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_char_p)
    pointer = ctypes.pointer(structure)
    objects = (ctypes.py_object * 3)([1], {"two": 2})
    function = ctypes.CDLL(None).strlen
    function.argtypes, function.restype = [ctypes.c_char_p], ctypes.c_size_t
    return {
        "simple": [ctypes.c_int(5), ctypes.c_double(2.5), ctypes.c_char_p(b"x"),
                   ctypes.c_wchar_p("wide"), ctypes.py_object(["held"])],
        "structures": [structure, Union(7), Structure],
        "arrays": [(ctypes.c_int * 10)(*range(10)), (Structure * 3)(), objects,
                   ctypes.create_string_buffer(100)],
        "pointers": [pointer, pointer.contents, ctypes.POINTER(Structure), ctypes.byref(structure),
                     ctypes.cast(pointer, ctypes.c_void_p)],
        "functions": [callback_type(nothing), function, ctypes.pythonapi],
    }


def library():
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    connection.execute("create table item (id integer, name text)")
    connection.executemany("insert into item values (?, ?)", [(n, str(n)) for n in range(10)])
    connection.create_function("own", 1, nothing)
    cursor = connection.execute("select * from item where id > ?", (2,))
    row = cursor.fetchone()
    tree = xml.etree.ElementTree.fromstring("<a x='1'><b>text</b>tail<c y='2'/></a>")
    pickled = io.BytesIO()
    pickler = pickle.Pickler(pickled)
    pickler.dump([["shared"], {"a": [1]}, Plain(1, 2)])
    unpickler = pickle.Unpickler(io.BytesIO(pickled.getvalue()))
    unpickler.load()
    compressor = zlib.compressobj()
    compressor.compress(b"data" * 1000)
    decompressor = zlib.decompressobj()
    decompressor.decompress(zlib.compress(b"data" * 1000) + b"unused")
    log = logging.getLogger("zoo")
    log.addHandler(logging.NullHandler())
    pattern = re.compile(r"(?P<word>\w+)-(\d+)")
    message = email.message.EmailMessage()
    message["Subject"] = "zoo"
    return {
        "sqlite": [connection, cursor, row],
        "xml": [tree, tree[0], tree.iter(), tree.attrib, xml.etree.ElementTree.XMLParser(),
                xml.etree.ElementTree.TreeBuilder()],
        "pickle": [pickler, unpickler, pickle.PickleBuffer(b"x")],
        "compression": [compressor, decompressor, bz2.BZ2Compressor(), lzma.LZMADecompressor()],
        "hashes": [hashlib.md5(b"x"), hashlib.sha256(b"x"), hashlib.sha3_256(), hashlib.blake2b(b"x")],
        "json": [json.encoder.c_make_encoder(None, nothing, nothing, None, ": ", ", ", True, False, True),
                 json.decoder.JSONDecoder(object_hook=nothing).scan_once, json.JSONDecoder()],
        "regular expressions": [pattern, pattern.search("word-12 more"), pattern.scanner("a-1"),
                                pattern.finditer("a-1 b-2"), re.compile(b"bytes")],
        "csv": [csv.reader(["a,b", "c,d"]), csv.writer(io.StringIO()), csv.get_dialect("excel"),
                csv.DictReader(["a,b", "1,2"])],
        "dates": [datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc), datetime.date.min,
                  datetime.timedelta(1, 2), datetime.time(1, 2), datetime.timezone(
                      datetime.timedelta(hours=3), "name"), zoneinfo.ZoneInfo("UTC")],
        "structs": [struct.Struct("<IQd"), struct.iter_unpack("<I", bytes(8))],
        "struct sequences": [os.stat("/"), time.gmtime(0), sys.version_info, sys.flags, os.times(),
                             time.struct_time(tuple(range(9))), sys.float_info, os.uname()],
        "identifiers": [uuid.UUID(int=5), urllib.parse.urlsplit("http://host/path")],
        "templates": [string.Template("$x"), string.Formatter()],
        "logging": [log, log.handlers[0], logging.makeLogRecord({"msg": "m", "args": ([1],)})],
        "e-mail": message,
        "copies": [copy.deepcopy([{"a": [1]}]), types.ModuleType("made", "doc")],
        "modules": [sys, builtins, types, operator],
        "capsules": [datetime.datetime_CAPI, socket.CAPI if hasattr(socket, "CAPI") else None],
        "exit stack": contextlib.ExitStack(),
    }


def build(directory):
    """Everything; `directory` is for files, which stay open."""
    zoo = {}
    for part in (containers, numbers, texts, buffers, instances, functions, generators, exceptions,
                 references, contexts, iterators, collection_types, foreign, library, threads, tasks):
        zoo[part.__name__] = part()
    zoo["files"] = files(directory)
    return zoo
