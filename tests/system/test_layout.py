# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""shikari layout on every CPython that is found: the values are those of the process."""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

from targets import SECONDS_MAX, BUILD, TESTS, TargetTest

sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(TESTS, "support"), os.path.join(TESTS, "..", "tools", "layout")]
import dump_layouts  # noqa: E402
import import_layouts  # noqa: E402
import interpreters  # noqa: E402
import layout_fields  # noqa: E402

SHIKARI = os.path.join(BUILD, "shikari")
IDLE = "import sys; sys.stdout.write('ready\\n'); sys.stdout.flush(); sys.stdin.read()"

# Is told the values of all fields, and looks at its own objects with them. Understood by every version.
SELF = r"""
import collections, ctypes, json, sys, types
sys.stdout.write("ready\n")
sys.stdout.flush()
fields = json.loads(sys.stdin.readline())
failures, checked = [], [0]
integers = int, type(1 << 70)

def check(name, is_right):
    if name in fields:
        checked[0] += 1
        if not is_right(fields[name]):
            failures.append("%s %s" % (name, fields[name]))

def word(thing, offset):
    return ctypes.c_size_t.from_address((thing if isinstance(thing, integers) else id(thing)) + offset).value

def equal(name, value):
    check(name, lambda said: said == value)

def word_is(name, thing, value):
    check(name, lambda offset: word(thing, offset) == (value & (1 << 64) - 1 if isinstance(value, integers) else id(value)))

class Class(object):
    __slots__ = ("one", "__weakref__")

def function(): pass

def generator(): yield

a, b = Class(), Class()
pair, items, table = (a, b), [a, b], {"one": 1, "two": 2}
word_is("object.ob_type", a, Class)
word_is("object.ob_size", pair, 2)
word_is("tuple.ob_item", pair, a)
equal("tuple.ob_item", tuple.__basicsize__)
check("list.ob_item", lambda offset: word(word(items, offset), 0) == id(a) and word(word(items, offset), 8) == id(b))
check("list.allocated", lambda offset: 2 <= word(items, offset) <= 8)
equal("list.allocated", list.__basicsize__ - 8)
word_is("dict.ma_used", table, 2)
equal("dict.size", dict.__basicsize__)
word_is("set.used", set(items), 2)
equal("heap_type.size", type.__basicsize__)
check("type.tp_name", lambda offset: ctypes.string_at(word(Class, offset)) == b"Class")
word_is("type.tp_basicsize", Class, Class.__basicsize__)
word_is("type.tp_itemsize", tuple, tuple.__itemsize__)
word_is("type.tp_flags", Class, Class.__flags__)
word_is("type.tp_dictoffset", types.FunctionType, types.FunctionType.__dictoffset__)
word_is("type.tp_weaklistoffset", Class, Class.__weakrefoffset__)
word_is("type.tp_base", Class, object)
word_is("type.tp_bases", Class, Class.__bases__)
word_is("type.tp_mro", Class, Class.__mro__)
word_is("function.func_globals", function, globals())
word_is("function.func_code", function, function.__code__)
word_is("code.co_consts", function.__code__, function.__code__.co_consts)
word_is("code.co_filename", function.__code__, function.__code__.co_filename)
word_is("code.co_name", function.__code__, function.__code__.co_name)
word_is("module.md_dict", sys, vars(sys))
check("code.co_firstlineno", lambda offset:
      word(function.__code__, offset) & 0xffffffff == function.__code__.co_firstlineno)
check("bytes.ob_sval", lambda offset: ctypes.string_at(id(b"bytes") + offset) == b"bytes")
equal("bytes.ob_sval", bytes.__basicsize__ - 1)
equal("gc_head.size", sys.getsizeof(items) - items.__sizeof__())
equal("odict.size", collections.OrderedDict.__basicsize__ if sys.version_info > (3,) else -1)
word_is("deque.maxlen", collections.deque([], 7), 7)
if sys.version_info > (3,):
    equal("str.ascii_size", sys.getsizeof("") - 1)
    word_is("str.length", "four", 4)
    equal("str.compact_size", sys.getsizeof(chr(233) + chr(8364)) - 6)
    word_is("heap_type.ht_name", Class, Class.__name__)
sys.stdout.write(json.dumps([checked[0], failures]) + "\n")
sys.stdout.flush()
sys.stdin.read()
"""

# What looks like a CPython to whoever looks for one.
FAKE = r"""
#include <stdio.h>
#include <string.h>
char PyType_Type[1024];
unsigned long Py_Version = VERSION;
struct { char cookie[8]; unsigned long version, free_threaded; unsigned long entries[1000]; } _PyRuntime;
int main(void)
{
	memcpy(_PyRuntime.cookie, "xdebugpy", 8);
	_PyRuntime.version = VERSION;
	_PyRuntime.free_threaded = FREE_THREADED;
	memset(_PyRuntime.entries, FILL, sizeof(_PyRuntime.entries));
	puts("ready");
	fflush(stdout);
	return getchar() == 0;
}
"""


def run(*arguments):
    return subprocess.run([SHIKARI, *map(str, arguments)], text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=SECONDS_MAX, check=False)


class LayoutTest(TargetTest):
    def layout(self, *arguments, code=0):
        done = run("layout", "--json", *arguments)
        self.assertEqual(done.returncode, code, done.stderr)
        document = json.loads(done.stdout)
        self.assertEqual(document["schema"], "shikari.layout/1")
        return document


class All(LayoutTest):
    def test_rows_are_those_of_the_data(self):
        expected = layout_fields.read_rows()
        for arguments in (), ("--all",):
            document = self.layout(*arguments)
            self.assertIsNone(document["process"])
            self.assertEqual((document["fields"], document["members"]), ([], []))
            self.assertEqual([(row["row"], row["from"], row["version_low"], row["version_high"])
                              for row in document["rows"]],
                             [(row["name"], row["labels"], *(int(bound, 16) for bound in row["version"]))
                              for row in expected])
            for row, data in zip(document["rows"], expected):
                self.assertEqual(list(row["traits"]), list(data["traits"]))
                self.assertIsNone(row["refusal"])

    def test_a_line_for_each_row(self):
        done = run("layout")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        lines = done.stdout.splitlines()
        for line, row in zip(lines[1:], layout_fields.read_rows()):
            self.assertRegex(line, rf"^{re.escape(row['name'])} +\d\.\d+.* {re.escape(', '.join(row['labels']))}(; \d set)?$")
        self.assertIn("supported: CPython 2.7, 3.6 to 3.", lines[-1])

    def test_usage(self):
        for arguments in (("1", "2"), ("--all", "1"), ("x",), ("--frobnicate",)):
            done = run("layout", *arguments)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertRegex(done.stderr, r"\Ashikari: [^\n]+\n\Z")


class Interpreters(LayoutTest):
    def values(self, document):
        return {field["field"]: field["value"] for field in document["fields"]}

    def check_process(self, interpreter):
        target = self.start(*interpreter.command("-c", SELF))
        document = self.layout(target.pid)
        target.process.stdin.write(json.dumps(self.values(document)) + "\n")
        target.process.stdin.flush()
        checked, failures = json.loads(target.process.stdout.readline())
        self.assertEqual(failures, [])
        self.assertGreater(checked, 30)
        self.assertEqual(document["process"]["version_hex"], interpreter.hexversion)
        self.assertEqual(document["process"]["executable"], interpreter.path)
        self.assertEqual(document["process"]["binary"], interpreter.libpython or interpreter.path)
        self.assert_untouched(target.pid)
        return document

    def check_sources(self, document, version):
        *refused, row = document["rows"]
        self.assertTrue(row["taken"])
        self.assertLessEqual(row["version_low"], document["process"]["version_hex"])
        self.assertGreaterEqual(row["version_high"], document["process"]["version_hex"])
        for other in refused:
            self.assertFalse(other["taken"])
            self.assertTrue(other["refusal"])
        sources = {field["source"] for field in document["fields"]}
        self.assertEqual("process" in sources, version >= (3, 13))
        for field in document["fields"]:
            if field["source"] != "process":
                self.assertEqual(field["value"], field["row_value"])
        self.assertGreater(len({member["types"][0] for member in document["members"]}), 50)

    def test_values_are_those_of_the_process(self):
        interpreters.require_versions()
        for interpreter in interpreters.find():
            with self.subTest(interpreter.name):
                self.check_sources(self.check_process(interpreter), interpreter.version)

    def test_values_are_those_of_the_debug_information(self):
        for interpreter in reversed(interpreters.find()):
            try:
                prefix = pathlib.Path(interpreter.path).parent.parent
                index = import_layouts.index_layout(dump_layouts.dump([prefix])[0])
            except dump_layouts.Trouble:
                continue
            target = self.start(*interpreter.command("-c", IDLE))
            # What the row has of another patch release may be smaller.
            differ = {field["c_name"]: (field["value"], index[field["c_name"]])
                      for field in self.layout(target.pid)["fields"]
                      if field["kind"] != "bit" and str(field["value"]) != index[field["c_name"]].split()[0]}
            self.assertEqual({name for name in differ if not layout_fields.may_grow(name)}, set())
            return
        self.skipTest("no CPython here has debug information")

    def test_text(self):
        target = self.python(IDLE)
        done = run("layout", target.pid)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("CPython %d.%d.%d" % sys.version_info[:3], done.stdout.splitlines()[0])
        self.assertRegex(done.stdout, r"(?m)^list\.ob_item +24  PyListObject\.ob_item +row$")
        self.assertNotIn("\033", done.stdout)


class Refused(LayoutTest):
    def assert_as_a_hunt(self, pid, code):
        """The same words, the same exit code."""
        done, hunted = run("layout", pid), run("hunt", "--for", "1", pid)
        self.assertEqual((done.returncode, done.stderr), (hunted.returncode, hunted.stderr))
        self.assertEqual(done.returncode, code)
        return done

    def fake(self, version, fill=0, free_threaded=0):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = os.path.join(folder.name, "python")
        subprocess.run(["cc", f"-DVERSION={version:#x}", f"-DFILL={fill}",
                        f"-DFREE_THREADED={free_threaded}", "-x", "c", "-", "-o", path],
                       input=FAKE, text=True, check=True)
        return self.start(path).pid

    def test_not_python(self):
        with subprocess.Popen(["sleep", "60"]) as sleeper:
            try:
                self.assertEqual(self.assert_as_a_hunt(sleeper.pid, 4).stdout, "")
            finally:
                sleeper.kill()

    def test_a_snapshot(self):
        target = self.start(sys.executable, "-c", IDLE)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "a.shk")
            subprocess.run([SHIKARI, "snap", str(target.pid), "-o", path], stdout=subprocess.DEVNULL, check=True)
            done = run("layout", path)
            self.assertEqual((done.returncode, done.stdout), (4, ""))
            self.assertIn("a.shk' is a snapshot of CPython %d.%d.%d, which is read without a layout"
                          % sys.version_info[:3], done.stderr)
            self.assertEqual(done.stderr.count("\n"), 1)
            os.truncate(path, 5000)
            done = run("layout", path)
            self.assertEqual((done.returncode, done.stdout), (3, ""))
            self.assertIn("a.shk", done.stderr)

    def test_no_process(self):
        self.assert_as_a_hunt(2 ** 30, 3)

    def test_builds_that_are_not_supported(self):
        for interpreter in interpreters.find(is_release=False):
            with self.subTest(interpreter.name):
                target = self.start(*interpreter.command("-c", IDLE))
                self.assertEqual(self.assert_as_a_hunt(target.pid, 4).stdout, "")

    def test_a_version_without_a_row(self):
        for version, text in ((0x031000f0, "3.16.0"), (0x030d00a1, "3.13.0a1"), (0x030500f0, "3.5.0")):
            done = self.assert_as_a_hunt(self.fake(version), 4)
            self.assertEqual(done.stdout, "")
            self.assertIn(f"CPython {text} is not supported; supported: 2.7, 3.6 to 3.", done.stderr)

    def test_a_free_threaded_build(self):
        for version in 0x030d02f0, 0x030e08f0, 0x030f00f0:
            done = self.assert_as_a_hunt(self.fake(version, free_threaded=1), 4)
            self.assertEqual(done.stdout, "")
            self.assertIn("is a free-threaded build of CPython 3.%d, which" % (version >> 16 & 0xff), done.stderr)

    def test_no_row_fits(self):
        for fill in 0, 1, 255:
            pid = self.fake(0x030d02f0, fill)
            done = self.assert_as_a_hunt(pid, 3)
            self.assertIn("refused  cpython-3.13: ", done.stdout)
            document = self.layout(pid, code=3)
            self.assertEqual(document["process"]["python"], "CPython 3.13.2")
            self.assertEqual([row["row"] for row in document["rows"]], ["cpython-3.13", "cpython-3.13-debian"])
            for row in document["rows"]:
                self.assertFalse(row["taken"])
                self.assertTrue(row["refusal"])
            self.assertEqual(document["fields"], [])


if __name__ == "__main__":
    unittest.main()
