# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Core files as targets: the same answers as from the process that they were made of.

Cores are made by gcore (gdb) of a process that stands still, and by the kernel. CORE_VERSIONS
("2.7 3.14") compares with some versions only.
"""
import glob
import json
import os
import re
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest

from targets import BUILD, SECONDS_MAX, TESTS, TargetTest, is_asleep, status, wait_until

sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(TESTS, "support")]
import interpreters  # noqa: E402

SHIKARI = os.path.join(BUILD, "shikari")
GRAPH_TEXT = os.path.join(BUILD, "tests", "system", "graph-text")
PATTERN = "/proc/sys/kernel/core_pattern"
# Larger ones are reserved rather than used.
MAPPING_MAX = 64 << 20
VERSIONS = os.environ.get("CORE_VERSIONS", "2.7 3.8 3.11 3.13 3.14").split()

# Understood by every version.
PROGRAM = r"""
import collections, sys, threading

class Plain(object):
    def __init__(self, number):
        self.number, self.name = number, "name %d" % number

class Slotted(object):
    __slots__ = ("one", "other")

class Rows(object):
    kept = []

def generator(items):
    for item in items:
        yield item

def waits(event, argument):
    local = [argument] * 3
    event.wait()
    return local

def outer():
    inside = {"key": Plain(7)}
    def inner():
        return inside
    return inner

Rows.kept.extend(Plain(i) for i in range(2000))
slotted = [Slotted() for _ in range(100)]
for one in slotted:
    one.one, one.other = one, Rows.kept[3]
mapping = dict((str(i), (i, Rows.kept[i])) for i in range(500))
ordered = collections.OrderedDict(mapping)
queue = collections.deque(range(1000), 1000)
started = generator(Rows.kept)
next(started)
closure = outer()
numbers = frozenset(range(10000, 10500))
event = threading.Event()
for name in sys.argv[1:]:
    thread = threading.Thread(target=waits, args=(event, name), name=name)
    thread.daemon = True
    thread.start()

def main():
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.read()

main()
"""

LEAK = r"""
import sys, time
class Store(object):
    rows = []
sys.stdout.write("ready\n")
sys.stdout.flush()
for line in iter(sys.stdin.readline, ""):
    for i in range(int(line)):
        Store.rows.append({"row": float(i)})
    sys.stdout.write("done\n")
    sys.stdout.flush()
"""


def run(*arguments):
    return subprocess.run([SHIKARI, *map(str, arguments)], text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=SECONDS_MAX, check=False)


def memory_of(core):
    """Bytes of memory in a core, and of the pages among them that are not all zeros."""
    with open(core, "rb") as file:
        data = file.read()
    offset, = struct.unpack_from("<Q", data, 32)
    count, = struct.unpack_from("<H", data, 56)
    total = filled = 0
    for i in range(count):
        header = struct.unpack_from("<IIQQQQQQ", data, offset + 56 * i)
        if header[0] != 1:
            continue
        total += header[5]
        filled += sum(4096 for at in range(header[2], header[2] + header[5], 4096)
                      if data.count(0, at, at + 4096) < 4096)
    return total, filled


def zeros_of(pid):
    """Bytes of a process's own pages that are in memory, and all zeros: a core has no trace of them."""
    zeros = 0
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps, \
            open(f"/proc/{pid}/pagemap", "rb", 0) as pages, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            start, end = (int(word, 16) for word in line.split()[0].split("-"))
            if line.split()[1][:2] != "rw" or end - start > MAPPING_MAX:
                continue
            pages.seek(start // 4096 * 8)
            words = struct.unpack(f"<{(end - start) // 4096}Q", pages.read((end - start) // 512))
            for at, word in zip(range(start, end, 4096), words):
                # Bit 63: present.
                if word >> 63:
                    memory.seek(at)
                    zeros += 4096 if memory.read(4096).count(0) == 4096 else 0
    return zeros


def can_have_core():
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


class CoreTest(TargetTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="core-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, name):
        return os.path.join(self.folder, name)

    def read_text(self, path):
        with open(path, encoding="ascii") as file:
            return file.read()

    def stop(self, pid):
        # Not before it reads its input (read(0, …) on x86-64), and its threads wait. A thread that waits for
        # the interpreter's lock is asleep too; but who reads has given that up, and woken it.
        self.assertTrue(wait_until(lambda: self.read_text(f"/proc/{pid}/syscall").startswith("0 0x0 ")))
        self.assertTrue(wait_until(lambda: is_asleep(pid) and is_asleep(pid)))
        os.kill(pid, signal.SIGSTOP)
        self.assertTrue(wait_until(lambda: status(pid, "State") == "T"))

    def gcore(self, pid, name="core"):
        done = subprocess.run(["gcore", "-o", self.path(name), str(pid)], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=SECONDS_MAX, check=False)
        path = f"{self.path(name)}.{pid}"
        self.assertTrue(os.path.exists(path), done.stdout)
        return path

    def standing(self, interpreter=None, threads=("first", "second"), **popen):
        command = interpreter.command if interpreter else lambda *words: [sys.executable, *words]
        target = self.start(*command("-c", PROGRAM, *threads), **popen)
        self.stop(target.pid)
        return target

    def graph(self, *words):
        done = subprocess.run([GRAPH_TEXT, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=SECONDS_MAX, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return sorted(done.stdout.split(b"\n"))

    def assert_same_graph(self, expected, found):
        self.assertGreater(len(expected), 5000)
        missing, extra = set(expected) - set(found), set(found) - set(expected)
        self.assertEqual((sorted(missing)[:5], sorted(extra)[:5]), ([], []))
        self.assertEqual(len(expected), len(found))

    def show(self, *words, code=0):
        done = run("show", "--json", *words)
        self.assertEqual(done.returncode, code, done.stderr)
        document = json.loads(done.stdout)
        self.assertEqual(document["schema"], "shikari.show/1")
        return document

    def mem(self, *words):
        done = run("mem", "--json", *words)
        self.assertEqual(done.returncode, 0, done.stderr)
        said = json.loads(done.stdout)
        said["by_part"] = {part["part"]: part["bytes"] for part in said["parts"]}
        return said

    def assert_same_memory(self, live, zeros, dead, core):
        """All that a core has is in one part, and what needs no smaps is as the process said it.

        A page of zeros may be one that was written: `zeros` bytes of the process are in such.
        """
        self.assertEqual(memory_of(core), (dead["core_bytes"], dead["rss_bytes"]))
        self.assertEqual(sum(dead["by_part"].values()), dead["rss_bytes"])
        self.assertGreater(dead["explained_ratio"], 0.95, dead["by_part"])
        self.assertEqual((dead["source"], dead["mode"], dead["smaps"]), ("core", None, False))
        for name in "pss_bytes", "swap_bytes", "private_bytes", "cow_shared_bytes", "limit_bytes":
            self.assertIsNone(dead[name], name)
        for name in "garbage", "permanent":
            self.assertEqual(live[name], dead[name])
        self.assertEqual(live["pymalloc"]["arenas"], dead["pymalloc"]["arenas"])
        self.assertEqual(live["pymalloc"]["used_blocks"], dead["pymalloc"]["used_blocks"])
        self.assertEqual([arena["system_bytes"] for arena in live["malloc"]["arenas"]],
                         [arena["system_bytes"] for arena in dead["malloc"]["arenas"]])
        for name in "objects", "pymalloc-free-blocks", "malloc-free", "c-other":
            here, there = (said["by_part"].get(name, 0) for said in (live, dead))
            self.assertLessEqual(there, here + 65536, name)
            self.assertLessEqual(here - there, zeros, name)

    def assert_refused(self, code, pattern, *words):
        done = run(*words)
        self.assertEqual((done.returncode, done.stdout), (code, ""), done.stderr)
        self.assertRegex(done.stderr, r"\Ashikari: [^\n]+\n\Z")
        self.assertRegex(done.stderr, pattern)


class Same(CoreTest):
    def test_gcore_of_each_version(self):
        found = {"%d.%d" % one.version[:2]: one for one in interpreters.find()}
        interpreters.require_versions()
        for version in VERSIONS:
            if version not in found:
                continue
            with self.subTest(found[version].name):
                root = found[version].root
                places = ["--sysroot", root] if root else []
                target = self.standing(found[version])
                core = self.gcore(target.pid)
                notes = self.show(*places, core)["notes"]
                if notes:
                    # Of threads' stacks with a guard page in them, gdb 13 writes nothing.
                    self.assertRegex(notes[0], "C stacks of 2 threads are empty")
                    self.assertEqual(len(notes), 1)
                    target.kill()
                    target = self.standing(found[version], threads=())
                    core = self.gcore(target.pid)
                    self.assertEqual(self.show(*places, core)["notes"], [])
                self.assert_same_graph(self.graph(target.pid), self.graph(core, *places))
                self.assert_same_memory(
                    self.mem(target.pid), zeros_of(target.pid), self.mem(core, *places), core)
                target.kill()

    def test_show(self):
        target = self.standing()
        core = self.gcore(target.pid)
        live, dead = self.show(target.pid), self.show(core)
        self.assertEqual(live["rows"], dead["rows"])
        self.assertEqual(live["heap"], dead["heap"])
        self.assertEqual((live["target"]["kind"], dead["target"]["kind"]), ("process", "core"))
        self.assertEqual(dead["notes"], [])
        for field in "pid", "python", "executable", "threads":
            self.assertEqual(live["target"][field], dead["target"][field], field)
        rows = {row["type"]: row for row in dead["rows"]}
        self.assertEqual(rows["__main__.Plain"]["count"], 2001)
        self.assertEqual(rows["__main__.Slotted"]["count"], 100)
        self.assertEqual([row["bytes"] for row in dead["rows"]],
                         sorted((row["bytes"] for row in dead["rows"]), reverse=True))
        self.assertAlmostEqual(sum(row["share"] for row in dead["rows"]), 1, delta=0.1)
        few = self.show("--limit", 3, core, "types")
        self.assertEqual(few["rows"], dead["rows"][:3])
        self.assertEqual(few["other"]["rows"], len(dead["rows"]) - 3)
        for field, total in ("count", "objects"), ("bytes", "bytes"):
            self.assertEqual(sum(row[field] for row in few["rows"]) + few["other"][field], few["heap"][total])
        threads = self.show(core, "threads")
        self.assertEqual(threads["rows"], self.show(target.pid, "threads")["rows"])
        stacks = {}
        for row in threads["rows"]:
            stacks.setdefault(row["thread"], []).append((row["function"], row["line"]))
        line = PROGRAM.split("\n").index("    sys.stdin.read()") + 1
        self.assertEqual(stacks["MainThread"][0], ("__main__.main", line))
        self.assertEqual(stacks["MainThread"][1][0], "__main__.<module>")
        self.assertIn("__main__.waits", [function for function, _ in stacks["second"]])
        text = run("show", core, "threads").stdout
        self.assertRegex(text, r"(?m)^\d  thread MainThread  id %d$" % target.pid)
        self.assertRegex(text, r"(?m)^__main__\.main +<string> +%d( |$)" % line)
        self.assert_untouched(target.pid)

    def test_core(self):
        """What is in it, and a snapshot file that has the same."""
        target = self.standing()
        core, file = self.gcore(target.pid), self.path("core.shk")
        said = run("core", "--json", core)
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertEqual(said.stdout, run("show", "--json", core, "summary").stdout)
        self.assertIn("CPython", run("core", core).stdout)
        done = run("core", core, "-o", file)
        self.assertEqual(done.returncode, 0, done.stderr)
        for view in "types", "threads":
            self.assertEqual(self.show(file, view)["rows"], self.show(core, view)["rows"])
        self.assertEqual(os.stat(file).st_mode & 0o777, 0o600)
        for word, reason in (target.pid, "a process: shikari snap"), (file, "a snapshot file already"):
            refused = run("core", word)
            self.assertEqual(refused.returncode, 2)
            self.assertIn(reason, refused.stderr)

    def test_layout(self):
        target = self.standing()
        core = self.gcore(target.pid)
        live, dead = (json.loads(run("layout", "--json", word).stdout) for word in (target.pid, core))
        self.assertEqual(live["fields"], dead["fields"])
        self.assertEqual(live["process"]["core"], None)
        self.assertEqual(dead["process"], {**live["process"], "core": core})
        self.assertIn(f"in {core} (CPython", run("layout", core).stdout.split("\n")[0])


class Kernel(CoreTest):
    """Cores that the kernel writes when a process crashes."""

    def setUp(self):
        super().setUp()
        pattern = self.read_text(PATTERN).strip()
        if "/" not in pattern and not pattern.startswith("|"):
            return
        try:
            self.write_pattern("core")
        except OSError:
            self.skipTest("core files go elsewhere here (core_pattern)")
        self.addCleanup(self.write_pattern, pattern)

    def write_pattern(self, pattern):
        with open(PATTERN, "w", encoding="ascii") as file:
            file.write(pattern)

    def crash(self, target):
        os.kill(target.pid, signal.SIGSEGV)
        os.kill(target.pid, signal.SIGCONT)
        target.process.wait(SECONDS_MAX)
        found = glob.glob(self.path("core*"))
        self.assertEqual(len(found), 1, f"no core file by {self.read_text(PATTERN)!r}")
        return found[0]

    def test_same_graph(self):
        versions = {one.version[:2]: one for one in interpreters.find()}
        # The newest one may have another libc than the one that is here.
        for version in sorted({(3, 11), max(versions)}):
            with self.subTest(versions[version].name):
                target = self.standing(versions[version], cwd=self.folder, preexec_fn=can_have_core)
                expected, memory = self.graph(target.pid), self.mem(target.pid)
                zeros = zeros_of(target.pid)
                core = self.crash(target)
                root = versions[version].root
                places = ["--sysroot", root] if root else []
                self.assert_same_graph(expected, self.graph(core, *places))
                self.assertEqual(self.show(*places, core)["notes"], [])
                self.assert_same_memory(memory, zeros, self.mem(*places, core), core)
                os.unlink(core)

    def test_cut_by_a_limit(self):
        target = self.standing(cwd=self.folder, preexec_fn=can_have_core)
        whole = self.crash(target)
        # Pages that were never touched are holes, which the limit does not count.
        size = os.stat(whole).st_blocks * 512
        os.unlink(whole)
        answers = 0
        for part in 0.5, 0.9, 0.995:
            target = self.standing(cwd=self.folder, preexec_fn=lambda part=part: resource.setrlimit(
                resource.RLIMIT_CORE, (int(size * part), int(size * part))))
            core = self.crash(target)
            self.assertLess(os.stat(core).st_blocks * 512, size)
            done = run("show", "--json", core)
            self.assertIn(done.returncode, (0, 3), done.stderr)
            said = json.loads(done.stdout)["notes"][0] if done.returncode == 0 else done.stderr
            self.assertRegex(said, r"cut short: [\d.]+ .?B of \d+ mappings are missing")
            answers += done.returncode == 0
            os.unlink(core)
        # What is missing at the very end are stacks.
        self.assertGreater(answers, 0)

    def test_what_the_filter_leaves_out(self):
        target = self.standing(cwd=self.folder, preexec_fn=can_have_core)
        with open(f"/proc/{target.pid}/coredump_filter", "w", encoding="ascii") as file:
            file.write("0x10")
        core = self.crash(target)
        self.assert_refused(3, r"writable memory in \d+ mappings were left out", "show", core)


class Odd(CoreTest):
    """Cores that are cut short, of something else, or far from where they were made."""

    def setUp(self):
        super().setUp()
        self.target = self.standing()
        self.core = self.gcore(self.target.pid)

    def with_notes_first(self):
        """A core as the kernel has it: gcore's with its notes moved to before the memory."""
        with open(self.core, "rb") as file:
            data = file.read()
        offset, = struct.unpack_from("<Q", data, 32)
        count, = struct.unpack_from("<H", data, 56)
        headers = [list(struct.unpack_from("<IIQQQQQQ", data, offset + 56 * i)) for i in range(count)]
        note = next(header for header in headers if header[0] == 4)
        notes = data[note[2]:note[2] + note[5]]
        start = min(header[2] for header in headers if header[0] == 1)
        end = max(header[2] + header[5] for header in headers if header[0] == 1)
        note[2] = 64 + 56 * count
        shift = note[2] + len(notes) - start
        for header in headers:
            header[2] += shift if header[0] == 1 else 0
        path = self.path("notes-first")
        head = bytearray(data[:64])
        struct.pack_into("<QQ", head, 32, 64, 0)
        struct.pack_into("<HH", head, 60, 0, 0)
        with open(path, "wb") as file:
            file.write(head + b"".join(struct.pack("<IIQQQQQQ", *header) for header in headers)
                       + notes + data[start:end])
        return path

    def test_cut_at_any_length(self):
        path = self.with_notes_first()
        whole = self.show(path)
        self.assertEqual(whole["notes"], [])
        self.assertEqual(whole["rows"], self.show(self.target.pid)["rows"])
        size = os.stat(path).st_size
        answers = 0
        lengths = [1, 63, 64, 200, 4000, 20000, *(int(size * i / 20) for i in range(1, 20)),
                   size - 4096 * 40, size - 4096, size - 1]
        for length in reversed(lengths):
            os.truncate(path, length)
            done = run("show", "--json", path)
            self.assertIn(done.returncode, (0, 3, 4), done.stderr)
            if done.returncode == 0:
                document = json.loads(done.stdout)
                self.assertIn("the core is cut short", document["notes"][0])
                self.assertLessEqual(document["heap"]["objects"], whole["heap"]["objects"])
                said = self.mem(path)
                self.assertEqual(sum(said["by_part"].values()), said["rss_bytes"])
                self.assertIn("the core is cut short", said["notes"][0])
                answers += 1
                continue
            self.assertEqual(done.stdout, "")
            self.assertRegex(done.stderr, r"\Ashikari: [^\n]+\n\Z")
            self.assertRegex(done.stderr, "cut short|neither a core file")
        self.assertGreater(answers, 0)

    def test_cut_gcore(self):
        os.truncate(self.core, os.stat(self.core).st_size // 2)
        self.assert_refused(3, "cut short before its notes end.*gcore writes them last", "show", self.core)

    def test_other_machines(self):
        for offset, value, pattern in ((4, b"\1", "32-bit"), (18, b"\xb7\0", "another kind of machine"),
                                       (16, b"\3\0", "program or library"), (0, b"x", "neither a core file")):
            path = self.path("changed")
            shutil.copy(self.core, path)
            with open(path, "r+b") as file:
                file.seek(offset)
                file.write(value)
            for command in "show", "layout":
                self.assert_refused(4, pattern, command, path)

    def test_no_core(self):
        empty = self.path("empty")
        with open(empty, "wb"):
            pass
        self.assert_refused(4, "empty", "show", empty)
        self.assert_refused(4, "a folder", "show", self.folder)
        self.assert_refused(4, "program or library", "show", sys.executable)
        self.assert_refused(2, "no file that is here", "show", self.path("missing"))

    def test_not_python(self):
        with subprocess.Popen(["sleep", "60"]) as sleeper:
            try:
                core = self.gcore(sleeper.pid)
            finally:
                sleeper.kill()
        self.assert_refused(4, "is not a Python process", "show", core)

    def interpreter_file(self):
        """The path of the file that has the interpreter, in the core and here."""
        return json.loads(run("layout", "--json", self.core).stdout)["process"]["binary"]

    def test_files_that_are_not_here(self):
        nothing = self.path("nothing")
        os.mkdir(nothing)
        binary = self.interpreter_file()
        self.assert_refused(3, re.escape(binary) + ".*|not here", "show", "--sysroot", nothing, self.core)
        self.assert_refused(3, "not here.*--sysroot", "layout", "--sysroot", nothing, self.core)
        # All that the interpreter needs is there, and nothing else.
        there = nothing + binary
        os.makedirs(os.path.dirname(there))
        shutil.copy(binary, there)
        document = self.show("--sysroot", nothing, self.core)
        self.assertIn("not here", document["notes"][0])
        self.assertEqual(document["heap"], self.show(self.core)["heap"])

    def test_a_file_that_differs(self):
        folder = self.path("other")
        there = folder + self.interpreter_file()
        os.makedirs(os.path.dirname(there))
        shutil.copy(os.path.join(BUILD, "shikari"), there)
        self.assert_refused(3, "build id differs", "show", "--sysroot", folder, self.core)

    def test_exe(self):
        folder, copy = self.path("none"), self.path("program")
        os.mkdir(folder)
        program = os.path.realpath(f"/proc/{self.target.pid}/exe")
        shutil.copy(program, copy)
        self.assert_refused(3, "is not the program of the core", "show", "--exe", SHIKARI, self.core)
        if self.interpreter_file() == program:
            document = self.show("--sysroot", folder, "--exe", copy, self.core)
            self.assertEqual(document["heap"], self.show(self.core)["heap"])
        else:
            self.assertEqual(self.show("--exe", copy, self.core)["notes"], [])


class Hunt(CoreTest):
    def leak(self, target, rows):
        target.process.stdin.write(f"{rows}\n")
        target.process.stdin.flush()
        self.assertEqual(target.process.stdout.readline(), "done\n")

    def test_three_cores(self):
        target = self.start(sys.executable, "-c", LEAK)
        cores = []
        for name in "a", "b", "c":
            self.leak(target, 2000)
            cores.append(self.gcore(target.pid, name))
            time.sleep(0.1)
        # In whatever order they are named.
        done = run("hunt", "--json", cores[2], cores[0], cores[1])
        self.assertEqual(done.returncode, 0, done.stderr)
        report = json.loads(done.stdout)
        self.assertEqual(report["verdict"], "leak")
        self.assertEqual(report["suspects"][0]["path"], "__main__.Store.rows")
        self.assertEqual(report["suspects"][0]["growth"]["first"], 2000)
        self.assertEqual(report["suspects"][0]["growth"]["last"], 6000)
        self.assertEqual([shot["mode"] for shot in report["snapshots"]], ["core"] * 3)
        self.assertEqual(len(report["memory"]["parts"]["objects"]), 3)
        self.assertEqual(report["stopped_ms"], 0)
        text = run("hunt", *cores).stdout
        self.assertIn("3 core files, written over ", text)
        self.assertIn("__main__.Store.rows", text)
        # Too few, or of the same time, or of another process.
        self.assert_refused(2, "needs 3 files", "hunt", *cores[:2])
        self.assert_refused(2, "needs 3 files", "hunt", cores[0])
        self.assert_refused(2, "takes one process", "hunt", target.pid, cores[0])
        os.utime(cores[0], ns=(10 ** 18, 10 ** 18))
        os.utime(cores[1], ns=(10 ** 18, 10 ** 18))
        self.assert_refused(2, "of the same time", "hunt", *cores)
        other = self.gcore(self.standing().pid, "other")
        self.assert_refused(2, "are two processes", "hunt", *cores, other)


if __name__ == "__main__":
    unittest.main()
