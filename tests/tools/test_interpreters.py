# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Tests how tests find and start interpreters."""

import os
import subprocess
import sys
import tempfile
import time
import unittest
from unittest import mock

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import interpreters  # noqa: E402

PROGRAM = """
import os, sys
with open(sys.argv[1]) as scratch:
    print("%d %x %s" % (os.getpid(), sys.hexversion, scratch.read()))
sys.stdout.flush()
sys.stdin.read()
"""
SECONDS_MAX = 240


def is_gone(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def wait_until(condition):
    end = time.monotonic() + SECONDS_MAX
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


class Start(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.NamedTemporaryFile("w")
        self.addCleanup(self.scratch.close)
        self.scratch.write("scratch")
        self.scratch.flush()

    def one_of_each_origin(self):
        return {one.origin: one for one in interpreters.survey()[0]}.values()

    def test_all_are_what_they_are_said_to_be(self):
        for one in interpreters.survey()[0]:
            with self.subTest(one.name):
                with subprocess.Popen(one.command("-c", PROGRAM, self.scratch.name), stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, text=True) as process:
                    said = process.stdout.readline().split()
                    seen = os.readlink(f"/proc/{process.pid}/exe")
                    process.stdin.close()
                self.assertEqual(said, [str(process.pid), f"{one.hexversion:x}", "scratch"])
                self.assertEqual(seen, one.path)
                self.assertTrue(os.path.exists(one.host_path(one.path)))

    def test_names_are_unique(self):
        names = [one.name for one in interpreters.survey()[0]]
        self.assertEqual(len(names), len(set(names)))

    def test_killed_it_leaves_nothing(self):
        for one in self.one_of_each_origin():
            with self.subTest(one.name):
                with subprocess.Popen(one.command("-c", PROGRAM, self.scratch.name), stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, text=True) as process:
                    process.stdout.readline()
                    process.kill()
                with open("/proc/self/mounts", encoding="utf-8") as file:
                    self.assertNotIn(interpreters.folder_of_suites(), file.read())

    def test_it_ends_with_who_started_it(self):
        starter = ("import subprocess, sys\n"
                   "process = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE)\n"
                   "process.wait()\n")
        for one in self.one_of_each_origin():
            with self.subTest(one.name):
                command = one.command("-c", PROGRAM, self.scratch.name)
                with subprocess.Popen([sys.executable, "-c", starter, *command],
                                      stdout=subprocess.PIPE, text=True) as process:
                    pid = int(process.stdout.readline().split()[0])
                    self.assertFalse(is_gone(pid))
                    process.kill()
                self.assertTrue(wait_until(lambda: is_gone(pid)))


class Complaint(unittest.TestCase):
    def complain(self, ci, *versions):
        there = [mock.Mock(version=(*version, 1, "final", 0), is_release=True) for version in versions]
        with mock.patch.object(interpreters, "survey", lambda: (there, ["this one is broken"])), \
                mock.patch.dict(os.environ, CI=ci):
            return interpreters.complaint()

    def test_all_that_can_be_had_is_required_in_ci(self):
        required = interpreters.required_versions()
        self.assertIn((3, 11), required)
        self.assertGreater(len(required), 3)
        self.assertIsNone(self.complain("true", *required))
        self.assertIn("no CPython %d.%d:" % required[-1], self.complain("true", *required[:-1]))

    def test_a_second_version_is_required_elsewhere(self):
        self.assertIn("this one is broken", self.complain("", (3, 11)))
        self.assertIsNone(self.complain("", (3, 11), (2, 7)))
        self.assertIsNotNone(self.complain("", (3, 13), (3, 14)))


if __name__ == "__main__":
    unittest.main()
