#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""shikari watch-object against what a process says of itself, on every CPython that is found.

watch_target.py changes containers on command and says what it did: from which line and function, by which
stack, in which thread, for which request. What was watched must be that, change by change: none missed, none
invented. TRUTH_VERSIONS ("2.7 3.14") runs some versions only.
"""

import collections
import concurrent.futures
import json
import os
import re
import select
import signal
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
sys.dont_write_bytecode = True

import interpreters  # noqa: E402

BUILD = os.environ.get("SHIKARI_BUILD", os.path.join(HERE, "..", "..", "build"))
SHIKARI = os.environ.get("SHIKARI", os.path.join(BUILD, "shikari"))
TARGET = os.path.join(HERE, "watch_target.py")
AT_A_TIME = 2
TIMEOUT_S = 240
#: Frames that a change has at most (watch.h: WATCH_FRAMES_MAX).
FRAMES_MAX = 64
KINDS = 3
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "HOME": os.environ.get("HOME", "/"),
    "LANG": "C.UTF-8",
    "PYTHONDONTWRITEBYTECODE": "1",
}


def read_line(stream):
    readable, _, _ = select.select([stream], [], [], TIMEOUT_S)
    line = stream.readline() if readable else ""
    assert line, "it said nothing"
    return json.loads(line)


class Target:
    """watch_target.py, from __enter__ to __exit__."""

    def __init__(self, interpreter):
        self.interpreter = interpreter

    def __enter__(self):
        self.process = subprocess.Popen(
            self.interpreter.command(TARGET), env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True)
        self.pid = read_line(self.process.stdout)["pid"]
        return self

    def __exit__(self, *exception):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()

    def ask(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return read_line(self.process.stdout)

    def end(self):
        output = self.process.communicate(timeout=TIMEOUT_S)[0]
        assert self.process.returncode == 0 and not output, (self.process.returncode, output)


class Watch:
    """watch-object at work: from `with` on nothing is missed. After it, `changes` and `end` are there."""

    def __init__(self, target, *paths, arguments=()):
        self.process = subprocess.Popen(
            [SHIKARI, "watch-object", "--json", "--max-rate", "1000000", *arguments, str(target.pid), *paths],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def __enter__(self):
        try:
            self.start = read_line(self.process.stdout)
        except AssertionError:
            self.process.kill()
            raise AssertionError(self.process.communicate()[1]) from None
        assert self.start["event"] == "start", self.start
        return self

    def __exit__(self, *exception):
        self.process.send_signal(signal.SIGINT)
        output, errors = self.process.communicate(timeout=TIMEOUT_S)
        if exception[0]:
            return
        assert self.process.returncode == 0, (self.process.returncode, errors)
        lines = [json.loads(line) for line in output.splitlines()]
        self.changes, self.end = lines[:-1], lines[-1]
        assert self.end["event"] == "end" and self.end["lines_lost"] == 0, self.end
        assert all(change["event"] == "change" for change in self.changes)
        assert self.end["watch"]["method"] == "hardware", self.end["watch"]
        assert not self.end["watch"]["pauses"]

    def check_counts(self):
        """As many changes as stores, each from where the last one led."""
        for object_ in self.end["objects"]:
            mine = [change for change in self.changes if change["path"] == object_["path"]]
            assert len(mine) == object_["changes"] == object_["stores"], (len(mine), object_)
            length = object_["first"]
            for change in mine:
                assert change["before"] == length, (change, length)
                length = change["after"]
            assert length == object_["last"]


def triples(stack):
    return [[frame["file"], frame["line"], frame["function"]] for frame in stack]


def check_threads(target):
    with Watch(target, "watch_target.items") as watch:
        did = target.ask("threads")
    watch.check_counts()
    assert len(watch.changes) == did["total"], (len(watch.changes), did["total"])
    expected = {(TARGET, line, function): hits for line, function, hits in did["sites"]}
    sites = watch.end["objects"][0]["added_by"]
    found = {(site["file"], site["line"], site["function"]): site["hits"] for site in sites}
    assert found == expected, (found, expected)
    share = did["total"] // len(did["threads"])
    threads = collections.Counter(change["thread"] for change in watch.changes)
    assert threads == {name: share for name in did["threads"]}, threads
    for site in sites:
        assert sorted(thread["name"] for thread in site["threads"]) == sorted(did["threads"]), site["threads"]


def check_stacks(target, command, is_cut):
    with Watch(target, "watch_target.items") as watch:
        stacks = target.ask(command)["stacks"]
    watch.check_counts()
    assert len(watch.changes) == len(stacks), (len(watch.changes), len(stacks))
    for change, stack in zip(watch.changes, stacks):
        expected = stack[:FRAMES_MAX]
        assert triples(change["stack"]) == expected, (triples(change["stack"]), expected)
        assert change["stack_is_cut"] == is_cut


def check_requests(target):
    with Watch(target, "watch_target.items") as watch:
        expected = target.ask("requests")["requests"]
    found = [change["request"] and [change["request"]["method"], change["request"]["path"]]
             for change in watch.changes]
    assert found == expected, (found, expected)
    assert "secret" not in json.dumps(watch.changes)
    with Watch(target, "watch_target.items", arguments=["--values"]) as watch:
        target.ask("requests")
    assert watch.changes[0]["request"]["query"] == "token=secret", watch.changes[0]


def is_rebuilt(target, change):
    """A dict or set of 2.7 that makes itself a bigger table counts down to 0 and up again."""
    return target.interpreter.version[0] == 2 and (change["after"] == 0 or change["after"] > change["before"])


def check_kinds(target, number):
    names = target.ask(f"names{number}")["names"]
    paths = [f"watch_target.{name}".rstrip(".") for name in names]
    with Watch(target, *paths) as watch:
        did = target.ask(f"kinds{number}")["changes"]
    watch.check_counts()
    for name, object_ in zip(names, watch.end["objects"]):
        steps = [change["after"] - change["before"] for change in watch.changes
                 if change["path"] == object_["path"] and (change["is_record"] or not is_rebuilt(target, change))]
        assert steps == did[name], (name, steps, did[name])
        for change in watch.changes:
            # An OrderedDict of 2.7 is written in Python.
            functions = [frame["function"] for frame in change["stack"][:2]]
            assert any(function.startswith("change_") for function in functions), (name, functions)


def check_sort(target):
    """A list is empty while it sorts itself: that is no growth."""
    with Watch(target, "watch_target.items") as watch:
        target.ask("sort")
    assert [change["after"] - change["before"] for change in watch.changes] == [
        -watch.start["objects"][0]["length"], watch.start["objects"][0]["length"]], watch.changes
    assert not any(change["is_record"] for change in watch.changes)


def try_interpreter(interpreter):
    with Target(interpreter) as target:
        check_threads(target)
        check_stacks(target, "stacks", False)
        check_stacks(target, "many", True)
        check_requests(target)
        check_sort(target)
        for number in range(KINDS):
            check_kinds(target, number)
        target.end()


class WatchTest(unittest.TestCase):
    outcomes = {}

    @classmethod
    def setUpClass(cls):
        cls.pool = concurrent.futures.ThreadPoolExecutor(AT_A_TIME)
        cls.outcomes = {name: cls.pool.submit(try_interpreter, cls.found[name]) for name in cls.wanted}

    @classmethod
    def tearDownClass(cls):
        cls.pool.shutdown(cancel_futures=True)

    found = {}
    wanted = ()

    def check(self):
        self.outcomes[self.id().rpartition(".")[2]].result()


def load_tests(_loader, tests, _pattern):
    """Knows which tests -k has left, so that only these are begun ahead."""
    names = [test.id().rpartition(".")[2] for suite in tests for test in suite]
    WatchTest.wanted = [name for name in names if name in WatchTest.found]
    return tests


for one in interpreters.chosen():
    test = "test_" + re.sub(r"\W+", "_", one.name)
    WatchTest.found[test] = one
    setattr(WatchTest, test, lambda self: self.check())


if __name__ == "__main__":
    unittest.main()
