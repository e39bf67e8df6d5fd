# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A process in which C code adds to a list on command, for test_native_stack.py; for every CPython from 2.7 on.

    native_target.py FILLER STRIPPED_FILLER

Reads the names of ways, a line each, and answers each with a line of JSON when it has added that way. A library
is loaded when it is first used.
"""

from __future__ import print_function

import functools
import json
import os
import sys

items = []


def append():
    items.append(1)


def extend():
    items.extend([1])


def concatenate():
    global items
    items += [1]


def call(path):
    import ctypes
    function = ctypes.PyDLL(path).native_fill
    function.argtypes = [ctypes.py_object, ctypes.py_object]
    assert function(items, 1) == 0


def fill():
    call(sys.argv[1])


def fill_stripped():
    call(sys.argv[2])


def decode():
    """The C scanner calls the hook without Python between."""
    json.loads('[{"a": 1}]', object_hook=items.append)


def query():
    import sqlite3
    database = sqlite3.connect(":memory:")
    # Not items.append itself: old versions want to hash it.
    database.create_function("add_item", 1, functools.partial(items.append))
    database.execute("select add_item(1)").fetchall()


def module_file(name):
    """The base name of a module that is a library of its own, or None."""
    try:
        return os.path.basename(getattr(__import__(name), "__file__", None) or "") or None
    except ImportError:
        return None


WAYS = {way.__name__: way for way in (append, extend, concatenate, fill, fill_stripped, decode, query)}


def main():
    modules = {name: module_file(name) for name in ("_ctypes", "_json", "_sqlite3")}
    print(json.dumps({"pid": os.getpid(), "modules": modules}))
    sys.stdout.flush()
    for line in iter(sys.stdin.readline, ""):
        WAYS[line.strip()]()
        print(json.dumps({"length": len(items)}))
        sys.stdout.flush()


if __name__ == "__main__":
    main()
