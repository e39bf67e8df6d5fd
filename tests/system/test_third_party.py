#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Objects of C libraries, seen from outside: their sizes, what they hold, and who holds them.

For each library a process of Debian's python3.11 is filled with its objects (third_party/zoo_*.py),
which say their size and what they hold themselves. The dump tool is build/tests/support/graph-dump, or
GRAPH_DUMP. Prints the share of reference counts that the references found explain.
"""

import collections
import importlib.util
import json
import os
import subprocess
import tempfile
import unittest

import compare_truth
from test_truth import DUMP_TIMEOUT_S, GRAPH_DUMP, Target

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = "/usr/bin/python3.11"
INFERRED = compare_truth.INFERRED

#: library: types that are its own, by the beginning of their names
LIBRARIES = {
    "numpy": ("numpy.", "zoo_numpy."),
    "lxml": ("lxml.", "zoo_lxml."),
    "sqlalchemy": ("sqlalchemy.", "zoo_sqlalchemy."),
    "models": ("pydantic.", "attr.", "zoo_models."),
    "sqlite": ("sqlite3.", "zoo_sqlite."),
    "greenlet": ("greenlet.", "zoo_greenlet."),
    "gevent": ("gevent.", "greenlet.", "zoo_gevent."),
    "psycopg2": ("psycopg2.", "psycopg."),
}
#: Looked at where it is installed: it is large.
OPTIONAL = {"pandas": ("pandas.", "numpy.")}

#: Of the objects of the library's own types, and of all objects.
EXPLAINED_MIN = {"own": 99.0, "all": 99.0}

#: Bytes of a dead object in a block that is something else by now can look like an object: so many.
REMNANTS_MAX = 2


class Picture:
    """A graph, and what the process said of itself."""

    def __init__(self, library, said, nodes):
        self.nodes = nodes
        self.said = said["objects"]
        self.names = {int(address): name for address, name in said["types"].items()}
        self.prefixes = {**LIBRARIES, **OPTIONAL}[library]

    def name(self, node):
        return self.names.get(node.type, "?")

    def counted(self):
        """The objects whose counts mean something: (is it one of the library's, node)."""
        for node in self.nodes.values():
            if not node.flags & compare_truth.STATIC:
                yield self.name(node).startswith(self.prefixes), node

    def held(self, address):
        return {edge & ~INFERRED for edge in self.nodes[address].edges}


def take(library):
    """A Picture of the library's zoo."""
    with tempfile.TemporaryDirectory(prefix="third-party-") as folder:
        facts, dump = os.path.join(folder, "facts"), os.path.join(folder, "dump")
        command = [PYTHON, os.path.join(HERE, "third_party", "target.py"), library, facts]
        with Target(command) as target:
            done = subprocess.run([GRAPH_DUMP, str(target.pid), dump], capture_output=True,
                                  text=True, timeout=DUMP_TIMEOUT_S, check=False)
            if done.returncode:
                raise AssertionError(f"graph-dump: {done.stderr}")
        with open(facts, encoding="utf-8") as file:
            return Picture(library, json.load(file), compare_truth.read_dump(dump))


def is_explained(node):
    return node.exact + node.inferred == node.refcount


class ThirdPartyTest(unittest.TestCase):
    maxDiff = None

    def look_at(self, library):
        self.assertTrue(os.access(GRAPH_DUMP, os.X_OK), f"{GRAPH_DUMP} is not there: make build")
        picture = take(library)
        self.check_facts(picture)
        self.check_counts(library, picture)
        self.check_holders(picture)

    def check_facts(self, picture):
        wrong = collections.Counter()
        for fact in picture.said:
            node = picture.nodes.get(fact["at"])
            if node is None:
                wrong[fact["what"] + ": not found"] += 1
                continue
            if fact["size"] not in (None, node.size):
                wrong[f"{fact['what']}: {node.size} bytes, not {fact['size']}"] += 1
            if node.size < fact["least"]:
                wrong[f"{fact['what']}: {node.size} bytes, less than {fact['least']}"] += 1
            held = picture.held(fact["at"])
            missing = set(fact["holds"]) - held
            if missing:
                wrong[f"{fact['what']}: {len(missing)} references not found"] += 1
            if held & set(fact["holds_not"]):
                wrong[fact["what"] + ": references that are none"] += 1
            if node.flags & compare_truth.UNEXPLAINED:
                wrong[fact["what"] + ": seems held by C code"] += 1
        self.assertEqual(dict(wrong), {})

    def check_counts(self, library, picture):
        count, exact, explained = (collections.Counter() for _ in range(3))
        for is_own, node in picture.counted():
            for group in ("own", "all") if is_own else ("all",):
                count[group] += 1
                exact[group] += node.exact == node.refcount
                explained[group] += is_explained(node)
        for group in ("own", "all"):
            share = 100 * explained[group] / count[group]
            print(f"# {library}, {group}: {count[group]} objects, counts explained exactly "
                  f"{100 * exact[group] / count[group]:.2f} %, with inferred {share:.2f} %", flush=True)
            self.assertGreaterEqual(share, EXPLAINED_MIN[group])

    def check_holders(self, picture):
        """Nothing of the library's own is held by somebody unknown."""
        unknown = collections.Counter(
            picture.name(node) for is_own, node in picture.counted()
            if is_own and node.flags & compare_truth.UNEXPLAINED)
        self.assertLessEqual(unknown.total(), REMNANTS_MAX, unknown)


def add_tests():
    def test_of(library):
        return lambda self: self.look_at(library)

    for library in LIBRARIES:
        setattr(ThirdPartyTest, "test_" + library, test_of(library))
    for library in OPTIONAL:
        if importlib.util.find_spec(library):
            setattr(ThirdPartyTest, "test_" + library, test_of(library))


add_tests()

if __name__ == "__main__":
    unittest.main()
