# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A process that holds one of everything (truth_zoo.py), says the truth about it, and stands still.

    truth_target.py FILE     writes FILE (truth_file.py), prints "ready PID", waits for end of input

As the wsgi-file of uWSGI (lazy-apps, honour-stdin) it does the same in a worker; FILE is then in the
environment as TRUTH_FILE, and truth_zoo.py's folder in uWSGI's pythonpath.

The observer must not change what it observes. It runs three times, with the collector switched off: the
first time fills caches, the other two must agree in everything but the reference counts of
what the observer itself uses. Its own tables are arrays of numbers and are let go before the
process stands still; the addresses of those that exist during the observation are declared in the
file.
"""

import array
import gc
import os
import shutil
import sys
import tempfile
import types

import truth_file
import truth_zoo

#: Objects whose reference counts may differ between two observations, as the observer itself uses them.
UNSTEADY_MAX = 40

TPFLAGS_HAVE_GC = 1 << 14
flags_of_type = type.__dict__["__flags__"].__get__
mro_of_type = type.__dict__["__mro__"].__get__


def says_own_size(kind):
    """Does a class in Python override __sizeof__?"""
    return any(
        isinstance(vars(base).get("__sizeof__"), types.FunctionType)
        for base in mro_of_type(kind))


def is_running(one, kind):
    """A frame, or what has one, that is being executed: the collector does not look into it."""
    if kind is types.GeneratorType:
        return one.gi_running
    if kind is types.CoroutineType:
        return one.cr_running
    if kind is types.AsyncGeneratorType:
        return one.ag_running
    return kind is types.FrameType and not gc.get_referents(one)


def observe(excluded):
    """(addresses, types, sizes, refcounts, flags, edge_starts, edges, own addresses)."""
    addresses, kinds, sizes, flags, edge_starts, edges, own = (array.array("Q") for _ in range(7))
    refcounts = array.array("q")
    known = set(excluded)
    own_size = {}
    for table in (addresses, kinds, sizes, refcounts, flags, edge_starts, edges, own, known, own_size,
                  excluded):
        known.add(id(table))
        own.append(id(table))
    table = None
    own.extend(excluded)
    get_referents, getsizeof, getrefcount = gc.get_referents, sys.getsizeof, sys.getrefcount
    is_tracked = gc.is_tracked

    # Everything: what the collector knows, and all that can be reached from it.
    # (No comprehension: its closure would be an object more.)
    objects = []
    known.add(id(objects))
    own.append(id(objects))
    for one in gc.get_objects():
        if id(one) not in known:
            objects.append(one)
    one = None
    known.update(map(id, objects))
    for one in objects:
        edge_starts.append(len(edges))
        referents = get_referents(one)
        for other in referents:
            edges.append(id(other))
            if id(other) not in known:
                known.add(id(other))
                objects.append(other)
    other = referents = None
    edge_starts.append(len(edges))

    for one in objects:
        kind = type(one)
        if id(kind) not in own_size:
            own_size[id(kind)] = says_own_size(kind)
        flag = truth_file.TRACKED if is_tracked(one) else 0
        if flags_of_type(kind) & TPFLAGS_HAVE_GC:
            flag |= truth_file.GC_TYPE
        if is_running(one, kind):
            flag |= truth_file.RUNNING
        size = 0
        if own_size[id(kind)]:
            flag |= truth_file.OWN_SIZE
        else:
            size = getsizeof(one, 0)
            if not size:
                flag |= truth_file.OWN_SIZE
        addresses.append(id(one))
        kinds.append(id(kind))
        sizes.append(size)
        flags.append(flag)
    one = kind = None

    # Measured like the others, but held by the list alone: what the observer itself adds.
    objects.append(object())
    for one in objects:
        refcounts.append(getrefcount(one))
    added = refcounts.pop() - 1
    one = None
    objects.pop()
    # The list's own reference is in `added` as the 1 that the object has: it is not the object's.
    for index in range(len(refcounts)):
        refcounts[index] -= added + 1
    return addresses, kinds, sizes, refcounts, flags, edge_starts, edges, own


def names_of_types(kinds):
    """{address of type: names of it and its bases}, after all is measured: asking makes objects."""
    wanted = set(kinds)
    names, found, position = {}, [object], 0
    seen = {id(object)}
    while position < len(found):
        for kind in type.__subclasses__(found[position]):
            if id(kind) not in seen:
                seen.add(id(kind))
                found.append(kind)
        position += 1
    for kind in found:
        if id(kind) in wanted:
            names[id(kind)] = [name_of(base) for base in mro_of_type(kind)]
    return names


def name_of(kind):
    module = type.__dict__["__module__"].__get__(kind)
    name = type.__dict__["__qualname__"].__get__(kind)
    return name if module == "builtins" or not isinstance(module, str) else f"{module}.{name}"


def disagreement(first, second):
    """What two observations differ in, or None."""
    for index, column in enumerate(("addresses", "types", "sizes", "", "flags", "starts", "edges")):
        if column and first[index] != second[index]:
            return (f"{column} differ between two observations "
                    f"({len(first[index])} and {len(second[index])} values)")
    unsteady = sum(a != b for a, b in zip(first[3], second[3]))
    if unsteady > UNSTEADY_MAX:
        return f"{unsteady} reference counts differ between two observations"
    return None


def say_truth(path):
    """Write the truth; leave nothing behind."""
    observe([])
    first = observe([])
    second = observe([id(first), *map(id, first)])
    problem = disagreement(first, second)
    if problem:
        os.write(2, f"truth_target: {problem}\n".encode())
        os._exit(1)
    names = truth_file.pack_names(names_of_types(second[1]))
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    columns = [truth_file.header(os.getpid(), len(second[0]), len(second[6]), len(second[7]), names)]
    columns += [memoryview(column).cast("B") for column in second] + [names]
    for column in columns:
        written = 0
        while written < len(column):
            written += os.write(file, column[written:])
    os.close(file)


def stand_still():
    os.read(0, 1)


def running_generator(path, ready):
    """Observed while it runs."""
    held = [{"held by a running": "generator"}]
    say_truth(path)
    os.write(1, ready)
    stand_still()
    yield held


async def running_coroutine(path, ready):
    held = ["held by a running coroutine"]
    for item in running_generator(path, ready):
        held.append(item)


def main(path):
    directory = tempfile.mkdtemp(prefix="truth-")
    try:
        zoo = truth_zoo.build(directory)
    finally:
        shutil.rmtree(directory)
    ready = b"ready %d\n" % os.getpid()
    for _ in range(3):
        gc.collect()
    gc.disable()
    try:
        truth_zoo.fail(2, ["handled while observed"])
    except truth_zoo.CustomError:
        try:
            running_coroutine(path, ready).send(None)
        except StopIteration:
            pass
    # Threads are blocked for good, and objects are in states that do not like being taken apart.
    os._exit(0 if zoo else 1)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: truth_target.py FILE")
    main(sys.argv[1])
elif "uwsgi" in sys.modules:
    main(os.environ["TRUTH_FILE"])
