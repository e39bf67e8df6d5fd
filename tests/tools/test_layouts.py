# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""The layouts in data/layout: made by the tools from rows.txt, and again the same from an interpreter."""
import glob
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.dont_write_bytecode = True
TOOLS = os.path.join(TOP, "tools", "layout")
sys.path[:0] = [TOOLS, os.path.join(TOP, "tests", "support")]
import compare_layouts  # noqa: E402
import dump_layouts  # noqa: E402
import import_layouts  # noqa: E402
import interpreters  # noqa: E402
import layout_fields  # noqa: E402

ROWS = layout_fields.read_rows()


def read(*path):
    with open(os.path.join(TOP, *path), encoding="utf-8") as file:
        return file.read()


class Rows(unittest.TestCase):
    """Nobody edits *.layout: all that rows.txt says is in them as it says it."""

    def test_a_file_for_each_row(self):
        names = sorted(os.path.basename(path)[:-len(".layout")]
                       for path in glob.glob(os.path.join(TOP, "data", "layout", "*.layout")))
        self.assertEqual(sorted(row["name"] for row in ROWS), names)

    def test_the_build_has_them_in_this_order(self):
        listed = re.search(r"foreach name : \[(.*?)\]", read("src", "cpython", "meson.build"), re.S)
        self.assertEqual(["cpython-" + name for name in re.findall(r"'([^']+)'", listed[1])],
                         [row["name"] for row in ROWS])

    def test_heads(self):
        for row in ROWS:
            with self.subTest(row["name"]):
                layout = layout_fields.read_layout(layout_fields.path_of_row(row["name"]))
                for key in "name", "version", "labels", "traits":
                    self.assertEqual(layout[key], row[key])
                low, high = (int(bound, 16) for bound in row["version"])
                self.assertLess(low, high)
                self.assertEqual(low >> 16, high >> 16)
                for label in row["labels"]:
                    self.assertEqual(layout_fields.version_of_label(label) >> 16, low >> 16)

    def test_what_is_set(self):
        for row in ROWS:
            with self.subTest(row["name"]):
                entries = layout_fields.read_layout(layout_fields.path_of_row(row["name"]))["entries"]
                self.assertEqual({entry: text[:-len(" set")] for entry, text in entries.items()
                                  if text.endswith(" set")}, row["set"])

    def test_nothing_else_is_in_them(self):
        wanted = layout_fields.wanted_entries()
        for row in ROWS:
            with self.subTest(row["name"]):
                entries = layout_fields.read_layout(layout_fields.path_of_row(row["name"]))["entries"]
                self.assertEqual(list(entries), sorted(set(entries) & wanted))
                for text in entries.values():
                    self.assertRegex(text, r"\A\d+( bit \d bits \d+|( \d+)?( set)?)\Z")


def with_debug_information():
    """(a row, a label of it, what an interpreter of that version says), or None: the newest that has any."""
    for interpreter in reversed(interpreters.find()):
        label = interpreter.name.split()[0]
        rows = [row for row in ROWS if label in row["labels"]]
        prefix = pathlib.Path(interpreter.path).parent.parent
        if rows and not interpreter.root:
            try:
                return rows[-1], label, dump_layouts.dump([prefix])[0]
            except dump_layouts.Trouble:
                pass
    return None


class Folder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def run_tool(self, name, *arguments, code=0):
        done = subprocess.run([sys.executable, os.path.join(TOOLS, name), *map(str, arguments)],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        self.assertEqual(done.returncode, code, done.stdout)
        return done.stdout

    def write(self, layouts):
        path = self.folder / "layouts.json"
        path.write_text(json.dumps({"layouts": layouts}))
        return path


class Interpreter(Folder):
    @classmethod
    def setUpClass(cls):
        cls.found = with_debug_information()
        if not cls.found:
            raise unittest.SkipTest("no CPython here has debug information")

    def test_it_gives_the_row_again(self):
        row, label, layout = self.found
        self.run_tool("import_layouts.py", self.write({label: layout}), "--row", row["name"],
                      "--out", self.folder)
        self.assertEqual((self.folder / f"{row['name']}.layout").read_text(),
                         layout_fields.path_of_row(row["name"]).read_text())

    def test_every_entry_of_the_row_is_in_it(self):
        row, _, layout = self.found
        entries = layout_fields.read_layout(layout_fields.path_of_row(row["name"]))["entries"]
        equal, differ, missing, added = compare_layouts.compare(
            import_layouts.index_layout(layout), entries, layout_fields.wanted_entries())
        self.assertEqual([entry for entry in differ if not layout_fields.may_grow(entry)], [])
        self.assertEqual((missing, added), ([], []))
        self.assertEqual(equal + len(differ), len(entries))
        self.assertGreater(equal, 300)

    def test_a_difference_is_told(self):
        row, label, layout = self.found
        changed = json.loads(json.dumps(layout))
        field = next(field for field in changed["PyListObject"]["fields"] if field[0] == "ob_item")
        field[1] += 8
        path = self.write({label: changed})
        text = self.run_tool("compare_layouts.py", path, code=1)
        self.assertIn("PyListObject.ob_item: 24 8 in the row, 32 8 in " + label, text)
        self.assertIn("1 differ, 0 missing", text)
        self.assertIn("no row is right for " + label, text)
        self.run_tool("compare_layouts.py", self.write({label: layout}))


class Headers(Folder):
    """Without an interpreter: a probe of headers that are written here."""

    def test_what_is_in_headers_is_found(self):
        (self.folder / "internal").mkdir()
        (self.folder / "Python.h").write_text("""
            typedef struct { long ob_refcnt; void *ob_type; } PyObject;
            typedef struct { PyObject ob_base; struct { unsigned a:3; unsigned ascii:1; } state; } PyASCIIObject;
            typedef union { struct { void *gc_next, *gc_prev; } gc; char pad[32]; } PyGC_Head;
            struct _is { struct { int x; union { struct { void *modules; }; long y; }; } imports; };
            typedef struct _is PyInterpreterState;
            typedef struct { int hidden; } lru_cache_object;""")
        for name in "frameobject.h", "structmember.h":
            (self.folder / name).write_text("")
        layout, files = dump_layouts.dump([self.folder])
        index = import_layouts.index_layout(layout)
        self.assertEqual(files, 1)
        self.assertEqual(index["PyObject.ob_type"], "8 8")
        self.assertEqual(index["PyASCIIObject.state.ascii"], "16 bit 3 bits 1")
        self.assertEqual(index["PyGC_Head.gc.gc_prev"], "8 8")
        self.assertEqual(index["PyInterpreterState.imports.modules"], "8 8")
        self.assertEqual(index["lru_cache_object"], "4")
        self.assertNotIn("lru_cache_object.func", index)

    def test_mistakes(self):
        out = self.folder / "layouts.json"
        for word, reason in ((f"3.13.0={self.folder / 'none'}", "nothing to read"),
                             ("3.13.0=/bin/true", "no debug information"),
                             ("debian=/bin/true", "LABEL=PLACE is expected"), ("3.13.0", "is expected")):
            self.assertIn(reason, self.run_tool("dump_layouts.py", "--out", out, word, code=1))
        self.assertFalse(out.exists())


class Import(Folder):
    ROW = {"name": "cpython-3.13", "version": ["0x030d00f0", "0x030dffff"], "labels": ["3.13.0"],
           "traits": {}, "set": {}}

    def index(self, *labels, **layouts):
        return import_layouts.index_labels({**self.ROW, "labels": list(labels)}, layouts)

    def test_labels_that_are_not_at_hand_are_as_the_file_says(self):
        new = {"PyListObject": {"size": 40, "fields": [["ob_item", 24, 8, ""]]}}
        indexes = self.index("3.13.0", "3.13.99", **{"3.13.99": new})
        self.assertEqual(indexes["3.13.99"], {"PyListObject": "40", "PyListObject.ob_item": "24 8"})
        self.assertEqual(indexes["3.13.0"]["PyListObject.ob_item"], "24 8")
        self.assertGreater(len(indexes["3.13.0"]), 700)

    def test_labels_that_nobody_has_read_are_refused(self):
        with self.assertRaisesRegex(SystemExit, "no JSON has 3.13.99"):
            self.index("3.13.0", "3.13.99")

    def test_labels_must_agree(self):
        for struct, size, fields, message in (
                ("PyListObject", 40, [["ob_item", 32, 8, ""]], "PyListObject.ob_item: the labels disagree"),
                ("PyGC_Head", 24, [], "PyGC_Head: the labels disagree")):
            row = {**self.ROW, "labels": ["3.13.0", "3.13.99"]}
            with self.assertRaisesRegex(SystemExit, message):
                import_layouts.write_row(row, {"3.13.99": {struct: {"size": size, "fields": fields}}},
                                         layout_fields.wanted_entries(), self.folder)

    def test_the_least_size_of_what_may_grow(self):
        row = {**self.ROW, "labels": ["3.13.0", "3.13.99"]}
        import_layouts.write_row(row, {"3.13.99": {"PyThreadState": {"size": 8, "fields": []}}},
                                 layout_fields.wanted_entries(), self.folder)
        self.assertEqual(layout_fields.read_layout(self.folder / "cpython-3.13.layout")["entries"]
                         ["PyThreadState"], "8")


if __name__ == "__main__":
    unittest.main()
