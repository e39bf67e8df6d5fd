# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Tests how tools/run-tests counts: nothing that went wrong may count as well."""

import importlib.machinery
import importlib.util
import os
import subprocess
import sys
import tempfile
import unittest

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools", "run-tests")
sys.dont_write_bytecode = True
loader = importlib.machinery.SourceFileLoader("run_tests", PATH)
run_tests = importlib.util.module_from_spec(importlib.util.spec_from_loader("run_tests", loader))
loader.exec_module(run_tests)


class Count(unittest.TestCase):
    def assert_counted(self, text, status, passed, failed, skipped=0):
        tally = run_tests.count(text, status)
        self.assertEqual((tally.passed, tally.failed, len(tally.skipped)), (passed, failed, skipped))

    def test_tap(self):
        self.assert_counted("1..2\nok 1 - a\nok 2 - b\n", 0, 2, 0)
        self.assert_counted("1..2\nok 1 - a\nnot ok 2 - b\n", 1, 1, 1)

    def test_failures_count_though_the_status_is_good(self):
        self.assert_counted("1..1\nnot ok 1 - a\n", 0, 0, 1)

    def test_what_was_planned_and_not_run_has_failed(self):
        self.assert_counted("1..3\nok 1 - a\n", -11, 1, 2)
        self.assert_counted("1..3\nok 1 - a\n", 0, 1, 2)

    def test_bad_end_after_good_tests(self):
        self.assert_counted("1..1\nok 1 - a\n", 99, 1, 1)
        self.assert_counted("1..1\nok 1 - a\n", None, 1, 1)
        self.assert_counted("Ran 3 tests in 0.1s\n\nOK\n", 1, 3, 1)

    def test_unittest(self):
        self.assert_counted("Ran 3 tests in 0.1s\n\nOK\n", 0, 3, 0)
        self.assert_counted(
            "FAIL: test_a (x.Y.test_a)\nRan 3 tests in 0.1s\n\nFAILED (failures=1)\n", 1, 2, 1)
        self.assert_counted(
            "FAIL: test_a (x.Y.test_a) (i=1)\nFAIL: test_a (x.Y.test_a) (i=2)\n"
            "Ran 3 tests in 0.1s\n\nFAILED (failures=2)\n", 1, 2, 2)

    def test_skips_for_a_property_of_the_machine(self):
        self.assert_counted("test_a (x.Y.test_a) ... skipped 'needs root'\n"
                            "Ran 2 tests in 0.1s\n\nOK (skipped=1)\n", 0, 1, 0, 1)

    def test_other_skips_are_failures(self):
        self.assert_counted("test_a (x.Y.test_a) ... skipped 'ptrace is not allowed here'\n"
                            "Ran 2 tests in 0.1s\n\nOK (skipped=1)\n", 0, 1, 1)
        self.assert_counted("Ran 2 tests in 0.1s\n\nOK (skipped=1)\n", 0, 1, 1)
        self.assert_counted("1..1\nok 1 - a # SKIP there is no Python 3.11 here\n", 0, 0, 1)

    def test_nothing(self):
        self.assert_counted("1..0\n", 0, 0, 1)
        self.assert_counted("Ran 0 tests in 0.0s\n\nOK\n", 0, 0, 1)

    def test_programs_that_do_not_count(self):
        self.assert_counted("fine\n", 0, 1, 0)
        self.assert_counted("", 1, 0, 1)


class Run(unittest.TestCase):
    def run_to_end(self, *command, timeout=20):
        with tempfile.TemporaryFile() as output:
            return run_tests.run_to_end(command, timeout, output, {})

    def test_status(self):
        self.assertEqual(self.run_to_end("true"), 0)
        self.assertEqual(self.run_to_end("sh", "-c", "exit 3"), 3)
        self.assertEqual(self.run_to_end("sh", "-c", "kill -SEGV $$"), -11)
        self.assertEqual(self.run_to_end("no-such-program"), 127)

    def test_too_long(self):
        self.assertIsNone(self.run_to_end("sleep", "60", timeout=0.2))

    def test_unknown_suites_are_refused(self):
        done = subprocess.run([PATH, "--only", "nonsense"], capture_output=True, check=False)
        self.assertEqual(done.returncode, 2)


if __name__ == "__main__":
    unittest.main()
