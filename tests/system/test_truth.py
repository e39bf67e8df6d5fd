#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""The graph that shikari reads from a process, against what the process says of itself.

For each CPython that tests/support/interpreters.py finds, and the libpython that uWSGI's plugin embeds.
TRUTH_VERSIONS ("2.7 3.14") runs some versions only. The dump tool is build/tests/support/graph-dump, or
GRAPH_DUMP. Prints the figures of each comparison, and in the end a table of all, which is also in
build/truth.md.
"""

import collections
import concurrent.futures
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))

import interpreters  # noqa: E402
from targets import is_asleep, wait_until  # noqa: E402

BUILD = os.environ.get("SHIKARI_BUILD", os.path.join(HERE, "..", "..", "build"))
GRAPH_DUMP = os.environ.get("GRAPH_DUMP", os.path.join(BUILD, "tests", "support", "graph-dump"))
READY_TIMEOUT_S = 300
DUMP_TIMEOUT_S = 300
COMPARE_TIMEOUT_S = 600
STOP_TIMEOUT_S = 60

ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": os.environ.get("HOME", "/"),
    "LANG": "C.UTF-8",
    "PYTHONDONTWRITEBYTECODE": "1",
}


#: Columns of the table: heading, figure of compare_truth.py.
COLUMNS = [
    ("objects", "all objects found, type right"),
    ("edges", "edges found"),
    ("sizes", "sizes"),
    ("refcounts, exact", "refcounts explained by exact edges"),
    ("with inferred", "refcounts explained with inferred edges"),
]

Outcome = collections.namedtuple("Outcome", "name figures output problem")


class Target:
    """truth_target.py in some process, standing still from __enter__ to __exit__."""

    def __init__(self, command, **environment):
        self.command = command
        self.environment = {**ENVIRONMENT, **environment}

    def __enter__(self):
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            self.command, env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self.log, start_new_session=True)
        try:
            self.pid = self.wait_until_ready()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *exception):
        self.close()

    def close(self):
        """End it and all its children: they are a session of their own."""
        self.process.stdin.close()
        try:
            os.killpg(self.process.pid, 9)
        except ProcessLookupError:
            pass
        self.process.wait(STOP_TIMEOUT_S)
        self.process.stdout.close()
        self.log.close()

    def wait_until_ready(self):
        """The PID that the target names; for uWSGI this is a worker's."""
        deadline = time.monotonic() + READY_TIMEOUT_S
        output = b""
        while time.monotonic() < deadline:
            readable, _, _ = select.select([self.process.stdout], [], [], 1)
            if readable:
                chunk = os.read(self.process.stdout.fileno(), 4096)
                if not chunk:
                    break
                output += chunk
                for line in output.split(b"\n")[:-1]:
                    if line.startswith(b"ready "):
                        pid = int(line.split()[1])
                        # It still has to begin to read its input.
                        assert wait_until(lambda: is_asleep(pid))
                        return pid
        self.log.seek(0)
        errors = self.log.read().decode(errors="replace")
        raise AssertionError(f"{self.command} was not ready:\n{output.decode()}\n{errors}")


def compare(target, truth, dump):
    """(figures, what was printed, what is wrong or None)"""
    dumped = subprocess.run([GRAPH_DUMP, str(target.pid), dump], capture_output=True,
                            text=True, timeout=DUMP_TIMEOUT_S, check=False)
    if dumped.returncode != 0:
        return {}, dumped.stdout, dumped.stderr or f"graph-dump: status {dumped.returncode}"
    compared = subprocess.run(
        [sys.executable, os.path.join(HERE, "compare_truth.py"), truth, dump, "--explain",
         "--figures", dump + ".json"], capture_output=True, text=True, timeout=COMPARE_TIMEOUT_S, check=False)
    problem = compared.stderr if compared.returncode != 0 else None
    if target.process.poll() is not None:
        problem = "the target is gone"
    figures = {}
    if os.path.exists(dump + ".json"):
        with open(dump + ".json", encoding="utf-8") as file:
            figures = json.load(file)
    return figures, compared.stdout, problem


def outcome_of(name, command, is_right=lambda target: True, **environment):
    """What comes of a target; `command` is made from where it is to write the truth."""
    with tempfile.TemporaryDirectory(prefix="truth-") as folder:
        truth = os.path.join(folder, "truth")
        try:
            with Target(command(truth), TRUTH_FILE=truth, **environment) as target:
                if not is_right(target):
                    return Outcome(name, {}, "", "the process is not the one that was meant")
                return Outcome(name, *compare(target, truth, os.path.join(folder, "dump")))
        except (AssertionError, OSError, subprocess.SubprocessError) as error:
            return Outcome(name, {}, "", str(error))


def row(outcome):
    cells = [outcome.name]
    for _, figure in COLUMNS:
        right, of = outcome.figures.get(figure, (0, 0))
        cells.append(f"{100 * right / of:.3f} % of {of}" if of else "-")
    return cells + ["FAILED" if outcome.problem else "ok"]


def table(outcomes):
    """In Markdown."""
    rows = [["interpreter", *(heading for heading, _ in COLUMNS), ""], *map(row, outcomes)]
    widths = [max(map(len, column)) for column in zip(*rows)]
    rows.insert(1, ["-" * width for width in widths])
    return "".join("| " + " | ".join(map(str.ljust, cells, widths)) + " |\n" for cells in rows)


class TruthTest(unittest.TestCase):
    outcomes = []

    @classmethod
    def setUpClass(cls):
        if not os.access(GRAPH_DUMP, os.X_OK):
            raise AssertionError(f"{GRAPH_DUMP} is not there: make build")

    @classmethod
    def tearDownClass(cls):
        text = table(sorted(cls.outcomes, key=lambda outcome: list(map(int, outcome.name.split()[0].split(".")))))
        print("\n" + text, flush=True)
        with open(os.path.join(BUILD, "truth.md"), "w", encoding="utf-8") as file:
            file.write(text)

    def judge(self, outcome):
        self.outcomes.append(outcome)
        print(f"\n# {outcome.name}\n{outcome.output}", flush=True)
        self.assertIsNone(outcome.problem, outcome.problem)

    def test_python(self):
        chosen = interpreters.chosen()
        self.assertTrue(chosen, "no interpreter of the versions asked for")
        target = os.path.join(HERE, "truth_target.py")
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            waiting = [pool.submit(outcome_of, one.name, lambda truth, one=one: one.command(target, truth))
                       for one in chosen]
            for one, outcome in zip(chosen, waiting):
                with self.subTest(interpreter=one.name):
                    self.judge(outcome.result())

    def test_heap_at_addresses_like_counts(self):
        """The counts of 3.11's static objects, about 999999999, are addresses of the heap."""
        command = [
            "setpriv", "--pdeathsig=KILL", "--", "env", "TRUTH_HEAP_BYTES=1000000000", "setarch", "-R",
            "/usr/bin/python3.11", os.path.join(HERE, "truth_target.py")]
        self.judge(outcome_of("3.11.2 large low heap", lambda truth: command + [truth]))

    def test_embedded_in_uwsgi(self):
        uwsgi = shutil.which("uwsgi", path=ENVIRONMENT["PATH"]) or shutil.which(
            "uwsgi-core", path=ENVIRONMENT["PATH"])
        self.assertTrue(uwsgi, "uwsgi is not installed: tools/install-dependencies test")
        command = [
            "setpriv", "--pdeathsig=KILL", "--",
            uwsgi, "--plugin", os.environ.get("UWSGI_PLUGIN", "python3"), "--master",
            "--processes", "1", "--enable-threads", "--lazy-apps", "--need-app", "--honour-stdin",
            "--no-orphans", "--http-socket", "127.0.0.1:0", "--pythonpath", HERE,
            "--wsgi-file", os.path.join(HERE, "truth_target.py")]
        outcome = outcome_of("3.11 in uWSGI", lambda _: command,
                             is_right=lambda target: target.pid != target.process.pid)
        self.judge(outcome._replace(name=outcome.figures.get("version", "3.11") + " in uWSGI"))


if __name__ == "__main__":
    unittest.main()
