#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""shikari watch-object names the C functions between Python and a list, on every CPython that is found.

native_target.py adds to a list from C code: of an extension module that we know (tests/targets/native_filler.c),
the same one stripped, and modules of the standard library. TRUTH_VERSIONS ("2.7 3.14") runs some versions only.
"""

import concurrent.futures
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
sys.dont_write_bytecode = True

import interpreters  # noqa: E402

BUILD = os.environ.get("SHIKARI_BUILD", os.path.join(HERE, "..", "..", "build"))
SHIKARI = os.environ.get("SHIKARI", os.path.join(BUILD, "shikari"))
FILLER = os.path.join(BUILD, "tests", "targets", "native_filler.so")
TARGET = os.path.join(HERE, "native_target.py")
AT_A_TIME = 2
TIMEOUT_S = 240
#: The methods of a list, and what calls them: 2.7 to 3.15 have two to five such functions.
PLAIN_MAX = 6
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "HOME": os.environ.get("HOME", "/"),
    "LANG": "C.UTF-8",
    "PYTHONDONTWRITEBYTECODE": "1",
}


def read_line(stream, timeout=TIMEOUT_S):
    readable, _, _ = select.select([stream], [], [], timeout)
    line = stream.readline() if readable else b""
    assert line, "it said nothing"
    return line.decode()


class Target:
    def __init__(self, interpreter, *arguments):
        self.process = subprocess.Popen(interpreter.command(TARGET, *arguments), env=ENVIRONMENT, bufsize=0,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self):
        said = json.loads(read_line(self.process.stdout))
        self.pid, self.modules = said["pid"], said["modules"]
        return self

    def __exit__(self, *exception):
        self.process.kill()
        self.process.communicate()

    def add(self, way):
        self.process.stdin.write(way.encode() + b"\n")
        read_line(self.process.stdout)


class Watch:
    """watch-object on the list, from `with` on."""

    def __init__(self, target, *options):
        self.target = target
        self.process = subprocess.Popen(
            [SHIKARI, "watch-object", "--max-rate", "100000", *options, str(target.pid), "__main__.items"], bufsize=0,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def __enter__(self):
        # What is added now may be before it watches.
        while not self.has_line("append", 0.2):
            self.target.add("append")
        return self

    def __exit__(self, *exception):
        self.process.kill()
        self.process.communicate()

    def read(self, way):
        """The next line about something that was added that way. Others are left over: lists may grow in steps."""
        while True:
            line = read_line(self.process.stdout)
            if re.search(rf'(\bin |"function": ?"){way}\b', line):
                return line

    def has_line(self, way, seconds):
        return select.select([self.process.stdout], [], [], seconds)[0] and way in read_line(self.process.stdout)

    def add(self, way):
        self.target.add(way)
        return self.read(way)

    def natives(self, way):
        return json.loads(self.add(way))["native"]

    def end(self):
        self.process.send_signal(signal.SIGINT)
        output, errors = self.process.communicate(timeout=TIMEOUT_S)
        assert self.process.returncode == 0, errors
        return output.decode()


def names_of(natives, library):
    return [native["function"] for native in natives if native["library"] == library]


def check_plain(watch, interpreter):
    """A method of the list is called by the interpreter, and there the stack ends: it is told to nobody who does
    not ask for it."""
    binary = os.path.basename(interpreter.libpython or interpreter.path)
    for way in ("append", "extend", "concatenate"):
        natives = watch.natives(way)
        assert len(natives) <= PLAIN_MAX, (way, natives)
        assert all(native["library"] == binary for native in natives), (way, binary, natives)
        functions = [native["function"] for native in natives]
        assert not any(function and "EvalFrame" in function for function in functions), functions
        # From 3.11 on an instruction may do it by itself.
        if not interpreter.is_stripped and way == "extend":
            assert any("extend" in function for function in functions), functions


def wait_for(watch, way, library):
    """Libraries that were loaded meanwhile are noticed a second later."""
    end = time.monotonic() + TIMEOUT_S
    while True:
        natives = watch.natives(way)
        if names_of(natives, library):
            return natives
        assert time.monotonic() < end, natives
        time.sleep(0.1)


def check_extension(watch, interpreter):
    natives = wait_for(watch, "fill", "native_filler.so")
    assert names_of(natives, "native_filler.so") == ["native_put", "native_fill"], natives
    own = [native["library"] for native in natives].index("native_filler.so")
    binary = os.path.basename(interpreter.libpython or interpreter.path)
    assert own and all(native["library"] == binary for native in natives[:own]), natives
    # PyList_Append is exported; what it calls may do the store.
    assert "PyList_Append" in [native["function"] for native in natives[:own]], natives
    assert names_of(natives[own:], watch.target.modules["_ctypes"]), natives


def check_stripped(watch):
    natives = watch.natives("fill_stripped")
    assert names_of(natives, "native_stripped.so") == [None, "native_fill"], natives


def check_modules(watch, interpreter):
    """The standard library's, where they are libraries of their own and so can be told by that."""
    modules = watch.target.modules
    if modules["_json"]:
        natives = watch.natives("decode")
        assert names_of(natives, modules["_json"]), natives
        if not interpreter.is_stripped:
            assert names_of(natives, modules["_json"])[0].startswith("scan_once"), natives
            assert names_of(natives, modules["_json"])[-1] == "scanner_call", natives
    if modules["_sqlite3"]:
        natives = watch.natives("query")
        assert names_of(natives, modules["_sqlite3"]), natives
        assert "sqlite3_step" in [native["function"] for native in natives], natives


def try_interpreter(interpreter, stripped):
    with Target(interpreter, FILLER, stripped) as target:
        if target.modules["_ctypes"]:
            target.add("fill_stripped")
        with Watch(target, "--json") as watch:
            check_plain(watch, interpreter)
            check_modules(watch, interpreter)
            if target.modules["_ctypes"]:
                check_stripped(watch)
                check_extension(watch, interpreter)
            end = json.loads(watch.end().splitlines()[-1])
    assert end["watch"]["method"] == "hardware", end
    of_sites = {site["function"]: site["native"] for site in end["objects"][0]["added_by"]}
    assert len(of_sites["append"]) <= PLAIN_MAX, of_sites
    if target.modules["_json"]:
        assert any(names_of(natives, target.modules["_json"]) for natives in of_sites.values()), of_sites


def machines_own():
    return next(one for one in interpreters.find() if one.path == os.path.realpath("/usr/bin/python3"))


class NativeStackTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        # Where targets in other mount namespaces have it too.
        cls.stripped = os.path.join(cls.folder.name, "native_stripped.so")
        shutil.copy(FILLER, cls.stripped)
        subprocess.run(["strip", "--strip-unneeded", cls.stripped], check=True)

    def test_all_versions(self):
        chosen = interpreters.chosen()
        with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
            outcomes = {one.name: pool.submit(try_interpreter, one, self.stripped) for one in chosen}
        for name, outcome in outcomes.items():
            with self.subTest(name):
                outcome.result()

    def test_text_has_only_what_the_line_does_not_say(self):
        with Target(machines_own(), FILLER, self.stripped) as target:
            # What is loaded before is known at once.
            for way in ("fill", "fill_stripped"):
                target.add(way)
            with Watch(target) as watch:
                lines = {way: watch.add(way) for way in ("append", "extend", "fill", "fill_stripped")}
                end = watch.end()
        for way in ("append", "extend"):
            self.assertRegex(lines[way], rf"\+1 .*native_target.py:\d+ in {way} ")
            self.assertNotIn("in C", lines[way])
        self.assertRegex(lines["fill"], r":\d+ in call \(in C: native_put of native_filler\.so\) ← ")
        self.assertRegex(lines["fill_stripped"], r":\d+ in call \(in C: native_stripped\.so\) ← ")
        self.assertRegex(end, r":\d+ in call \(in C: native_put of native_filler\.so\) +← ")
        self.assertNotRegex(end, r"in append \(")


if __name__ == "__main__":
    unittest.main()
