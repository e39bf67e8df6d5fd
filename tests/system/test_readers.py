#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""What `shikari export` writes, read by the tools that it is written for: jq, Graphviz, memlab, speedscope and Go's
pprof. What they understand is compared with what shikari itself says of the same snapshot.

memlab and speedscope are npm's, in the versions of tests/readers; they are put into build-readers, which stays.
"""
import collections
import fcntl
import json
import os
import re
import shutil
import subprocess
import unittest

from exported import SHIKARI, ExportTest, objects_of, run, stacks_of
from targets import TESTS

READERS = os.path.join(TESTS, "readers")
INSTALLED = os.path.join(os.path.dirname(TESTS), "build-readers")
LISTS = ("package.json", "package-lock.json", ".npmrc")
# Nodes of a heapsnapshot that are no objects: roots and their groups.
OTHER_NODES = 11


def same_file(left, right):
    try:
        with open(left, "rb") as one, open(right, "rb") as other:
            return one.read() == other.read()
    except FileNotFoundError:
        return False


def install_readers():
    """What package-lock.json has, once; whoever else is about it is waited for."""
    os.makedirs(INSTALLED, exist_ok=True)
    with open(os.path.join(INSTALLED, "lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # npm writes this one last.
        if os.path.exists(os.path.join(INSTALLED, "node_modules", ".package-lock.json")) and all(
                same_file(os.path.join(READERS, name), os.path.join(INSTALLED, name)) for name in LISTS):
            return
        shutil.rmtree(os.path.join(INSTALLED, "node_modules"), ignore_errors=True)
        for name in LISTS:
            shutil.copy(os.path.join(READERS, name), os.path.join(INSTALLED, name))
        subprocess.run(["npm", "ci", "--prefer-offline"], cwd=INSTALLED, stdin=subprocess.DEVNULL, timeout=300,
                       check=True)


class Readers(ExportTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.heap = objects_of(run(SHIKARI, "export", cls.snapshot, "--to", "ndjson").stdout)

    def one(self, number):
        return self.heap[number - 1]

    def above(self, number):
        """What dominates an object, the nearest first."""
        while number:
            number = self.one(number)["dominator"]
            yield number


class Jq(Readers):
    def test_jq_reads_ndjson(self):
        total = self.tool("jq", "-n", "reduce inputs as $one (0; . + $one.size)", self.path("ndjson"))
        self.assertEqual(int(total), self.bytes)
        said = self.tool("jq", "-n", "-c", "reduce inputs as $one ({}; .[$one.type] += 1)", self.path("ndjson"))
        self.assertEqual(json.loads(said), {name: count for name, (count, _) in self.types.items()})


class Graphviz(Readers):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        rows = json.loads(run(SHIKARI, "sql", "--json", cls.snapshot, "SELECT node, path FROM paths").stdout)
        cls.paths = {row["node"]: row["path"] for row in rows}

    def drawing(self, *options):
        drawn = os.path.join(self.folder.name, "drawn.dot")
        self.export("dot", "-o", drawn, *options)
        self.assertIn(b"</svg>", self.tool("dot", "-Tsvg", drawn))
        return json.loads(self.tool("dot", "-Tdot_json", drawn))

    def test_boxes_are_the_dominators(self):
        drawing = self.drawing()
        numbers = [int(box["name"][1:]) for box in drawing["objects"]]
        self.assertEqual(len(drawing["edges"]), len(numbers) - 1)
        for box, number in zip(drawing["objects"], numbers):
            if number:
                path, rest = box["label"].split("\\n")
                self.assertEqual(path, self.paths[number])
                self.assertEqual(rest.rpartition(", ")[0], self.one(number)["type"])
                share = float(re.search(r"\((\d+\.\d) %\)", rest)[1])
                reachable = sum(one["size"] for one in self.heap if one["reachable"])
                self.assertAlmostEqual(share, 100 * self.one(number)["retained"] / reachable, delta=0.051)
        for edge in drawing["edges"]:
            tail, head = numbers[edge["tail"]], numbers[edge["head"]]
            self.assertEqual(next(one for one in self.above(head) if one in numbers), tail)
        # Whatever has much is there, but for what is a link of a chain: below one of its type.
        for one in self.heap:
            near = [self.one(other)["type"] for other in list(self.above(one["id"]))[:3] if other] \
                if one["reachable"] else [one["type"]]
            if one["retained"] > self.bytes / 900 and one["type"] not in near:
                self.assertIn(one["id"], numbers, one)
        # The chain of two thousand is one box.
        self.assertEqual(sum(self.one(number)["type"] == "__main__.Node" for number in numbers if number), 1)

    def test_as_many_boxes_as_are_asked_for(self):
        most = max((one for one in self.heap if one["reachable"]), key=lambda one: one["retained"])
        drawing = self.drawing("--limit", "1")
        self.assertEqual(sorted(int(box["name"][1:]) for box in drawing["objects"]), [0, most["id"]])


class Memlab(Readers):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        install_readers()
        path = os.path.join(cls.folder.name, "memlab.heapsnapshot")
        done = run(SHIKARI, "export", cls.snapshot, "--to", "heapsnapshot", "-o", path)
        assert done.returncode == 0, done.stderr
        done = run("node", os.path.join(READERS, "read_heapsnapshot.js"), path,
                   env={**os.environ, "NODE_PATH": os.path.join(INSTALLED, "node_modules")})
        assert done.returncode == 0, done.stderr
        cls.nodes = objects_of(done.stdout)

    def pairs(self):
        """An object, and the node that it is."""
        return zip(self.heap, self.nodes[OTHER_NODES:])

    def test_nodes_are_the_objects(self):
        self.assertEqual(len(self.nodes), self.objects + OTHER_NODES)
        self.assertTrue(all(node["type"] == "synthetic" and node["size"] == 0 for node in self.nodes[:OTHER_NODES]))
        for one, node in self.pairs():
            self.assertEqual(node["size"], one["size"])
            kind = {"function": "closure", "code": "code"}.get(one["type"], "object")
            self.assertEqual(node["type"], kind, one["type"])
            if "name" in one and one["type"] in ("type", "module", "function", "code"):
                before = {"type": "class ", "module": "module "}.get(one["type"], "")
                self.assertEqual(node["name"], before + one["name"])
            elif "name" not in one:
                self.assertEqual(node["name"], one["type"])

    def expected_retainers(self):
        """For each object, (number of the object or None for a group of roots, kind, name or index)."""
        found = collections.defaultdict(list)
        for one in self.heap:
            for index, edge in enumerate(one["edges"]):
                name = edge.get("name", "")
                found[edge["to"]].append((one["id"], *{
                    "index": lambda edge=edge: ("element", edge.get("index")),
                    "item": lambda index=index: ("element", index),
                    "key": lambda name=name: ("property", f"[{name}]"),
                    "attribute": lambda name=name: ("property", name),
                    "slot": lambda name=name: ("property", name),
                    "cell": lambda name=name: ("context", name),
                    "local": lambda name=name: ("context", name),
                    "field": lambda name=name: ("internal", name),
                    "key_object": lambda: ("internal", "key"),
                    "stack": lambda: ("internal", "value stack"),
                    "unknown": lambda index=index: ("hidden", index),
                }[edge["kind"]]()))
            found[one["id"]] += [(None, *(("internal", root["name"]) if "name" in root else ("element", None)))
                                 for root in one["roots"]]
            if not one["reachable"]:
                found[one["id"]].append((None, "weak", "unreachable"))
        return found

    def test_retainers_are_the_references(self):
        ids = {node["id"]: one["id"] for one, node in self.pairs()}
        expected = self.expected_retainers()
        total = 0
        for one, node in self.pairs():
            # A root without a name has any index.
            said = [(ids.get(source), kind, None if source not in ids and kind == "element" else name)
                    for source, kind, name in node["retainers"]]
            self.assertEqual(collections.Counter(said), collections.Counter(expected[one["id"]]), one)
            total += len(said)
        self.assertGreater(total, 2 * self.objects)

    def test_retained_sizes_are_the_same(self):
        # For memlab what is unreachable holds what it refers to: what that is below retains less.
        differing = {number for one in self.heap if not one["reachable"] for edge in one["edges"]
                     if self.one(edge["to"])["reachable"] for number in self.above(edge["to"])}
        compared = [(one, node) for one, node in self.pairs() if one["reachable"] and one["id"] not in differing]
        self.assertGreater(len(compared), self.objects - 20)
        for one, node in compared:
            self.assertEqual(node["retained"], one["retained"], one)
        big = [one for one, _ in compared if one["retained"] > 100 * one["size"]]
        self.assertGreater(len(big), 5)


class Stacks(Readers):
    """Each object with its bytes in one stack, whoever reads it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.stacks = stacks_of(run(SHIKARI, "export", cls.snapshot, "--to", "collapsed").stdout)
        # From 1.25 on Go builds its tools when they are first used: 40 s of processors. The C compiler is
        # not needed for this one.
        os.environ["CGO_ENABLED"] = "0"
        subprocess.run(["go", "tool", "pprof", "-help"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, timeout=500, check=False)

    def assert_stacks(self, found):
        """(objects, bytes) by stack are those of the heap."""
        self.assertEqual({stack: size for stack, (_, size) in found.items() if size}, self.stacks)
        by_type = collections.defaultdict(lambda: (0, 0))
        for stack, (count, size) in found.items():
            # The last frame says what it is: "[] (bytes)"; of the unreachable it is the type.
            name = stack[-1] if stack[0] == "unreachable" else re.search(r" \(([^()]*)\)$", stack[-1])[1]
            by_type[name] = (by_type[name][0] + count, by_type[name][1] + size)
        self.assertEqual(by_type, self.types)
        queue, = (stack for stack in found
                  if stack[0].endswith("__main__.main local queue (list)") and stack[1:] == ("[] (bytes)",))
        self.assertEqual(found[queue], (100, 100 * (1000 + 33)))
        rows, = (stack for stack in found if stack[-3:] == ("['rows'] (list)", "[] (tuple)", "[] (list)"))
        self.assertEqual(found[rows][0], 3000)

    def test_speedscope(self):
        install_readers()
        done = run("node", os.path.join(READERS, "read_speedscope.js"), self.path("speedscope"),
                   env={**os.environ, "NODE_PATH": os.path.join(INSTALLED, "node_modules")})
        self.assertEqual(done.returncode, 0, done.stderr)
        said = json.loads(done.stdout)
        self.assertIn(str(self.process.pid), said["name"])
        self.assertEqual([(one["name"], one["unit"], one["total"]) for one in said["profiles"]],
                         [("bytes", "bytes", self.bytes), ("objects", "none", self.objects)])
        self.assertEqual(said["shown"], 0)
        sizes, counts = ({tuple(stack): weight for stack, weight in one["stacks"]} for one in said["profiles"])
        self.assertEqual(len(sizes), len(said["profiles"][0]["stacks"]))
        self.assert_stacks({stack: (counts[stack], sizes.get(stack, 0)) for stack in counts})

    def pprof(self, *options):
        return self.tool("go", "tool", "pprof", *options, self.path("pprof")).decode()

    def test_pprof(self):
        raw = self.pprof("-raw")
        head, _, rest = raw.partition("Samples:\n")
        samples, _, rest = rest.partition("\nLocations\n")
        places, _, _ = rest.partition("\nMappings\n")
        self.assertRegex(head, r"(?m)^Time: 20\d\d-")
        lines = samples.splitlines()
        self.assertEqual(lines[0].split(), ["inuse_objects/count", "inuse_space/bytes[dflt]"])
        # Lines, and of newer versions columns, are unknown.
        frames = dict(re.match(r" *(\d+): 0x0 M=1 (.*) :0(?::0)? s=0\(\)$", line).groups()
                      for line in places.splitlines())
        found = {}
        for line in lines[1:]:
            values, _, stack = line.partition(":")
            stack = tuple(frames[number] for number in reversed(stack.split()))
            self.assertNotIn(stack, found)
            found[stack] = tuple(map(int, values.split()))
        self.assert_stacks(found)

    def test_what_pprof_shows(self):
        flat = collections.Counter()
        for stack, size in self.stacks.items():
            flat[stack[-1]] += size
        shown = self.pprof("-top", "-unit", "B", "-nodecount", "10", "-nodefraction", "0", "-edgefraction", "0")
        self.assertIn(f"of {self.bytes}B total", shown)
        rows = [line.split(None, 5) for line in shown.partition("flat%")[2].splitlines()[1:]]
        self.assertEqual([(name, int(size.rstrip("B"))) for size, _, _, _, _, name in rows],
                         sorted(flat.items(), key=lambda item: (-item[1], item[0]))[:10])
        counted = self.pprof("-top", "-sample_index", "inuse_objects", "-nodecount", "1")
        self.assertIn(f"of {self.objects} total", counted)
        # Who holds the hundred: the list, and nobody else.
        peek = self.pprof("-peek", "local queue", "-unit", "B")
        self.assertRegex(peek, r"\n +%dB +[\d.]+%% +\| +\[\] \(bytes\)\n" % (100 * (1000 + 33)))


if __name__ == "__main__":
    unittest.main()
