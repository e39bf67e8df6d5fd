#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""What `shikari export` writes, compared with `shikari show`. test_readers.py has what other tools make of it."""
import json
import os
import re
import signal
import stat
import subprocess
import sys
import tempfile
import unittest

from exported import FORMATS, SHIKARI, ExportTest, objects_of, run, stacks_of, use_one_processor
from targets import SECONDS_MAX, is_asleep, status, wait_until


class Export(ExportTest):
    """All of one snapshot of one process."""

    def objects_by_type(self):
        objects = objects_of(self.export("ndjson"))
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

    def test_stacks_have_all_bytes(self):
        self.assertEqual(sum(stacks_of(self.export("collapsed")).values()), self.bytes)
        scope = json.loads(self.export("speedscope"))
        frames = range(len(scope["shared"]["frames"]))
        for profile, total in zip(scope["profiles"], (self.bytes, self.objects)):
            self.assertEqual((sum(profile["weights"]), profile["endValue"]), (total, total))
            self.assertEqual(len(profile["samples"]), len(profile["weights"]))
            self.assertTrue(all(frame in frames for stack in profile["samples"] for frame in stack))

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


# As many objects of different shapes as are asked for: of 20 slots the bits of a number are set.
SHAPES = """
import sys
class Many(object):
    __slots__ = ["bit%d" % bit for bit in range(20)]
class Wide(object):
    __slots__ = ["slot%d" % i for i in range(1100)]
kept = []
for number in range(1, int(sys.argv[1]) + 1):
    one = Many()
    for bit in range(20):
        if number >> bit & 1:
            setattr(one, "bit%d" % bit, kept)
    kept.append(one)
wide = Wide()
for name in Wide.__slots__:
    setattr(wide, name, kept)
sys.stdout.write("ready\\n")
sys.stdout.flush()
sys.stdin.read()
"""


class Shapes(unittest.TestCase):
    def test_more_than_fit_in_16_bits(self):
        count = 70000
        with tempfile.TemporaryDirectory() as folder, subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", SHAPES, str(count)], stdin=subprocess.PIPE,
                stdout=subprocess.PIPE) as process:
            self.assertEqual(process.stdout.readline(), b"ready\n")
            self.assertTrue(wait_until(lambda: is_asleep(process.pid)))
            path = os.path.join(folder, "a.shk")
            snapped = run(SHIKARI, "snap", str(process.pid), "-o", path)
            process.kill()
            exported = run(SHIKARI, "export", path, "--to", "ndjson")
        for result in snapped, exported:
            # The one object with more references of different names than are kept apart.
            self.assertEqual((result.returncode, result.stderr), (
                0, b"shikari: the references of 1 object have no names: too many are different, or they changed\n"))
        objects = objects_of(exported.stdout)
        names = [tuple(edge["name"] for edge in one["edges"] if edge["kind"] == "slot")
                 for one in objects if one["type"] == "__main__.Many"]
        self.assertEqual({sum(1 << int(name[3:]) for name in one) for one in names}, set(range(1, count + 1)))
        self.assertEqual(len(names), count)
        wide, = (one for one in objects if one["type"] == "__main__.Wide")
        self.assertEqual({edge["kind"] for edge in wide["edges"]}, {"unknown"})
        self.assertGreaterEqual(len(wide["edges"]), 1100)


# Names of targets and times, which differ. In a profile the time is its last field: number 9, a varint.
TITLES = {
    "dot": rb'n0 \[label="([^"]*)\\n',
    "speedscope": rb'file-format-schema.json","name":"([^"]*)"',
    "pprof": rb"bytes\x48([\x80-\xff]*[\x00-\x7f])\Z",
}


def cut(form, text):
    """A file without its title, and that."""
    if form not in TITLES:
        return text, b""
    match = re.search(TITLES[form], text, re.S)
    return text[:match.start(1)] + text[match.end(1):], match[1]


def read_text(path):
    with open(path, encoding="ascii") as file:
        return file.read()


class Core(ExportTest):
    """A core file is exported as the process is that it was made of."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        pid = cls.process.pid
        assert wait_until(lambda: read_text(f"/proc/{pid}/syscall").startswith("0 0x0 "))
        os.kill(pid, signal.SIGSTOP)
        assert wait_until(lambda: status(pid, "State") == "T")
        done = run("gcore", "-o", os.path.join(cls.folder.name, "core"), str(pid))
        cls.core = os.path.join(cls.folder.name, f"core.{pid}")
        assert os.path.exists(cls.core), done.stdout

    def test_all_formats(self):
        for form in FORMATS:
            with self.subTest(form):
                texts = [self.export(form, target=target, preexec_fn=use_one_processor)
                         for target in (str(self.process.pid), self.core)]
                (live, title), (dead, other) = (cut(form, text) for text in texts)
                if form in ("dot", "speedscope"):
                    self.assertIn(str(self.process.pid).encode(), title)
                    self.assertIn(os.path.basename(self.core).encode(), other)
                self.assertGreater(len(live), 10000)
                # Not assertEqual, which would print them.
                self.assertTrue(live == dead, f"{len(live)} and {len(dead)} bytes differ")

    def test_to_a_file_and_back(self):
        path = os.path.join(self.folder.name, "core.ndjson")
        self.export("ndjson", "-o", path, target=self.core)
        with open(path, "rb") as file:
            objects = objects_of(file.read())
        self.assertEqual(sum(one["type"] == "__main__.Node" for one in objects), self.types["__main__.Node"][0])
        self.assertEqual((len(objects), sum(one["size"] for one in objects)), (self.objects, self.bytes))

    def test_binaries_that_are_not_here(self):
        nothing = os.path.join(self.folder.name, "nothing")
        os.mkdir(nothing)
        result = run(SHIKARI, "export", self.core, "--to", "ndjson", "--sysroot", nothing)
        self.assertEqual((result.returncode, result.stdout), (3, b""))
        self.assertIn(b"not here", result.stderr)


if __name__ == "__main__":
    unittest.main()
