#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""The command line: usage, bad input, exit codes, streams.

The command is $SHIKARI, or build/shikari. One test: python3 tests/system/test_cli.py -k zombie
"""

import contextlib
import ctypes
import glob
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))
import interpreters  # noqa: E402

SHIKARI = os.path.abspath(os.environ.get("SHIKARI", os.path.join(ROOT, "build", "shikari")))
# A Python that is supported, to be looked at.
PYTHON = next((path for path in ["/usr/bin/python3.11"] + sorted(
    glob.glob(os.path.expanduser("~/.pyenv/versions/3.11.*/bin/python3.11")))
    if os.path.exists(path)), None)

# What is waited for comes, sooner or later. Only what hangs takes so long.
SECONDS_MAX = 240

# Grows for as long as it runs, by the clock: a busy machine may not let it run often, and growth that pauses is
# another answer. It has grown when it says that it is ready.
LEAK = """
import time
x, begin = [], time.monotonic() - 1
def grow():
    x.extend([float(i) for i in range(len(x), int((time.monotonic() - begin) * 2000))])
grow()
print('ready', flush=True)
while True:
    grow()
    time.sleep(0.01)
"""

# An x86 (32-bit) program that needs no library: pause() for ever.
LOOP_32 = """
    .globl _start
_start:
    mov $29, %eax
    int $0x80
    jmp _start
"""

# Ends with the pipe it reads from: becomes a zombie's parent, traces a process, ...
ZOMBIE_PARENT = """
import os, sys
child = os.fork()
if child == 0:
    os._exit(0)
os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
print(child, flush=True)
sys.stdin.read()
"""

# A server that only starts its workers, and another program.
MASTER = """
import os, subprocess, sys
workers = []
for _ in range(2):
    pid = os.fork()
    if pid == 0:
        sys.stdin.read()
        os._exit(0)
    workers.append(pid)
other = subprocess.Popen(["cat"], stdout=subprocess.DEVNULL)
print(*workers, other.pid, flush=True)
sys.stdin.read()
"""


def run(*arguments, **options):
    """The finished command; stdout and stderr as text."""
    options.setdefault("stdout", subprocess.PIPE)
    return subprocess.run([SHIKARI, *map(str, arguments)], stdin=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True, timeout=SECONDS_MAX, check=False, **options)


@contextlib.contextmanager
def process(*command, **options):
    """A child that runs for the time of the block."""
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                             **options)
    try:
        yield child
    finally:
        child.kill()
        child.wait()
        child.stdin.close()
        child.stdout.close()


def state(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        return file.read().rpartition(")")[2].split()[0]


@contextlib.contextmanager
def leaking_python():
    with process(PYTHON, "-c", LEAK) as child:
        assert child.stdout.readline() == "ready\n"
        yield child


class Hunt:
    """A hunt that runs. Its standard error is a terminal, which tells how far it is."""

    def __init__(self, pid, *arguments):
        self.terminal, follower = pty.openpty()
        self.process = subprocess.Popen([SHIKARI, str(pid), *arguments], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=follower, text=True)
        os.close(follower)
        self.shown = b""

    def wait_until(self, taken):
        """Until so many snapshots are taken, and the next is begun or waited for."""
        while f"snapshot {taken + 1} of".encode() not in self.shown:
            assert self.read(), self.shown

    def read(self):
        """More of what is shown, if there will be any."""
        readable, _, _ = select.select([self.terminal], [], [], SECONDS_MAX)
        try:
            text = os.read(self.terminal, 4096) if readable else b""
        except OSError:  # EIO: nobody writes to it any more.
            text = b""
        self.shown += text
        return text

    def finish(self):
        """As subprocess.run(); what was shown of the progress is not part of stderr."""
        while self.read():
            pass
        out = self.process.communicate(timeout=SECONDS_MAX)[0]
        os.close(self.terminal)
        error = self.shown.decode().rpartition("\r\033[K")[2].replace("\r\n", "\n")
        return subprocess.CompletedProcess([], self.process.returncode, out, error)


def build(source, *flags):
    """Compile into a fresh folder; the program's path, or None."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    folder = tempfile.mkdtemp(prefix="shikari-test-")
    path = os.path.join(folder, "program")
    if not compiler:
        return None
    done = subprocess.run([compiler, *flags, "-o", path, "-"], input=source, text=True,
                          stderr=subprocess.DEVNULL, check=False)
    return path if done.returncode == 0 else None


class CommandLine(unittest.TestCase):
    def assert_refused(self, done, code, *words):
        """One line on stderr, nothing on stdout, this exit code."""
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertRegex(done.stderr, r"\Ashikari: [^\n]+\n\Z")
        self.assertFalse(done.stdout)
        for word in words:
            self.assertIn(word, done.stderr)


class Usage(CommandLine):
    def test_nothing_prints_usage_and_fails(self):
        done = run()
        self.assertEqual(done.returncode, 2)
        self.assertIn("usage: shikari PID", done.stderr)
        self.assertEqual(done.stdout, "")

    def test_help_goes_to_stdout(self):
        pages = [run("hunt", "--help"), run("hunt", "-h"), run("help", "hunt"), run("-h", "1")]
        for done in pages:
            self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(pages[0].stdout, pages[1].stdout)
        self.assertEqual(pages[0].stdout, pages[2].stdout)
        for option in ["--for", "--snapshots", "--json", "--mode", "--max-pause", "--force",
                       "--color"]:
            self.assertIn(option, pages[0].stdout)
        self.assertIn("hunt", run("help").stdout)
        self.assertEqual(run("help").stdout, run("--help").stdout)

    def test_manual_page_has_all_commands(self):
        """The page says of each command what the help says."""
        with open(os.path.join(ROOT, "docs", "man", "shikari.1")) as file:
            page = re.sub(r"\\f[BRI]", "", file.read()).replace("\\-", "-")
        told = dict(re.findall(r"^\.TP\n\.B (\S+)\n(.+)$", page, re.M))
        listed = run("help").stdout.partition("commands:")[2].partition("examples:")[0]
        rows = re.findall(r"^  (\S+) +(.+)$", listed, re.M)
        self.assertGreater(len(rows), 10)
        for name, summary in rows:
            summary = summary.replace("`", "")
            self.assertEqual(told.get(name), summary[0].upper() + summary[1:])

    def test_help_fits_100_columns(self):
        pages = [run("help"), *(run("help", name) for name in ("hunt", "doctor", "show", "layout", "mem"))]
        for line in "".join(page.stdout for page in pages).splitlines():
            self.assertLessEqual(len(line), 100, line)

    def test_version(self):
        self.assertRegex(run("--version").stdout, r"\Ashikari \d+\.\d+\.\d+\nreads CPython 2\.7, 3\.6 to 3\.\d+ on x86-64 Linux\n\Z")

    def test_slips_name_the_nearest_word(self):
        self.assert_refused(run("hnut", "1"), 2, "did you mean 'hunt'?")
        self.assert_refused(run("docter", "1"), 2, "did you mean 'doctor'?")
        self.assert_refused(run("hunt", "--jsn", "1"), 2, "did you mean --json?")
        self.assert_refused(run("hunt", "--frobnicate", "1"), 2, "no option --frobnicate")
        self.assert_refused(run("help", "hnut"), 2)

    def test_what_to_watch(self):
        for arguments in ([], [str(os.getpid())], [str(os.getpid()), *"abcde"]):
            self.assert_refused(run("watch-object", *arguments), 2, "watch-object")
        for address in ("list", "0x123", "0x", "0xzz"):
            self.assertIn(run("watch-object", "--word", os.getpid(), address).returncode, (2, 4))

    def test_wrong_values(self):
        self.assert_refused(run("hunt"), 2, "process")
        self.assert_refused(run("hunt", "1", "2"), 2, "'2'")
        self.assert_refused(run("hunt", "12x"), 2, "12x")
        self.assert_refused(run("hunt", "99999999999999"), 2)
        self.assert_refused(run("hunt", "--", "-1"), 2)
        self.assert_refused(run("hunt", "--snapshots", "2", "1"), 2, "at least 3", "goes on")
        self.assert_refused(run("hunt", "--snapshots", "3.5", "1"), 2, "whole number")
        self.assert_refused(run("hunt", "--for", "soon", "1"), 2, "'soon'")
        self.assert_refused(run("hunt", "--for", "nan", "1"), 2)
        self.assert_refused(run("hunt", "1", "--for"), 2, "needs a value")
        self.assert_refused(run("hunt", "--json=yes", "1"), 2, "takes no value")
        self.assert_refused(run("hunt", "--mode", "fast", "1"), 2, "auto|clone|freeze|live")
        self.assert_refused(run("hunt", "--max-pause", "-5", "1"), 2)
        self.assert_refused(run("show"), 2, "core file")
        self.assert_refused(run("show", "1", "typs"), 2, "did you mean 'types'?")
        self.assert_refused(run("show", "1", "types", "threads"), 2, "'threads'")
        self.assert_refused(run("show", "--limit", "0", "1"), 2)
        self.assert_refused(run("show", "--sysroot=", "1"), 2, "empty")
        self.assert_refused(run("show", "./no-such-file"), 2, "no file")
        self.assert_refused(run("doctor", __file__), 2, "layout")


class BadTargets(CommandLine):
    def test_no_such_process(self):
        with process("true") as child:
            child.wait()
        self.assert_refused(run(child.pid), 3, str(child.pid))

    def test_not_python(self):
        with process("sleep", "60") as child:
            self.assert_refused(run(child.pid), 4, "Python")

    def test_debug_builds(self):
        idle = "import sys; print('ready'); sys.stdout.flush(); sys.stdin.read()"
        builds = interpreters.find(is_release=False)
        self.assertTrue(builds or not os.environ.get("CI"), "no debug build was found: make pythons")
        for build in builds:
            with self.subTest(build.name), process(*build.command("-c", idle)) as child:
                child.stdout.readline()
                kind = "free-threaded" if build.is_free_threaded else "debug"
                self.assert_refused(run(child.pid), 4, f"{kind} build of CPython %d.%d" % build.version[:2])

    def test_32_bit(self):
        program = build(LOOP_32, "-m32", "-nostdlib", "-static", "-x", "assembler")
        if not program:
            self.skipTest("no 32-bit program can be made here")
        self.addCleanup(shutil.rmtree, os.path.dirname(program))
        with process(program) as child:
            # Until it waits, or has died of its first system call.
            while child.poll() is None and state(child.pid) != "S":
                time.sleep(0.01)
            if child.poll() is not None:
                self.skipTest("the kernel runs no 32-bit programs")
            self.assert_refused(run(child.pid), 4, "32-bit")

    @unittest.skipUnless(os.getuid() == 0, "needs root, to be somebody else")
    def test_no_permission(self):
        with leaking_python() as child:
            done = run(child.pid, user=65534, group=65534, extra_groups=[])
            self.assert_refused(done, 3, "root")

    def test_zombie(self):
        with process(sys.executable, "-c", ZOMBIE_PARENT) as parent:
            zombie = int(parent.stdout.readline())
            self.assert_refused(run(zombie), 3, str(zombie))

    def test_kernel_thread(self):
        try:
            with open("/proc/2/stat", encoding="ascii") as stat:
                if "(kthreadd)" not in stat.read():
                    self.skipTest("process 2 is no kernel thread here")
        except OSError:
            self.skipTest("there is no process 2 here")
        self.assert_refused(run(2), 4, "kernel")

    def test_traced_by_a_debugger(self):
        libc = ctypes.CDLL(None, use_errno=True)
        with leaking_python() as child:
            seized = libc.ptrace(0x4206, child.pid, None, None)  # PTRACE_SEIZE
            if seized != 0:
                self.skipTest("ptrace is not allowed here")
            try:
                self.assert_refused(run(child.pid), 3, "traced", str(os.getpid()))
            finally:
                libc.ptrace(0x4207, child.pid, None, None)  # PTRACE_INTERRUPT
                os.waitpid(child.pid, os.WUNTRACED)
                libc.ptrace(17, child.pid, None, None)  # PTRACE_DETACH

    @unittest.skipUnless(PYTHON, "there is no Python 3.11 here")
    def test_exits_midway(self):
        with leaking_python() as child:
            hunt = Hunt(child.pid, "--for", "60")
            hunt.wait_until(taken=1)
            child.kill()
            child.wait()
            self.assert_refused(hunt.finish(), 3, "ended")

    @unittest.skipUnless(PYTHON, "there is no Python 3.11 here")
    def test_executes_another_program_midway(self):
        code = "import os, sys\nprint('ready', flush=True)\nsys.stdin.readline()\n" \
               "os.execv('/bin/sleep', ['sleep', '60'])\n"
        with process(PYTHON, "-c", code) as child:
            child.stdout.readline()
            hunt = Hunt(child.pid, "--for", "60")
            hunt.wait_until(taken=1)
            child.stdin.write("\n")
            child.stdin.flush()
            self.assert_refused(hunt.finish(), 3, "program")


# The play is of one process, which leaks.
class Workers(CommandLine if "SHIKARI_IS_PLAY" not in os.environ else object):
    @unittest.skipIf(PYTHON is None, "there is no Python 3.11 to be looked at")
    def test_children_of_the_same_program_are_named(self):
        with process(PYTHON, "-c", MASTER) as master:
            *workers, other = master.stdout.readline().split()
            report = json.loads(run("hunt", master.pid, "--json", "--for", "0.5").stdout)
            alone = json.loads(run("hunt", workers[0], "--json", "--for", "0.5").stdout)
            master.stdin.close()
        notes = [note for note in report["notes"] if "children" in note]
        self.assertEqual(len(notes), 1)
        for worker in workers:
            self.assertIn(worker, notes[0])
        self.assertNotIn(other, notes[0].replace(",", "").split())
        self.assertFalse([note for note in alone["notes"] if "child" in note])


class Streams(CommandLine):
    def test_answer_on_stdout_only(self):
        with leaking_python() as child:
            done = run(child.pid, "--for", "1.5")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("LEAK", done.stdout)
        self.assertNotIn("\033", done.stdout)

    def test_json(self):
        with leaking_python() as child:
            done = run("hunt", child.pid, "--json", "--for", "1.5", "--color=always")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        report = json.loads(done.stdout)
        self.assertEqual(report["schema"], "shikari.hunt/1")
        self.assertEqual(report["verdict"], "leak")
        self.assertEqual(report["target"]["pid"], child.pid)
        self.assertEqual(len(report["snapshots"]), 3)
        self.assertEqual(report["suspects"][0]["rank"], 1)
        self.assertEqual(
            list(report["suspects"][0])[:5], ["rank", "kind", "path", "type", "summary"])

    def test_who_adds(self):
        with leaking_python() as child:
            done = run("hunt", child.pid, "--json", "--for", "1", "--hits", "5")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        report = json.loads(done.stdout)
        suspect = report["suspects"][0]
        self.assertEqual(suspect["hits_watched"], 5)
        self.assertEqual(sum(site["hits"] for site in suspect["added_by"]), 5)
        self.assertEqual(list(suspect["added_by"][0])[:4], ["file", "line", "function", "hits"])
        self.assertIn(report["watch"]["method"], ("hardware", "polling"))

    def test_nobody_is_watched(self):
        with leaking_python() as child:
            done = run("hunt", child.pid, "--json", "--for", "1", "--watch", "0")
        report = json.loads(done.stdout)
        self.assertIsNone(report["watch"])
        self.assertIsNone(report["suspects"][0]["added_by"])

    def test_show(self):
        with leaking_python() as child:
            done = run("show", child.pid, "--limit=1")
            document = json.loads(run("show", child.pid, "types", "--json").stdout)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r"(?m)^ *bytes +share +objects +type$")
        self.assertRegex(done.stdout, r"(?m)\(other\)\n\d+ more rows \(--limit\)$")
        self.assertEqual(document["schema"], "shikari.show/1")
        self.assertEqual((document["target"]["kind"], document["target"]["pid"]), ("process", child.pid))
        self.assertEqual(sum(row["count"] for row in document["rows"]), document["heap"]["objects"])
        self.assertIn("float", {row["type"] for row in document["rows"]})

    def test_stdout_closed(self):
        # At once: not after the hunt, which would take longer than run() waits.
        with leaking_python() as child:
            done = run(child.pid, "--for", "3600", stdout=None, preexec_fn=lambda: os.close(1))
        self.assert_refused(done, 3, "standard output is closed")

    def test_stdout_is_a_closed_pipe(self):
        reader, writer = os.pipe()
        os.close(reader)
        with leaking_python() as child:
            done = run(child.pid, "--for", "1", stdout=writer)
        os.close(writer)
        self.assertIn(done.returncode, (-signal.SIGPIPE, 128 + signal.SIGPIPE))
        self.assertEqual(done.stderr, "")

    def test_stdout_is_full(self):
        with leaking_python() as child, open("/dev/full", "w", encoding="ascii") as full:
            done = run(child.pid, "--for", "1", stdout=full)
        self.assert_refused(done, 3, "No space left")

    def test_progress_on_a_terminal(self):
        with leaking_python() as child:
            hunt = Hunt(child.pid, "--for", "1")
            done = hunt.finish()
        self.assertEqual(done.returncode, 0)
        self.assertIn(b"snapshot 3 of 3", hunt.shown)
        self.assertNotIn("snapshot 3 of 3", done.stdout)

    def test_colour(self):
        with leaking_python() as child:
            plain = {**os.environ, "NO_COLOR": "1", "CLICOLOR_FORCE": "1"}
            forced = {**os.environ, "NO_COLOR": "", "CLICOLOR_FORCE": "1"}
            self.assertIn("\033[", run(child.pid, "--for=1", "--color=always", env=plain).stdout)
            self.assertNotIn("\033[", run(child.pid, "--for=1", env=plain).stdout)
            self.assertIn("\033[", run(child.pid, "--for=1", env=forced).stdout)

    def test_interrupted_too_early(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with leaking_python() as child:
                hunt = Hunt(child.pid, "--for", "60")
                hunt.wait_until(taken=1)
                hunt.process.send_signal(number)
                done = hunt.finish()
                self.assertEqual((done.returncode, done.stdout), (128 + number, ""))
                self.assertRegex(done.stderr, r"\Ashikari: interrupted [^\n]*\n\Z")
                self.assertIsNone(child.poll())

    def test_interrupted_with_enough_snapshots(self):
        with leaking_python() as child:
            hunt = Hunt(child.pid, "--for", "31", "--snapshots", "32", "--json")
            hunt.wait_until(taken=3)
            hunt.process.send_signal(signal.SIGINT)
            done = hunt.finish()
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(json.loads(done.stdout)["ended_early"], "interrupted")


if __name__ == "__main__":
    unittest.main()
