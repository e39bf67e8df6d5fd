# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Tests how tools/run-tests counts: nothing that went wrong may count as well."""

import contextlib
import importlib.machinery
import importlib.util
import io
import os
import subprocess
import sys
import tempfile
import unittest
import unittest.mock

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


class Reasons(unittest.TestCase):
    """Why something failed is told at the end, just before the tally."""

    FAILING = (
        "import sys, unittest\n"
        "lines_after = int(sys.argv.pop())\n"
        "class Some(unittest.TestCase):\n"
        "    def test_good(self): pass\n"
        "    def test_bad(self): self.assertEqual('apples', 'pears')\n"
        "    def test_ugly(self): raise ValueError('nobody expects this')\n"
        "program = unittest.main(exit=False)\n"
        "for i in range(lines_after): print('line', i, 'after the end')\n"
        "sys.exit(not program.result.wasSuccessful())\n")

    def setUp(self):
        logs = tempfile.TemporaryDirectory()
        self.addCleanup(logs.cleanup)
        patch = unittest.mock.patch.object(run_tests, "LOGS", logs.name)
        patch.start()
        self.addCleanup(patch.stop)

    def told(self, *commands):
        """(the status, what is told in the end) of a run of these programs."""
        runner = run_tests.Runner(None)
        with contextlib.redirect_stdout(io.StringIO()):
            for number, command in enumerate(commands):
                runner.run(f"suite/{number}", list(command), 20)
        with contextlib.redirect_stdout(io.StringIO()) as output:
            status = runner.finish()
        return status, output.getvalue().splitlines()

    def failing(self, lines_after=0):
        return sys.executable, "-c", self.FAILING, str(lines_after)

    def assert_reasons(self, lines):
        text = "\n".join(lines)
        for word in ("FAIL: test_bad", "'apples' != 'pears'", "ERROR: test_ugly",
                     "ValueError: nobody expects this"):
            self.assertIn(word, text)
        self.assertIn("failed: suite/0 (2)", lines[-2])
        self.assertEqual(lines[-1], "1 passed, 2 failed")

    def test_names_and_tracebacks(self):
        status, lines = self.told(self.failing())
        self.assertEqual(status, 1)
        self.assert_reasons(lines)

    def test_also_if_much_comes_after_them(self):
        _, lines = self.told(self.failing(lines_after=1000))
        self.assert_reasons(lines)
        self.assertIn("    | line 999 after the end", lines)
        self.assertIn("    | …", lines)
        self.assertNotIn("    | line 500 after the end", lines)

    def test_every_program_that_failed_and_no_other(self):
        status, lines = self.told(
            ("sh", "-c", "echo first words; exit 1"), ("echo", "all is well"), ("no-such-program",))
        self.assertEqual(status, 1)
        text = "\n".join(lines)
        self.assertIn("first words", text)
        self.assertIn("No such file", text)
        self.assertNotIn("all is well", text)
        self.assertEqual(lines[-1], "1 passed, 2 failed")

    def test_success_is_short(self):
        self.assertEqual(self.told(("true",)), (0, ["1 passed, 0 failed"]))

    def test_excerpt_of_taps(self):
        text = "not ok 1 - a\n# why\n" + "ok\n" * 500
        lines = run_tests.excerpt(text)
        self.assertEqual(lines[:2], ["not ok 1 - a", "# why"])
        self.assertEqual(len(lines), run_tests.REASON_LINES + 1 + run_tests.TAIL_LINES)

    def test_excerpts_are_bounded(self):
        lines = run_tests.excerpt("not ok 1 - a\n" * 100000 + "the end\n")
        self.assertLessEqual(len(lines), run_tests.EXCERPT_LINES_MAX + 1)
        self.assertEqual(lines[-1], "the end")


if __name__ == "__main__":
    unittest.main()
