# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Tests how tools/run-tests counts: nothing that went wrong may count as well."""

import contextlib
import importlib.machinery
import importlib.util
import io
import os
import select
import subprocess
import sys
import tempfile
import time
import unittest
import unittest.mock

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools", "run-tests")
sys.dont_write_bytecode = True
loader = importlib.machinery.SourceFileLoader("run_tests", PATH)
run_tests = importlib.util.module_from_spec(importlib.util.spec_from_loader("run_tests", loader))
loader.exec_module(run_tests)

# What runs in the background gets what others leave; only what hangs takes so long.
SECONDS_MAX = 400


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


class End(unittest.TestCase):
    def ended(self, *command, timeout=SECONDS_MAX):
        """The child of this command, after its end."""
        with tempfile.TemporaryFile() as output:
            child = run_tests.Child(command, timeout, output, {})
            while not child.has_ended():
                time.sleep(0.01)
        return child

    def test_status(self):
        self.assertEqual(self.ended("true").status, 0)
        self.assertEqual(self.ended("sh", "-c", "exit 3").status, 3)
        self.assertEqual(self.ended("sh", "-c", "kill -SEGV $$").status, -11)
        self.assertEqual(self.ended("no-such-program").status, 127)

    def test_too_long(self):
        child = self.ended("sleep", "3600", timeout=0.2)
        self.assertIsNone(child.status)
        self.assertLess(child.end - child.begin, 3600)

    def test_nothing_stays_behind(self):
        with tempfile.TemporaryDirectory() as folder:
            fifo = os.path.join(folder, "fifo")
            os.mkfifo(fifo)
            reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
            self.addCleanup(os.close, reader)
            self.ended("sh", "-c", f"exec 3>{fifo}; sleep 60 & exit 0")
            # The end of file comes when the last that has it open for writing is gone.
            self.assertTrue(select.select([reader], [], [], SECONDS_MAX)[0])
            self.assertEqual(os.read(reader, 1), b"")

    def test_seconds_of_processors_are_counted(self):
        spin = "import time\nwhile time.process_time() < 0.2: pass"
        self.assertGreater(self.ended("sh", "-c", f"{sys.executable} -c '{spin}'; true").cpu, 0.15)

    def test_unknown_suites_are_refused(self):
        done = subprocess.run([PATH, "--only", "nonsense"], capture_output=True, check=False)
        self.assertEqual(done.returncode, 2)


class Logged(unittest.TestCase):
    """With a folder for logs that goes again."""

    def setUp(self):
        logs = tempfile.TemporaryDirectory()
        self.addCleanup(logs.cleanup)
        self.logs = logs.name
        patch = unittest.mock.patch.object(run_tests, "LOGS", logs.name)
        patch.start()
        self.addCleanup(patch.stop)


class SideBySide(Logged):
    """Which programs run at the same time, and what becomes of their results."""

    # Writes when it began and ended, and takes long enough to be seen beside others.
    PROGRAM = ("import sys, time; begin = time.monotonic(); time.sleep(0.3); "
               "open(sys.argv[1], 'w').write(f'{begin} {time.monotonic()}')")

    # Ends when so many others have begun, which they say by a folder.
    MEETING = ("import os, sys, time\nfolder, name, others = sys.argv[1], sys.argv[2], sys.argv[3:]\n"
               "os.mkdir(folder + '/here-' + name)\n"
               "while not all(os.path.exists(folder + '/here-' + other) for other in others): time.sleep(0.01)")

    def meeting(self, places):
        """Programs of which each waits for all others; fails if they are not side by side."""
        names = [f"m{i}" for i in range(len(places))]
        runner = run_tests.Runner(None, 2)
        with contextlib.redirect_stdout(io.StringIO()) as output:
            runner.run([run_tests.Program(
                name, [sys.executable, "-I", "-S", "-c", self.MEETING, self.logs, name, *names], SECONDS_MAX, place=place)
                for name, place in zip(names, places)])
        self.assertEqual((runner.passed, runner.failed), (len(names), 0), output.getvalue())

    def program(self, name, **options):
        return run_tests.Program(
            name, [sys.executable, "-I", "-S", "-c", self.PROGRAM, os.path.join(self.logs, name)], SECONDS_MAX, **options)

    def run_all(self, *programs, jobs=2):
        """{name: (begin, end)} of all that ran."""
        runner = run_tests.Runner(None, jobs)
        with contextlib.redirect_stdout(io.StringIO()):
            runner.run(programs)
        spans = {}
        for name in set(os.listdir(self.logs)):
            if not name.endswith(".log") and not name.startswith("here-"):
                with open(os.path.join(self.logs, name), encoding="ascii") as file:
                    spans[name] = tuple(map(float, file.read().split()))
        self.assertEqual((runner.passed, runner.failed), (len(spans), 0))
        return spans

    def most_at_a_time(self, spans):
        return max(sum(begin <= moment < end for begin, end in spans) for moment, _ in spans)

    def test_no_more_than_jobs(self):
        spans = self.run_all(*(self.program(f"p{i}") for i in range(5)), jobs=2)
        self.assertEqual(len(spans), 5)
        self.assertLessEqual(self.most_at_a_time(spans.values()), 2)

    def test_those_that_sleep_take_no_place_of_others(self):
        self.meeting([run_tests.COMPUTES, run_tests.SLEEPS] * 2)
        spans = self.run_all(*(self.program(f"p{i}", place=run_tests.SLEEPS) for i in range(4)))
        self.assertLessEqual(self.most_at_a_time(spans.values()), 2)

    def test_who_is_to_be_alone_is(self):
        spans = self.run_all(*(
            self.program(name, place=run_tests.ALONE if name.startswith("alone") else place)
            for name, place in [("a", run_tests.COMPUTES), ("alone1", None), ("alone2", None),
                                ("b", run_tests.SLEEPS)]), jobs=8)
        for name in ("alone1", "alone2"):
            for other, (begin, end) in spans.items():
                if other != name:
                    self.assertTrue(end <= spans[name][0] or spans[name][1] <= begin, (name, other, spans))

    def test_the_background_is_beside_all_others_but_itself(self):
        for place in (run_tests.ALONE, run_tests.SLEEPS, run_tests.COMPUTES):
            self.meeting([run_tests.IN_BACKGROUND, place])
            for name in os.listdir(self.logs):
                if name.startswith("here-"):
                    os.rmdir(os.path.join(self.logs, name))
        spans = self.run_all(*(self.program(f"p{i}", place=run_tests.IN_BACKGROUND) for i in range(2)))
        self.assertEqual(self.most_at_a_time(spans.values()), 1)

    def test_the_background_gets_what_others_leave(self):
        code = ("import os\n"
                "assert os.sched_getscheduler(0) == os.SCHED_IDLE\n"
                "path = '/proc/self/autogroup'\n"
                "assert not os.path.exists(path) or open(path).read().strip().endswith('nice 19')\n")
        runner = run_tests.Runner(None)
        with contextlib.redirect_stdout(io.StringIO()) as output:
            runner.run([run_tests.Program("asked", [sys.executable, "-c", code], SECONDS_MAX,
                                          place=run_tests.IN_BACKGROUND)])
        self.assertEqual((runner.passed, runner.failed), (1, 0), output.getvalue())

    def test_one_job_is_one_at_a_time(self):
        spans = self.run_all(*(self.program(f"p{i}", place=place) for i, place in enumerate(
            [run_tests.COMPUTES, run_tests.SLEEPS, run_tests.IN_BACKGROUND])), jobs=1)
        self.assertEqual(self.most_at_a_time(spans.values()), 1)

    def test_those_that_take_long_begin_first(self):
        spans = self.run_all(*(self.program(f"p{i}", priority=i) for i in range(3)), jobs=1)
        self.assertEqual(sorted(spans, key=spans.get), ["p2", "p1", "p0"])

    def test_some_wait_for_another(self):
        first = self.program("first", then=lambda: [self.program("second", then=lambda: [self.program("third")])])
        spans = self.run_all(first, self.program("beside"))
        self.assertEqual(len(spans), 4)
        self.assertLess(spans["first"][1], spans["second"][0])
        self.assertLess(spans["second"][1], spans["third"][0])

    def test_what_waits_for_a_failure_does_not_run(self):
        runner = run_tests.Runner(None, 2)
        with contextlib.redirect_stdout(io.StringIO()):
            runner.run([run_tests.Program("bad", ["false"], SECONDS_MAX, then=lambda: [self.program("never")])])
        self.assertEqual((runner.passed, runner.failed), (0, 1))
        self.assertNotIn("never", os.listdir(self.logs))

    def test_none_outlives_a_runner_that_is_interrupted(self):
        began = []

        def interrupt():
            began.append(True)
            raise KeyboardInterrupt

        begin = time.monotonic()
        with contextlib.redirect_stdout(io.StringIO()), self.assertRaises(KeyboardInterrupt):
            run_tests.Runner(None, 2).run([
                run_tests.Program("long", ["sleep", "3600"], 3600),
                run_tests.Program("short", ["true"], SECONDS_MAX, then=interrupt)])
        self.assertTrue(began)
        with self.assertRaises(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)
        self.assertLess(time.monotonic() - begin, 3600)


class Reasons(Logged):
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

    def told(self, *commands):
        """(the status, what is told in the end) of a run of these programs."""
        runner = run_tests.Runner(None)
        with contextlib.redirect_stdout(io.StringIO()):
            runner.run([run_tests.Program(f"suite/{number}", command, SECONDS_MAX)
                        for number, command in enumerate(commands)])
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
