# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A process full of one library's objects, that says what they are and stands still.

    target.py LIBRARY FILE

LIBRARY names a zoo_*.py beside this file. Its build(facts) holds objects and returns them. What is
written to FILE is JSON: the names of all types by address, and what the zoo said of its objects.
"""

import gc
import importlib
import json
import os
import sys


class Facts:
    """What a zoo knows of its objects, to be found from outside."""

    def __init__(self):
        self.said = []

    def say(self, what, one, size=None, least=0, holds=(), holds_not=()):
        """@one has this shallow size, or at least that, holds these objects by edges, and not those."""
        self.said.append({
            "what": what, "at": id(one), "size": size, "least": least,
            "holds": [id(held) for held in holds], "holds_not": [id(held) for held in holds_not]})


def all_types():
    found, position = [object], 0
    seen = {id(object)}
    while position < len(found):
        for kind in type.__subclasses__(found[position]):
            if id(kind) not in seen:
                seen.add(id(kind))
                found.append(kind)
        position += 1
    return found


def name_of(kind):
    module = type.__dict__["__module__"].__get__(kind)
    name = type.__dict__["__qualname__"].__get__(kind)
    return f"{module}.{name}" if isinstance(module, str) else name


def main(library, path):
    facts = Facts()
    zoo = importlib.import_module("zoo_" + library).build(facts)
    for _ in range(3):
        gc.collect()
    names = {id(kind): name_of(kind) for kind in all_types()}
    with open(path, "w") as file:
        json.dump({"types": names, "objects": facts.said}, file)
    print("ready", os.getpid(), flush=True)
    os.read(0, 1)
    os._exit(0 if zoo else 1)


if __name__ == "__main__":
    main(*sys.argv[1:])
