#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Targets that see other files and other PIDs than we do, as in containers.

A picture of each, then: what the process knows of it, its children, that it goes on.
"""
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

from targets import (BUILD, SECONDS_MAX, TESTS, TargetTest, capture, children, clones, start_capture,
                     wait_until)

sys.path.insert(0, os.path.join(TESTS, "support"))
import interpreters  # noqa: E402

GRAPH_DUMP = os.path.join(BUILD, "tests", "support", "graph-dump")
SHIKARI = os.path.join(BUILD, "shikari")
LAST_PID = "/proc/sys/kernel/ns_last_pid"
IS_ROOT = os.geteuid() == 0

IDLE = "import sys; print('ready'); sys.stdout.flush(); sys.stdin.read()"

# In a thread that only the kernel has a name for.
# It grows by the clock, and has grown when it says that it is ready.
LEAK = """
import sys, time
clock = getattr(time, "monotonic", time.time)
try:
    from _thread import start_new_thread
except ImportError:
    from thread import start_new_thread

def collect():
    with open("/proc/thread-self/comm", "w") as name:
        name.write("collector")
    batch, begin, is_new = [], clock() - 1, True
    while True:
        while len(batch) < (clock() - begin) * 1000:
            batch.append("sample %d" % len(batch))
        if is_new:
            print("ready")
            sys.stdout.flush()
            is_new = False
        time.sleep(0.001)

start_new_thread(collect, ())
sys.stdin.read()
"""

# An interpreter that is a library.
EMBEDDING = "int Py_BytesMain(int, char **); int main(int n, char **v) { return Py_BytesMain(n, v); }"

# $0 is an empty folder: what is put there is for this mount namespace only. A program and its libraries
# follow up to a "--"; the program is started from there.
FROM_A_HIDDEN_PLACE = """
mount -t tmpfs none "$0" && cp "$1" "$0/python" || exit 1
home=$(dirname "$(dirname "$1")")
while shift && [ "$1" != -- ]; do cp "$1" "$0"; done
shift
exec env PYTHONHOME="$home" LD_LIBRARY_PATH="$0" "$0/python" "$@"
"""

# $0 is an empty folder that becomes a root with the machine's /usr; the program is one of its own.
FROM_A_HIDDEN_ROOT = """
mount -t tmpfs none "$0" && mkdir "$0/usr" "$0/own" && cp "$1" "$0/own/python" || exit 1
for name in bin lib lib64; do ln -s usr/$name "$0/$name"; done
mount --bind /usr "$0/usr" || exit 1
root=$0
shift
exec chroot "$root" /own/python "$@"
"""


def unshare(*options):
    return ["unshare", *([] if IS_ROOT else ["--map-root-user"]), *options, "--"]


def in_own_namespaces(interpreter, folder, *arguments):
    """The command line for PID and mount namespaces of its own, with an interpreter that only they have."""
    outer = unshare("--pid", "--fork", "--kill-child", "--mount-proc", "--mount")
    if interpreter.root:
        return [*outer, *interpreter.command(*arguments)]
    files = [interpreter.path, *filter(None, [interpreter.libpython])]
    return [*outer, "sh", "-c", FROM_A_HIDDEN_PLACE, folder, *files, "--", *arguments]


def copy_into_root(root, path):
    """A file with the libraries it needs, under the same names."""
    listed = subprocess.run(["ldd", path], capture_output=True, text=True, check=True).stdout
    for name in [path] + [word for word in listed.split() if word.startswith("/")]:
        os.makedirs(root + os.path.dirname(name), exist_ok=True)
        shutil.copy(name, root + name)


class NamespaceTest(TargetTest):
    def folder(self):
        folder = tempfile.mkdtemp(prefix="shikari-test-")
        self.addCleanup(shutil.rmtree, folder)
        return folder

    def start_inside(self, interpreter, program):
        """In namespaces of its own; the target's PID is the one we see."""
        target = self.start(*in_own_namespaces(interpreter, self.folder(), "-c", program))
        target.pid = children(target.process.pid)[0][0]
        with open(f"/proc/{target.pid}/status", encoding="utf-8") as file:
            self.assertRegex(file.read(), r"NSpid:.*\t1\n")
        return target

    def assert_picture(self, target, *before):
        """All of the heap is found and nothing is left; the figures."""
        done = subprocess.run([*before, GRAPH_DUMP, str(target.pid)], capture_output=True, text=True,
                              timeout=SECONDS_MAX, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("mode clone", done.stdout)
        self.assertGreater(int(done.stdout.split()[1]), 3000, done.stdout)
        self.assert_untouched(target.pid)
        self.assertIsNone(target.process.poll())

    def hunt(self, target):
        done = subprocess.run([SHIKARI, "hunt", "--for", "2", "--json", str(target.pid)],
                              capture_output=True, text=True, timeout=SECONDS_MAX, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assert_untouched(target.pid)
        self.assertIsNone(target.process.poll())
        return json.loads(done.stdout)


class PidNamespace(NamespaceTest):
    @staticmethod
    def machines():
        return [one for one in interpreters.find() if one.origin == "debian"]

    def test_every_version(self):
        for one in interpreters.find():
            with self.subTest(one.name):
                self.assert_picture(self.start_inside(one, IDLE))

    def test_a_hunt_names_what_grows(self):
        newest = [one for one in interpreters.find() if one.root][-1:]
        for one in self.machines() + newest:
            with self.subTest(one.name):
                report = self.hunt(self.start_inside(one, LEAK))
                self.assertEqual(report["verdict"], "leak")
                path = report["suspects"][0]["path"]
                self.assertIn("batch", path)
                self.assertIn("thread 'collector'", path)

    @unittest.skipUnless(os.path.exists(LAST_PID), "the kernel lets nobody choose PIDs")
    def test_its_own_children_stay_its_own(self):
        # One that ended and has, for the target, the PID that our clone has for us.
        program = (
            "import os, sys, time\n"
            "print('ready', flush=True)\n"
            "number = int(sys.stdin.readline())\n"
            f"open('{LAST_PID}', 'w').write(str(number - 1))\n"
            "child = os.fork()\n"
            "if child == 0: os._exit(42)\n"
            "time.sleep(0.1)\n"
            "print(child, flush=True)\n"
            "sys.stdin.readline()\n"
            "print(os.waitpid(child, 0)[1] >> 8, flush=True)\n"
            "sys.stdin.read()\n")
        target = self.start_inside(self.machines()[0], program)
        holder = start_capture(target.pid, "--mode", "clone", "--hold", 1500)
        self.addCleanup(holder.wait)
        self.assertTrue(wait_until(lambda: clones(target.pid)))
        clone = clones(target.pid)[0][0]
        print(clone, file=target.process.stdin, flush=True)
        self.assertEqual(target.process.stdout.readline(), f"{clone}\n")
        holder.communicate()
        self.assertEqual(clones(target.pid), [])
        print(file=target.process.stdin, flush=True)
        self.assertEqual(target.process.stdout.readline(), "42\n")

    def test_what_was_left_behind_goes_with_the_next(self):
        target = self.start_inside(self.machines()[0], IDLE)
        for delay in (0.005, 0.02, 0.05, 0.1):
            tool = start_capture(target.pid, "--mode", "clone", "--repeat", 100, "--hold", 20)
            time.sleep(delay)
            tool.kill()
            tool.communicate()
        self.assertEqual(capture(target.pid, "--mode", "clone")[-1]["mode"], "clone")
        self.assert_untouched(target.pid)

    @unittest.skipUnless(IS_ROOT, "needs root")
    def test_a_process_whose_children_go_to_another_namespace(self):
        # The first of them would be its init: when that dies, there can be no others.
        target = self.python(
            "import ctypes, os, sys\n"
            "assert ctypes.CDLL(None).unshare(0x20000000) == 0\n"
            "print('ready', flush=True)\n"
            "sys.stdin.readline()\n"
            "child = os.fork() or os._exit(42)\n"
            "print(os.waitpid(child, 0)[1] >> 8, flush=True)\n")
        lines = capture(target.pid)
        self.assertEqual(lines[0]["mode"], "freeze", lines)
        self.assertIn("namespace", lines[0]["fallback_reason"])
        print(file=target.process.stdin, flush=True)
        self.assertEqual(target.process.stdout.readline(), "42\n")


@unittest.skipUnless(IS_ROOT, "needs root")
class Chroot(NamespaceTest):
    # Without the rights that open /proc/PID/map_files.
    UNPRIVILEGED = ["setpriv", "--bounding-set=-all,+sys_ptrace", "--"]

    def test_every_version(self):
        """Folders with other suites, in our mount namespace: the kernel names files as we see them."""
        suites = [one for one in interpreters.find() if one.root]
        for one in suites:
            with self.subTest(one.name):
                target = self.start("chroot", one.root, one.path, "-c", IDLE)
                self.assert_picture(target)
                self.assert_picture(target, *self.UNPRIVILEGED)

    def test_in_a_namespace(self):
        for one in interpreters.find():
            if one.origin != "debian":
                continue
            with self.subTest(one.name):
                target = self.start(*unshare("--mount"), "sh", "-c", FROM_A_HIDDEN_ROOT, self.folder(),
                                    one.path, "-c", IDLE)
                self.assertFalse(os.path.exists(os.readlink(f"/proc/{target.pid}/exe")))
                self.assert_picture(target)
                self.assert_picture(target, *self.UNPRIVILEGED)

    def test_a_library(self):
        """Of an embedded interpreter, the program itself is not what has to be read."""
        library = glob.glob("/usr/lib/x86_64-linux-gnu/libpython3.11.so.1.0")
        self.assertTrue(library, "there is no libpython: tools/install-dependencies test")
        root = self.folder()
        os.makedirs(root + "/own")
        subprocess.run(["gcc", "-x", "c", "-", "-o", root + "/own/python", "-x", "none", *library],
                       input=EMBEDDING, text=True, check=True)
        copy_into_root(root, root + "/own/python")
        shutil.copytree("/usr/lib/python3.11", root + "/usr/lib/python3.11", symlinks=True,
                        ignore=shutil.ignore_patterns("__pycache__", "test"))
        target = self.start("chroot", root, "/own/python", "-c", IDLE)
        self.assert_picture(target)
        self.assert_picture(target, *self.UNPRIVILEGED)


if __name__ == "__main__":
    unittest.main()
