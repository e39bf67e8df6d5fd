# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""One snapshot of one process, for tests of what `shikari export` writes."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

from targets import BUILD, SECONDS_MAX, is_asleep, wait_until

SHIKARI = os.path.join(BUILD, "shikari")
FORMATS = ("heapsnapshot", "ndjson", "dot", "collapsed", "speedscope", "pprof")

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


def use_one_processor():
    """With one worker, objects are met in the same order each time: what is written is the same, byte by byte."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def objects_of(ndjson):
    return [json.loads(line) for line in ndjson.splitlines()]


def stacks_of(collapsed):
    """Bytes by stack: a tuple of frames."""
    found = {}
    for line in collapsed.decode().splitlines():
        stack, _, count = line.rpartition(" ")
        found[tuple(stack.split(";"))] = int(count)
    return found


class ExportTest(unittest.TestCase):
    """What `shikari show` says of the snapshot, and what is exported of it."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", TARGET], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        cls.addClassCleanup(cls.end)
        assert cls.process.stdout.readline() == b"ready\n"
        # Reading its input needs objects, which the next who looks would find besides.
        assert wait_until(lambda: is_asleep(cls.process.pid))
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

    def export(self, form, *options, target=None, **popen):
        result = run(SHIKARI, "export", target or self.snapshot, "--to", form, *options, **popen)
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
