# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""What only Python 2 has. The syntax is one that Python 3 understands too, so that linters do."""

import sys

from __builtin__ import StandardError, buffer, cmp, file, intern, long, unicode, xrange

import StringIO
import UserDict
import UserList
import UserString
import bz2
import cPickle
import cStringIO
import contextlib
import decimal
import itertools
import json.encoder
import multiprocessing
import os
import pickle
import sets
import socket
import thread
import threading
import types
import xml.etree.cElementTree

from .common import CustomError, Plain, caught, fail, found, nothing, started, with_attributes


# --- text and numbers ---------------------------------------------------------------------------


def texts():
    characters = [chr(n) for n in range(256)] + [unichr_of(n) for n in range(256)]
    many = [u"text %d" % n for n in range(1000)]
    del many[::2]  # the free list of unicode objects
    encoded = u"has its default encoding"
    hash(encoded)
    {}.get(encoded)
    buffer(encoded)
    return {
        "characters": characters,
        "many": many,
        "encoded": [encoded, str(encoded)],
        "interned": [intern("interned " + "bytes"), intern("python2_" * 3)],
        "unicode": [unicode("ascii"), u"\u20ac" * 50, u"", u"\x00"],
    }


def unichr_of(number):
    return eval("unichr")(number)


def numbers():
    integers = [n * 7919 for n in xrange(5000)]
    floats = [n * 0.25 for n in xrange(5000)]
    del integers[::2], floats[::3]  # leaves holes in the blocks of ints and floats
    return {
        "integers": integers,
        "floats": floats,
        "longs": [long(0), long(1), long(-1), long(2)**15, long(2)**200, -long(3)**100],
        "bools": [bool(1), True & False],
        "decimals": [decimal.Decimal("2.50"), decimal.Context(prec=5)],
    }


# --- classes and instances ----------------------------------------------------------------------


class Old:
    """An old-style class."""

    shared = {"attribute": "of the class"}

    def __init__(self, held):
        self.held = held

    def method(self):
        return self.held

    @classmethod
    def of_class(cls):
        return cls

    @staticmethod
    def static():
        return None


class OldChild(Old):
    pass


class OldOther:
    def other(self):
        return self


class OldMultiple(OldChild, OldOther):
    pass


class OldFinalized:
    def __del__(self):
        pass


class OldDynamic:
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return [name]

    def __setattr__(self, name, value):
        self.__dict__[name] = value

    def __delattr__(self, name):
        del self.__dict__[name]


class OldSequence:
    def __len__(self):
        return 3

    def __getitem__(self, index):
        if index >= 3:
            raise IndexError(index)
        return [index]


class OldIterator:
    def __iter__(self):
        return self

    def next(self):
        return [1]


class MixedNew(Old, object):
    """New style, with an old-style base in its mro."""


class MixedSlots(object):
    __slots__ = ("slot", "__weakref__")


class MixedAll(MixedSlots, OldOther):
    pass


class UnicodeWithDict(unicode):
    pass


class LongWithDict(long):
    pass


class FileWithDict(file):
    pass


def instances():
    olds = [Old([n]) for n in range(50)]
    for one in olds[::2]:
        one.more = [one]
    for one in olds[::5]:
        del one.held
    bare = types.InstanceType(Old)
    with_dict = types.InstanceType(Old, {"given": [1]})
    dynamic = OldDynamic()
    dynamic.attribute = [1]
    reclassed = Old(1)
    reclassed.__class__ = OldOther
    return {
        "classes": [Old, OldChild, OldMultiple, types.ClassType("Made", (Old,), {"body": [1]}), types.ClassType],
        "instances": [olds, OldChild({}), OldMultiple([1]), OldFinalized(), dynamic, bare, with_dict,
                      reclassed, OldSequence(), started(iter(OldSequence())), OldIterator()],
        "cycle": with_attributes(Old(None), held=Old([2])),
        "methods": [Old.method, Old(3).method, olds[0].method, OldChild.method, Old.of_class, Old(1).static,
                    Plain.method, Plain(1, 2).method, types.MethodType(nothing, None, Old),
                    types.MethodType(len, [1], list), types.MethodType(nothing, Old(2))],
        "mixed": [MixedNew([1]), with_attributes(MixedAll(), slot=[1], more=[2])],
        "subclassed": [with_attributes(UnicodeWithDict(u"text"), note=[1]), UnicodeWithDict(u"\u20ac"),
                       with_attributes(LongWithDict(2**70), note=[2]), LongWithDict(0)],
        "comparison": [cmp, sorted([3, 1, 2], cmp=cmp)],
    }


# --- exceptions, frames -------------------------------------------------------------------------


class OldError:
    """Could be raised once."""

    def __init__(self, detail):
        self.detail = detail


def fail_old():
    raise OldError(["old"])


def caught_old():
    try:
        fail_old()
    except OldError:
        return sys.exc_info()


def cleared():
    try:
        fail(2, ["cleared"])
    except CustomError:
        kept = sys.exc_info()
        sys.exc_clear()
        return kept


def exceptions():
    try:
        fail(2, ["left behind"])
    except CustomError:
        pass
    return {
        "old": caught_old(),
        "cleared": cleared(),
        "being handled": sys.exc_info(),
        "standard": [StandardError("x"), caught(unicode, b"\xff", "ascii"), EnvironmentError(1, "two", "three"),
                     caught(file, "/does/not/exist")],
        "with": with_attributes(CustomError("message", [1]), args=([2],)),
    }


def frames():
    space = {"held": ["by exec"]}
    exec("import sys\nframe = sys._getframe()\n", space)
    return {"executed": space}


# --- the library --------------------------------------------------------------------------------


def iterators():
    source = {"a": [1], "b": [2]}
    lists = [[1], [2], [3]]
    return {
        "dict": [source.viewkeys(), source.viewvalues(), source.viewitems(), started(source.iterkeys()),
                 started(source.itervalues()), started(source.iteritems()), started(iter(source.viewitems())),
                 iter(source.viewkeys()), iter(source.viewvalues())],
        "ranges": [xrange(5), xrange(1, 100, 7), iter(xrange(9)), reversed(xrange(9))],
        "itertools": [started(itertools.izip(lists, lists)), itertools.imap(nothing, lists),
                      itertools.ifilter(None, lists), itertools.ifilterfalse(None, lists),
                      itertools.izip_longest(lists, [[4]], fillvalue=[5])],
    }


def buffers():
    data = bytearray(b"content")
    return {
        "buffers": [buffer("text"), buffer("text", 2), buffer(data, 1, 3), buffer(u"unicode")],
        "ranges": xrange(3),
    }


def files(directory):
    path = os.path.join(directory, "python2")
    written = open(path, "w")
    written.write("line\n" * 1000)
    written.flush()
    reading = open(path, "rU")
    reading.readline()
    iterated = started(open(path))
    out = cStringIO.StringIO()
    out.write("x" * 500)
    pure = StringIO.StringIO("pure")
    pure.write("more")
    descriptor = os.fdopen(os.open(path, os.O_RDONLY))
    return {
        "files": [written, reading, iterated, with_attributes(FileWithDict(path), note=[1]), sys.stdin,
                  os.tmpfile(), descriptor],
        "secure": secure_socket(),
        "pipe": multiprocessing.Pipe(),
        "compressed": bz2.BZ2File(path + ".bz2", "w"),
        "strings": [out, cStringIO.StringIO("input"), started(cStringIO.StringIO("a\nb\n")), pure],
    }


def secure_socket():
    """In the middle of a handshake."""
    ssl = found("ssl")
    if not ssl:
        return None
    pair = socket.socketpair()
    wrapped = ssl.wrap_socket(socket.socket(_sock=pair[0]), do_handshake_on_connect=False)
    wrapped.setblocking(False)
    caught(wrapped.do_handshake)
    return wrapped, pair


def library():
    pickled = cStringIO.StringIO()
    pickler = cPickle.Pickler(pickled, 2)
    pickler.dump([["shared"], Old([1]), Plain(1, 2)])
    unpickler = cPickle.Unpickler(cStringIO.StringIO(pickled.getvalue()))
    unpickler.load()
    return {
        "pickle": [pickler, unpickler, pickle.Pickler(cStringIO.StringIO()),
                   pickle.loads(pickle.dumps(Old([2])))],
        "wrappers": [UserDict.UserDict(a=[1]), UserDict.IterableUserDict(), UserList.UserList([[1]]),
                     UserString.UserString("x"), UserString.MutableString("y"), sets.Set([1, 2])],
        "contexts": contextlib.nested(contextlib.closing(Old([1]))),
        "xml": [xml.etree.cElementTree.ElementTree(xml.etree.cElementTree.Element("a")),
                xml.etree.cElementTree.iterparse(StringIO.StringIO("<a><b/></a>"))],
        "json": json.encoder.c_make_encoder(None, nothing, nothing, None, ": ", ", ", True, False, True),
        "modules": [types.ModuleType("made", "doc"), sys.modules["__builtin__"]],
        "functions": [types.FunctionType(nothing.__code__, {"a": 1}, "renamed", ([1],)), apply_of(len, ("x",))],
        "cobject": [getattr(cPickle, "__dict__"), getattr(cStringIO, "cStringIO_CAPI", None)],
    }


def apply_of(function, arguments):
    return eval("apply")(function, arguments)


def threads():
    held = thread.allocate_lock()
    held.acquire()
    reached = threading.Event()

    def of_thread_module(argument):
        reached.set()
        held.acquire()
        return argument

    thread.start_new_thread(of_thread_module, (["argument"],))
    reached.wait()
    return {"lock": held, "local": with_attributes(threading.local(), old=Old([1]))}


# --- observation --------------------------------------------------------------------------------


def running_generator(action):
    held = [{"held by a running": "generator"}]
    action()
    yield held


def observe_within(action):
    try:
        fail(2, ["handled while observed"])
    except CustomError:
        for _ in running_generator(action):
            pass


PARTS = [texts, numbers, instances, exceptions, frames, iterators, buffers, files, library, threads]
