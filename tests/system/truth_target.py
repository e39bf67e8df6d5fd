# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A process that holds one of everything (truth_zoo), says the truth about it, and stands still.

    truth_target.py FILE     writes FILE (truth_file.py), prints "ready PID", waits for end of input

Runs on CPython 2.7 and from 3.6 on. As the wsgi-file of uWSGI (lazy-apps, honour-stdin) it does the
same in a worker; FILE is then in the environment as TRUTH_FILE, and the folder of truth_zoo in uWSGI's
pythonpath.

The observer must not change what it observes. It runs three times, with the collector switched off: the
first time fills caches, the other two must agree in everything but the reference counts of
what the observer itself uses. (If they do not, threads are still on their way to where they block: it tries
again.) Its own tables are arrays of numbers and are let go before the
process stands still; the addresses of those that exist during the observation are declared in the
file. So are its frames, where frames are objects.
"""

import array
import ctypes
import gc
import os
import shutil
import sys
import tempfile
import time
import traceback
import types
import warnings

import truth_file
import truth_zoo

#: Objects whose reference counts may differ between two observations, as the observer itself uses them.
UNSTEADY_MAX = 40
#: Observations until two in a row agree.
ATTEMPTS = 10

TPFLAGS_HAVE_GC = 1 << 14
TPFLAGS_TYPE_SUBCLASS = 1 << 31  # instances are types
HAS_FRAME_OBJECTS = sys.version_info < (3, 11)  # each running frame is an object
HAS_IMMORTALS = sys.version_info >= (3, 12)
IMMORTAL_BIT = 1 << 31  # of the low half of a reference count
GENERATORS = {types.GeneratorType: "gi_running"}
for name, field in (("CoroutineType", "cr_running"), ("AsyncGeneratorType", "ag_running")):
    if hasattr(types, name):
        GENERATORS[getattr(types, name)] = field
BYTES_OF = buffer if sys.version_info < (3,) else memoryview  # noqa: F821
flags_of_type = type.__dict__["__flags__"].__get__
get_mro = type.__dict__["__mro__"].__get__


def numbers():
    return array.array(truth_file.UNSIGNED)


def mro_of_type(kind):
    """Some static types are used and never made ready, in old versions."""
    return get_mro(kind) or (kind,)


def says_own_size(kind):
    """Does a class in Python override __sizeof__?"""
    return any(
        isinstance(vars(base).get("__sizeof__"), types.FunctionType)
        for base in mro_of_type(kind))


def is_running(one, kind, frames):
    """A frame, or what has one, that is being executed: the collector does not look into all of it."""
    if kind in GENERATORS:
        return getattr(one, GENERATORS[kind])
    return kind is types.FrameType and (id(one) in frames or not gc.get_referents(one))


def running_frames():
    """Addresses of frames on the stacks of threads, where asking for them does not make them."""
    frames = set()
    if HAS_FRAME_OBJECTS:
        for frame in list(sys._current_frames().values()):
            while frame is not None:
                frames.add(id(frame))
                frame = frame.f_back
    return frames


def is_immortal(refcount):
    return HAS_IMMORTALS and bool(refcount & IMMORTAL_BIT)


def object_at(table, index):
    """The object whose address is a number of a table."""
    return ctypes.py_object.from_address(table.buffer_info()[0] + index * table.itemsize).value


def interned_dict(objects):
    """[address of the dict of interned strings], where the collector knows it (3.14): its references are
    not counted, and are none."""
    for one in objects:
        if type(one) is dict and len(one) > 1000 and all(key is value for key, value in one.items()):
            return [id(one)]
    return []


def observe(excluded):
    """(addresses, types, sizes, refcounts, flags, edge_starts, edges, own addresses)."""
    addresses, kinds, sizes, flags = numbers(), numbers(), numbers(), numbers()
    edge_starts, edges, own = numbers(), numbers(), numbers()
    refcounts = array.array(truth_file.SIGNED)
    frames = running_frames()
    known = set(excluded)
    own_size = {}
    for table in (addresses, kinds, sizes, refcounts, flags, edge_starts, edges, own, known, own_size,
                  frames, excluded):
        known.add(id(table))
        own.append(id(table))
    table = None
    if HAS_FRAME_OBJECTS:
        known.add(id(sys._getframe()))
        own.append(id(sys._getframe()))
    own.extend(excluded)
    get_referents, getsizeof, getrefcount = gc.get_referents, sys.getsizeof, sys.getrefcount
    is_tracked = gc.is_tracked

    # Everything: what the collector knows, frames that run (3.7 to 3.10 hide them from it), and all that can
    # be reached from these.
    # (No comprehension: its closure would be an object more.)
    objects = []
    known.add(id(objects))
    own.append(id(objects))
    for one in gc.get_objects():
        if id(one) not in known:
            objects.append(one)
    one = None
    known.update(map(id, objects))
    if HAS_FRAME_OBJECTS:
        for one in sys._current_frames().values():
            while one is not None:
                if id(one) not in known:
                    known.add(id(one))
                    objects.append(one)
                one = one.f_back
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
        if flags_of_type(kind) & TPFLAGS_TYPE_SUBCLASS:
            flag |= truth_file.TYPE
        if is_running(one, kind, frames):
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

    # Measured like the others, first and last, but held by the list alone: what the observer itself adds.
    objects.insert(0, object())
    objects.append(object())
    for one in objects:
        refcounts.append(getrefcount(one))
    one = None
    added = refcounts.pop() - 1
    if refcounts.pop(0) - 1 != added:
        raise AssertionError("what asking for a reference count adds to it changes")
    del objects[0], objects[-1]
    # The list's own reference is in `added` as the 1 that the object has: it is not the object's.
    for index in range(len(refcounts)):
        if is_immortal(refcounts[index]):
            flags[index] |= truth_file.IMMORTAL
        else:
            refcounts[index] -= added + 1
    return addresses, kinds, sizes, refcounts, flags, edge_starts, edges, own


def names_of_types(addresses, kinds, flags):
    """{address of type: names of it and its bases}, after all is measured: asking makes objects."""
    names = {}
    for index, flag in enumerate(flags):
        if flag & truth_file.TYPE:
            names[addresses[index]] = [name_of(base) for base in mro_of_type(object_at(addresses, index))]
    for index, address in enumerate(kinds):
        if address not in names:
            names[address] = [name_of(base) for base in mro_of_type(object_at(kinds, index))]
    return names


def name_of(kind):
    if not isinstance(kind, type):
        return "%s.%s" % (kind.__module__, kind.__name__)  # a base in the old style
    try:
        module = type.__dict__["__module__"].__get__(kind)
    except AttributeError:  # somebody deleted it
        module = None
    name = type.__dict__["__qualname__" if "__qualname__" in type.__dict__ else "__name__"].__get__(kind)
    if not isinstance(module, str) or module in ("builtins", "__builtin__"):
        return name
    return "%s.%s" % (module, name)


def disagreement(first, second):
    """What two observations differ in, or None."""
    for index, column in enumerate(("addresses", "types", "sizes", "", "flags", "starts", "edges")):
        if column and first[index] != second[index]:
            return ("%s differ between two observations (%d and %d values)"
                    % (column, len(first[index]), len(second[index])))
    unsteady = sum(a != b for a, b in zip(first[3], second[3]))
    if unsteady > UNSTEADY_MAX:
        return "%d reference counts differ between two observations" % unsteady
    return None


def write_all(file, column):
    written, size = 0, len(column) * getattr(column, "itemsize", 1)
    while written < size:
        written += os.write(file, BYTES_OF(column)[written:] if sys.version_info < (3,)
                            else memoryview(column).cast("B")[written:])


def say_truth(path, interned):
    """Write the truth; leave nothing behind."""
    frame = [id(sys._getframe())] if HAS_FRAME_OBJECTS else []
    frame.append(id(frame))
    frame.extend(interned)
    observe(frame)
    attempts, problem = ATTEMPTS, "not tried"
    while problem and attempts:  # (A range would be a list, in 2.7.)
        attempts -= 1
        first = observe(frame)
        second = observe(frame + [id(first)] + list(map(id, first)))
        problem = disagreement(first, second)
        if problem:
            time.sleep(0.1)
    if problem:
        os.write(2, ("truth_target: %s\n" % problem).encode())
        os._exit(1)
    names = truth_file.pack_names(names_of_types(second[0], second[1], second[4]), "%d.%d.%d" % sys.version_info[:3])
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    write_all(file, truth_file.header(os.getpid(), len(second[0]), len(second[6]), len(second[7]), names))
    for column in second:
        write_all(file, column)
    write_all(file, names)
    os.close(file)


def main(path):
    warnings.simplefilter("ignore")
    if os.environ.get("TRUTH_HEAP_BYTES"):
        ctypes.CDLL(None).sbrk(ctypes.c_ssize_t(int(os.environ["TRUTH_HEAP_BYTES"])))
    directory = tempfile.mkdtemp(prefix="truth-")
    try:
        zoo = truth_zoo.build(directory)
    finally:
        shutil.rmtree(directory)
    ready = ("ready %d\n" % os.getpid()).encode()

    def observed():
        say_truth(path, interned)
        os.write(1, ready)
        os.read(0, 1)

    for _ in range(3):
        gc.collect()
    gc.disable()
    interned = interned_dict(gc.get_objects()) or interned_dict(zoo["frozen"])
    truth_zoo.observe_within(observed)
    # Threads are blocked for good, and objects are in states that do not like being taken apart.
    os._exit(0 if zoo else 1)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: truth_target.py FILE")
    try:
        main(sys.argv[1])
    except Exception:
        traceback.print_exc()
        os._exit(1)  # what is unfinished would complain at length
elif "uwsgi" in sys.modules:
    main(os.environ["TRUTH_FILE"])
