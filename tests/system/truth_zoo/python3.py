# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""What Python 3 has and 2 has not, in the syntax of 3.6. What came later is asked for by name."""

import array
import asyncio
import builtins
import codecs
import collections
import collections.abc
import concurrent.futures
import contextlib
import csv
import ctypes
import datetime
import email.message
import enum
import functools
import hashlib
import inspect
import io
import itertools
import json
import json.encoder
import lzma
import mmap
import operator
import os
import pathlib
import pickle
import queue
import re
import selectors
import sqlite3
import struct
import sys
import threading
import traceback
import types
import typing
import unittest.mock
import urllib.parse
import weakref
import xml.etree.ElementTree

from .common import (
    BLOCK_TIMEOUT_S, Blocked, CustomError, Descriptors, Plain, Structure, caught, fail, found, generator,
    made, nothing, started, with_attributes)


def since(*version):
    return sys.version_info >= version


# --- containers, text, buffers ------------------------------------------------------------------


def containers():
    emptied = {n: n for n in range(1000)}
    for n in range(1000):
        del emptied[n]
    return {
        "ranges": [range(3), range(10**20), range(5, 100, 7)],
        "unpacked": [{**{"a": [1]}, "b": 2}, [*range(20)], {*range(30)}],
        "dicts": [emptied, {True: 1, "a": 2}, {None: []}],
        "frozendict": [made("frozendict", {"a": [1]}), made("frozendict"), made("frozendict", {1: "two"})],
        "proxies": [types.MappingProxyType({"a": [1]}), types.MappingProxyType(collections.OrderedDict())],
        "sentinels": [made("sentinel", "MISSING"), ..., NotImplemented],
    }


def texts():
    as_utf8 = ctypes.pythonapi.PyUnicode_AsUTF8
    as_utf8.restype, as_utf8.argtypes = ctypes.c_char_p, [ctypes.py_object]
    cached = ["cached \u00e9" * 5, "\U0001f40d wide" * 3]
    for text in cached:
        as_utf8(text)
    return {"utf8": cached, "legacy": legacy_texts(), "formatted": [f"{n}: {n!r}" for n in range(20)]}


def legacy_texts():
    """What PyUnicode_FromUnicode(NULL) and old extensions make: to 3.11 (wchar_t*, not ready)."""
    if since(3, 12):
        return []
    from_unicode = ctypes.pythonapi.PyUnicode_FromUnicode
    from_unicode.restype, from_unicode.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_ssize_t]
    as_unicode = ctypes.pythonapi.PyUnicode_AsUnicode
    as_unicode.restype, as_unicode.argtypes = ctypes.c_void_p, [ctypes.py_object]
    legacy = []
    for length, character in ((5, "a"), (500, "\u20ac"), (7, "\u00e9"), (70, "\U0001f40d")):
        text = from_unicode(None, length)
        ctypes.memmove(as_unicode(text), (ctypes.c_wchar * length)(*character * length), 4 * length)
        legacy.append(text)
    for text in legacy[2:]:
        hash(text)  # makes it ready
    with_wide = ["with wchar_t " + "x" * 20, "\u00e9" * 20, "\u20ac" * 20, "\U0001f40d" * 20]
    for text in with_wide:
        as_unicode(text)
    return legacy + with_wide


def buffers():
    data = bytearray(range(200))
    mapped = mmap.mmap(-1, 8192)
    released = memoryview(b"released")
    released.release()

    class OwnBuffer:
        def __buffer__(self, flags):
            return memoryview(data)

    return {
        "own": memoryview(OwnBuffer()) if since(3, 12) else None,
        "memoryviews": [memoryview(data).cast("B"), memoryview(array.array("d", [0.5] * 10)), released,
                        memoryview(bytes(24)).cast("B", (2, 3, 4)), memoryview(data)[::-1]],
        "arrays": [array.array("Q", range(500)), array.array("q")],
        "mmaps": [mapped, memoryview(mapped)[:100]],
    }


# --- classes and instances ----------------------------------------------------------------------


class MetaOption(type):
    def __new__(meta, name, bases, body, **keywords):
        return with_attributes(super().__new__(meta, name, bases, body), keywords=keywords)

    def __init__(cls, name, bases, body, **keywords):
        super().__init__(name, bases, body)

    @classmethod
    def __prepare__(meta, name, bases, **keywords):
        return collections.OrderedDict(prepared=[name])


class WithOption(metaclass=MetaOption, option=[1, 2]):
    attribute = {"shared": True}


class Registered:
    children = []

    def __init_subclass__(cls, **keywords):
        super().__init_subclass__(**keywords)
        Registered.children.append(cls)

    def __class_getitem__(cls, item):
        return [cls, item]


class RegisteredChild(Registered):
    where = super

    def uses_class_cell(self):
        return __class__


class SetName:
    def __set_name__(self, owner, name):
        self.owner, self.name = owner, name


class Named:
    descriptor = SetName()


class Abstract(collections.abc.Sequence):
    def __len__(self):
        return 2

    def __getitem__(self, index):
        return (1, 2)[index]


class Colour(enum.Enum):
    RED = 1
    GREEN = "two"


class Permission(enum.Flag):
    READ = 1
    WRITE = 2


class Number(enum.IntEnum):
    ONE = 1


class TypedPoint(typing.NamedTuple):
    x: int
    y: int = 3


class Slotted:
    __slots__ = {"documented": "a slot with documentation", "other": None}


T = typing.TypeVar("T", bound="Plain")


class Box(typing.Generic[T]):
    def __init__(self, content):
        self.content = content


class BoxOfInt(Box[int]):
    pass


class Annotated:
    field: int
    other: "typing.List[Annotated]" = []


def dataclass_instances():
    dataclasses = found("dataclasses")
    if not dataclasses:
        return []
    fields = [("name", str), ("tags", list, dataclasses.field(default_factory=list))]
    record = dataclasses.make_dataclass("Record", fields)
    frozen = dataclasses.make_dataclass("Frozen", fields, frozen=True, order=True)
    all_made = [record("r", ["x"]), frozen("f"), frozen("g", ("y",)), dataclasses.fields(record)]
    if since(3, 10):
        slotted = dataclasses.make_dataclass("Slotted", fields, frozen=True, slots=True)
        all_made += [slotted("s"), slotted("t", {"z"})]
    if since(3, 11):
        weak = dataclasses.make_dataclass("Weak", fields, slots=True, weakref_slot=True, kw_only=True)
        all_made += [weak(name="w"), weakref.ref(all_made[0])]
    return all_made


def typing_objects():
    parameters = made("typing.ParamSpec", "P")
    kinds = [
        T, Box[Plain], Box[T], typing.Optional[int], typing.Union[int, str], typing.Callable[[int], str],
        typing.List[T], typing.Dict[str, T], typing.Any, typing.ClassVar[int], typing.Tuple[int, ...],
        typing.NewType("Id", int), typing.TypeVar("C", int, str), typing.Type[Plain],
        found("typing.ForwardRef") and typing.ForwardRef("Plain"), parameters,
        getattr(parameters, "args", None), getattr(parameters, "kwargs", None),
        made("typing.TypeVarTuple", "Ts"), found("typing.Protocol"), found("typing.NoDefault")]
    for name, item in (("Literal", "a"), ("Annotated", (int, "doc")), ("Final", int), ("Required", int),
                       ("Unpack", typing.Tuple[int, str]), ("Concatenate", None)):
        special = found("typing." + name)
        if special is not None and item is not None:
            kinds.append(special[item])
    if found("typing.TypedDict"):
        kinds.append(typing.TypedDict("Options", {"verbose": bool}, total=False)(verbose=True))
    if since(3, 9):
        kinds += [list[int], dict[str, list[T]], tuple[int, ...], type[T], iter(list[int]) if since(3, 11) else None,
                  collections.abc.Callable[[int, T], str], list[int].__origin__, list[T][str]]
    if since(3, 10):
        kinds += [int | None, list[T] | str, (int | T)[str]]
    return kinds


def more_descriptors():
    """What functools and others put into classes, as the version has it."""
    cached_property = found("functools.cached_property")
    dispatch_method = found("functools.singledispatchmethod")
    cached = cached_property(lambda self: [self]) if cached_property else None

    class Described(Descriptors):
        partial = functools.partialmethod(nothing, 1)
        dispatch = dispatch_method(nothing) if dispatch_method else None

    if cached:
        Described.cached = cached
        cached.__set_name__(Described, "cached")
    one = Described()
    return [Described, one, getattr(one, "cached", None), one.partial, one.dispatch, Described.partial,
            made("types.DynamicClassAttribute", nothing)]


def instances():
    cells = []

    class Local:
        def method(self):
            return __class__, super()

        cells.append(method.__closure__)

    return {
        "meta": [WithOption, WithOption(), RegisteredChild(), Named(), Named.descriptor,
                 Registered[5] if since(3, 7) else None],
        "slots": Slotted(),
        "cells": [Local, cells],
        "abstract": Abstract(),
        "descriptors": more_descriptors(),
        "enums": [Colour.RED, Colour("two"), Permission.READ | Permission.WRITE, Colour, Number.ONE,
                  enum.Enum("Functional", "A B")],
        "dataclasses": dataclass_instances(),
        "named tuples": TypedPoint(1),
        "typing": typing_objects(),
        "generic": [Box([1]), BoxOfInt(2), Annotated, typing.get_type_hints(Annotated)],
        "namespace": types.SimpleNamespace(a=1, b=[2]),
        "mock": unittest.mock.Mock(name="mock", attribute=[1]),
        "dynamic": types.new_class("New", (Plain,), {}, lambda space: space.update(added=[1])),
    }


# --- functions, frames, generators --------------------------------------------------------------


def make_closure():
    captured, later = [1], {"two": 2}

    def inner(argument=captured, *, keyword: int = 3, other: "list" = captured) -> dict:
        nonlocal later
        later = {"changed": argument}
        return later, captured, inner

    return inner


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

    @functools.singledispatch
    def dispatched(value):
        return value

    dispatched.register(int, lambda value: value)
    make_cell = found("types.CellType")
    return {
        "closures": [make_closure(), make_closure()],
        "cells": [make_cell(), make_cell([1])] if make_cell else [],
        "methods": [with_attributes(Plain(1, 2), bound=Plain(3, 4).method), MetaOption.__new__,
                    classmethod(nothing), staticmethod(nothing), property(nothing, doc="doc"),
                    functools.wraps(nothing)(lambda: None)],
        "caches": [cached, bounded, typed],
        "dispatch": dispatched,
        "signature": [inspect.signature(nothing), inspect.signature(make_closure())],
        "instance method": instance_method(),
        "monitored": monitored(),
        "placeholder": [found("functools.Placeholder") and functools.partial(
            nothing, found("functools.Placeholder"), 1)],
    }


def instance_method():
    make = ctypes.pythonapi.PyInstanceMethod_New
    make.restype, make.argtypes = ctypes.py_object, [ctypes.py_object]
    return make(nothing)


def monitored():
    """Code whose bytes sys.monitoring (3.12) changed."""
    monitoring = getattr(sys, "monitoring", None)
    if not monitoring:
        return None

    def watched():
        return [n for n in range(3)]

    monitoring.use_tool_id(4, "zoo")
    monitoring.register_callback(4, monitoring.events.LINE, nothing)
    monitoring.set_local_events(4, watched.__code__, monitoring.events.LINE)
    watched()
    return watched


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


class AsyncContext:
    async def __aenter__(self):
        return [self]

    async def __aexit__(self, *exception):
        await suspend()


async def in_async_with():
    async with AsyncContext() as entered:
        await suspend()
        return entered


async def in_async_for():
    async for item in asynchronous_generator():
        await suspend()
        del item


async def suspending_generator():
    await suspend()
    yield [1]
    await suspend()


class Awaitable:
    def __await__(self):
        return iter([["awaited"], ["again"]])


def step(one):
    """Let a coroutine run to where it waits."""
    one.send(None)
    return one


def finish(one):
    with contextlib.suppress(StopIteration, StopAsyncIteration):
        while True:
            one.send(None)
    return one


def generators():
    delegate = started(delegating(generator(5)), 2)
    listed = started(delegating([[1], [2]]), 2)
    waiting = step(coroutine(suspend()))
    nested = step(coroutine(coroutine(coroutine(suspend()))))
    unstarted = coroutine(None)
    asynchronous = asynchronous_generator()
    finish(asynchronous.asend(None))
    suspended_inside = suspending_generator()
    pending = step(suspended_inside.asend(None))
    finished = asynchronous_generator()
    for _ in range(3):
        finish(finished.asend(None))
    hooked = []
    sys.set_asyncgen_hooks(firstiter=hooked.append, finalizer=hooked.append)
    with_hooks = asynchronous_generator()
    finish(with_hooks.asend(None))
    sys.set_asyncgen_hooks(None, None)
    closed = coroutine(suspend())
    closed.close()
    pending_anext = None
    if since(3, 10):
        pending_anext = [builtins.anext(asynchronous_generator()), builtins.anext(asynchronous_generator(), [1])]
        step(builtins.anext(suspending_generator(), [2]).__await__())
    sys.set_coroutine_origin_tracking_depth(3) if since(3, 7) else None
    with_origin = coroutine(None)
    sys.set_coroutine_origin_tracking_depth(0) if since(3, 7) else None
    return {
        "delegating": [delegate, listed],
        "coroutines": [waiting, nested, unstarted, waiting.cr_frame, closed, with_origin,
                       finish(coroutine(Awaitable())), step(coroutine(Awaitable()))],
        "awaitables": [nested.cr_await, coroutine(None).__await__(), suspend(),
                       started(coroutine(suspend()).__await__())],
        "asynchronous": [asynchronous, asynchronous_generator().asend(None), pending, suspended_inside,
                         asynchronous_generator().athrow(ValueError), asynchronous.aclose(), finished,
                         with_hooks, hooked, pending_anext, asynchronous_generator()],
        "suspended": [step(comprehension()), step(in_async_with()), step(in_async_for())],
        "callback": types.coroutine(nothing),
    }


# --- exceptions ---------------------------------------------------------------------------------


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


def fail_in_group():
    group = found("ExceptionGroup")
    raise group("raised", [caught(fail, 1, []), ValueError([2])])


def exceptions():
    raised = caught(fail, 3, {"detail": 1})
    group = found("ExceptionGroup")
    groups = [caught(fail_in_group), group("inner", [group("deepest", [TypeError("x")])]),
              caught(fail_in_group).split(ValueError)] if group else []
    noted = [ValueError("noted"), caught(fail, 1, ["noted"])]
    for error in noted if since(3, 11) else ():
        error.add_note("a note")
    return {
        "raised": [raised, raised.__traceback__, raised.__traceback__.tb_next,
                   raised.__traceback__.tb_frame],
        "chained": [caught(fail_from), caught(fail_while_handling)],
        "groups": groups,
        "noted": noted,
        "built-in": [caught("\ud800".encode, "utf8"), caught(eval, "f(\n"), StopIteration([1]),
                     StopAsyncIteration(), caught(getattr, Plain(1, 2), "absent"),
                     ImportError("x", name="name", path="path"), BlockingIOError(1, "two", 3),
                     caught(lambda: [].absent), caught(exec, "raise NameError('x', name='y')")],
        "summary": [traceback.TracebackException.from_exception(raised, capture_locals=True),
                    traceback.TracebackException.from_exception(groups[0]) if groups else None],
        "made": [made("types.TracebackType", None, sys._getframe(), 0, 1) if since(3, 7) else None],
    }


# --- references, contexts, threads, asyncio -----------------------------------------------------


def references():
    kept = [Plain(n, [n]) for n in range(5)]
    return {
        "kept": kept,
        "methods": weakref.WeakMethod(kept[3].method),
        "finalizers": [weakref.finalize(kept[4], nothing, [1], key={2})],
        "generic": [weakref.ref(generator), weakref.WeakSet([Plain])],
    }


class Collides:
    def __hash__(self):
        return 5


def mapping_of_contexts():
    """What contexts keep their variables in, with equal hashes; from the modules for CPython's own tests."""
    mapping = made("_testinternalcapi.hamt") or made("_testcapi.hamt")
    for n in range(5) if mapping is not None else ():
        mapping = mapping.set(Collides(), [n]).set(n, [n])
    return mapping


def contexts():
    contextvars = found("contextvars")
    if not contextvars:
        return {}
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
    used = small.run(variables[1].set, ["reset"])
    small.run(variables[1].reset, used)
    with_default.set(["main context"])
    return {
        "variables": variables,
        "default": with_default,
        "contexts": [big, small, big.copy(), contextvars.Context()],
        "tokens": [token, second, used, contextvars.Token.MISSING],
        "mapping": mapping_of_contexts(),
        "views": [big.items(), iter(big.values()), iter(big), big.keys(), started(iter(big.items()), 3)],
    }


class Blocked3(Blocked):
    def in_event_loop(self, reached):
        async def main():
            local = ["in the loop"]
            asyncio.get_event_loop().call_soon(reached.set)
            await asyncio.get_event_loop().create_future()
            return local

        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        loop.run_until_complete(main())

    def in_asyncio_run(self, reached):
        async def inner():
            reached.set()
            await asyncio.get_running_loop().create_future()

        async def main():
            await asyncio.gather(inner(), inner())

        asyncio.run(main())

    def in_context(self, reached):
        context = found("contextvars").copy_context()
        context.run(self.wait, reached)

    def in_yield_from(self, reached):
        def inner():
            yield self.wait(reached)

        return list(delegating(inner()))

    def in_keywords(self, reached):
        return nothing(*[[1]], **{"a": [2], "b": self.wait(reached)})

    def in_f_string(self, reached):
        return f"before {[1]} {self.wait(reached)} after"


def threads():
    blocked = Blocked3()
    for function in (blocked.in_event_loop, blocked.in_yield_from, blocked.in_keywords, blocked.in_f_string):
        blocked.start(function)
    if since(3, 7):
        blocked.start(blocked.in_asyncio_run)
        blocked.start(blocked.in_context)
    pool = concurrent.futures.ThreadPoolExecutor(2)
    done = pool.submit(nothing, [1])
    done.result(BLOCK_TIMEOUT_S)
    failed = pool.submit(fail, 1, [])
    caught(failed.result, BLOCK_TIMEOUT_S)
    simple = made("queue.SimpleQueue")
    if simple:
        for n in range(20):
            simple.put([n])
        simple.get()
    full = queue.LifoQueue()
    full.put([1])
    return {
        "blocked": blocked,
        "locks": [threading.Barrier(2), threading.RLock()],
        "pool": [pool, done, failed],
        "queues": [simple, full],
    }


def tasks():
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    all_made = {}

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
        waiting = [loop.create_task(coroutine(wait)) for wait in (
            never, event.wait(), lock.acquire(), asyncio.sleep(3600), asyncio.shield(never))]
        gathered = asyncio.gather(*(loop.create_task(event.wait()) for _ in range(3)))
        finished = loop.create_task(asyncio.sleep(0, ["finished"]))
        to_cancel = loop.create_task(asyncio.sleep(3600))
        to_fail = loop.create_task(coroutine(7))
        pure = [getattr(asyncio.tasks, "_PyTask")(coroutine(never), loop=loop),
                getattr(asyncio.futures, "_PyFuture")(loop=loop)] if since(3, 7) else []
        task_queue = asyncio.Queue()
        task_queue.put_nowait([1])
        for _ in range(3):
            await asyncio.sleep(0)
        to_cancel.cancel()
        for _ in range(3):
            await asyncio.sleep(0)
        to_fail.exception()
        all_made.update(
            futures=[never, done, failed, cancelled], tasks=waiting + [to_cancel, to_fail], gathered=gathered,
            finished=finished, synchronisation=[event, lock, asyncio.Semaphore(2), task_queue], pure=pure,
            handles=[loop.call_later(7200, nothing, [1]), loop.call_soon(nothing, [2])],
            iterators=[iter(never), waiting[0].get_coro() if since(3, 8) else None])

    loop.run_until_complete(main())
    never_run = loop.create_task(asyncio.sleep(3600))
    asyncio.set_event_loop(None)
    return dict(all_made, loop=loop, never_run=never_run)


# --- iterators and the standard library's C types -----------------------------------------------


def iterators():
    lists = [[1], [2], [3]]
    source = {"a": [1], "b": [2]}
    newest = []
    if since(3, 8):
        newest += [reversed(source), reversed(source.items()), reversed(source.values()),
                   itertools.accumulate(lists, initial=[])]
    if since(3, 10):
        newest += [started(itertools.pairwise(lists)), zip(lists, lists, strict=True), aiter_of(lists)]
    if since(3, 12):
        newest += [started(itertools.batched(lists, 2))]
    return {
        "newest": newest,
        "dict": [started(iter(source.values())), started(iter(source.items()))],
        "sequence": [iter(range(10**20)), iter(Abstract()), iter("\u20ac"), iter("\U0001f40d"),
                     started(iter(range(10)), 3)],
        "itertools": [started(itertools.accumulate(lists)), itertools.filterfalse(len, lists),
                      started(itertools.zip_longest(lists, [[4]], fillvalue=[5])),
                      filter(nothing, iter(lists))],
        "struct": struct.iter_unpack("<I", bytes(8)),
        "code": [nothing.__code__.co_lines() if since(3, 10) else None,
                 nothing.__code__.co_positions() if since(3, 11) else None],
        "graphemes": made("unicodedata.iter_graphemes", "e\u0301a"),
        "tokens": made("_tokenize.TokenizerIter", iter(["x = 1", ""]).__next__, extra_tokens=False)
        if since(3, 12) else made("_tokenize.TokenizerIter", "x = 1"),
    }


def aiter_of(lists):
    async def items():
        for item in lists:
            yield item

    return builtins.aiter(items())


def collection_types():
    ordered = collections.OrderedDict((f"key {n}", [n]) for n in range(50))
    ordered.move_to_end("key 3")
    ordered.popitem()
    return {
        "ordered": [ordered, started(iter(ordered.items())), ordered.items(), ordered.values(),
                    reversed(ordered)],
        "wrappers": [collections.ChainMap({"a": [1]}, {}), collections.UserDict(a=[1]),
                     collections.UserList([[1]]), collections.UserString("x")],
        "graph": made("graphlib.TopologicalSorter", {"a": {"b"}}),
    }


def files(directory):
    path = os.path.join(directory, "python3")
    pathlib.Path(path).write_text("x" * 100)
    selector = selectors.DefaultSelector()
    selector.register(os.pipe()[0], selectors.EVENT_READ, data=["data"])
    bytes_io = io.BytesIO(b"content" * 100)
    rare = [made("dbm.gnu.open", path + ".gdbm", "c"), made("dbm.ndbm.open", path + ".ndbm", "c")] \
        if found("dbm.gnu.open") or found("dbm.ndbm.open") else []
    return {
        "memory": [bytes_io.getbuffer(), io.BytesIO(bytes(10000))],
        "polling": [selector, selector.get_map(), selectors.PollSelector()],
        "directory": [os.scandir(directory), list(os.scandir(directory)), pathlib.Path(path),
                      os.terminal_size((80, 24)), pathlib.PurePosixPath("a", "b").parents],
        "decoders": [codecs.getincrementaldecoder("utf-16")(), codecs.getincrementalencoder("iso2022_jp")()],
        "databases": rare,
    }


def library():
    pickled = io.BytesIO()
    pickler = pickle.Pickler(pickled)
    pickler.dump([["shared"], {"a": [1]}, Plain(1, 2)])
    unpickler = pickle.Unpickler(io.BytesIO(pickled.getvalue()))
    unpickler.load()
    message = email.message.EmailMessage()
    message["Subject"] = "zoo"
    connection = sqlite3.connect(":memory:")
    connection.create_aggregate("own", 1, Plain)
    connection.create_collation("own", nothing)
    connection.set_trace_callback(nothing)
    connection.execute("create table item (content blob)")
    connection.execute("insert into item values (zeroblob(10))")
    tree = xml.etree.ElementTree.fromstring("<a x='1'><b>text</b>tail<c y='2'/></a>")
    pulled = xml.etree.ElementTree.XMLPullParser(["start", "end"])
    pulled.feed("<root><child/>")
    return {
        "sqlite": [connection, connection.blobopen("item", "content", 1) if since(3, 11) else None],
        "xml": [tree.iter(), tree.itertext(), pulled, tree.findall(".//b")],
        "pickle": [pickler, unpickler, made("pickle.PickleBuffer", b"x"), pickler.memo, unpickler.memo],
        "compression": [lzma.LZMADecompressor(), lzma.LZMACompressor(), made("compression.zstd.ZstdCompressor"),
                        made("compression.zstd.ZstdDecompressor"),
                        made("zlib._ZlibDecompressor"),
                        made("compression.zstd.ZstdDict", b"x" * 100, is_raw=True)],
        "hashes": [hashlib.sha3_256(), hashlib.blake2b(b"x"), hashlib.blake2s(), hashlib.shake_128(b"x"),
                   made("_md5.md5"), made("_sha1.sha1"), made("_sha256.sha256"), made("_sha512.sha512"),
                   made("_sha2.sha256"), made("_sha2.sha512"), made("_sha2.sha224"), made("_sha2.sha384"),
                   hashlib.sha3_224(), hashlib.sha3_384(), hashlib.sha3_512(), hashlib.shake_256(),
                   made("_hashlib.hmac_new", b"k", b"m", "sha1"),
                   made("_hmac.new", b"k", b"m", "sha1")],
        "expressions": made("re._compile_template", re.compile("(a)"), r"x\1"),
        "json": json.encoder.c_make_encoder(None, nothing, nothing, None, ": ", ", ", True, False, True),
        "csv": csv.writer(io.StringIO()),
        "dates": [datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc),
                  datetime.timezone(datetime.timedelta(hours=3), "name"), made("zoneinfo.ZoneInfo", "UTC"),
                  datetime.date(2026, 1, 2).isocalendar(), datetime.time(1, 2, tzinfo=datetime.timezone.utc)],
        "struct sequences": [os.uname(), sys.hash_info, sys.thread_info, sys.int_info, sys.get_asyncgen_hooks(),
                             os.waitid_result(range(5)), made("signal.struct_siginfo", range(7)),
                             made("sys.UnraisableHookArgs", range(5)), made("_thread._ExceptHookArgs", range(4)),
                             made("os.sched_param", 0), made("time.get_clock_info", "time")],
        "identifiers": urllib.parse.urlsplit("http://host/path"),
        "e-mail": message,
        "modules": [builtins, operator, sys.modules["truth_zoo"].__spec__, sys.implementation],
        "exit stack": contextlib.ExitStack(),
        "network": [made("ssl.MemoryBIO"), secure_object()],
    }


def secure_object():
    ssl = found("ssl")
    if not ssl:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.set_servername_callback(nothing)
    return [context, served, context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="name")]


class More(Structure):
    _fields_ = [("array", ctypes.c_int * 3), ("inner", Structure)]


def foreign():
    more = More()
    more.inner.text = b"kept by the inner one"
    return {
        "structures": [more, more.inner, more.array],
        "wide": [ctypes.create_unicode_buffer(10), ctypes.c_wchar_p("kept")],
    }


# --- observation --------------------------------------------------------------------------------


def running_generator(action):
    held = [{"held by a running": "generator"}]
    action()
    yield held


async def running_coroutine(action):
    held = ["held by a running coroutine"]
    for item in running_generator(action):
        held.append(item)


def observe_within(action):
    try:
        fail(2, ["handled while observed"])
    except CustomError:
        with contextlib.suppress(StopIteration):
            running_coroutine(action).send(None)


PARTS = [containers, texts, buffers, instances, functions, generators, exceptions, references, contexts,
         iterators, collection_types, foreign, library, files, threads, tasks]
