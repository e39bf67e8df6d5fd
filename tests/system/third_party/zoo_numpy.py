# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Arrays that own data, views, arrays of objects, records, scalars, dtypes, iterators."""

import mmap
import sys
import tempfile

import numpy as np

EACH = 100


class Item:
    def __init__(self, number):
        self.number = number


def size_of(array):
    """What the array itself takes: its data only if it owns it."""
    return sys.getsizeof(array)


def plain(facts, held):
    for number in range(EACH):
        array = np.full((50, number + 10), number, dtype=np.float64)
        assert size_of(array) > array.nbytes
        facts.say("an array owns its data", array, size_of(array), holds=[array.dtype])
        view = array[::2, 1:]
        facts.say("a view does not", view, size_of(view), holds=[array])
        view_of_view = view.T[1:]
        assert view_of_view.base is array
        facts.say("nor a view of a view", view_of_view, size_of(view_of_view), holds=[array])
        held += [array, view, view_of_view]
    for shape in ((), (0,), (0, 7), (1,), (7, 0, 3), (2,) * 20):
        array = np.zeros(shape)
        facts.say(f"shape {shape}", array, size_of(array))
        held.append(array)
    for order in "CFK":
        # Neither C nor Fortran order, and owner of its data all the same.
        array = np.copy(np.zeros((10, 20, 30)).transpose(1, 0, 2), order=order)
        assert array.flags.owndata
        facts.say(f"order {order}", array, size_of(array))
        held.append(array)
    for dtype in ("i1", "u2", "f4", "c16", "M8[s]", "m8[D]", "S13", "U7", "V9", "?", "f2", "g"):
        array = np.zeros((33, 3), dtype=dtype)
        assert array.nbytes == 99 * array.itemsize
        facts.say(f"dtype {dtype}", array, size_of(array))
        held.append(array)
    broadcast = np.broadcast_to(np.arange(10.0), (100, 10))
    facts.say("broadcast", broadcast, size_of(broadcast))
    flat = np.arange(1000).reshape(10, 100).copy()
    resized = np.arange(10)
    resized.resize(5000, refcheck=False)
    facts.say("resized", resized, size_of(resized))
    held += [broadcast, flat, resized]


def foreign(facts, held):
    data = bytes(1 << 20)
    array = np.frombuffer(data, dtype=np.uint8)
    facts.say("over bytes", array, size_of(array))
    writable = bytearray(1 << 20)
    over = np.frombuffer(memoryview(writable)[100:], dtype=np.uint8)
    facts.say("over a memoryview", over, size_of(over))
    anonymous = mmap.mmap(-1, 1 << 20)
    mapped = np.frombuffer(anonymous, dtype=np.uint16)
    facts.say("over a mapping", mapped, size_of(mapped))
    file = tempfile.TemporaryFile()
    memory_map = np.memmap(file, dtype=np.float64, mode="w+", shape=(1000, 10))
    facts.say("memmap", memory_map, size_of(memory_map), holds=[memory_map._mmap])
    part = memory_map[10:20]
    facts.say("part of a memmap", part, size_of(part), holds=[memory_map])

    class Interface:
        def __init__(self):
            self.kept = np.arange(100.0)
            self.__array_interface__ = self.kept.__array_interface__

    interface = Interface()
    through = np.asarray(interface)
    facts.say("over an array interface", through, size_of(through), holds=[interface])
    held += [array, over, mapped, memory_map, part, through]


def objects(facts, held):
    for number in range(EACH):
        items = [Item(n) for n in range(20)]
        array = np.array(items, dtype=object)
        facts.say("an array of objects holds them", array, size_of(array), holds=items)
        table = np.empty((4, 5), dtype=object)
        table.flat[:] = items
        facts.say("a table of objects", table, size_of(table), holds=items)
        turned = np.asfortranarray(table)
        facts.say("in Fortran order", turned, size_of(turned), holds=items)
        strided = array[::3]
        facts.say("a strided view holds the array, not the objects", strided, size_of(strided),
                  holds=[array], holds_not=items)
        held += [array, table, turned, strided]
    cube = np.empty((2, 3, 4), dtype=object)
    cube.flat[:] = [Item(n) for n in range(24)]
    copy = np.copy(cube.transpose(1, 0, 2), order="K")
    facts.say("objects in neither order", copy, size_of(copy), holds=list(cube.flat))
    empty = np.empty(10, dtype=object)
    facts.say("no objects yet", empty, size_of(empty))
    single = np.empty((), dtype=object)
    lone = Item(1)
    single[()] = lone
    facts.say("one object, no dimension", single, size_of(single), holds=[lone])
    held += [cube, copy, empty, single]


def records(facts, held):
    for number in range(EACH):
        dtype = np.dtype([("a", "i4"), ("who", "O"), ("at", [("x", "f8"), ("what", "O")]),
                          ("many", "O", (2, 2))], align=number % 2 == 1)
        array = np.zeros(5, dtype=dtype)
        items = []
        for row in range(5):
            mine = [Item(n) for n in range(6)]
            array[row] = (row, mine[0], (1.5, mine[1]), [mine[2:4], mine[4:6]])
            items += mine
        mine = None
        facts.say("fields of records", array, size_of(array), holds=items + [dtype])
        row = array[2]
        facts.say("a record", row, holds=[array])
        column = array["who"]
        facts.say("a column", column, size_of(column), holds=[array], holds_not=items)
        copy = row.copy()
        facts.say("a copied record has an array of its own", copy, holds=[copy.base])
        facts.say("which holds the same", copy.base, size_of(copy.base), holds=items[12:18])
        held += [dtype, array, row, column, copy]
    titled = np.zeros(3, dtype=[(("the title", "name"), "O"), ("b", "i1")])
    named = [Item(n) for n in range(3)]
    titled["name"] = named
    facts.say("a field with a title", titled, size_of(titled), holds=named)
    held.append(titled)
    table = np.rec.array([(1, 2.0, "x"), (3, 4.0, "y")] * 50,
                         dtype=[("a", "i8"), ("b", "f8"), ("c", "U3")])
    facts.say("a record array", table, size_of(table))
    held += [table, table[3], table.b]


def derived(facts, held):
    class Labelled(np.ndarray):
        pass

    for number in range(EACH):
        masked = np.ma.masked_array(np.arange(100.0), mask=np.arange(100) % 2 == 0)
        facts.say("a masked array", masked, holds=[masked.base, masked.__dict__])
        facts.say("has a mask", masked.__dict__, holds=[masked._mask])
        labelled = np.arange(50.0).copy().view(Labelled)
        labelled.label = "label %d" % number
        facts.say("a subclass", labelled, holds=[labelled.base, labelled.__dict__])
        held += [masked, labelled]
    held += [np.matrix([[1, 2], [3, 4]]), np.char.array(["a", "b"]), np.poly1d([1, 2, 3])]


def scalars(facts, held):
    made = []
    for number in range(EACH):
        made += [
            np.float64(number), np.float32(number), np.int64(number + 1000), np.int8(number),
            np.complex128(number), np.longdouble(number), np.datetime64(number, "s"),
            np.timedelta64(number, "D"), np.str_("text %d" % number), np.bytes_(b"%d" % number),
            np.void(b"%016d" % number), np.bool_(number % 2)]
    for scalar in made[:36]:
        facts.say(f"scalar {type(scalar).__name__}", scalar)
    # sys.getsizeof counts the value twice; the bytes of a void are not inside it.
    facts.say("a void owns its bytes", made[10], made[10].__class__.__basicsize__ + 16)
    held.append(made)


def tools(facts, held):
    for number in range(EACH):
        array = np.arange(20.0)
        walk = array.flat
        next(walk)
        facts.say("flat iterator", walk, holds=[array])
        both = np.broadcast(array, np.ones((3, 1)))
        facts.say("broadcast object", both)
        iterator = np.nditer([array, None])
        enumeration = np.ndenumerate(array)
        memory = memoryview(array)
        facts.say("memoryview", memory)
        held += [walk, both, iterator, enumeration, memory, array.flags, array.ctypes,
                 np.vectorize(lambda x: x), np.random.RandomState(number),
                 np.random.default_rng(number)]
    held.append(np.frompyfunc(lambda a, b: a, 2, 1))
    held.append(np.errstate(all="ignore"))


def build(facts):
    held = []
    for part in (plain, foreign, objects, records, derived, scalars, tools):
        part(facts, held)
    return held
