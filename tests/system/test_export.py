#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""What `shikari export` writes, read by the tools it is written for, and compared with `shikari show`."""
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import unittest

from targets import BUILD

SHIKARI = os.path.join(BUILD, "shikari")
SECONDS_MAX = 120

TARGET = """
import sys

class Node:
    def __init__(self, below):
        self.below = below

class Registry:
    rows = [("row %d" % i, [i]) for i in range(3000)]
    odd = {'a"b\\\\c;d\\n\\u20ac': bytearray(50000)}

chain = None
for _ in range(2000):
    chain = Node(chain)
import gc
gc.disable()
lost = Node(None)
lost.below = lost
del lost

def main():
    queue = [bytes(1000) for _ in range(100)]
    sys.stdout.write("ready\\n")
    sys.stdout.flush()
    sys.stdin.read()

main()
"""


def run(*command, **options):
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS_MAX, check=False, **options)


class Export(unittest.TestCase):
    """All of one snapshot of one process."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", TARGET], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        cls.addClassCleanup(cls.end)
        assert cls.process.stdout.readline() == b"ready\n"
        cls.snapshot = os.path.join(cls.folder.name, "a.shk")
        assert run(SHIKARI, "snap", str(cls.process.pid), "-o", cls.snapshot).returncode == 0
        heap = json.loads(run(SHIKARI, "show", "--json", cls.snapshot, "summary").stdout)["heap"]
        cls.objects, cls.bytes = heap["objects"], heap["bytes"]
        types = json.loads(run(SHIKARI, "show", "--json", cls.snapshot, "types").stdout)["rows"]
        cls.types = {row["type"]: (row["count"], row["bytes"]) for row in types}

    @classmethod
    def end(cls):
        cls.process.kill()
        cls.process.wait()
        cls.process.stdin.close()
        cls.process.stdout.close()

    def export(self, form, *options, target=None):
        result = run(SHIKARI, "export", target or self.snapshot, "--to", form, *options)
        self.assertEqual((result.returncode, result.stderr), (0, b""))
        return result.stdout

    def path(self, form):
        path = os.path.join(self.folder.name, "a." + form)
        if not os.path.exists(path):
            self.export(form, "-o", path)
        return path

    def tool(self, *command):
        result = run(*command, cwd=self.folder.name)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def objects_by_type(self):
        objects = [json.loads(line) for line in self.export("ndjson").splitlines()]
        found = {}
        for one in objects:
            count, size = found.get(one["type"], (0, 0))
            found[one["type"]] = (count + 1, size + one["size"])
        return objects, found

    def test_ndjson_is_the_heap(self):
        objects, types = self.objects_by_type()
        self.assertEqual(types, self.types)
        self.assertEqual([one["id"] for one in objects], list(range(1, self.objects + 1)))
        ids = range(1, self.objects + 1)
        self.assertTrue(all(edge["to"] in ids for one in objects for edge in one["edges"]))
        chain = [one for one in objects if one["type"] == "__main__.Node"]
        self.assertEqual(sum(not one["reachable"] for one in chain), 1)
        named = [edge for one in chain for edge in one["edges"] if edge.get("name") == "below"]
        others = [edge for one in objects if one["type"] == "dict" for edge in one["edges"]
                  if edge.get("name") == "'below'"]
        self.assertGreaterEqual(len(named) + len(others), 2000)

    def test_jq_reads_ndjson(self):
        total = self.tool("jq", "-n", "reduce inputs as $one (0; . + $one.size)", self.path("ndjson"))
        self.assertEqual(int(total), self.bytes)

    def test_heapsnapshot_adds_up(self):
        with open(self.path("heapsnapshot"), encoding="utf-8") as file:
            its = json.load(file)
        fields = its["snapshot"]["meta"]["node_fields"]
        nodes, edges = its["nodes"], its["edges"]
        step = len(fields)
        self.assertEqual(its["snapshot"]["node_count"] * step, len(nodes))
        self.assertEqual(its["snapshot"]["edge_count"] * 3, len(edges))
        self.assertEqual(sum(nodes[fields.index("edge_count")::step]) * 3, len(edges))
        self.assertEqual(sum(nodes[fields.index("self_size")::step]), self.bytes)
        ids = nodes[fields.index("id")::step]
        self.assertEqual(len(set(ids)), len(ids))
        names = [its["strings"][number] for number in nodes[fields.index("name")::step]]
        self.assertEqual(names.count("__main__.Node"), self.types["__main__.Node"][0])
        self.assertEqual(len(set(its["strings"])), len(its["strings"]))
        self.assertTrue(all(to % step == 0 and to < len(nodes) for to in edges[2::3]))
        # Followed over what is not weak, all is reached but the garbage.
        first, starts = 0, []
        for count in nodes[fields.index("edge_count")::step]:
            starts.append(first)
            first += count
        starts.append(first)
        seen, todo = {0}, [0]
        while todo:
            at = todo.pop()
            for edge in range(starts[at], starts[at + 1]):
                to = edges[3 * edge + 2] // step
                if edges[3 * edge] != 6 and to not in seen:
                    seen.add(to)
                    todo.append(to)
        objects, _ = self.objects_by_type()
        self.assertEqual(its["snapshot"]["node_count"] - len(seen),
                         sum(not one["reachable"] for one in objects))

    def test_graphviz_draws_dot(self):
        drawn = self.tool("dot", "-Tsvg", self.path("dot"))
        self.assertIn(b"</svg>", drawn)
        self.assertIn(b"Registry.rows", drawn)
        self.assertNotIn(b"below", self.export("dot", "--limit", "1"))

    def test_stacks_have_all_bytes(self):
        lines = self.export("collapsed").decode().splitlines()
        self.assertEqual(sum(int(line.rpartition(" ")[2]) for line in lines), self.bytes)
        self.assertTrue(any("queue (list);[] (bytes) " in line for line in lines), lines[:5])
        scope = json.loads(self.export("speedscope"))
        frames = range(len(scope["shared"]["frames"]))
        for profile, total in zip(scope["profiles"], (self.bytes, self.objects)):
            self.assertEqual((sum(profile["weights"]), profile["endValue"]), (total, total))
            self.assertEqual(len(profile["samples"]), len(profile["weights"]))
            self.assertTrue(all(frame in frames for stack in profile["samples"] for frame in stack))

    @unittest.skipUnless(shutil.which("go"), "no go here to read a pprof")
    def test_go_reads_pprof(self):
        raw = self.tool("go", "tool", "pprof", "-raw", self.path("pprof")).decode()
        samples = raw.partition("Samples:\n")[2].partition("\nLocations")[0].splitlines()[1:]
        found = [list(map(int, line.partition(":")[0].split())) for line in samples if ":" in line]
        self.assertEqual([sum(column) for column in zip(*found)], [self.objects, self.bytes])
        self.assertIn("[] (bytes)", raw)

    def test_a_process_is_exported_too(self):
        lines = self.export("ndjson", target=str(self.process.pid)).splitlines()
        self.assertEqual(len(lines), self.objects)

    def test_a_file_is_its_owners_alone_and_whole_or_not_there(self):
        path = os.path.join(self.folder.name, "owned.dot")
        os.umask(os.umask(0))
        self.export("dot", "-o", path)
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        folder = os.path.join(self.folder.name, "taken")
        os.mkdir(folder)
        before = sorted(os.listdir(self.folder.name))
        result = run(SHIKARI, "export", self.snapshot, "--to", "dot", "-o", folder)
        self.assertEqual(result.returncode, 3)
        self.assertIn(b"cannot write", result.stderr)
        self.assertEqual(sorted(os.listdir(self.folder.name)), before)

    def test_a_full_disk_is_an_error_and_a_closed_pipe_none(self):
        with open("/dev/full", "wb") as full:
            result = subprocess.run(
                [SHIKARI, "export", self.snapshot, "--to", "ndjson"], stdout=full, stderr=subprocess.PIPE,
                timeout=SECONDS_MAX, check=False)
        self.assertEqual(result.returncode, 3)
        self.assertIn(b"cannot write to standard output", result.stderr)
        process = subprocess.Popen(
            [SHIKARI, "export", self.snapshot, "--to", "ndjson"], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        process.stdout.read(10)
        process.stdout.close()
        self.assertEqual(process.stderr.read(), b"")
        process.stderr.close()
        self.assertIn(process.wait(SECONDS_MAX), (141, -signal.SIGPIPE))

    def test_mistakes(self):
        for options, words in (([], b"--to FORMAT"), (["--to", "nsjson"], b"did you mean 'ndjson'"),
                               (["--to", "dot", "extra"], b"takes one process")):
            result = run(SHIKARI, "export", self.snapshot, *options)
            self.assertEqual(result.returncode, 2)
            self.assertIn(words, result.stderr)


if __name__ == "__main__":
    unittest.main()
