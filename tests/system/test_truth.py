#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""The graph that shikari reads from a process, against what the process says of itself.

For each CPython 3.11 that is there: /usr/bin/python3.11, those under pyenv's versions, and the
libpython that uWSGI's plugin embeds. Others can be named in TRUTH_PYTHONS (colon-separated). The dump
tool is build/tests/support/graph-dump, or GRAPH_DUMP. Prints the figures of each comparison.
"""

import glob
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get("SHIKARI_BUILD", os.path.join(HERE, "..", "..", "build"))
GRAPH_DUMP = os.environ.get("GRAPH_DUMP", os.path.join(BUILD, "tests", "support", "graph-dump"))
DEBIAN_PYTHON = "/usr/bin/python3.11"
READY_TIMEOUT_S = 120
DUMP_TIMEOUT_S = 120
COMPARE_TIMEOUT_S = 300
STOP_TIMEOUT_S = 10

ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": os.environ.get("HOME", "/"),
    "LANG": "C.UTF-8",
    "PYTHONDONTWRITEBYTECODE": "1",
}


def pyenv_pythons():
    root = os.environ.get("PYENV_ROOT")
    if not root and shutil.which("pyenv"):
        done = subprocess.run(["pyenv", "root"], capture_output=True, text=True, timeout=30, check=False)
        root = done.stdout.strip()
    root = root or os.path.expanduser("~/.pyenv")
    return sorted(glob.glob(os.path.join(glob.escape(root), "versions", "3.11*", "bin", "python")))


def pythons():
    """Each once, though it may have several names."""
    named = [path for path in os.environ.get("TRUTH_PYTHONS", "").split(":") if path]
    found = [DEBIAN_PYTHON] if os.access(DEBIAN_PYTHON, os.X_OK) else []
    return list(dict.fromkeys(map(os.path.realpath, named + found + pyenv_pythons())))


class Target:
    """truth_target.py in some process, standing still from __enter__ to __exit__."""

    def __init__(self, command, **environment):
        self.command = ["setpriv", "--pdeathsig=KILL", "--"] + command
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
                        return int(line.split()[1])
        self.log.seek(0)
        errors = self.log.read().decode(errors="replace")
        raise AssertionError(f"{self.command} was not ready:\n{output.decode()}\n{errors}")


class TruthTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="truth-")
        self.addCleanup(folder.cleanup)
        self.truth = os.path.join(folder.name, "truth")
        self.dump = os.path.join(folder.name, "dump")

    def compare(self, target):
        self.assertTrue(os.access(GRAPH_DUMP, os.X_OK), f"{GRAPH_DUMP} is not there: make build")
        dumped = subprocess.run([GRAPH_DUMP, str(target.pid), self.dump], capture_output=True,
                                text=True, timeout=DUMP_TIMEOUT_S, check=False)
        self.assertEqual(dumped.returncode, 0, dumped.stderr)
        compared = subprocess.run(
            [sys.executable, os.path.join(HERE, "compare_truth.py"), self.truth, self.dump],
            capture_output=True, text=True, timeout=COMPARE_TIMEOUT_S, check=False)
        print(f"\n# {' '.join(target.command[3:5])}, PID {target.pid}\n{compared.stdout}", flush=True)
        self.assertEqual(compared.returncode, 0, compared.stderr)
        self.assertIsNone(target.process.poll(), "the target is gone")

    def test_python(self):
        interpreters = pythons()
        self.assertTrue(interpreters, "no CPython 3.11 was found")
        for interpreter in interpreters:
            with self.subTest(interpreter=interpreter):
                with Target([interpreter, os.path.join(HERE, "truth_target.py"), self.truth]) as target:
                    self.compare(target)

    def test_embedded_in_uwsgi(self):
        uwsgi = shutil.which("uwsgi", path=ENVIRONMENT["PATH"]) or shutil.which(
            "uwsgi-core", path=ENVIRONMENT["PATH"])
        self.assertTrue(uwsgi, "uwsgi is not installed: tools/install-dependencies test")
        command = [
            uwsgi, "--plugin", os.environ.get("UWSGI_PLUGIN", "python3"), "--master",
            "--processes", "1", "--enable-threads", "--lazy-apps", "--need-app", "--honour-stdin",
            "--no-orphans", "--http-socket", "127.0.0.1:0", "--pythonpath", HERE,
            "--wsgi-file", os.path.join(HERE, "truth_target.py")]
        with Target(command, TRUTH_FILE=self.truth) as target:
            self.assertNotEqual(target.pid, target.process.pid, "not a worker")
            self.compare(target)


if __name__ == "__main__":
    unittest.main()
