# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""The file in which a process says the truth about its own heap; for Python 2.7 and 3. Little-endian:

    8 bytes   "SHKTRUE2"
    u64 x 5   objects, edges, excluded, bytes of names, pid
    u64[]     address of each object
    u64[]     address of its type
    u64[]     sys.getsizeof
    i64[]     reference count, without the observer's own references; of immortal objects as it is
    u64[]     flags (below)
    u64[]     where its referents begin among all referents; one more than there are objects
    u64[]     addresses of referents, as gc.get_referents gives them
    u64[]     addresses of the observer's own objects: nothing is said about them, nor about
              references from and to them
    bytes     JSON: {"version": of Python, "types": {address of type: [its name, the names of its bases
              in the order of its mro]}}
"""

import array
import collections
import json
import struct

MAGIC = b"SHKTRUE2"
HEADER = struct.Struct("<8s5Q")

TRACKED = 1  # gc.is_tracked
OWN_SIZE = 2  # a class in Python says __sizeof__ itself, or sys.getsizeof refuses
GC_TYPE = 4  # the type takes part in garbage collection
RUNNING = 8  # a frame, generator or coroutine that is being executed
IMMORTAL = 16  # its reference count says that it is not counted
TYPE = 32  # itself a type

#: Which of the columns is signed.
REFCOUNTS = 3

#: Of arrays: 64 bits. (2.7 has no "Q".)
UNSIGNED, SIGNED = "L", "l"

Truth = collections.namedtuple(
    "Truth", "pid addresses types sizes refcounts flags edge_starts edges excluded type_names version")


def pack_names(names, version):
    types = {str(address): name for address, name in names.items()}
    return json.dumps({"version": version, "types": types}).encode()


def header(pid, objects, edges, excluded, names):
    return HEADER.pack(MAGIC, objects, edges, excluded, len(names), pid)


def write(path, truth):
    """For tests: the target itself writes without making new objects."""
    names = pack_names(truth.type_names, truth.version)
    with open(path, "wb") as file:
        file.write(header(truth.pid, len(truth.addresses), len(truth.edges),
                          len(truth.excluded), names))
        for column in truth[1:9]:
            column.tofile(file)
        file.write(names)


def read(path):
    with open(path, "rb") as file:
        magic, objects, edges, excluded, names, pid = HEADER.unpack(file.read(HEADER.size))
        if magic != MAGIC:
            raise ValueError("%s is not a truth file" % path)
        columns = []
        for n, count in enumerate((objects,) * 5 + (objects + 1, edges, excluded)):
            column = array.array(SIGNED if n == REFCOUNTS else UNSIGNED)
            column.fromfile(file, count)
            columns.append(column)
        said = json.loads(file.read(names).decode())
    type_names = {int(address): name for address, name in said["types"].items()}
    return Truth(pid, *(columns + [type_names, said["version"]]))
