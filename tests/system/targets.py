# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Starting targets, capturing them, and looking at what became of them."""
import glob
import json
import os
import re
import subprocess
import sys
import time
import unittest

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.environ.get("SHIKARI_BUILD", os.path.join(os.path.dirname(TESTS), "build"))
TOOL = os.path.join(BUILD, "tests", "support", "capture-tool")
# What is waited for comes, sooner or later: with sanitizers, on a processor that is shared with many. Only what
# hangs takes so long.
SECONDS_MAX = 240

# enum error_kind
DENIED, GONE, FAULT, UNSUPPORTED, NOT_FOUND, UNSAFE, USAGE = 2, 3, 4, 6, 7, 8, 9


def start_capture(pid, *options, **popen):
    arguments = [TOOL, str(pid), *map(str, options)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, **popen)


def finish_capture(tool):
    try:
        out, _ = tool.communicate(timeout=SECONDS_MAX)
    finally:
        tool.kill()
    return [json.loads(line) for line in out.splitlines()]


def capture(pid, *options, **popen):
    """All lines that capture-tool printed, as dictionaries."""
    return finish_capture(start_capture(pid, *options, **popen))


class HeldCapture:
    """A capture that was taken and is held until release(), which returns what was printed."""

    def __init__(self, pid, *options):
        self.tool = start_capture(pid, "--ask", *options, stdin=subprocess.PIPE)
        self.lines = [json.loads(self.tool.stdout.readline())]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.tool.kill()
        self.tool.communicate()

    def release(self):
        self.tool.stdin.write("\n")
        self.tool.stdin.flush()
        return finish_capture(self.tool)


def status(pid, field):
    with open(f"/proc/{pid}/status") as file:
        match = re.search(rf"^{field}:\s*(\S+)", file.read(), re.M)
    return match and match[1]


def children(pid):
    """(PID, state, exit signal) of each child."""
    found = []
    for path in glob.glob(f"/proc/{pid}/task/*/children"):
        try:
            with open(path) as file:
                ids = file.read().split()
            for child in ids:
                with open(f"/proc/{child}/stat") as file:
                    fields = file.read().rpartition(")")[2].split()
                found.append((int(child), fields[0], int(fields[35])))
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found


def clones(pid):
    """Children that their parent does not know of: exit signal 0."""
    return [child for child in children(pid) if child[2] == 0]


def wait_until(condition, seconds=SECONDS_MAX):
    """Whether it came true. Waiting costs nothing where it does, so the limit is one for what hangs."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def is_asleep(pid):
    """All of its threads wait for something. Whoever has just said that it is ready may not do so yet, and what he
    does until then may not be what a test is about."""
    states = set()
    for path in glob.glob(f"/proc/{pid}/task/*"):
        try:
            states.add(status(path[len("/proc/"):], "State"))
        except (FileNotFoundError, ProcessLookupError):
            pass
    return states == {"S"}


class Target:
    """A program that prints "ready" on a line that begins so; the rest of that line is `ready`."""

    def __init__(self, *command, **popen):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, **popen)
        self.pid = self.process.pid
        line = self.process.stdout.readline()
        if not line.startswith("ready"):
            self.kill()
            raise unittest.SkipTest(f"the target does not start: {line!r}")
        self.ready = line.split()[1:]

    def finish(self):
        """Let it end by itself, and return its lines."""
        out, _ = self.process.communicate(timeout=SECONDS_MAX)
        return out.splitlines()

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


class TargetTest(unittest.TestCase):
    def python(self, code, *arguments, **popen):
        return self.start(sys.executable, "-c", code, *arguments, **popen)

    def start(self, *command, **popen):
        target = Target(*command, **popen)
        self.addCleanup(target.kill)
        return target

    def busy(self, children_by):
        return self.start(sys.executable, os.path.join(TESTS, "targets", "busy.py"), children_by)

    def assert_untouched(self, pid):
        """Nothing of a capture is left in the process."""
        self.assertEqual(clones(pid), [])
        self.assertEqual(status(pid, "TracerPid"), "0")

    def assert_healthy(self, target, forgiven=None):
        """The target ends by itself, has worked, and has seen nothing odd."""
        self.assertIsNone(target.process.poll(), "the target died")
        lines = target.finish()
        self.assertEqual(target.process.returncode, 0)
        violations = [line for line in lines if line.startswith("violation")
                      and not (forgiven and re.search(forgiven, line))]
        self.assertEqual(violations, [])
        rounds = {line.split()[1]: int(line.split()[2]) for line in lines
                  if line.startswith("rounds")}
        self.assertTrue(rounds and all(rounds.values()), rounds)
        return lines

    def assert_error(self, lines, kind, *words):
        self.assertIn("error", lines[-1])
        self.assertEqual(lines[-1]["kind"], kind, lines[-1])
        for word in words:
            self.assertIn(word, lines[-1]["error"])
