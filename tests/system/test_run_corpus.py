#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Tests run_corpus.py itself: what counts as a right answer, and that every program has one."""

import contextlib
import io
import os
import re
import sys
import types
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import run_corpus  # noqa: E402
from manifest import PROGRAMS, healthy, leak, runs_on  # noqa: E402


def report(verdict, *suspects):
    return {
        "verdict": verdict,
        "suspects": [
            {"rank": rank, "path": path, "kind": kind}
            for rank, (path, kind) in enumerate(suspects, 1)],
    }


NAMED = ("leak_set.deduplicator.seen", "container")


class JudgeTest(unittest.TestCase):
    def right(self, program, answer):
        return run_corpus.judge(program, answer)[0]

    def test_a_leak_is_named_first_or_not(self):
        program = leak("set", r"{M}\.deduplicator\.seen")
        self.assertTrue(self.right(program, report("leak", NAMED)))
        self.assertTrue(self.right(program, report("leak", ("__main__.deduplicator.seen", "x"))))
        self.assertFalse(self.right(program, report("leak", ("other", "x"), NAMED)))
        self.assertFalse(self.right(program, report("leak", (NAMED[0] + ".more", "x"))))
        self.assertFalse(self.right(program, report("leak", ("more." + NAMED[0], "x"))))
        self.assertFalse(self.right(program, report("leak", (None, "x"))))
        self.assertFalse(self.right(program, report("no-leak", NAMED)))
        self.assertFalse(self.right(program, report("leak")))

    def test_buffers_are_part_of_what_is_retained(self):
        program = leak("set", r".*", bytes=1000)
        answer = report("leak", NAMED)
        for total, right in ((10000, True), (9999, False)):
            answer["suspects"][0]["growth"] = {"objects": 10, "bytes": total}
            self.assertEqual(self.right(program, answer), right)

    def test_who_adds_is_compared_where_it_is_the_answer(self):
        program = leak("set", r".*", adder=r"(Cache\.)?add")
        answer = report("leak", NAMED)
        for functions, right in ((["main", "Cache.add"], True), (["add"], True), (["main"], False), ([], False)):
            answer["suspects"][0]["added_by"] = [{"function": name} for name in functions]
            self.assertEqual(self.right(program, answer), right)

    def test_kind_is_compared_where_it_is_the_answer(self):
        program = leak("garbage", r".*", kind=r"garbage")
        self.assertTrue(self.right(program, report("leak", (None, "garbage"))))
        self.assertFalse(self.right(program, report("leak", (None, "container"))))

    def test_a_healthy_program_has_no_suspect(self):
        program = healthy("churn")
        self.assertTrue(self.right(program, report("no-leak")))
        self.assertFalse(self.right(program, report("no-leak", NAMED)))
        self.assertFalse(self.right(program, report("leak")))

    def summary(self, *outcomes):
        interpreter = types.SimpleNamespace(name="3.11")
        results = [
            run_corpus.Result(program, interpreter, right, answered, "", 1)
            for program, right, answered in outcomes]
        with contextlib.redirect_stdout(io.StringIO()):
            return run_corpus.summary(results, 95)

    def test_threshold(self):
        one, other = leak("set", "x"), healthy("churn")
        named = [(one, True, True)]
        self.assertTrue(self.summary(*named * 19, (one, False, True), (other, True, True)))
        self.assertFalse(self.summary(*named * 18, (one, False, True), (other, True, True)))
        self.assertFalse(self.summary(*named * 19, (other, False, True)))
        self.assertFalse(self.summary(*named * 19, (other, False, False)))


class ManifestTest(unittest.TestCase):
    def test_every_program_is_listed_once(self):
        listed = [program.file for program in PROGRAMS]
        there = [
            name for name in os.listdir(run_corpus.CORPUS) if name.startswith(("leak_", "healthy_"))]
        self.assertEqual(sorted(listed), sorted(there))

    def test_there_are_enough(self):
        leaks = [program for program in PROGRAMS if program.paths is not None]
        self.assertGreaterEqual(len(leaks), 25)
        self.assertGreaterEqual(len(PROGRAMS) - len(leaks), 12)

    def test_each_set_has_leaks_and_healthy_programs_for_every_version(self):
        for name, version in (("fast", (3, 11)), ("small", (2, 7)), ("small", (3, 6)), ("small", (3, 15))):
            with self.subTest(set=name, version=version):
                mine = [program for program in PROGRAMS
                        if name in program.sets and runs_on(program, version)]
                leaks = [program for program in mine if program.paths is not None]
                self.assertGreaterEqual(len(leaks), 5)
                self.assertGreaterEqual(len(mine) - len(leaks), 2)

    def test_versions(self):
        self.assertTrue(runs_on(leak("a", "x"), (2, 7, 18)))
        self.assertTrue(runs_on(leak("a", "x", until=(3, 13)), (3, 13, 1)))
        self.assertFalse(runs_on(leak("a", "x", until=(3, 13)), (3, 14, 0)))
        self.assertFalse(runs_on(leak("a", "x", since=(3, 7)), (3, 6, 15)))

    def test_programs_that_run_on_2_7_are_of_its_syntax(self):
        newer = re.compile(r"^\s*async |^\s*nonlocal |\bf[\"']|\bsuper\(\)|\bprint\(.*\b(file|flush)=|"
                           r"\braise .* from |->", re.MULTILINE)
        for program in PROGRAMS:
            if runs_on(program, (2, 7)):
                with self.subTest(program=program.file):
                    with open(os.path.join(run_corpus.CORPUS, program.file), encoding="ascii") as file:
                        self.assertIsNone(newer.search(file.read()))

    def test_patterns_do_not_match_everything(self):
        for program in PROGRAMS:
            for pattern in program.paths or ():
                with self.subTest(program=program.file, pattern=pattern):
                    matches = re.fullmatch(pattern.replace("{M}", "app"), "app.other.thing")
                    # Where any path is right, the kind must be.
                    self.assertTrue(not matches or program.kind is not None)


if __name__ == "__main__":
    unittest.main()
